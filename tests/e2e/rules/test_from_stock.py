"""H4, D-15: lines that come from the MSP's own stock, beside ConnectWise's purchasing demand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, running
from tests.e2e.orders import CABLE, Json, Order
from tests.e2e.rules.test_purchase_order_changes import lines_of, shown
from tests.e2e.tickets import B2, marked, plain, tell

pytestmark = pytest.mark.processes
PO = "PO10008891"
B1_PLAIN: Rest = {"opportunity_missing": "plain_sales_order"}


def from_stock(order: Order, quantity: int) -> Json:
    event = order.approved()
    event["data"]["salesOrder"]["lines"][0]["quantityFromStock"] = quantity
    return event


async def flagged(stack: Stack, order: Order) -> list[str]:
    told = await stack.order(order.number)
    return [flag["sentence"] for flag in told["flags"] if flag["code"] == "DEMAND_OPEN"]


async def out_of_purchasing(stack: Stack, product: Rest) -> None:
    """A person sees to it that nobody orders it."""
    change = [{"op": "replace", "path": "needToPurchaseFlag", "value": False}]
    answer = await stack.cw.patch(f"/procurement/products/{product['id']}", json=change)
    assert answer.is_success, answer.text


@pytest.mark.parametrize("more", [{}, B1_PLAIN, B2], ids=["B1", "B1 plain", "B2"])
async def test_h4_demand_for_what_comes_from_stock_is_named_until_it_is_seen_to(
    database_url: str, redis_url: str, more: dict[str, Any]
) -> None:
    order = plain((CABLE, 10))
    async with running(database_url, redis_url, invoice_poll_seconds=0.2, **more) as stack:
        await tell(stack, from_stock(order, 4))
        await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
        (sentence,) = await flagged(stack, order)
        assert sentence.startswith("4 Product CABLE-2M of ")
        await tell(stack, order.ordered(8891, [(CABLE, 6)]), order.receipted(8891))
        await stack.until_state(order.number, "done")  # a flag holds nothing
        assert shown(await lines_of(stack, PO)) == [("CABLE-2M", 6, "scenario" not in more)]
        assert len(await flagged(stack, order)) == 1
        (product,) = await marked(stack, order)
        assert product["needToOrderQuantity"] == 4
        await out_of_purchasing(stack, product)
        kind, parent = ("Ticket", "ticket") if "scenario" in more else ("SalesOrder", "salesOrder")
        body = {
            "type": "Standard",
            "company": {"id": (await stack.get("/service/tickets"))[0]["company"]["id"]},
            "applyToType": kind,
            "applyToId": product[parent]["id"],
        }
        assert (await stack.cw.post("/finance/invoices", json=body)).status_code == 201

        async def gone() -> bool:
            return await flagged(stack, order) == []

        await stack.until_true(gone)


async def test_d15_an_order_that_comes_whole_from_stock_is_released_and_named(
    stack: Stack,
) -> None:
    order = plain((CABLE, 3))
    await tell(stack, from_stock(order, 3))
    await stack.until_state(order.number, "done")
    (sentence,) = await flagged(stack, order)
    assert "3 Product CABLE-2M" in sentence
    assert await stack.get("/procurement/purchaseorders") == []
