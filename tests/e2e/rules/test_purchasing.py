"""The sales order and its purchase orders as the rules tell them, where nothing goes wrong."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Rest, Stack, running
from tests.e2e.orders import CABLE, DOCK, INSTALL, MONITOR, MONITOR_BIG, SYNNEX, Order
from tests.e2e.remote import Remote
from tests.e2e.rules.test_goods import an_order, line_of, tell
from tests.e2e.rules.test_selling import products_on, sales_orders

pytestmark = pytest.mark.processes


async def purchase_orders(stack: Stack) -> list[Rest]:
    found: list[Rest] = await stack.get("/procurement/purchaseorders")
    return found


async def test_b1_3_shipped_quantities_and_serials_show_on_the_sales_orders_products(
    database_url: str, redis_url: str
) -> None:
    async with running(
        database_url, redis_url, invoice_policy="shipped_only", mark_shipped="on_receipt"
    ) as stack:
        order = an_order(MONITOR, 3)
        await tell(stack, [order.approved(), order.ordered(8891, [(MONITOR, 3)])])
        await tell(stack, [order.receipted(8891, {1: 2})])
        await stack.until(
            order.number,
            lambda o: o["lines"][0]["shipped"] == o["lines"][0]["invoiceable"] == "2",
        )
        (product,) = await stack.get(
            "/procurement/products", conditions='integrationXRef="dl:default:1201:1"'
        )
        assert set(product["serialNumbers"]) == {"SN-8891-1-0", "SN-8891-1-1"}
        details = await stack.get(f"/procurement/products/{product['id']}/pickingShippingDetails")
        assert sum(detail["shippedQuantity"] for detail in details) == 2


async def test_b1_6_the_opportunity_is_converted_once_with_the_selected_products_only(
    stack: Stack,
) -> None:
    order = Order(lines=[(MONITOR, 4), (INSTALL, 1)], not_chosen=(MONITOR_BIG, DOCK))
    for event in (order.quote(), order.approved(), order.quote(), order.approved()):
        await tell(stack, [event])
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    (made,) = await sales_orders(stack)
    assert made["opportunity"]["id"] == 88
    assert await products_on(stack, made["id"]) == {"DELL-P2425H": 4, "INSTALL-HALFDAY": 1}
    asked = [r for r in await stack.requests() if r["path"].endswith("/convertToSalesOrder")]
    assert len(asked) == 1


async def test_b1_10_several_purchase_orders_and_receipts_belong_to_one_sales_order(
    stack: Stack,
) -> None:
    order = an_order(CABLE, 12)
    await tell(stack, [order.approved(), order.ordered(8891, [(CABLE, 5)])])
    await tell(stack, [order.ordered(8892, [(CABLE, 4)], SYNNEX), order.receipted(8891, {1: 2})])
    await tell(stack, [order.receipted(8892), order.receipted(8891)])
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    await tell(stack, [order.ordered(8893, [(CABLE, 3)]), order.receipted(8893)])
    await stack.until_state(order.number, "done")
    (made,) = await sales_orders(stack)
    for number in ("PO10008891", "PO10008892", "PO10008893"):
        for line in await line_of(stack, number):
            assert [linked["id"] for linked in line["salesOrder"]] == [made["id"]]
    remote = await Remote.read(stack, order)
    assert set(remote.purchase_orders.values()) == {"Received In Full"}
    assert remote.received == {"CABLE-2M": 12}


async def test_b1_14_neither_invoice_nor_bill_is_made_where_connectwise_does_it(
    stack: Stack,
) -> None:
    """ConnectWise posts them onward: the default leaves the invoice to a person there."""
    order = Order()
    await tell(stack, [order.quote(), order.approved(), order.ordered(8891, [(MONITOR, 10)])])
    await tell(stack, [order.ordered(8892, [(DOCK, 3)], SYNNEX), order.receipted(8892)])
    await tell(stack, [order.receipted(8891)])
    await stack.until_state(order.number, "done")
    assert await stack.get("/finance/invoices") == []
    service = stack.sandbox.credentials.headers["clientId"]
    written = {
        r["path"].split("/")[1]
        for r in await stack.requests()
        if r["method"] != "GET" and r.get("client") == service
    }
    assert written == {"sales", "procurement", "service"}


@pytest.mark.parametrize("timing", ["on_receipt", "on_issue"])
async def test_d2_a_purchase_order_reaches_connectwise_when_it_is_set_to(
    database_url: str, redis_url: str, timing: str
) -> None:
    async with running(database_url, redis_url, purchase_order_timing=timing) as stack:
        order = an_order(CABLE, 6)
        await tell(stack, [order.ordered(8891, [(CABLE, 6)])])
        assert await purchase_orders(stack) == []  # never before its sales order
        await tell(stack, [order.approved()])
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        there = [po["poNumber"] for po in await purchase_orders(stack)]
        assert there == (["PO10008891"] if timing == "on_issue" else [])
        await tell(stack, [order.receipted(8891, {1: 2})])
        told = await stack.until(order.number, lambda o: o["lines"][0]["received"] == "2")
        assert told["state"] == "waiting"
        (made,) = await purchase_orders(stack)
        assert made["closedFlag"] is False
        ordered = sum(line["quantity"] for line in await line_of(stack, "PO10008891"))
        assert ordered == 6  # the first receipt brings the full quantity
        await tell(stack, [order.receipted(8891)])
        await stack.until_state(order.number, "done")
        (made,) = await purchase_orders(stack)
        assert made["closedFlag"] is True


async def test_d8_a_product_on_two_lines_is_allocated_to_the_named_line_first(
    stack: Stack,
) -> None:
    order = Order(lines=[(CABLE, 4), (CABLE, 6)], not_chosen=(), quote_id=None, opportunity=None)
    await tell(stack, [order.approved()])
    order.ordered(8891, [(CABLE, 6)])
    order.purchase_orders[8891]["lines"][0]["salesOrderLineID"] = 2
    await tell(stack, [order.receipted(8891)])
    told = await stack.until(
        order.number,
        lambda o: o["state"] == "waiting" and [x["received"] for x in o["lines"]] == ["0", "6"],
    )
    assert told["answer"]["sentence"].startswith("4 of 4 ")
    await tell(stack, [order.ordered(8892, [(CABLE, 4)]), order.receipted(8892)])
    await stack.until_state(order.number, "done")
    remote = await Remote.read(stack, order)
    assert remote.marks == {"dl:default:1201:1", "dl:default:1201:2"}
