"""H12, C4: bills in either ledger that a person edited or removed, or that stand twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain.books import Document, DocumentKind, NewDocument
from tests.e2e.ledgers import Kept, kept
from tests.e2e.orders import CABLE, MONITOR, Order
from tests.e2e.rules.test_drift import compare, settle
from tests.e2e.rules.test_ledger_afterlife import books, received, remove

__all__ = ["books"]
pytestmark = pytest.mark.processes


async def test_h12_a_bill_that_was_removed_is_posted_again_when_a_person_says_so(
    books: Kept,
) -> None:
    order, _, bill = await received(books)
    assert await compare(books.stack, order) == []
    await remove(books, bill)
    (found,) = await compare(books.stack, order)
    assert (found["code"], found["system"], found["kind"]) == ("DRIFT_MISSING", "ledger", "bill")
    await settle(books.stack, found, "fix")

    async def again() -> bool:
        standing = [one for one in await books.bills() if one.status.value == "open"]
        return len(standing) == 1 and standing[0].id != bill.id

    await books.stack.until_true(again)
    assert await compare(books.stack, order) == []


async def test_h12_a_bill_that_was_edited_is_named_to_the_cent_and_left(
    books: Kept,
) -> None:
    order, _, bill = await received(books)
    books.stack.ledger_log = None  # the observer cannot tell a person's hand in the ledger
    first, *rest = _new(bill).lines
    changed = replace(
        first, amount=first.amount + 1, unit_price=(first.amount + 1) / first.quantity
    )
    await _write(books, bill, replace(_new(bill), lines=(changed, *rest)))
    (found,) = await compare(books.stack, order)
    assert (found["code"], found["ways"]) == ("DRIFT_DIFFERENT", ["adopt", "ignore"])
    assert (found["says"], found["stands"]) == ("1000.00 USD", "1001.00 USD")


async def test_h12_a_bill_that_was_posted_twice_is_a_duplicate(
    books: Kept,
) -> None:
    """The write of a worker that was frozen past its lease, after the ledger forgot its key."""
    order, _, bill = await received(books)
    books.stack.ledger_log = None  # the observer cannot tell a person's hand in the ledger
    second = replace(_new(bill), number=f"{bill.number}-2"[:20])
    made = await books.ledger.books.create_document(second, "another key")
    (found,) = await compare(books.stack, order)
    assert (found["code"], found["record"]) == ("DUPLICATE_REMOTE", made.id)
    await books.ledger.books.remove_document(DocumentKind.BILL, made.id, made.version, "away")
    assert await compare(books.stack, order) == []


async def test_h12_in_a_nothing_differs_where_nobody_did_anything(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(MONITOR, 10), (CABLE, 5)], quote_id=None, not_chosen=())
    async with kept("xero", database_url, redis_url, scenario="connectwise-invoicing") as one:
        await one.tell(order.approved(), order.ordered(8891, [(MONITOR, 10), (CABLE, 5)]))
        await one.tell(order.receipted(8891))
        await one.stack.until_state(order.number, "done")
        assert await compare(one.stack, order) == []
        (bill,) = await one.bills()
        one.stack.ledger_log = None  # the observer cannot tell a person's hand in the ledger
        await one.ledger.books.remove_document(DocumentKind.BILL, bill.id, bill.version, "away")
        (found,) = await compare(one.stack, order)
        assert (found["code"], found["kind"]) == ("DRIFT_MISSING", "bill")


def _new(bill: Document) -> NewDocument:
    """The bill as it was sent."""
    assert bill.on is not None
    assert bill.marker is not None
    return NewDocument(
        kind=bill.kind,
        contact_id=bill.contact_id,
        on=bill.on,
        currency=bill.currency,
        lines=tuple(replace(line, id=None, fulfils=None) for line in bill.lines),
        marker=bill.marker,
        number=bill.number,
    )


async def _write(books: Kept, bill: Document, new: NewDocument) -> None:
    await books.ledger.books.update_document(bill.id, bill.version, new, "by hand")
