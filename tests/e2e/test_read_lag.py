"""Reads that lag writes cost time, never a storm of reads nor a second record."""

from __future__ import annotations

from sandbox.demo.events import Purchase, Sale
from sandbox.demo.goods import CABLE, CONTOSO, DOCK, INGRAM
from tests.e2e.harness import running

LINES = [(CABLE, 10), (DOCK, 4)]


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
