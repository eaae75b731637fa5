"""C6, C4: one bill for each purchase order that grows with its receipts (`BILL_PER`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.domain.books import Document, DocumentKind, Status
from tests.e2e.harness import Rest, bearer
from tests.e2e.ledgers import LEDGERS, Kept, amounts, decide, kept
from tests.e2e.orders import MONITOR, Order

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


@pytest.fixture(params=LEDGERS)
async def books(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    more: dict[str, Any] = {"bill_per": "purchase_order", "read_lag": 0.1}
    async with kept(request.param, database_url, redis_url, **more) as opened:
        if request.param == "quickbooks":
            await opened.ledger.switch(custom_purchase_numbers=True)
        yield opened


async def first_part(books: Kept) -> tuple[Order, Document]:
    """Four of ten monitors, received with 30 of freight and billed."""
    order = Order(lines=[(MONITOR, 10)], quote_id=None, not_chosen=())
    await books.tell(order.approved(), order.ordered(8891, [(MONITOR, 10)]))
    await books.tell(received(order, {1: 4}, freight=30))
    await totals(books, "430.00")
    await settled(books, order)
    (bill,) = await books.bills()
    return order, bill


def received(order: Order, lines: dict[int, int] | None = None, *, freight: int = 0) -> Rest:
    event = order.receipted(8891, lines) if lines else order.receipted(8891)
    event["data"]["receipt"]["freight"] = freight
    return event


async def totals(books: Kept, *wanted: str) -> None:
    async def there() -> bool:
        told = sorted(bill.total for bill in await books.bills())
        return told == [Decimal(one) for one in wanted]

    await books.stack.until_true(there)


async def settled(books: Kept, order: Order) -> None:
    await books.stack.until(order.number, lambda o: o["answer"]["code"] == "SALES_INVOICE_MISSING")


async def codes(books: Kept, order: Order) -> set[str]:
    path = f"/admin/orders/{order.number}/journal"
    found = (await books.stack.client.get(path, headers=bearer())).json()["items"]
    return {entry["code"] for entry in found}


async def test_c6_one_bill_grows_with_each_receipt(books: Kept) -> None:
    """Goods, freight and links once each; the whole closes the purchase order in the ledger."""
    order, bill = await first_part(books)
    await books.tell(received(order, freight=20))
    await totals(books, "1050.00")
    await settled(books, order)
    (after,) = await books.bills()
    assert after.id == bill.id
    assert sorted(amounts(after)) == [Decimal(50), Decimal(1000)]
    (purchase_order,) = await books.purchase_orders()
    assert purchase_order.status is Status.CLOSED
    if books.name == "quickbooks":
        assert [line.fulfils is not None for line in after.lines] == [True, False]


@pytest.mark.parametrize("act", ["pay", "close"])
async def test_c6_what_comes_after_the_bill_is_paid_or_its_period_closed_is_a_second_bill(
    books: Kept, act: str
) -> None:
    order, bill = await first_part(books)
    if act == "pay":
        await books.ledger.pay(bill)
    else:
        await books.ledger.close_books(bill.on or date.min)
    later = received(order, freight=20)
    if act == "close":
        later["data"]["receipt"]["supplierInvoiceDate"] = "2026-11-25T00:00:00Z"
    await books.tell(later)
    await settled_with(books, order, "BILL_SEALED")
    every = await books.bills()
    if act == "close":
        every += await books.bills(on=date(2026, 11, 25))
    first, second = sorted(every, key=lambda one: one.id != bill.id)
    assert (first.id, first.total, second.total) == (bill.id, bill.total, Decimal("620.00"))


async def settled_with(books: Kept, order: Order, code: str) -> None:
    async def there() -> bool:
        return code in await codes(books, order)

    await books.stack.until_true(there)
    await settled(books, order)


@pytest.mark.parametrize(
    ("choice", "wanted"), [("bill_rest", 2), ("done_by_hand", 1)], ids=["bill_rest", "by_hand"]
)
async def test_c4_more_for_a_bill_that_a_person_edited_is_for_a_person(
    books: Kept, choice: str, wanted: int
) -> None:
    order, bill = await first_part(books)
    await books.ledger.edit(bill)
    before = await books.bills()
    await books.tell(received(order))
    told = await books.stack.until_state(order.number, "held", "BILL_TAKEN_OVER")
    assert {"bill_rest", "done_by_hand"} <= set(told["answer"]["choices"])
    assert await books.bills() == before
    await decide(books, order, "BILL_TAKEN_OVER", choice)
    await settled(books, order)
    after = await books.bills()
    assert len(after) == wanted
    assert before[0] in after
    assert Decimal(600) in {one.total for one in after} or choice == "done_by_hand"


async def test_h9_a_change_whose_answer_was_lost_is_not_billed_again(books: Kept) -> None:
    """The second receipt's change stands and is not answered; the third one comes meanwhile."""
    order, bill = await first_part(books)
    await books.ledger.fault("lose_reply", DocumentKind.BILL)
    await books.tell(received(order, {1: 3}), received(order))
    await totals(books, "1030.00")
    await settled(books, order)
    (after,) = await books.bills()
    assert after.id == bill.id
