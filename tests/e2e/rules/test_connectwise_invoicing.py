"""A: ConnectWise invoices, Commerce buys, and what is owed goes straight to the ledger."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.harness import Rest, Stack, bearer
from tests.e2e.ledgers import LEDGERS, amounts, invoice, kept
from tests.e2e.orders import CABLE, DOCK, MONITOR, Order
from tests.e2e.tickets import marked, on, plain, ticket

pytestmark = pytest.mark.processes
A: dict[str, Any] = {"scenario": "connectwise-invoicing"}


async def demand(stack: Stack, order: Order) -> dict[str, tuple[bool, int]]:
    """What ConnectWise's purchasers are asked for, by SKU."""
    return {
        product["catalogItem"]["identifier"]: (
            product["needToPurchaseFlag"],
            product["needToOrderQuantity"],
        )
        for product in await marked(stack, order)
    }


async def purchase_orders(stack: Stack) -> list[Rest]:
    found: list[Rest] = await stack.get("/procurement/purchaseorders")
    return found


@pytest.mark.parametrize("name", LEDGERS)
async def test_a1_a2_a6_a7_sold_in_connectwise_and_owed_in_the_ledger(
    database_url: str, redis_url: str, name: str
) -> None:
    order = Order(lines=[(MONITOR, 10), (CABLE, 5)], quote_id=None, not_chosen=())
    async with kept(name, database_url, redis_url, **A) as books:
        stack = books.stack
        await books.tell(order.approved(), order.ordered(8891, [(MONITOR, 10), (CABLE, 5)]))
        await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        await books.tell(order.receipted(8891))
        await stack.until_state(order.number, "done")
        (one,) = await stack.get("/sales/orders")
        assert one["status"]["name"] == "Ready to invoice"
        assert (await stack.get("/sales/opportunities/88"))["status"]["name"] == "Won"
        (bill,) = await books.bills()
        assert amounts(bill) == [Decimal(1000), Decimal(500)]
        assert await purchase_orders(stack) == []


@pytest.mark.parametrize("source", ["opportunity", "ticket"])
async def test_a10_no_open_demand_remains(database_url: str, redis_url: str, source: str) -> None:
    order = plain((CABLE, 5), (DOCK, 1))
    async with kept("xero", database_url, redis_url, invoice_from=source, **A) as books:
        await books.tell(order.approved(), order.ordered(8891, [(CABLE, 5), (DOCK, 1)]))
        await books.stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        closed = (False, 0)
        assert await demand(books.stack, order) == {"CABLE-2M": closed, "DELL-WD22TB4": closed}
        await books.tell(order.receipted(8891))
        await books.stack.until_state(order.number, "done")
        if source == "ticket":
            assert await on(books.stack, 21001) == {"CABLE-2M": 5, "DELL-WD22TB4": 1}
            assert (await ticket(books.stack, 21001))["status"]["name"] == "Ready to invoice"
            assert await books.stack.get("/sales/orders") == []


async def test_a5_the_sales_invoice_is_never_posted_by_us(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with kept("xero", database_url, redis_url, **A) as books:
        await books.tell(
            order.approved(),
            order.ordered(8891, [(CABLE, 5)]),
            order.receipted(8891),
            invoice(order, ("product", "Cable", "5", "12")),
        )
        told = await books.stack.until_state(order.number, "done")
        assert len(await books.bills()) == 1
        assert await books.invoices() == []
        assert "post_invoice" not in {step["step"] for step in told["steps"]}


async def test_a7_goods_that_come_in_parts_are_billed_in_parts_and_released_when_complete(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with kept("xero", database_url, redis_url, **A) as books:
        ordered = order.ordered(8891, [(CABLE, 5)])
        first, second = order.receipted(8891, {1: 2}), order.receipted(8891)
        await books.tell(order.approved(), ordered, first)
        await books.stack.until(
            order.number,
            lambda o: (
                o["answer"]["code"] == "GOODS_NOT_RECEIVED"
                and [line["received"] for line in o["lines"]] == ["2"]
                and any(s["step"] == "post_bill" and s["state"] == "done" for s in o["steps"])
            ),
        )
        (one,) = await books.stack.get("/sales/orders")
        assert one["status"]["name"] == "Waiting for goods"
        await books.tell(second)
        await books.stack.until_state(order.number, "done")
        assert sorted(amounts(bill) for bill in await books.bills()) == [
            [Decimal(200)],
            [Decimal(300)],
        ]


async def test_a10_a_changed_quantity_leaves_no_demand_either(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 5))
    async with kept("xero", database_url, redis_url, **A) as books:
        await books.tell(order.approved(), order.ordered(8891, [(CABLE, 5)]))
        await books.stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
        order.lines = [(CABLE, 8)]
        await books.tell(order.approved(), order.ordered(8891, [(CABLE, 8)]), order.receipted(8891))
        await books.stack.until_state(order.number, "done")
        assert await demand(books.stack, order) == {"CABLE-2M": (False, 0)}


async def test_a10_demand_that_stays_open_is_for_purchasing(
    database_url: str, redis_url: str
) -> None:
    """ConnectWise may show the demand whatever the flag says: a person takes it away, or lives with
    it, and until then nobody is told that all is well."""
    order = plain((CABLE, 5))
    async with kept("xero", database_url, redis_url, **A) as books:
        stack = books.stack
        await stack.control("settings", {"purchase_flag_clears": False}, "PUT")
        ordered = order.ordered(8891, [(CABLE, 5)])
        await books.tell(order.approved(), ordered, order.receipted(8891))
        held = await stack.until_state(order.number, "held", "DEMAND_OPEN")
        assert held["answer"]["who"] == "purchasing"
        assert "5 of CABLE-2M" in held["answer"]["sentence"]
        body = {"code": "DEMAND_OPEN", "choice": "keep_demand", "reason": "buyers were told"}
        path = f"/admin/orders/{order.number}/decide"
        answer = await stack.client.post(path, json=body, headers=bearer())
        assert answer.status_code == 200, answer.text
        await stack.until_state(order.number, "done")
        assert await purchase_orders(stack) == []
