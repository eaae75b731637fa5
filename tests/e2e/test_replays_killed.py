"""kill -9 of real processes in a replay's run: an API that starts or aborts it, a worker that does it.

Whatever died, the plan is run once, each order is replayed and written once, and what the replay tells
afterwards is what happened.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import Order
from tests.e2e.test_kill import environment
from tests.e2e.test_upgrade import process
from tests.e2e.tickets import B2, plain

pytestmark = [pytest.mark.processes, pytest.mark.timeout(150)]
ROOT = Path(__file__).parents[2]
REASON = "the board is open again"
KEY = {"Idempotency-Key": "run-it-once"}
# Where an order stands that was replayed: its ticket is there, its goods are not ordered.
THROUGH = ("waiting", "LINE_NOT_ORDERED")


@asynccontextmanager
async def failed(
    database_url: str, redis_url: str, many: int = 4
) -> AsyncIterator[tuple[Stack, list[Order]]]:
    """A stack without a worker, with orders that ConnectWise refused and would take now."""
    orders = [plain((901, 1), id=2000 + n) for n in range(many)]
    more: Rest = {"connectwise_timeout": 1.0, "quote_wait": 0.0, **B2}
    async with running(database_url, redis_url, **more) as stack:
        refused = {"method": "POST", "path": "/service/tickets$", "kind": "status", "status": 400}
        await stack.control("faults", [{**refused, "times": None}])
        for order in orders:
            await stack.deliver(order.approved())
        for order in orders:
            await stack.until_state(order.number, "held", "REMOTE_REJECTED")
        await rests(stack)
        await stack.kill_worker()
        await stack.control("faults", None, "DELETE")
        yield stack, orders


async def asked(stack: Stack, query: str, *given: Any) -> Sequence[Any]:
    connection = await asyncpg.connect(stack.container.settings.database_url)
    try:
        found: Sequence[Any] = await connection.fetch(query, *given)
    finally:
        await connection.close()
    return found


async def rests(stack: Stack) -> None:
    async def quiet() -> bool:
        return not await asked(stack, "SELECT FROM orders WHERE lease_token IS NOT NULL")

    await stack.until_true(quiet)


@asynccontextmanager
async def dying(stack: Stack, point: str, *command: str) -> AsyncIterator[Any]:
    """A process that kills itself at the point; afterwards it has."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.e2e.replay_killer", point, *command,
        cwd=ROOT, env=environment(stack) | {"PORT": "0", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield started
        async with asyncio.timeout(40):
            _, errors = await started.communicate()
        assert started.returncode == -signal.SIGKILL, errors.decode()[-2000:]
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


@asynccontextmanager
async def client_of(serving: asyncio.subprocess.Process) -> AsyncIterator[httpx.AsyncClient]:
    assert serving.stdout is not None
    async with asyncio.timeout(40):
        told = json.loads(await serving.stdout.readline())
    async with httpx.AsyncClient(base_url=told["url"], headers=bearer(), timeout=20) as client:
        yield client


@asynccontextmanager
async def api(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Another real API process, which lives."""
    async with process(ROOT, stack, "serve", "--json") as serving, client_of(serving) as client:
        yield client


async def planned(stack: Stack, orders: Sequence[Order]) -> str:
    body = {"orders": [order.number for order in orders], "reason": REASON}
    answer = await stack.client.post("/admin/replays", json=body, headers=bearer())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"])


async def told(stack: Stack, url: str) -> Rest:
    answer = await stack.client.get(url, headers=bearer())
    found: Rest = answer.json()
    return found


async def until_done(stack: Stack, url: str) -> Rest:
    async def done() -> bool:
        return bool((await told(stack, url))["state"] == "done")

    await stack.until_true(done, 60)
    return await told(stack, url)


async def replayed(stack: Stack) -> dict[int, int]:
    """How often each order was replayed, by its journal."""
    rows = await asked(
        stack,
        "SELECT o.id, count(j.id) AS many FROM orders AS o LEFT JOIN journal_event AS j"
        " ON j.order_id = o.id AND j.code = 'REPLAYED' GROUP BY o.id",
    )
    return {row["id"]: row["many"] for row in rows}


async def ran(stack: Stack, action: str = "replay.run") -> int:
    return len(await asked(stack, "SELECT FROM audit WHERE action = $1", action))


async def assert_once(stack: Stack, orders: Sequence[Order]) -> None:
    """Run once, each order replayed once, and one ticket of each in ConnectWise."""
    assert await ran(stack) == 1
    assert set((await replayed(stack)).values()) == {1}
    assert len(await stack.get("/service/tickets")) == len(orders)


def states(replay: Rest) -> list[str | None]:
    return [item["result"] and item["result"]["state"] for item in replay["items"]]


def assert_through(replay: Rest, many: int) -> None:
    assert (replay["state"], replay["settled"]) == ("done", many)
    assert replay["results"] == [{"state": THROUGH[0], "code": THROUGH[1], "orders": many}]
    assert replay["finished_at"] == max(item["result"]["at"] for item in replay["items"])


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("starting", "planned"),
        # One death of each kind in every run.
        pytest.param("started", "running", marks=pytest.mark.breadth),
        pytest.param("answering", "running", marks=pytest.mark.breadth),
    ],
)
async def test_an_api_killed_while_it_starts_a_run_has_started_it_whole_or_not_at_all(
    database_url: str, redis_url: str, point: str, state: str
) -> None:
    async with failed(database_url, redis_url) as (stack, orders):
        url = await planned(stack, orders)
        async with dying(stack, point, "serve", "--json") as serving, client_of(serving) as client:
            with pytest.raises(httpx.TransportError):
                await client.post(f"{url}/run", headers=KEY)
        left = await told(stack, url)
        assert (left["state"], left["settled"], states(left)) == (state, 0, [None] * len(orders))
        assert set((await replayed(stack)).values()) == {0 if state == "planned" else 1}
        async with api(stack) as client:
            # Who sent it sends it again, as does somebody else who saw no answer.
            early = await client.post(f"{url}/run", headers=KEY)
            assert early.status_code == 409, "the same request may still be worked on"
            assert early.json()["code"] == "IDEMPOTENCY_KEY_IN_USE"
            # Two processes, each asked by two people at once.
            asks = [one.post(f"{url}/run", headers=bearer()) for one in (client, stack.client) * 2]
            both = await asyncio.gather(*asks)
            assert {answer.status_code for answer in both} == {202}
            await stack.start_worker()
            await until_done(stack, url)
            await asked(
                stack, "UPDATE idempotency_key SET created_at = created_at - interval '3 minutes'"
            )
            late = await client.post(f"{url}/run", headers=KEY)
            assert late.status_code == 202
            assert_through(late.json(), len(orders))
            aborted = (await client.post(f"{url}/abort")).json()
        assert aborted["state"] == "done"
        await assert_once(stack, orders)


async def test_an_api_killed_while_a_run_is_under_way_is_missed_by_nobody(
    database_url: str, redis_url: str
) -> None:
    """The worker goes on; whoever looks next, at another process, sees the progress as it is."""
    async with failed(database_url, redis_url) as (stack, orders):
        await stack.control("settings", {"latency_ms": 60}, "PUT")
        url = await planned(stack, orders)
        async with process(ROOT, stack, "worker"):
            serving = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app.cli", "serve", "--json",
                cwd=ROOT, env=environment(stack) | {"PORT": "0"},
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            async with client_of(serving) as client:
                assert (await client.post(f"{url}/run")).status_code == 202

                async def under_way() -> bool:
                    leased = "SELECT FROM step_run WHERE state = 'running'"
                    return bool(await asked(stack, leased))

                await stack.until_true(under_way, 30)
                serving.kill()
                await serving.communicate()
                with pytest.raises(httpx.TransportError):
                    await client.get(url)
            async with api(stack) as client:
                assert (await client.get(url)).json()["state"] in ("running", "done")
                assert_through(await until_done(stack, url), len(orders))
                assert (await client.post(f"{url}/run")).json()["state"] == "done"
        await assert_once(stack, orders)


@pytest.mark.parametrize(
    ("point", "kept"),
    [
        ("releasing:2", {0, 1}),
        pytest.param("releasing", {0}, marks=pytest.mark.breadth),
        pytest.param("released:2", {2, 3, 4}, marks=pytest.mark.breadth),
    ],
)
async def test_a_worker_killed_at_an_order_s_end_loses_no_result_and_keeps_no_wrong_one(
    database_url: str, redis_url: str, point: str, kept: set[int]
) -> None:
    """The order and its result are one commit: what is not given back has no result, and what is has
    its own."""
    async with failed(database_url, redis_url) as (stack, orders):
        url = await planned(stack, orders)
        await stack.client.post(f"{url}/run", headers=bearer())
        async with dying(stack, point, "worker"):
            pass
        # Kept when it came, and not when somebody looks.
        rows = await asked(stack, "SELECT order_name FROM replay_item WHERE result_at IS NOT NULL")
        at_once = {row["order_name"] for row in rows}
        left = await told(stack, url)
        stand = "SELECT number, state, code FROM orders WHERE lease_token IS NULL"
        through = {
            row["number"]
            for row in await asked(stack, stand)
            if (row["state"], row["code"]) == THROUGH
        }
        assert {item["order"] for item in left["items"] if item["result"]} == at_once == through
        assert len(through) in kept
        assert left["settled"] == len(through)
        assert left["state"] == ("done" if len(through) == len(orders) else "running")
        before = {item["order"]: item["result"] for item in left["items"] if item["result"]}
        await stack.start_worker()
        ended = await until_done(stack, url)
        assert_through(ended, len(orders))
        after = {item["order"]: item["result"] for item in ended["items"]}
        assert {number: after[number] for number in before} == before
        await assert_once(stack, orders)


@pytest.mark.parametrize(
    "death",
    [
        ("raise_ticket", "sent"),
        pytest.param(("create_products", "replied"), marks=pytest.mark.breadth),
    ],
)
async def test_a_worker_killed_in_a_step_of_a_run_leaves_the_run_to_the_next(
    database_url: str, redis_url: str, death: tuple[str, str]
) -> None:
    async with failed(database_url, redis_url) as (stack, orders):
        url = await planned(stack, orders)
        await stack.client.post(f"{url}/run", headers=bearer())
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.e2e.killer", *death,
            env=environment(stack), stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(40):
            _, errors = await worker.communicate()
        assert worker.returncode == -signal.SIGKILL, errors.decode()[-2000:]
        left = await told(stack, url)
        assert left["state"] == "running"
        assert None in states(left)
        await stack.start_worker()
        assert_through(await until_done(stack, url), len(orders))
        await assert_once(stack, orders)


async def test_an_abort_whose_processes_die_is_aborted_once_and_every_order_goes_on(
    database_url: str, redis_url: str
) -> None:
    """The worker dies with one order through, the API in the abort; the abort is done again, what was
    through keeps its result, and what goes on afterwards is no result of the run."""
    async with failed(database_url, redis_url) as (stack, orders):
        url = await planned(stack, orders)
        await stack.client.post(f"{url}/run", headers=bearer())
        async with dying(stack, "released", "worker"):
            pass
        left = await told(stack, url)
        if left["state"] == "done":
            pytest.fail("all orders were given back at once: nothing is left to abort")
        async with (
            dying(stack, "aborting", "serve", "--json") as serving,
            client_of(serving) as client,
        ):
            with pytest.raises(httpx.TransportError):
                await client.post(f"{url}/abort")
        assert await told(stack, url) == left
        assert await ran(stack, "replay.abort") == 0
        async with api(stack) as client:
            both = await asyncio.gather(*[client.post(f"{url}/abort") for _ in range(3)])
            aborted = both[0].json()
            assert {answer.json()["state"] for answer in both} == {"aborted"}
            assert await ran(stack, "replay.abort") == 1
            wanted = [state or "aborted" for state in states(left)]
            assert states(aborted) == wanted
            assert "aborted" in wanted
            assert (await client.post(f"{url}/run")).json()["code"] == "REPLAY_ENDED"
            await stack.start_worker()
            for order in orders:
                await stack.until_state(order.number, *THROUGH)
            await rests(stack)
            later = (await client.get(url)).json()
        assert (later["state"], states(later)) == ("aborted", wanted)
        assert [item["result"] for item in later["items"]] == [
            item["result"] for item in aborted["items"]
        ]
        assert {item["now"]["code"] for item in later["items"]} == {THROUGH[1]}
        await assert_once(stack, orders)
