"""C4, C6, D-9, D-11, G3, H3: states of the ledger's documents that people and faults bring about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from app.domain.books import Document, DocumentKind, Status
from tests.e2e.harness import Rest
from tests.e2e.ledgers import LEDGERS, Kept, decide, invoice, kept
from tests.e2e.orders import MONITOR, Order
from tests.e2e.rules.test_ledger_bills import billed, bought

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
TECHDATA = {"id": 12, "accountNumber": "TECHDATA", "name": "Tech Data"}


@pytest.fixture(params=LEDGERS)
async def books(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    async with kept(request.param, database_url, redis_url) as opened:
        yield opened


@pytest.fixture
async def quickbooks(database_url: str, redis_url: str) -> AsyncIterator[Kept]:
    async with kept("quickbooks", database_url, redis_url) as opened:
        yield opened


async def pay_part(books: Kept, bill: Document, amount: int) -> None:
    if books.name == "quickbooks":
        await books.ledger.act("pay_bill", bill.id, amount=amount)
    else:
        await books.ledger.act("pay_invoice", bill.id, amount=amount)


def resourced(order: Order) -> Rest:
    """Another supplier delivers the purchase order."""
    order.purchase_orders[8891] |= {"supplierID": TECHDATA["id"], "supplier": TECHDATA}
    return order.ordered_again(8891)


async def test_c4_d11_a_bill_that_is_paid_in_part_is_left_alone(books: Kept) -> None:
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891))
    await billed(books, order, 1)
    (bill,) = await books.bills()
    await pay_part(books, bill, 250)
    order.purchase_orders[8891]["lines"][0]["price"] = 90
    await books.tell(order.ordered_again(8891))
    told = await books.stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
    assert "250" in told["answer"]["sentence"]
    (after,) = await books.bills()
    assert (after.total, after.paid, after.status) == (bill.total, Decimal(250), Status.OPEN)


async def test_a6_c6_status_received_after_a_first_part_keeps_the_purchase_order_open(
    books: Kept,
) -> None:
    order, events = bought((MONITOR, 10))
    order.purchase_orders[8891]["status"] = 2
    await books.tell(*events, order.receipted(8891, {1: 4}))
    await billed(books, order, 1)
    (purchase,) = await books.purchase_orders()
    assert purchase.status is Status.OPEN
    await books.tell(order.receipted(8891))
    await billed(books, order, 2)

    async def closed() -> bool:
        return [one.status for one in await books.purchase_orders()] == [Status.CLOSED]

    await books.stack.until_true(closed)


@pytest.mark.parametrize("scenario", ["commerce-invoicing", "connectwise-invoicing"])
async def test_h3_a_purchase_order_of_another_supplier_before_its_bill_is_that_suppliers(
    database_url: str, redis_url: str, scenario: str
) -> None:
    more: dict[str, Any] = {"purchase_order_timing": "on_issue", "scenario": scenario}
    async with kept("quickbooks", database_url, redis_url, **more) as books:
        order, events = bought((MONITOR, 10))
        await books.tell(*events)

        async def stands(vendor: str, count: int) -> bool:
            return len(await books.purchase_orders(vendor=vendor)) == count

        await books.stack.until_true(lambda: stands("Ingram Micro", 1))
        await books.tell(resourced(order))
        await books.stack.until_true(lambda: stands("Tech Data", 1))
        assert await stands("Ingram Micro", 0)
        await books.tell(order.receipted(8891))

        async def owed() -> bool:
            return len(await books.bills(vendor="Tech Data")) == 1

        await books.stack.until_true(owed)
        assert await books.bills() == []


async def test_h3_a_bill_stays_its_suppliers_when_the_purchase_order_goes_to_another(
    books: Kept,
) -> None:
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891))
    await billed(books, order, 1)
    before = await books.bills()
    await books.tell(resourced(order))
    told = await books.stack.until(
        order.number,
        lambda o: any(
            s["step"] == "post_bill" and s["code"] == "CHANGED_AFTER_FREEZE" for s in o["steps"]
        ),
    )
    assert told["answer"]["who"] == "accounting"
    assert await books.bills() == before
    assert await books.bills(vendor="Tech Data") == []


async def test_h3_a_billed_purchase_order_that_names_another_order_is_for_a_person(
    books: Kept,
) -> None:
    order, events = bought((MONITOR, 10))
    other = Order(id=1300, lines=[(MONITOR, 10)], quote_id=None, opportunity=None, not_chosen=())
    await books.tell(*events, other.approved(), order.receipted(8891, {1: 4}))
    await billed(books, order, 1)
    order.purchase_orders[8891]["salesOrderID"] = other.id
    await books.tell(order.ordered_again(8891))
    await books.stack.until_state(order.number, "held", "PURCHASE_ORDER_MOVED")
    assert [bill.total for bill in await books.bills()] == [Decimal(400)]


async def test_d9_an_estimate_that_a_person_turned_into_an_invoice_is_left_alone(
    database_url: str, redis_url: str
) -> None:
    async with kept("quickbooks", database_url, redis_url, draft_as_estimate="true") as books:
        order = Order(lines=[(MONITOR, 10)], quote_id=None, not_chosen=())
        lines = ("product", "Monitor", "10", "239")
        await books.tell(order.approved(), invoice(order, lines))
        await books.stack.until_state(order.number, "done")
        (estimate,) = await books.invoices(DocumentKind.ESTIMATE)
        # QuickBooks closes an estimate with the invoice that a person makes of it.
        closed = {"TxnStatus": "Closed"}
        await books.ledger.act("edit", estimate.id, entity="Estimate", changes=closed)
        await books.tell(invoice(order, ("product", "Monitor", "10", "200")))
        told = await books.stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
        assert "closed in the ledger" in told["answer"]["sentence"]
        await decide(books, order, "CHANGED_AFTER_FREEZE", "keep_connectwise")
        await books.stack.until_state(order.number, "done")
        assert await books.ledger.posted(DocumentKind.INVOICE) == 0
        (after,) = await books.invoices(DocumentKind.ESTIMATE)
        assert after.total == estimate.total


FAULTS = [
    (400, "5020", "held", "PERMISSION_MISSING", 0),
    (400, "610", "held", "REMOTE_REJECTED", 0),
    (400, "6140", "held", "REMOTE_EXISTS", 0),
    (200, "6000", "held", "REMOTE_REJECTED", 0),
    (400, "5010", "waiting", "SALES_INVOICE_MISSING", 1),
]


@pytest.mark.parametrize(("status", "code", "state", "reason", "count"), FAULTS)
async def test_g3_a_fault_of_quickbooks_ends_in_a_named_state(
    quickbooks: Kept, status: int, code: str, state: str, reason: str, count: int
) -> None:
    """Whatever status carries it: a 200 with a Fault posted nothing."""
    books = quickbooks
    error = {"Message": "Said by QuickBooks", "Detail": "in detail", "code": code}
    body = {"Fault": {"Error": [error], "type": "ValidationFault"}}
    await books.ledger.fault("status", DocumentKind.BILL, status=status, body=body)
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891))
    told = await books.stack.until_state(order.number, state, reason)
    if count == 0:
        assert "Said by QuickBooks" in told["answer"]["sentence"]
        await decide(books, order, reason, "look_again")
        await billed(books, order, 1)
    assert len(await books.bills()) == 1
