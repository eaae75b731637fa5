"""Exactly once: a worker that dies at any point of any step leaves one record of each kind.

The in-process stop records nothing, as if the process were gone; a new worker goes on. Reads lag
behind writes for a moment, so that looking once would not do.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.harness import running
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, SYNNEX, Order
from tests.e2e.remote import Remote
from tests.e2e.test_exactly_once_ledger import in_doubt

pytestmark = pytest.mark.processes

ANNOUNCED = ("intent_committed", "sent", "replied", "outcome_committed")
# Steps whose writes are idempotent by nature have no announcement: there is only "sent".
POINTS = [
    *(("create_products", point) for point in ANNOUNCED),
    ("win_opportunity", "sent"),
    *(("create_sales_order", point) for point in ANNOUNCED),
    *(("sync_purchase_order", point) for point in ANNOUNCED),
    *(("receive_purchase_order", point) for point in ANNOUNCED),
    *(("ship_goods", point) for point in ANNOUNCED),
    *(("release_invoice", point) for point in ANNOUNCED),
]
# In every run the writes that are told the worst die under way; the simulation kills everywhere.
EACH_RUN = {("sync_purchase_order", "sent"), ("receive_purchase_order", "sent")}
DEATHS = [
    pytest.param(
        step,
        point,
        id=f"{step}-{point}",
        marks=() if (step, point) in EACH_RUN else pytest.mark.breadth,
    )
    for step, point in POINTS
]


def order_with_everything() -> tuple[Order, list[dict[str, object]]]:
    """A new catalog item, a surplus line, two purchase orders, a partial receipt and its rest."""
    order = Order(lines=[(MONITOR, 10), (CABLE, 5), (DOCK, 3), (INSTALL, 1)])
    events = [
        order.quote(),
        order.approved(),
        order.ordered(8891, [(MONITOR, 10), (CABLE, 6)]),
        order.ordered(8892, [(DOCK, 3)], SYNNEX),
        order.receipted(8891, {1: 4, 2: 6}),
        order.receipted(8892),
        order.receipted(8891),
    ]
    return order, events


@pytest.mark.parametrize(("step", "point"), DEATHS)
async def test_a_worker_that_dies_at_a_point_makes_nothing_twice(
    database_url: str, redis_url: str, step: str, point: str
) -> None:
    order, events = order_with_everything()
    async with running(
        database_url,
        redis_url,
        worker=False,
        invoice_policy="shipped_only",
        mark_shipped="on_receipt",
        invoice_action="create_invoice",
        connectwise_timeout=1.0,
        read_lag=0.4,
    ) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        stack.stops.step, stack.stops.point = step, point
        for event in events:
            await stack.deliver(event)
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote.received == {"DELL-P2425H": 10, "CABLE-2M": 6, "DELL-WD22TB4": 3}
        assert remote.shipped == {"DELL-P2425H": 10, "CABLE-2M": 5, "DELL-WD22TB4": 3}
        assert remote.marks == {f"dl:default:1201:{n}" for n in (1, 2, 3, 4)}
        invoices = await stack.get("/finance/invoices")
        references = [invoice["reference"] for invoice in invoices]
        assert len(references) == len(set(references))
        assert await in_doubt(stack) == 0


@pytest.mark.breadth
@pytest.mark.parametrize("linking", ["demand_creates_po", "demand_appends_to_po", "automatic"])
@pytest.mark.parametrize("point", ANNOUNCED)
async def test_a_worker_that_dies_while_a_purchase_order_grows_adds_nothing_twice(
    database_url: str, redis_url: str, linking: str, point: str
) -> None:
    """D-11: further demand on a purchase order that stands, or a further plain line."""
    order = Order(lines=[(CABLE, 10)], quote_id=None, not_chosen=())
    quick: dict[str, Any] = {
        "connectwise_timeout": 1.0,
        "read_lag": 0.4,
        "purchase_order_timing": "on_issue",
    }
    async with running(database_url, redis_url, demand_linking=linking, **quick) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        for event in (order.approved(), order.ordered(8891, [(CABLE, 6)])):
            await stack.deliver(event)
        await stack.until(order.number, lambda o: (o["lines"] or [{}])[0].get("linked") == "6")
        step = "link_demand" if linking == "demand_appends_to_po" else "sync_purchase_order"
        stack.stops.step, stack.stops.point = step, point
        order.purchase_orders[8891]["lines"][0]["quantity"] = 12
        grown = order._event("purchase_order.updated", purchaseOrder=order._purchase_order(8891))
        await stack.deliver(grown)
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        await stack.start_worker()
        await stack.deliver(order.receipted(8891))
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote.received == {"CABLE-2M": 12}
        (record,) = await stack.get("/procurement/purchaseorders")
        lines = await stack.get(f"/procurement/purchaseorders/{record['id']}/lineitems")
        assert sorted((ln["quantity"], bool(ln["salesOrder"])) for ln in lines) == [
            (2, False),
            (4, True),
            (6, True),
        ]


@pytest.mark.parametrize("kind", ["lose_reply", pytest.param("refuse", marks=pytest.mark.breadth)])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/procurement/products$"),
        ("POST", "/convertToSalesOrder$"),
        ("POST", "/procurement/purchasingDemands$"),
        *(
            pytest.param(*write, marks=pytest.mark.breadth)
            for write in (
                ("PATCH", "/lineitems/"),
                ("POST", "/procurement/catalog$"),
                ("PATCH", "/procurement/products/"),
                ("PATCH", "/sales/opportunities/88$"),
                ("PATCH", "/sales/orders/"),
                ("PATCH", "/procurement/purchaseorders/[0-9]+$"),
                ("POST", "/lineitems$"),
            )
        ),
    ],
)
async def test_a_lost_reply_or_a_refused_connection_makes_nothing_twice(
    database_url: str, redis_url: str, kind: str, method: str, path: str
) -> None:
    order, events = order_with_everything()
    async with running(database_url, redis_url, connectwise_timeout=1.5, read_lag=0.4) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        fault = {"method": method, "path": path, "times": 1, "kind": kind}
        await stack.control("faults", [fault])
        for event in events:
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        remote = await Remote.read(stack, order)
        remote.assert_single()
        assert remote.received == {"DELL-P2425H": 10, "CABLE-2M": 6, "DELL-WD22TB4": 3}


async def test_many_orders_with_one_new_product_make_one_catalog_item(
    database_url: str, redis_url: str
) -> None:
    """A3, where the remote side enforces nothing and reads lag."""
    async with running(database_url, redis_url) as stack:
        await stack.control(
            "settings", {"enforce_unique_identifier": False, "read_lag_ms": 100}, "PUT"
        )
        orders = [
            Order(id=2000 + n, lines=[(CABLE, 2)], quote_id=None, opportunity=None, not_chosen=())
            for n in range(12)
        ]
        for order in orders:
            await stack.deliver(order.approved())
        for order in orders:
            await stack.until(order.number, lambda o: o["answer"]["code"] == "LINE_NOT_ORDERED")
        items = await stack.get("/procurement/catalog", conditions='identifier = "CABLE-2M"')
        assert len(items) == 1


async def test_two_workers_side_by_side_make_nothing_twice(
    database_url: str, redis_url: str
) -> None:
    """Orders that share a new product and a customer, driven by two workers at once."""
    orders = [
        Order(id=2100 + n, lines=[(CABLE, 4)], quote_id=None, opportunity=None, not_chosen=())
        for n in range(8)
    ]
    async with running(database_url, redis_url, worker=False) as stack:
        await stack.control(
            "settings", {"enforce_unique_identifier": False, "read_lag_ms": 50}, "PUT"
        )
        for order in orders:
            for event in (
                order.approved(),
                order.ordered(order.id, [(CABLE, 4)]),
                order.receipted(order.id, {1: 1}),
                order.receipted(order.id),
            ):
                await stack.deliver(event)
        other = stack.container.worker()
        beside = asyncio.create_task(other.run())
        await stack.start_worker()
        try:
            for order in orders:
                await stack.until_state(order.number, "done")
        finally:
            other.stop()
            await beside
        assert (
            len(await stack.get("/procurement/catalog", conditions='identifier = "CABLE-2M"')) == 1
        )
        for order in orders:
            remote = await Remote.read(stack, order)
            assert remote.received == {"CABLE-2M": 4}
            assert len(remote.sales_order_ids) == 1
            assert remote.doubled_marks == remote.doubled_purchase_orders == []
