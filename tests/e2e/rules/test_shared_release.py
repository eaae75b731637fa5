"""A sales order that carries two Commerce orders is released when both are complete (D-13)."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Stack, running
from tests.e2e.orders import CABLE, MONITOR, Order
from tests.e2e.rules.test_invoices import decide, sales_order

pytestmark = pytest.mark.processes


async def appended(stack: Stack) -> tuple[Order, Order]:
    """Two orders on the sales order of one opportunity; both wait for goods."""
    first = Order(lines=[(MONITOR, 10)], not_chosen=(), quote_id=None)
    await stack.deliver(first.approved())
    await stack.until_state(first.number, "waiting", "LINE_NOT_ORDERED")
    second = Order(id=1202, lines=[(CABLE, 5)], not_chosen=(), quote_id=None)
    await stack.deliver(second.approved())
    await stack.until_state(second.number, "held", "OPPORTUNITY_SHARED")
    await decide(stack, second, "OPPORTUNITY_SHARED", "append")
    await stack.until_state(second.number, "waiting", "LINE_NOT_ORDERED")
    return first, second


@pytest.mark.parametrize("action", ["mark_ready", "create_invoice"])
async def test_d13_the_first_complete_order_waits_for_the_other_one(
    database_url: str, redis_url: str, action: str
) -> None:
    async with running(database_url, redis_url, invoice_action=action) as stack:
        first, second = await appended(stack)
        await stack.deliver(first.ordered(8891, [(MONITOR, 10)]))
        await stack.deliver(first.receipted(8891))
        waits = await stack.until_state(first.number, "waiting", "SHARED_NOT_READY")
        assert second.number in waits["answer"]["sentence"]
        assert waits["answer"]["who"] == "nobody"
        assert (await sales_order(stack))["status"]["name"] == "Waiting for goods"
        assert await stack.get("/finance/invoices") == []
        await stack.deliver(second.ordered(8892, [(CABLE, 5)]))
        await stack.deliver(second.receipted(8892))
        ends = [await stack.until_state(order.number, "done") for order in (first, second)]
        assert (await sales_order(stack))["status"]["name"] == "Ready to invoice"
        invoices = await stack.get("/finance/invoices")
        assert len(invoices) == (1 if action == "create_invoice" else 0)
        if invoices:
            await stack.until(first.number, lambda o: o["state"] == "done")
        assert [end["lines"][0]["invoiceable"] for end in ends] == ["10", "5"]


async def test_d13_an_order_that_is_cancelled_keeps_nobody(stack: Stack) -> None:
    first, second = await appended(stack)
    await stack.deliver(first.ordered(8891, [(MONITOR, 10)]))
    await stack.deliver(first.receipted(8891))
    await stack.until_state(first.number, "waiting", "SHARED_NOT_READY")
    await stack.deliver(second.approved("sales_order.cancelled", 90))
    await stack.until_state(second.number, "held", "CANCELLED_AFTER_START")
    assert (await stack.order(first.number))["answer"]["code"] == "SHARED_NOT_READY"
    await decide(stack, second, "CANCELLED_AFTER_START", "cancel_products")
    await stack.until_state(second.number, "cancelled")
    await stack.until_state(first.number, "done")
