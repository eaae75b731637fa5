"""Hints are read beside the loop, in turn between the tenants (H10, decision 0049)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.records import Delivery
from app.sync import inbox
from app.sync.hints import EACH
from tests.e2e.harness import Stack, running
from tests.e2e.orders import MONITOR, Order

pytestmark = [pytest.mark.processes, pytest.mark.breadth]

SLOW = 6.0  # seconds, within the timeout of a call
PATIENT: dict[str, Any] = {"connectwise_timeout": 20.0, "lease_seconds": 60.0}
MANY = 4 * EACH
OTHERS = 2


@pytest.fixture
async def stack(database_url: str, redis_url: str) -> AsyncIterator[Stack]:
    """The service without a worker, and a second tenant with a ConnectWise of its own."""
    async with running(database_url, redis_url, worker=False, **PATIENT) as stack:
        async with stack.container.store._db.session() as session:  # type: ignore[attr-defined]
            await session.execute("INSERT INTO tenant (id, name) VALUES ($1, 'fabrikam')", OTHERS)
        await stack.container.store.ensure_connection(OTHERS, "connectwise", "fabrikam")  # type: ignore[attr-defined]
        yield stack


def callback(record: int, connection: str) -> Delivery:
    body = json.dumps({"Type": "invoice", "Action": "updated", "ID": record}).encode()
    return inbox.read_callback(connection, f"{connection}-{record}", {}, body)


async def statuses(stack: Stack, tenant: int) -> list[str]:
    page = await stack.container.admin.events(tenant, "connectwise", None, None, 100)
    return [event.status for event in page.items]


async def all_dropped(stack: Stack) -> bool:
    return Counter(await statuses(stack, 1)) == {"dropped": MANY}


async def handed(stack: Stack) -> bool:
    """Whether as many of the first tenant are being read as it has places."""
    query = """
        SELECT count(*) FROM inbox_event
        WHERE tenant_id = 1 AND status = 'hint' AND not_before > now()
    """
    async with stack.container.store._db.session() as session:  # type: ignore[attr-defined]
        return bool(await session.fetchval(query) == EACH)


async def slow_down(stack: Stack, times: int | None = EACH, seconds: float = SLOW) -> None:
    """The ConnectWise of the first tenant, whose invoices are the ones above 9000."""
    fault = {"method": "GET", "path": "/invoices/9[0-9]{3}$", "kind": "slow", "seconds": seconds}
    await stack.control("faults", [{**fault, "times": times}])


async def flood(stack: Stack) -> None:
    for number in range(MANY):
        read = callback(9000 + number, "default")
        assert read.status == "new"
        await stack.container.store.accept(read)


async def test_h10_a_slow_system_of_one_tenant_delays_neither_hints_of_others_nor_the_loop(
    stack: Stack,
) -> None:
    await slow_down(stack)
    await flood(stack)
    await stack.start_worker()
    await stack.until_true(lambda: handed(stack), 3.0)
    await stack.container.store.accept(callback(7000, "fabrikam"))
    order = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None, opportunity=None)
    await stack.deliver(order.approved())

    async def others_settled() -> bool:
        return await statuses(stack, OTHERS) == ["dropped"]  # there is no such invoice

    # The other's hint was read, and the sweep merged, claimed and drove an order, all while the
    # first ones were being read.
    await stack.until_true(others_settled, SLOW)
    await stack.until(order.number, lambda told: told["steps"][0]["state"] == "done", SLOW)
    assert Counter(await statuses(stack, 1)) == {"hint": MANY}
    # No more than its places at a time, and the others as soon as one is free.
    assert await handed(stack)
    await stack.until_true(lambda: all_dropped(stack), 3 * SLOW)


async def test_h3_a_hint_is_not_lost_when_its_worker_dies_while_it_is_read(stack: Stack) -> None:
    await slow_down(stack, times=None, seconds=15.0)
    await flood(stack)
    await stack.start_worker()

    await stack.until_true(lambda: handed(stack), 3.0)
    await stack.kill_worker()
    await stack.control("faults", None, "DELETE")
    assert set(await statuses(stack, 1)) == {"hint"}
    async with stack.container.store._db.session() as session:  # type: ignore[attr-defined]
        # As when the minute is over that they were handed out for.
        await session.execute("UPDATE inbox_event SET not_before = now() WHERE status = 'hint'")
    await stack.start_worker()

    await stack.until_true(lambda: all_dropped(stack), 10.0)
