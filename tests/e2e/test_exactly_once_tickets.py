"""Exactly once, where products stand on a ticket: a worker that dies at any point of the making of
a ticket, of its products, of their moving and of its release leaves one record of each kind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.harness import Stack, running
from tests.e2e.orders import CABLE, INSTALL, MONITOR, Order
from tests.e2e.tickets import B2, a_ticket, assign, choose, marked, on, plain, tell, ticket, tickets

# The protocol is one; the steps of B1 prove it in every run.
pytestmark = [pytest.mark.processes, pytest.mark.breadth]
ANNOUNCED = ("intent_committed", "sent", "replied", "outcome_committed")
QUICK: dict[str, Any] = {**B2, "connectwise_timeout": 1.0, "read_lag": 0.4}
# Only what a ticket changes: the steps of purchase orders are proven with sales orders.
POINTS = [
    *(("raise_ticket", point) for point in ANNOUNCED),
    *(("create_products", point) for point in ANNOUNCED),
    ("win_opportunity", "sent"),
    *(("sync_purchase_order", point) for point in ANNOUNCED),
    *(("release_invoice", point) for point in ANNOUNCED),
]


async def dies(stack: Stack) -> None:
    async with asyncio.timeout(20):
        await stack.stops.happened.wait()
    await stack.kill_worker()
    await stack.start_worker()


@pytest.mark.parametrize(("step", "point"), POINTS, ids=[f"{s}-{p}" for s, p in POINTS])
async def test_a_worker_that_dies_at_a_point_makes_nothing_twice(
    database_url: str, redis_url: str, step: str, point: str
) -> None:
    order = Order(lines=[(MONITOR, 4), (CABLE, 5), (INSTALL, 1)], quote_id=None, not_chosen=())
    more = {**QUICK, "invoice_action": "create_invoice"}
    async with running(database_url, redis_url, worker=False, **more) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        stack.stops.step, stack.stops.point = step, point
        await tell(stack, order.approved(), order.ordered(8891, [(MONITOR, 4), (CABLE, 5)]))
        await tell(stack, order.receipted(8891))
        await stack.start_worker()
        await dies(stack)
        await stack.until_state(order.number, "done")
        await stack.control("settings", {"read_lag_ms": 0}, "PUT")
        (one,) = await tickets(stack)
        assert one["externalXRef"] == "dl:default:1201:ticket"
        marks = [product["integrationXRef"] for product in await marked(stack, order)]
        assert sorted(marks) == [f"dl:default:1201:{n}" for n in (1, 2, 3)]
        assert len(await stack.get("/procurement/purchaseorders")) == 1
        assert len(await stack.get("/finance/invoices")) == 1


@pytest.mark.parametrize("point", ["intent_committed", "sent", "replied"])
async def test_e7_products_whose_making_is_in_doubt_are_not_made_again_on_another_ticket(
    database_url: str, redis_url: str, point: str
) -> None:
    """The worker dies while it makes products, and a person chooses another ticket meanwhile."""
    order = plain((CABLE, 5), (MONITOR, 2))
    async with running(database_url, redis_url, worker=False, **QUICK) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        other = await a_ticket(stack)
        stack.stops.step, stack.stops.point = "create_products", point
        await tell(stack, order.approved())
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        assert (await assign(stack, order, other))["status"] == 200
        await stack.start_worker()
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await stack.control("settings", {"read_lag_ms": 0}, "PUT")
        assert await on(stack, other) == {"CABLE-2M": 5, "DELL-P2425H": 2}
        assert len(await marked(stack, order)) == 2


@pytest.mark.parametrize("kind", ["lose_reply", "refuse"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/service/tickets$"), ("PATCH", "/service/tickets/"), ("PATCH", "/products/")],
)
async def test_a_lost_reply_or_a_refused_connection_makes_nothing_twice(
    database_url: str, redis_url: str, kind: str, method: str, path: str
) -> None:
    """The ticket, its release, and a product that is moved to another ticket."""
    order = plain((CABLE, 5))
    more = {**QUICK, "connectwise_timeout": 1.5}
    async with running(database_url, redis_url, **more) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        other = await a_ticket(stack)
        fault = {"method": method, "path": path, "times": 1, "kind": kind}
        await stack.control("faults", [fault])
        await tell(stack, order.approved())
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        await tell(stack, choose(order, other).approved("sales_order.updated"))
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.receipted(8891))
        await stack.until_state(order.number, "done")
        await stack.control("settings", {"read_lag_ms": 0}, "PUT")
        assert await on(stack, other) == {"CABLE-2M": 5}
        assert len(await marked(stack, order)) == 1
        assert (await ticket(stack, other))["status"]["name"] == "Ready to invoice"
        assert len(await tickets(stack)) == 2


async def test_e7_a_product_that_does_not_show_yet_is_moved_and_not_made_a_second_time(
    database_url: str, redis_url: str
) -> None:
    """The ticket is chosen so soon that a read does not show the product yet (H9)."""
    order = plain((CABLE, 5))
    more = {**QUICK, "read_lag": 2.5}
    async with running(database_url, redis_url, **more) as stack:
        other = await a_ticket(stack)
        await stack.control("settings", {"read_lag_ms": 2000}, "PUT")
        await stack.until_true(lambda: _shows(stack, other))
        await tell(stack, order.approved())

        async def made() -> bool:
            return "/procurement/products" in [
                entry["path"] for entry in await stack.requests() if entry["method"] == "POST"
            ]

        await stack.until_true(made)
        await tell(stack, choose(order, other).approved("sales_order.updated"))
        await stack.until_true(lambda: _stands(stack, other))
        await stack.control("settings", {"read_lag_ms": 0}, "PUT")
        assert len(await marked(stack, order)) == 1


async def _stands(stack: Stack, number: int) -> bool:
    return await on(stack, number) == {"CABLE-2M": 5}


async def _shows(stack: Stack, number: int) -> bool:
    return any(one["id"] == number for one in await tickets(stack))
