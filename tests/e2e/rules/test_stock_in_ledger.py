"""H4 in A and C: what is bought for stock, without a sales order, is owed in the ledger all the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.ledgers import amounts, kept
from tests.e2e.orders import CABLE, MONITOR
from tests.e2e.rules.test_purchase_order_changes import for_stock, revised
from tests.e2e.tickets import plain

pytestmark = pytest.mark.processes
STOCK = "PO10008895"
A: dict[str, Any] = {"scenario": "connectwise-invoicing"}
C: dict[str, Any] = {"scenario": "commerce-invoicing"}
ROWS = [pytest.param(A, "xero", id="A"), pytest.param(C, "quickbooks", id="C")]


@pytest.mark.parametrize(("row", "ledger"), ROWS)
async def test_h4_a6_c6_stock_is_billed_by_receipt_and_nothing_of_it_stands_in_connectwise(
    database_url: str, redis_url: str, row: dict[str, Any], ledger: str
) -> None:
    order = plain((CABLE, 5))
    async with kept(ledger, database_url, redis_url, **row) as books:
        await books.tell(for_stock(order))
        told = await books.stack.until_state(STOCK, "waiting", "GOODS_NOT_RECEIVED")
        assert await books.purchase_orders() == []  # purchase_order_timing = on_receipt
        await books.tell(order.receipted(8895, {1: 5, 2: 2}))
        told = await books.stack.until(
            STOCK, lambda o: sum(s["step"] == "post_bill" for s in o["steps"]) == 1
        )
        told = await books.stack.until_state(STOCK, "waiting", "GOODS_NOT_RECEIVED")
        assert "15 of" in told["answer"]["sentence"]
        (bill,) = await books.bills()
        assert amounts(bill) == [Decimal(500), Decimal(200)]
        await books.tell(order.receipted(8895))
        told = await books.stack.until_state(STOCK, "done", "STOCK_RECEIVED")
        assert {step["step"] for step in told["steps"]} == {"post_purchase_order", "post_bill"}
        assert sorted(amounts(one) for one in await books.bills()) == [
            [Decimal(500), Decimal(200)],
            [Decimal(1500)],
        ]
        (ordered,) = await books.purchase_orders()
        assert amounts(ordered) == [Decimal(2000), Decimal(200)]
        assert await books.writes() == [
            entry for entry in await books.writes() if "/system/callbacks" in entry
        ]


@pytest.mark.parametrize(("row", "ledger"), ROWS)
async def test_h4_stock_can_be_ignored_where_commerce_buys_too(
    database_url: str, redis_url: str, row: dict[str, Any], ledger: str
) -> None:
    order = plain((CABLE, 5))
    more = {**row, "stock_purchase_orders": "ignore"}
    async with kept(ledger, database_url, redis_url, **more) as books:
        await books.tell(for_stock(order), order.receipted(8895))
        await books.stack.until_state(STOCK, "done", "STOCK_IGNORED")
        assert (await books.bills(), await books.purchase_orders()) == ([], [])


async def test_h4_stock_that_is_cancelled_leaves_nothing_in_the_ledger(
    database_url: str, redis_url: str
) -> None:
    order = plain((MONITOR, 1))
    async with kept(
        "xero", database_url, redis_url, purchase_order_timing="on_issue", **A
    ) as books:
        await books.tell(for_stock(order))
        await books.stack.until_state(STOCK, "waiting", "GOODS_NOT_RECEIVED")
        assert len(await books.purchase_orders()) == 1
        await books.tell(revised(order, 8895, status=90) | {"type": "purchase_order.cancelled"})
        told = await books.stack.until_state(STOCK, "cancelled")
        assert "ConnectWise" not in told["answer"]["sentence"]
        assert (await books.purchase_orders(), await books.bills()) == ([], [])


async def test_h4_stock_that_names_an_order_later_is_billed_once(
    database_url: str, redis_url: str
) -> None:
    order = plain((CABLE, 20), (MONITOR, 2))
    async with kept("xero", database_url, redis_url, **A) as books:
        await books.tell(for_stock(order), order.approved())
        await books.stack.until_state(STOCK, "waiting", "GOODS_NOT_RECEIVED")
        await books.tell(revised(order, 8895, salesOrderID=order.id), order.receipted(8895))
        await books.stack.until_state(order.number, "done")
        await books.stack.until_state(STOCK, "cancelled")
        (bill,) = await books.bills()
        assert amounts(bill) == [Decimal(2000), Decimal(200)]
