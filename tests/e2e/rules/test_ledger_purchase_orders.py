"""A6, A7, C6: purchase orders of Commerce stand in the ledger, and bills are linked to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.books import DocumentKind, Status
from tests.e2e.harness import Rest, bearer
from tests.e2e.ledgers import LEDGERS, Kept, amounts, kept
from tests.e2e.orders import CABLE, MONITOR, Order
from tests.e2e.rules.test_ledger_bills import billed, bought

pytestmark = pytest.mark.processes


@pytest.fixture(params=LEDGERS)
async def books(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    async with kept(request.param, database_url, redis_url) as opened:
        yield opened


@pytest.fixture(params=LEDGERS)
async def early(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    """Purchase orders reach the ledger when they are issued."""
    more: dict[str, Any] = {"purchase_order_timing": "on_issue"}
    async with kept(request.param, database_url, redis_url, **more) as opened:
        yield opened


@pytest.fixture
async def quickbooks(database_url: str, redis_url: str) -> AsyncIterator[Kept]:
    async with kept("quickbooks", database_url, redis_url) as opened:
        yield opened


async def ordered(books: Kept, order: Order, state: str = "done") -> Rest:
    return await books.stack.until(
        order.number,
        lambda o: any(
            s["step"] == "post_purchase_order" and s["state"] == state for s in o["steps"]
        ),
    )


async def statuses(books: Kept, *wanted: Status) -> bool:
    return [one.status for one in await books.purchase_orders()] == list(wanted)


async def test_c6_each_bill_is_linked_line_by_line_and_the_whole_closes_it(books: Kept) -> None:
    order, events = bought((MONITOR, 10), (CABLE, 5))
    await books.tell(*events, order.receipted(8891, {1: 4}))
    await billed(books, order, 1)
    (purchase,) = await books.purchase_orders()
    assert purchase.status is Status.OPEN
    assert sorted(amounts(purchase)) == [500, 1000]
    await books.tell(order.receipted(8891))
    await billed(books, order, 2)
    await books.stack.until_true(lambda: statuses(books, Status.CLOSED))
    bills = await books.bills()
    if books.name == "quickbooks":
        lines = {line.id for line in purchase.lines}
        links = [line.fulfils for bill in bills for line in bill.lines]
        assert len(links) == 3
        assert {link.document_id for link in links if link} == {purchase.id}
        assert {link.line_id for link in links if link} == lines
    else:
        assert purchase.number == "PO10008891"
    assert await books.ledger.posted(DocumentKind.PURCHASE_ORDER) == 1


@pytest.mark.parametrize("ledger", LEDGERS)
async def test_c6_a_later_receipt_that_is_billed_first_closes_nothing(
    database_url: str, redis_url: str, ledger: str
) -> None:
    """What is closed takes no link any more, and the earlier receipt's bill would stand without."""
    async with kept(ledger, database_url, redis_url, worker=False) as books:
        order, events = bought((CABLE, 5))
        parts = [order.receipted(8891, {1: 2}), order.receipted(8891, {1: 3})]
        for event, number in zip(parts, ("Z-1", "A-2"), strict=True):
            event["data"]["receipt"]["id"] = number
            event["data"]["receipt"]["receivedDate"] = "2026-11-19T11:00:00Z"
        await books.tell(*events, *parts)
        await books.stack.start_worker()
        await billed(books, order, 2)
        told = await ordered(books, order)
        assert "BILL_NOT_LINKED" not in {step["code"] for step in told["steps"]}
        (purchase,) = await books.purchase_orders()
        assert purchase.status is Status.CLOSED
        assert all(not bill.unlinked for bill in await books.bills()) or ledger == "xero"


async def test_c6_h9_one_that_does_not_show_yet_is_looked_for_again(books: Kept) -> None:
    """A read that lags is no person's deleting: the bill is linked and the whole closed."""
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891, {1: 4}))
    await billed(books, order, 1)
    lagging = {"kind": "stale_read", "method": "GET", "times": 1, "seconds": 3600}
    for path in ("/purchaseorder/", "^/PurchaseOrders/"):
        await books.ledger.control("POST", "/faults", [{**lagging, "path": path}])  # type: ignore[attr-defined]
    await books.tell(order.receipted(8891))
    await billed(books, order, 2)
    await books.stack.until_true(lambda: statuses(books, Status.CLOSED))
    if books.name == "quickbooks":
        links = [line.fulfils for bill in await books.bills() for line in bill.lines]
        assert None not in links


async def test_d2_by_default_it_waits_for_the_first_receipt(books: Kept) -> None:
    order, events = bought((MONITOR, 10))
    await books.tell(*events)
    await books.stack.until_state(order.number, "waiting", "SALES_INVOICE_MISSING")
    assert await books.purchase_orders() == []


async def test_d2_on_issue_it_stands_before_any_receipt_and_follows_changes(early: Kept) -> None:
    order, events = bought((MONITOR, 10))
    await early.tell(*events)
    await ordered(early, order)
    assert [amounts(one) for one in await early.purchase_orders()] == [[1000]]
    order.purchase_orders[8891]["lines"][0]["price"] = 90

    async def follows() -> bool:
        return [amounts(one) for one in await early.purchase_orders()] == [[900]]

    await early.tell(order.ordered_again(8891))
    await early.stack.until_true(follows)
    await early.tell(order.receipted(8891))
    await billed(early, order, 1)
    await early.stack.until_true(lambda: statuses(early, Status.CLOSED))


async def test_h3_one_that_is_cancelled_before_any_bill_is_removed(early: Kept) -> None:
    order, events = bought((MONITOR, 10))
    await early.tell(*events)
    await ordered(early, order)
    order.purchase_orders[8891]["status"] = 90
    await early.tell(order.ordered_again(8891))
    await early.stack.until_true(lambda: statuses(early))


async def test_h3_one_that_is_cancelled_after_a_bill_is_closed(books: Kept) -> None:
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891, {1: 4}))
    await billed(books, order, 1)
    order.purchase_orders[8891]["status"] = 90
    await books.tell(order.ordered_again(8891))
    await books.stack.until_true(lambda: statuses(books, Status.CLOSED))
    assert len(await books.bills()) == 1


async def test_d11_what_changes_after_a_bill_is_for_accounting(books: Kept) -> None:
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891, {1: 4}))
    await billed(books, order, 1)
    order.purchase_orders[8891]["lines"][0]["quantity"] = 8
    await books.tell(order.ordered_again(8891))
    told = await books.stack.until(
        order.number,
        lambda o: any(
            s["step"] == "post_purchase_order" and s["code"] == "CHANGED_AFTER_FREEZE"
            for s in o["steps"]
        ),
    )
    assert told["answer"]["who"] == "accounting"
    assert [amounts(one) for one in await books.purchase_orders()] == [[1000]]


async def test_g3_a_plan_without_purchase_orders_gets_bills_only(quickbooks: Kept) -> None:
    books = quickbooks
    await books.ledger.switch(plan="essentials")
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891, {1: 4}), order.receipted(8891))
    await billed(books, order, 2)
    path = f"/admin/orders/{order.number}/journal"
    journal = (await books.stack.client.get(path, headers=bearer())).json()["items"]
    codes = [entry["code"] for entry in journal]
    assert codes.count("LEDGER_WITHOUT_PURCHASE_ORDERS") == 1
    assert await books.ledger.posted(DocumentKind.PURCHASE_ORDER) == 0


async def test_g3_a_link_that_was_dropped_is_named(quickbooks: Kept) -> None:
    books = quickbooks
    await books.ledger.switch(drop_po_link=True)
    order, events = bought((MONITOR, 10))
    await books.tell(*events, order.receipted(8891))
    told = await books.stack.until_state(order.number, "held", "BILL_NOT_LINKED")
    assert told["answer"]["who"] == "accounting"
    assert "leave_unlinked" in told["answer"]["choices"]
    body = {"code": "BILL_NOT_LINKED", "choice": "leave_unlinked", "reason": "linked by hand later"}
    path = f"/admin/orders/{order.number}/decide"
    answer = await books.stack.client.post(path, json=body, headers=bearer())
    assert answer.status_code == 200, answer.text
    await billed(books, order, 1)
    assert len(await books.bills()) == 1


async def test_g3_a_bill_that_is_corrected_keeps_its_link(quickbooks: Kept) -> None:
    """The purchase order is closed by then: a new line could not be linked any more."""
    books = quickbooks
    order, events = bought((MONITOR, 10))
    event = order.receipted(8891)
    await books.tell(*events, event)
    await billed(books, order, 1)
    await books.stack.until_true(lambda: statuses(books, Status.CLOSED))
    order.purchase_orders[8891]["lines"][0]["price"] = 90
    await books.tell(order.ordered_again(8891))

    async def corrected() -> bool:
        return [bill.total for bill in await books.bills()] == [900]

    await books.stack.until_true(corrected)
    (bill,) = await books.bills()
    assert bill.unlinked == ()
