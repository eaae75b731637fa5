"""The port `Books`, proven for every ledger by one suite, over real HTTP.

A vendor joins by a class in `ledgers.py` and a name in LEDGERS. What only some ledgers can do is
asked of their capabilities, never of their name.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from app.domain.books import (
    AccountKind,
    Approval,
    ContactKind,
    Document,
    DocumentKind,
    LedgerLine,
    LineLink,
    NewContact,
    NewDocument,
    NewItem,
    Status,
)
from app.domain.errors import FailureKind as Kind
from app.domain.errors import RemoteFailure
from tests.contract.ledgers import TODAY, Ledger, quickbooks
from tests.contract.xero_site import busy_xero

LEDGERS = {"quickbooks": quickbooks, "xero": busy_xero}
KEYS = iter(f"test-key-{number}" for number in range(1, 10_000))
PURCHASES = (DocumentKind.PURCHASE_ORDER, DocumentKind.BILL, DocumentKind.VENDOR_CREDIT)


@pytest.fixture(params=LEDGERS)
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    async with LEDGERS[request.param]() as opened:
        yield opened


def key() -> str:
    return next(KEYS)


async def failure(call: Any) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await call
    return caught.value


async def an_item(ledger: Ledger, code: str = "DELL-P2425H") -> str:
    found = await ledger.books.find_item(code)
    if found is not None:
        return found.id
    new = NewItem(
        code,
        "Dell P2425H",
        "Dell P2425H monitor",
        income_account_id=await ledger.account(AccountKind.INCOME),
        expense_account_id=await ledger.account(AccountKind.COST_OF_GOODS),
    )
    return (await ledger.books.create_item(new, key())).id


def line(item_id: str, quantity: str, price: str = "180.55", **more: Any) -> LedgerLine:
    amount = (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return LedgerLine(
        "Dell P2425H", Decimal(quantity), Decimal(price), amount, item_id=item_id, **more
    )


async def new_document(
    ledger: Ledger,
    kind: DocumentKind,
    *lines: LedgerLine,
    marker: str = "dl:1:po:9:0-10",
    **more: Any,
) -> NewDocument:
    purchase = kind in PURCHASES
    contact_kind = ContactKind.VENDOR if purchase else ContactKind.CUSTOMER
    name = ledger.vendor if purchase else ledger.customer
    contact = await ledger.books.find_contact(contact_kind, name)
    assert contact is not None
    organisation = await ledger.books.organisation()
    if kind is DocumentKind.PURCHASE_ORDER and ledger_names_payables(organisation.capabilities):
        more.setdefault("payable_account_id", await ledger.account(AccountKind.PAYABLE))
    item = await an_item(ledger)
    given = lines or (line(item, "10"),)
    return NewDocument(kind, contact.id, TODAY, organisation.currency, given, marker, **more)


def ledger_names_payables(capabilities: Any) -> bool:
    """Where a bill is linked to its order, the order names the payables account as the bill does."""
    return bool(capabilities.links_purchase_orders)


async def made(ledger: Ledger, kind: DocumentKind, *lines: LedgerLine, **more: Any) -> Document:
    return await ledger.books.create_document(
        await new_document(ledger, kind, *lines, **more), key()
    )


# --- the organisation ---------------------------------------------------------------------------


async def test_it_says_whose_books_these_are_and_what_they_can_do(ledger: Ledger) -> None:
    organisation = await ledger.books.organisation()
    assert organisation.name
    assert len(organisation.currency) == 3
    assert organisation.closed_until is None
    assert organisation.capabilities.purchase_orders
    assert DocumentKind.BILL in organisation.capabilities.own_numbering
    await ledger.close_books(TODAY)
    assert (await ledger.books.organisation()).closed_until == TODAY


async def test_the_accounts_that_postings_need_are_told_by_kind(ledger: Ledger) -> None:
    kinds = {one.kind for one in await ledger.books.accounts()}
    assert {AccountKind.INCOME, AccountKind.COST_OF_GOODS, AccountKind.PAYABLE} <= kinds


async def test_tax_codes_can_be_read(ledger: Ledger) -> None:
    codes = await ledger.books.tax_codes()
    assert codes
    assert all(one.id and one.name for one in codes)
    assert any(one.rate is not None and one.rate > 0 for one in codes)


# --- contacts and items -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ContactKind)
async def test_a_contact_is_made_found_without_case_and_changed(
    ledger: Ledger, kind: ContactKind
) -> None:
    name = f"O'Neill & Söhne {kind.value}"
    assert await ledger.books.find_contact(kind, name) is None
    new = NewContact(kind, name, "ap@example.com", number="V-17")
    contact = await ledger.books.create_contact(new, key())
    assert (contact.name, contact.email, contact.active) == (name, "ap@example.com", True)
    assert await ledger.books.find_contact(kind, name.upper()) == contact
    assert await ledger.books.read_contact(kind, contact.id) == contact
    changed = await ledger.books.update_contact(
        contact.id, contact.version, replace(new, email="bills@example.com"), key()
    )
    assert (changed.id, changed.email) == (contact.id, "bills@example.com")


async def test_a_name_that_stands_already_cannot_be_taken_again(ledger: Ledger) -> None:
    new = NewContact(ContactKind.VENDOR, ledger.vendor.upper())
    assert (await failure(ledger.books.create_contact(new, key()))).kind is Kind.EXISTS


async def test_an_item_is_made_once_found_without_case_and_changed(ledger: Ledger) -> None:
    assert await ledger.books.find_item("CAB-3M 'x'") is None
    new = NewItem(
        "CAB-3M 'x'",
        "Cable",
        "Cable, 3 m",
        income_account_id=await ledger.account(AccountKind.INCOME),
        expense_account_id=await ledger.account(AccountKind.COST_OF_GOODS),
    )
    item = await ledger.books.create_item(new, key())
    assert item.code == "CAB-3M 'x'"
    assert not item.tracked
    found = await ledger.books.find_item("cab-3m 'X'")
    assert found is not None
    assert found.id == item.id
    assert (await ledger.books.read_item(item.id)).id == item.id
    assert (await failure(ledger.books.create_item(new, key()))).kind is Kind.EXISTS
    again = await ledger.books.update_item(item.id, item.version, replace(new, name="Cord"), key())
    assert again.id == item.id


# --- documents ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [DocumentKind.PURCHASE_ORDER, *PURCHASES[1:], DocumentKind.INVOICE]
)
async def test_a_document_stands_as_it_was_given_and_carries_its_marker(
    ledger: Ledger, kind: DocumentKind
) -> None:
    item = await an_item(ledger)
    number = "INV-77812" if kind is DocumentKind.BILL else None
    document = await made(
        ledger, kind, line(item, "3", "33.335"), line(item, "10"), number=number, memo="For Contoso"
    )
    assert document.kind is kind
    assert document.status is Status.OPEN
    assert document.marker == "dl:1:po:9:0-10"
    assert document.total - document.tax == Decimal("1905.51")
    assert document.paid == 0
    assert [(one.quantity, one.amount) for one in document.lines] == [
        (Decimal(3), Decimal("100.01")),
        (Decimal(10), Decimal("1805.50")),
    ]
    assert all(one.id for one in document.lines)
    assert document.on == TODAY
    assert document.url.startswith("https://")
    if number:
        assert document.number == number
    assert await ledger.books.read_document(kind, document.id) == document


async def test_a_document_is_found_by_date_or_by_number(ledger: Ledger) -> None:
    bill = await made(ledger, DocumentKind.BILL, number="INV-77812")
    other = await made(ledger, DocumentKind.BILL, number="INV-77813", marker="dl:1:po:9:10-12")

    async def found(days: int, number: str | None = None) -> set[str]:
        on = TODAY - timedelta(days=days)
        documents = await ledger.books.find_documents(
            DocumentKind.BILL, bill.contact_id, on, number
        )
        return {one.id for one in documents}

    assert await found(0) == {bill.id, other.id}
    assert await found(5) == set()
    assert await found(5, "INV-77813") == {other.id}
    assert await found(0, "INV-77813") == {bill.id, other.id}


async def test_a_bill_fulfils_the_lines_of_its_order_in_parts(ledger: Ledger) -> None:
    if not (await ledger.books.organisation()).capabilities.links_purchase_orders:
        pytest.skip("this ledger keeps no link from a bill to its purchase order")
    item = await an_item(ledger)
    order = await made(ledger, DocumentKind.PURCHASE_ORDER, line(item, "10"), line(item, "4"))
    first, second = (LineLink(order.id, one.id or "") for one in order.lines)
    bill = await made(
        ledger, DocumentKind.BILL, line(item, "6", fulfils=first), line(item, "4", fulfils=second)
    )
    assert [one.fulfils for one in bill.lines] == [first, second]
    assert bill.unlinked == ()
    standing = await ledger.books.read_document(DocumentKind.PURCHASE_ORDER, order.id)
    assert standing.fulfilled_by == (bill.id,)
    assert standing.status is Status.OPEN


async def test_a_link_that_is_lost_shows(ledger: Ledger) -> None:
    if not (await ledger.books.organisation()).capabilities.links_purchase_orders:
        pytest.skip("this ledger keeps no link from a bill to its purchase order")
    item = await an_item(ledger)
    order = await made(ledger, DocumentKind.PURCHASE_ORDER)
    link = LineLink(order.id, order.lines[0].id or "")
    await ledger.fault("drop_link", DocumentKind.BILL)
    bill = await made(ledger, DocumentKind.BILL, line(item, "10", fulfils=link))
    assert len(bill.unlinked) == 1


async def test_an_order_is_closed_once_and_by_its_current_version(ledger: Ledger) -> None:
    order = await made(ledger, DocumentKind.PURCHASE_ORDER)
    closed = await ledger.books.close_purchase_order(order.id, order.version, key())
    assert closed.status is Status.CLOSED
    assert closed.total == order.total
    again = await ledger.books.close_purchase_order(order.id, closed.version, key())
    assert again == closed


async def test_an_update_replaces_lines_and_keeps_those_with_an_id(ledger: Ledger) -> None:
    item = await an_item(ledger)
    new = await new_document(ledger, DocumentKind.BILL, line(item, "6"), line(item, "4"))
    bill = await ledger.books.create_document(new, key())
    kept = line(item, "2", id=bill.lines[0].id)
    changed = await ledger.books.update_document(
        bill.id, bill.version, replace(new, lines=(kept, line(item, "1", "9.99"))), key()
    )
    assert changed.version != bill.version
    assert [one.quantity for one in changed.lines] == [2, 1]
    assert changed.lines[0].id == bill.lines[0].id
    assert changed.lines[1].id not in {one.id for one in bill.lines}
    assert changed.marker == bill.marker


async def test_a_version_that_is_not_current_is_a_conflict(ledger: Ledger) -> None:
    new = await new_document(ledger, DocumentKind.BILL)
    bill = await ledger.books.create_document(new, key())
    await ledger.edit(bill)
    failed = await failure(ledger.books.update_document(bill.id, bill.version, new, key()))
    assert failed.kind is Kind.CONFLICT
    current = await ledger.books.read_document(DocumentKind.BILL, bill.id)
    assert current.marker == bill.marker
    await ledger.books.update_document(bill.id, current.version, new, key())


@pytest.mark.parametrize("kind", [DocumentKind.BILL, DocumentKind.INVOICE])
async def test_what_was_paid_shows(ledger: Ledger, kind: DocumentKind) -> None:
    document = await made(ledger, kind)
    await ledger.pay(document)
    paid = await ledger.books.read_document(kind, document.id)
    assert (paid.status, paid.paid) == (Status.PAID, document.total)
    assert paid.version != document.version


async def what_is_left(ledger: Ledger, document: Document) -> Document | None:
    try:
        return await ledger.books.read_document(document.kind, document.id)
    except RemoteFailure as failed:
        if failed.kind is not Kind.GONE:
            raise
        return None


@pytest.mark.parametrize("kind", [*PURCHASES, DocumentKind.INVOICE])
async def test_a_document_is_taken_out_of_the_books(ledger: Ledger, kind: DocumentKind) -> None:
    document = await made(ledger, kind)
    await ledger.books.remove_document(kind, document.id, document.version, key())
    left = await what_is_left(ledger, document)
    assert left is None or left.status in {Status.VOIDED, Status.DELETED}
    assert left is None or left.marker == document.marker
    changes = await ledger.books.changed_since([kind], datetime.now(UTC) - timedelta(minutes=5))
    assert document.id in {one.id for one in changes}


async def test_a_draft_is_made_only_where_there_are_drafts(ledger: Ledger) -> None:
    new = await new_document(ledger, DocumentKind.INVOICE, approval=Approval.DRAFT)
    if (await ledger.books.organisation()).capabilities.has_drafts:
        assert (await ledger.books.create_document(new, key())).status is Status.DRAFT
    else:
        assert (await failure(ledger.books.create_document(new, key()))).kind is Kind.INVALID
        assert await ledger.posted(DocumentKind.INVOICE) == 0


# --- when it goes wrong -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lose_reply", "status"])
async def test_a_write_without_a_clear_answer_is_in_doubt_and_its_key_makes_it_once(
    ledger: Ledger, kind: str
) -> None:
    new = await new_document(ledger, DocumentKind.BILL, number="INV-1")
    more = {"status": 503} if kind == "status" else {}
    await ledger.fault(kind, DocumentKind.BILL, **more)
    same = key()
    assert (await failure(ledger.books.create_document(new, same))).kind is Kind.OUTCOME_UNKNOWN
    bill = await ledger.books.create_document(new, same)
    found = await ledger.books.find_documents(DocumentKind.BILL, new.contact_id, TODAY)
    assert [one.id for one in found] == [bill.id]
    assert found[0].marker == new.marker


async def test_a_throttled_write_did_nothing_and_pauses_the_connection(ledger: Ledger) -> None:
    new = await new_document(ledger, DocumentKind.BILL)
    await ledger.fault("status", DocumentKind.BILL, status=429)
    failed = await failure(ledger.books.create_document(new, key()))
    assert failed.kind is Kind.RATE_LIMITED
    assert failed.retry_after is not None
    paused = await failure(ledger.books.create_document(new, key()))
    assert paused.kind is Kind.RATE_LIMITED
    assert await ledger.posted(DocumentKind.BILL) == 1


async def test_closed_books_refuse_and_say_so(ledger: Ledger) -> None:
    new = await new_document(ledger, DocumentKind.BILL)
    await ledger.close_books(TODAY)
    failed = await failure(ledger.books.create_document(new, key()))
    assert (failed.kind, failed.frozen) == (Kind.REJECTED, True)


async def test_a_record_that_is_not_there_is_gone(ledger: Ledger) -> None:
    bill = await made(ledger, DocumentKind.BILL)
    await ledger.books.remove_document(DocumentKind.BILL, bill.id, bill.version, key())
    missing = bill.id[:-4] + "9999" if "-" in bill.id else "99999"
    failed = await failure(ledger.books.read_document(DocumentKind.BILL, missing))
    assert failed.kind is Kind.GONE


# --- tokens -------------------------------------------------------------------------------------


async def test_a_refused_token_is_refreshed_once_for_everybody(ledger: Ledger) -> None:
    other = ledger.another()
    await ledger.books.accounts()
    await other.accounts()
    before = ledger.vault.kept
    await ledger.expire_access()
    await asyncio.gather(
        *(ledger.books.accounts() for _ in range(5)), *(other.accounts() for _ in range(5))
    )
    assert len(ledger.vault.stored) == 1
    assert ledger.vault.kept.access != before.access


async def test_a_token_near_its_end_is_refreshed_before_it_is_used(ledger: Ledger) -> None:
    old = ledger.vault.kept
    ledger.vault.kept = replace(old, access_until=datetime.now(UTC) + timedelta(seconds=5))
    await ledger.another().accounts()
    assert len(ledger.vault.stored) == 1


async def test_a_consent_that_was_taken_back_has_to_be_given_again(ledger: Ledger) -> None:
    await ledger.disconnect()
    failed = await failure(ledger.another().accounts())
    assert failed.kind is Kind.UNAUTHENTICATED
    assert ledger.vault.stored == []
