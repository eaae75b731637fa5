"""SIGTERM to real processes under load: what was acknowledged is kept, what was begun is ended."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.e2e.harness import running
from tests.e2e.orders import Order
from tests.e2e.remote import Remote
from tests.e2e.test_exactly_once import order_with_everything
from tests.e2e.test_upgrade import process

pytestmark = [pytest.mark.processes, pytest.mark.breadth, pytest.mark.timeout(120)]
ROOT = Path(__file__).parents[2]


async def test_h13_an_api_that_is_told_to_stop_keeps_all_that_it_acknowledged(
    database_url: str, redis_url: str
) -> None:
    """Fifty senders at once; each delivery is either answered 202 and kept, or not answered 202."""
    async with running(database_url, redis_url, worker=False) as stack:
        async with process(ROOT, stack, "serve", "--json") as serving:
            assert serving.stdout is not None
            async with asyncio.timeout(30):
                told = json.loads(await serving.stdout.readline())
            acknowledged: list[str] = []
            refused: list[str] = []
            enough = asyncio.Event()

            async def send(sender: int) -> None:
                for number in itertools.count():
                    identity = f"msg_{sender}_{number}"
                    try:
                        answer = await stack.deliver(Order().quote(), webhook_id=identity)
                    except httpx.HTTPError:
                        refused.append(identity)
                        return
                    if answer["status"] != httpx.codes.ACCEPTED:
                        refused.append(identity)
                        return
                    acknowledged.append(identity)
                    if len(acknowledged) >= 300:
                        enough.set()

            limits = httpx.Limits(max_connections=50)
            async with httpx.AsyncClient(base_url=told["url"], limits=limits) as client:
                own, stack.client = stack.client, client
                senders = [asyncio.create_task(send(n)) for n in range(50)]
                await enough.wait()
                serving.send_signal(signal.SIGTERM)
                async with asyncio.timeout(40):
                    await asyncio.gather(*senders)
                    assert await serving.wait() == 0
                stack.client = own
        connection = await asyncpg.connect(database_url)
        kept = {row[0] for row in await connection.fetch("SELECT external_id FROM inbox_event")}
        await connection.close()
        assert set(acknowledged) <= kept
        assert len(refused) == 50


async def test_a_worker_that_is_told_to_stop_gives_back_what_it_had(
    database_url: str, redis_url: str
) -> None:
    """In the middle of an order's steps: no lease and no running step is left, nothing was written
    without its outcome, and the next worker goes on at once."""
    order, events = order_with_everything()
    async with running(database_url, redis_url, worker=False) as stack:
        await stack.control("settings", {"latency_ms": 60}, "PUT")
        for event in events:
            await stack.deliver(event)
        connection = await asyncpg.connect(database_url)
        running_step = "SELECT count(*) FROM step_run WHERE state = 'running'"
        async with process(ROOT, stack, "worker") as worker:
            async with asyncio.timeout(30):
                while not await connection.fetchval(running_step):
                    await asyncio.sleep(0.005)
            worker.send_signal(signal.SIGTERM)
            async with asyncio.timeout(40):
                assert await worker.wait() == 0
        leased = "SELECT count(*) FROM orders WHERE lease_owner IS NOT NULL"
        assert await connection.fetchval(leased) == 0
        assert await connection.fetchval(running_step) == 0
        assert not await connection.fetchval("SELECT count(*) FROM intent WHERE outcome IS NULL")
        assert not await connection.fetchval("SELECT count(*) FROM worker")
        ended = "SELECT count(*) FROM step_run WHERE state = 'interrupted'"
        assert await connection.fetchval(ended) == 0
        await connection.close()
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        (await Remote.read(stack, order)).assert_single()
