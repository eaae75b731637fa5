"""C7, H10: vendors' limits kept by two workers together, and pauses that belong to one system."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.fernet import Fernet

from app.bootstrap import opened
from app.domain.codes import Code
from app.domain.ports import Paused
from app.sync.lines import LEDGER_AT_ONCE
from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.ledgers import LEDGERS, Kept, invoice, kept
from tests.e2e.orders import MONITOR, Order

pytestmark = pytest.mark.processes
CALLS = 60
LINE = ("product", "Dell P2425H", "1", "239")


@asynccontextmanager
async def second_worker(stack: Stack) -> AsyncIterator[None]:
    """Another process's parts, on the same database and Redis."""
    async with opened(stack.container.settings, migrated=False, log=False) as container:
        worker = container.worker()
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            worker.stop()
            await task


def sold(number: int) -> Order:
    return Order(id=number, lines=[(MONITOR, 1)], quote_id=None, opportunity=None, not_chosen=())


async def connection(stack: Stack, system: str) -> Rest:
    answer = await stack.client.get("/admin/connections", headers=bearer())
    return next(dict(one) for one in answer.json()["items"] if one["system"] == system)


async def post(stack: Stack, path: str) -> Rest:
    body = {"reason": "the vendor works on it"}
    answer = await stack.client.post(f"/admin/{path}", json=body, headers=bearer())
    assert answer.status_code == 200, answer.text
    found: Rest = answer.json()
    return found


async def test_c7_a_burst_of_orders_never_meets_the_limit_of_connectwise(
    database_url: str, redis_url: str
) -> None:
    async with running(
        database_url, redis_url, worker=False, connectwise_calls_a_minute=CALLS
    ) as stack:
        await stack.control("settings", {"requests_per_minute": CALLS}, method="PUT")
        orders = [sold(1300 + n) for n in range(12)]
        for order in orders:
            await stack.deliver(order.approved())
        await stack.start_worker()
        async with second_worker(stack):

            async def used_up() -> bool:
                return bool((await connection(stack, "connectwise"))["state"] == "paused")

            await stack.until_true(used_up, 20)
            await asyncio.sleep(1)  # whoever would go on all the same shows now
        shown = await connection(stack, "connectwise")
        assert (shown["code"], shown["paused_by"]) == ("RATE_LIMITED", "service")
        (minute,) = shown["calls"]
        assert (minute["seconds"], minute["limit"]) == (60, CALLS)
        assert minute["used"] + minute["left"] == CALLS
        assert 1 <= shown["at_once"]["limit"] <= shown["at_once"]["most"] == 32
        assert (shown["circuit"], (await connection(stack, "commerce"))["circuit"]) == (
            "closed",
            None,
        )
        log = [entry for entry in await stack.requests() if "/_sandbox" not in entry["path"]]
        assert {entry["status"] for entry in log} & {429} == set()
        assert CALLS - 5 <= len(log) <= CALLS
        states = {(await stack.order(order.number))["state"] for order in orders}
        assert not states & {"held", "parked"}


@pytest.fixture(params=LEDGERS)
async def books(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    named: dict[str, Any] = {
        f"{request.param}_client_id": "client",
        f"{request.param}_client_secret": "secret",
    }
    more: dict[str, Any] = {"secrets_keys": Fernet.generate_key().decode(), "ledger_timeout": 5.0}
    async with kept(
        request.param, database_url, redis_url, invoice_status="approved", **named, **more
    ) as opened_books:
        yield opened_books


async def test_h10_a_paused_ledger_stops_what_is_posted_and_nothing_else(books: Kept) -> None:
    stack, order = books.stack, sold(1401)
    ledger = (await connection(stack, books.name))["id"]
    assert (await post(stack, f"connections/{ledger}/pause"))["state"] == "paused"
    await books.tell(order.approved(), invoice(order, LINE))
    paused = await stack.until_state(order.number, "waiting", "CONNECTION_PAUSED")
    assert "the vendor works on it" in paused["answer"]["sentence"]
    assert paused["answer"]["who"] == "operator"
    steps = {one["step"]: one["state"] for one in paused["steps"]}
    assert (steps["win_opportunity"], steps["raise_ticket"]) == ("done", "done")
    assert await books.invoices() == []
    await post(stack, f"connections/{ledger}/resume")
    await stack.until_state(order.number, "done")
    assert len(await books.invoices()) == 1


async def test_h10_a_paused_connectwise_does_not_stop_what_is_posted(books: Kept) -> None:
    stack, order = books.stack, sold(1402)
    connectwise = (await connection(stack, "connectwise"))["id"]
    await post(stack, f"connections/{connectwise}/pause")
    await books.tell(order.approved(), invoice(order, LINE))
    await stack.until_state(order.number, "waiting", "CONNECTION_PAUSED")
    await stack.until(
        order.number,
        lambda o: ("post_invoice", "done") in {(one["step"], one["state"]) for one in o["steps"]},
    )
    assert len(await books.invoices()) == 1
    assert await books.writes() == []
    await post(stack, f"connections/{connectwise}/resume")
    await stack.until_state(order.number, "done")


async def test_h10_a_ledger_that_asks_for_a_pause_gets_it_from_every_worker(books: Kept) -> None:
    """429: the connection is paused in the database, so no other order tries meanwhile."""
    stack = books.stack
    await books.ledger.switch(requests_per_minute=1)
    first, second = sold(1403), sold(1404)
    await books.tell(first.approved(), invoice(first, LINE))

    async def paused() -> bool:
        return bool((await connection(stack, books.name))["state"] == "paused")

    await stack.until_true(paused, 20)
    shown = await connection(stack, books.name)
    assert (shown["code"], shown["paused_by"]) == ("RATE_LIMITED", "service")
    assert datetime.fromisoformat(shown["paused_until"]) > datetime.now(UTC)
    asked = len(await books.ledger.requests())
    await books.tell(second.approved())
    await stack.until(second.number, lambda one: one["state"] == "waiting")
    assert len(await books.ledger.requests()) == asked


async def test_h10_a_persons_pause_outlasts_one_of_the_service(books: Kept) -> None:
    ledger = (await connection(books.stack, books.name))["id"]
    await post(books.stack, f"connections/{ledger}/pause")
    until = await books.stack.container.store.now()
    asked = Paused(until, Code.RATE_LIMITED, "asked for", "service")
    await books.stack.container.store.pause(1, books.name, asked)
    assert (await connection(books.stack, books.name))["paused_by"] == "admin"


RESTS = """
SELECT bool_and(o.lease_token IS NULL AND o.due_at >= c.paused_until)
FROM orders AS o, connection AS c WHERE c.kind = 'connectwise'
"""


async def rests(stack: Stack) -> bool:
    """Whether the orders keep no worker's place and are not due before the pause ends."""
    async with stack.container.admin._db.session() as session:  # type: ignore[attr-defined]
        return bool(await session.fetchval(RESTS))


QUESTIONS = {"doctor": "/admin/doctor", "tickets": "/admin/tickets?customer=Contoso"}


@pytest.mark.breadth
@pytest.mark.parametrize("path", QUESTIONS.values(), ids=QUESTIONS)
async def test_h10_a_429_that_the_api_draws_is_a_pause_of_every_process(
    database_url: str, redis_url: str, path: str
) -> None:
    pause = 6
    limit = {
        "path": "/", "times": 1, "kind": "status", "status": 429,
        "headers": {"Retry-After": str(pause)},
        "body": {"error": "ConnectWiseAPI", "message": "Too many requests."},
    }  # fmt: skip
    async with running(database_url, redis_url, worker=False) as stack:
        await stack.control("faults", [limit])
        await stack.client.get(path, headers=bearer())  # answered by calls of its own
        shown = await connection(stack, "connectwise")
        assert (shown["code"], shown["paused_by"]) == ("RATE_LIMITED", "service")
        order = sold(1420)
        async with second_worker(stack):
            await stack.deliver(order.approved())
            await stack.until_state(order.number, "waiting", "CONNECTION_PAUSED")
            await stack.until_true(lambda: rests(stack), pause)
            await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        log = await stack.requests()
        number = next(n for n, entry in enumerate(log) if entry["status"] == 429)
        refused, after = (datetime.fromisoformat(one["t"]) for one in log[number : number + 2])
        assert (after - refused).total_seconds() >= pause - 0.05


@pytest.mark.breadth
async def test_c7_orders_in_line_for_a_slow_ledger_leave_their_workers_places_to_others(
    database_url: str, redis_url: str
) -> None:
    """A few may call a ledger side by side; who stands behind them goes back and is due again."""
    places = 2
    more: dict[str, Any] = {
        "xero_client_id": "client", "xero_client_secret": "secret", "invoice_status": "approved",
        "secrets_keys": Fernet.generate_key().decode(),
        "ledger_timeout": 5.0, "worker_batch": places,
    }  # fmt: skip
    async with kept("xero", database_url, redis_url, **more) as books:
        stack, line = books.stack, books.stack.container.engine.lines.ledger
        first = [sold(1430 + number) for number in range(places)]
        async with AsyncExitStack() as slow:
            for _ in range(LEDGER_AT_ONCE):  # attempts that a slow ledger keeps for minutes
                await slow.enter_async_context(line.place())
            for number, order in enumerate(first):
                issued = invoice(order, LINE)
                issued["data"]["salesInvoice"]["id"] += number
                await books.tell(order.approved(), issued)

            async def full() -> bool:
                return len(line._waiting) == places

            await stack.until_true(full, 30)
            other = sold(1440)
            await books.tell(other.approved())
            await stack.until(
                other.number, lambda one: ("win_opportunity", "done") in steps(one), 20
            )
            told = [await stack.order(order.number) for order in first]
            assert not any(("post_invoice", "done") in steps(one) for one in told)
        for order in first:
            await stack.until_state(order.number, "done")


def steps(told: Rest) -> set[tuple[str, str]]:
    return {(one["step"], one["state"]) for one in told.get("steps", ())}
