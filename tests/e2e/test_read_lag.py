"""Reads that lag writes cost time, never a storm of reads nor a second record."""

from __future__ import annotations

import pytest

from sandbox.demo.events import Sale
from sandbox.demo.goods import CABLE, CONTOSO, DOCK, INGRAM
from sandbox.demo.purchases import Purchase
from tests.e2e.harness import bearer, running
from tests.e2e.orders import MONITOR
from tests.e2e.remote import Remote
from tests.e2e.test_exactly_once import order_with_everything
from tests.e2e.tickets import B2, plain, tell

LINES = [(CABLE, 10), (DOCK, 4)]


@pytest.mark.breadth
async def test_partial_receipts_under_read_lag_are_received_once_with_few_reads(
    database_url: str, redis_url: str
) -> None:
    sale = Sale(1401, CONTOSO, LINES)
    purchase = Purchase(9401, sale, INGRAM, LINES)
    events = [
        sale.approved(),
        purchase.approved(),
        purchase.receive({CABLE: 4, DOCK: 1}),
        purchase.receive({CABLE: 3, DOCK: 1}),
        purchase.receive(),
    ]
    async with running(database_url, redis_url, read_lag=0.6) as stack:
        await stack.control("settings", {"read_lag_ms": 500}, "PUT")
        for event in events:
            await stack.deliver(event)
        await stack.until_state(sale.number, "done")
        await stack.control("settings", {"read_lag_ms": 0}, "PUT")
        (order,) = await stack.get("/procurement/purchaseorders")
        lines = await stack.get(f"/procurement/purchaseorders/{order['id']}/lineitems")
        log = await stack.requests()
    received: dict[str, int] = {}
    for line in lines:
        sku = line["product"]["identifier"]
        received[sku] = received.get(sku, 0) + int(line["receivedQuantity"])
    assert received == {goods.number: quantity for goods, quantity in LINES}
    reads = [entry for entry in log if entry["method"] == "GET" and "/lineitems" in entry["path"]]
    # One look for each write that has to show, and the few that a lag makes fruitless.
    assert len(reads) < 30


@pytest.mark.breadth
async def test_a_line_that_showed_late_is_seen_before_it_is_said_to_be_missing(
    database_url: str, redis_url: str
) -> None:
    """H2, B1.9. What was read right after the plain line was posted does not show it, and is
    remembered; by the time that its goods are received, the patience with reads is over."""
    order, events = order_with_everything()
    async with running(database_url, redis_url, read_lag=0.4, connectwise_timeout=1.5) as stack:
        await stack.control("settings", {"read_lag_ms": 140}, "PUT")
        slow = {"method": "PATCH", "path": "/lineitems/", "times": 2, "kind": "slow"}
        await stack.control("faults", [{**slow, "seconds": 0.5}])
        for event in events:
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        journal = await stack.client.get(
            f"/admin/orders/{order.number}/journal?limit=200", headers=bearer()
        )
        assert "LINE_MISSING" not in {entry["code"] for entry in journal.json()["items"]}
        assert (await Remote.read(stack, order)).received["CABLE-2M"] == 6


async def test_h9_a_purchase_order_that_does_not_show_yet_is_a_lag_and_nobodys_work(
    database_url: str, redis_url: str
) -> None:
    """A record made a moment ago may answer 404: gone is only what was known for longer."""
    order, events = order_with_everything()
    async with running(database_url, redis_url, read_lag=1.0) as stack:
        await stack.control("settings", {"read_lag_ms": 700}, "PUT")
        for event in events:
            await stack.deliver(event)
        await stack.until_state(order.number, "done")
        log = await stack.requests()
        journal = await stack.client.get(
            f"/admin/orders/{order.number}/journal?limit=200", headers=bearer()
        )
    hidden = [entry for entry in log if entry["method"] == "GET" and entry["status"] == 404]
    codes = {entry["code"] for entry in journal.json()["items"]}
    assert hidden
    assert "REMOTE_GONE" not in codes
    assert "READ_LAG" in codes


async def test_h9_b1_9_the_line_of_a_rest_whose_link_does_not_show_yet_is_nobodys_work(
    database_url: str, redis_url: str
) -> None:
    """Only the report tells what is linked to a ticket; it may lag the line that ConnectWise made
    of what is still to come."""
    order = plain((MONITOR, 10))
    async with running(database_url, redis_url, **B2) as stack:
        await tell(stack, order.approved(), order.ordered(8891, [(MONITOR, 10)]))
        await tell(stack, order.receipted(8891, {1: 4}))
        await stack.until(order.number, lambda o: o["lines"][0]["received"] == "4")
        lagging = {"kind": "stale_read", "method": "GET", "times": 1, "seconds": 3600}
        await stack.control("faults", [{**lagging, "path": "/reports/PurchaseOrderWithLineItems"}])
        await tell(stack, order.receipted(8891))
        await stack.until_state(order.number, "done")
        journal = await stack.client.get(
            f"/admin/orders/{order.number}/journal?limit=200", headers=bearer()
        )
    codes = {entry["code"] for entry in journal.json()["items"]}
    assert "READ_LAG" in codes
    assert "DEMAND_NOT_LINKED" not in codes
