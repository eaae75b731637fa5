"""What kills the worker that touches it, with kill -9, is set aside after a few; the others go on.

Real processes, started again whenever one died, as a supervisor does it.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.orders import CABLE, Order
from tests.e2e.test_kill import environment

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


@asynccontextmanager
async def kept_alive(stack: Stack, where: str, text: str) -> AsyncIterator[list[int]]:
    """A worker process, started again when it died; the list of how each ended."""
    ends: list[int] = []
    current: list[asyncio.subprocess.Process] = []

    async def keep() -> None:
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.e2e.poisoned", where, text,
                env=environment(stack), stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            current[:] = [process]
            ends.append(await process.wait())

    keeper = asyncio.create_task(keep())
    try:
        yield ends
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        for process in current:
            if process.returncode is None:
                process.kill()
                await process.wait()


def two() -> tuple[Order, Order]:
    good = Order(lines=[(CABLE, 5)], quote_id=None, opportunity=None, not_chosen=())
    bad = Order(id=1266, lines=[(CABLE, 5)], quote_id=None, opportunity=None, not_chosen=())
    return good, bad


async def rejected(stack: Stack) -> list[Rest]:
    answer = await stack.client.get("/admin/events?status=rejected", headers=bearer())
    found: list[Rest] = answer.json()["items"]
    return found


async def test_a_delivery_that_kills_its_worker_is_set_aside_and_the_others_are_merged(
    database_url: str, redis_url: str
) -> None:
    good, bad = two()
    async with running(database_url, redis_url, worker=False) as stack:
        await stack.deliver(bad.approved())
        await stack.deliver(good.approved())
        async with kept_alive(stack, "merging", bad.number) as ends:
            await stack.until(good.number, lambda o: o["state"] == "waiting", 90)
            await stack.until_true(partial(rejected, stack), 90)
        assert set(ends) == {-signal.SIGKILL}
        assert 3 <= len(ends) <= 5
        (event,) = await rejected(stack)
        assert event["code"] == "POISON"
        # A person may have it read again, by a version that can.
        path = f"/admin/events/{event['id']}/replay"
        again = await stack.client.post(path, json={"reason": "mended"}, headers=bearer())
        assert again.is_success
        await stack.start_worker()
        await stack.until(bad.number, lambda o: o["state"] == "waiting")


async def test_an_order_that_kills_its_worker_is_parked_and_the_others_go_on(
    database_url: str, redis_url: str
) -> None:
    good, bad = two()
    async with running(database_url, redis_url, worker=False) as stack:
        await stack.deliver(bad.approved())
        await stack.deliver(good.approved())
        async with kept_alive(stack, "deciding", bad.number) as ends:
            await stack.until(good.number, lambda o: o["state"] == "waiting", 90)
            parked = await stack.until(bad.number, lambda o: o["state"] == "parked", 90)
        assert parked["answer"]["code"] == "POISON"
        assert set(ends) == {-signal.SIGKILL}
        assert len(ends) == 5
