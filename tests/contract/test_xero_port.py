"""The port `Books` over Xero's own ways: what no other ledger does, against the simulator."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from app.connectors.xero.client import XeroClient
from app.domain import books
from app.domain.books import Approval, ContactKind, DocumentKind, Status
from app.domain.errors import FailureKind
from tests.contract.xero_site import LINE, ON, XeroLedger, bill, refused

ZERO = Decimal(0)


async def test_what_these_books_can_do(site: XeroLedger, ledger: XeroClient) -> None:
    found = await ledger.organisation()
    assert (found.name, found.country, found.currency) == ("Harbour IT Ltd", "US", "USD")
    assert (found.closed_until, found.capabilities.has_drafts) == (None, True)
    assert found.capabilities.multi_currency
    await site.switch(lock_date="2026-10-31", multicurrency=False)
    found = await ledger.organisation()
    assert found.closed_until == date(2026, 10, 31)
    assert not found.capabilities.multi_currency


async def test_accounts_and_tax_codes_are_those_that_a_line_can_name(ledger: XeroClient) -> None:
    accounts = {account.code: account for account in await ledger.accounts()}
    assert {"090", "999"} & set(accounts) == set()
    assert accounts["200"].kind is books.AccountKind.INCOME
    assert accounts["300"].kind is books.AccountKind.COST_OF_GOODS
    assert accounts["800"].kind is books.AccountKind.PAYABLE
    assert accounts["860"].kind is books.AccountKind.OTHER
    codes = {code.id: code for code in await ledger.tax_codes()}
    assert codes["TAX001"].rate == Decimal("8.25")
    assert "TAX002" not in codes
    assert (codes["INPUT"].for_purchases, codes["INPUT"].for_sales) == (True, False)


async def test_a_contact_is_found_by_its_name_in_any_case_archived_or_not(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    assert (supplier.name, supplier.active) == ("Ingram Micro", True)
    gone = await ledger.find_contact(ContactKind.VENDOR, "Long gone supplies")
    assert gone is not None
    assert not gone.active
    odd = await ledger.create_contact(
        books.NewContact(ContactKind.CUSTOMER, 'O\'Brien & "Söhne"', number="dl:1:c9"), "k1"
    )
    assert await ledger.find_contact(ContactKind.CUSTOMER, odd.name.upper()) == odd
    assert await ledger.find_contact(ContactKind.CUSTOMER, "Nobody") is None
    assert (await site.requests())[-1]["query"]["where"] == 'Name.ToLower()=="nobody"'


async def test_a_name_that_is_taken_is_told_as_such(
    ledger: XeroClient, supplier: books.Contact
) -> None:
    new = books.NewContact(ContactKind.VENDOR, "Ingram Micro")
    failure = await refused(ledger.create_contact(new, "k1"))
    assert (failure.kind, failure.status) == (FailureKind.EXISTS, 200)


async def test_changing_a_contact_keeps_its_people_and_sees_who_was_faster(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    people = [{"FirstName": "Ann", "LastName": "Lee", "IncludeInEmails": False}]
    await site.http.post(
        f"{site.server.base_url}/Contacts/{supplier.id}", headers=site.server.headers,
        json={"Contacts": [{"ContactPersons": people}]},
    )  # fmt: skip
    new = books.NewContact(ContactKind.VENDOR, "Ingram Micro Inc", email="ap@ingram.example")
    failure = await refused(ledger.update_contact(supplier.id, supplier.version, new, "k1"))
    assert failure.kind is FailureKind.CONFLICT
    current = await ledger.read_contact(ContactKind.VENDOR, supplier.id)
    changed = await ledger.update_contact(supplier.id, current.version, new, "k2")
    assert (changed.name, changed.email) == ("Ingram Micro Inc", "ap@ingram.example")
    assert (await site.requests())[-1]["response"]["Contacts"][0]["ContactPersons"] == people


async def test_items_go_by_their_code(ledger: XeroClient) -> None:
    new = books.NewItem("CABLE-2", "Cable " * 20, income_account_id="200", expense_account_id="300")
    made = await ledger.create_item(new, "k1")
    assert (made.id, made.code, len(made.name) <= 50) == ("CABLE-2", "CABLE-2", True)
    assert await ledger.find_item("cable-2") == made
    assert await ledger.read_item(made.id) == made
    renamed = await ledger.update_item(made.id, made.version, replace(new, name="Cable"), "k2")
    assert renamed.name == "Cable"
    assert await ledger.find_item('2" cable') is None
    assert (await refused(ledger.read_item("NOPE"))).kind is FailureKind.GONE
    assert (await refused(ledger.create_item(new, "k3"))).kind is FailureKind.EXISTS
    long = replace(new, code="x" * 31)
    assert (await refused(ledger.create_item(long, "k4"))).kind is FailureKind.INVALID


@pytest.mark.parametrize(
    ("approval", "status"), [(Approval.DRAFT, Status.DRAFT), (Approval.APPROVED, Status.OPEN)]
)
async def test_a_bill_stands_as_it_was_meant(
    ledger: XeroClient, supplier: books.Contact, approval: Approval, status: Status
) -> None:
    made = await ledger.create_document(bill(supplier, approval=approval), "k1")
    assert (made.status, made.number, made.on) == (status, "S-1", ON)
    assert (made.total, made.tax, made.paid) == (Decimal("794.42"), Decimal("72.22"), ZERO)
    assert made.marker == "dl:1:r55"
    assert made.url.startswith("https://go.xero.com/AccountsPayable/")
    assert await ledger.read_document(DocumentKind.BILL, made.id) == made
    (line,) = made.lines
    assert (line.quantity, line.unit_price, line.amount) == (
        Decimal(4),
        Decimal("180.55"),
        Decimal("722.2"),
    )
    assert line.tax_code_id == "INPUT"


@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        ("3", "1.2345", "3.70"),  # as it is, in four decimals
        ("3", "10", "27.00"),  # a discount in the price
        ("3", "10", "20.00"),  # one that leaves a third
        ("700", "0.123456", "86.42"),  # no four decimals give it: one piece of the whole
        ("0.33333", "30", "10.00"),
    ],
)
@pytest.mark.parametrize("mode", [books.TaxMode.EXCLUSIVE, books.TaxMode.INCLUSIVE])
async def test_an_amount_arrives_to_the_cent_whatever_xero_rounds(
    ledger: XeroClient, supplier: books.Contact, quantity: str, price: str, amount: str,
    mode: books.TaxMode,
) -> None:  # fmt: skip
    line = replace(
        LINE, quantity=Decimal(quantity), unit_price=Decimal(price), amount=Decimal(amount),
        tax_amount=Decimal("0.77"),
    )  # fmt: skip
    made = await ledger.create_document(bill(supplier, lines=(line,), tax_mode=mode), "k1")
    assert (made.lines[0].amount, made.tax) == (Decimal(amount), Decimal("0.77"))
    beside = Decimal("0.77") if mode is books.TaxMode.EXCLUSIVE else 0
    assert made.total == Decimal(amount) + beside


@pytest.mark.parametrize(
    ("kind", "contact", "account"),
    [
        (DocumentKind.PURCHASE_ORDER, "Ingram Micro", "300"),
        (DocumentKind.BILL, "Ingram Micro", "300"),
        (DocumentKind.VENDOR_CREDIT, "Ingram Micro", "300"),
        (DocumentKind.INVOICE, "Contoso Ltd", "200"),
    ],
)
@pytest.mark.parametrize("link", ["", "https://dl.example/orders/1"])
async def test_every_kind_is_found_again_by_date_or_number_with_its_marker(
    ledger: XeroClient, kind: DocumentKind, contact: str, account: str, link: str
) -> None:
    who = await ledger.find_contact(ContactKind.CUSTOMER, contact)
    assert who is not None
    line = replace(LINE, account_id=account, tax_code_id=None)
    new = bill(
        who, kind=kind, lines=(line,), link=link, number="DL/1 'a'", reference="PO10008891",
        memo="received in two parts",
    )  # fmt: skip
    made = await ledger.create_document(new, "k1")
    other = await ledger.create_document(replace(new, number="DL-2", marker="dl:1:r56"), "k2")
    for on, number, found in (
        (ON, None, [made, other]),
        (ON, "DL/1 'a'", [made, other]),
        (date(2026, 1, 1), "DL-2", [other]),
        (date(2026, 1, 1), None, []),
    ):
        seen = await ledger.find_documents(kind, who.id, on, number)
        assert sorted(one.id for one in seen) == sorted(one.id for one in found)
        assert {one.marker for one in seen} == {one.marker for one in found}
        assert all(one.lines for one in seen)
    assert made.lines[0].amount == Decimal("722.2")
    assert len(made.lines) == 1


async def test_a_number_of_ours_that_is_taken_is_told_as_such(
    ledger: XeroClient, supplier: books.Contact
) -> None:
    order = bill(supplier, kind=DocumentKind.PURCHASE_ORDER, number="PO10008891")
    await ledger.create_document(order, "k1")
    failure = await refused(ledger.create_document(order, "k2"))
    assert failure.kind is FailureKind.EXISTS
    await ledger.create_document(bill(supplier), "k3")
    await ledger.create_document(bill(supplier), "k4")
    assert len(await ledger.find_documents(DocumentKind.BILL, supplier.id, ON, "S-1")) == 2


async def test_a_document_is_changed_whole_and_never_over_somebody_elses_change(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    two = (LINE, replace(LINE, description="Cable", quantity=Decimal(1), amount=Decimal("180.55")))
    draft = await ledger.create_document(bill(supplier, lines=two, approval=Approval.DRAFT), "k1")
    kept = replace(draft.lines[0], quantity=Decimal(2), amount=Decimal("361.10"), tax_amount=None)
    new = bill(supplier, lines=(kept, replace(LINE, description="New")), approval=Approval.DRAFT)
    changed = await ledger.update_document(draft.id, draft.version, new, "k2")
    assert [line.description for line in changed.lines] == ["Dell P2425H", "New"]
    assert (changed.lines[0].id, changed.status) == (draft.lines[0].id, Status.DRAFT)
    await asyncio.sleep(0.002)  # stamps are in milliseconds
    await site.act("approve_invoice", draft.id)
    failure = await refused(ledger.update_document(draft.id, changed.version, new, "k3"))
    assert failure.kind is FailureKind.CONFLICT
    approved = await ledger.read_document(DocumentKind.BILL, draft.id)
    again = await ledger.update_document(draft.id, approved.version, new, "k4")
    assert again.status is Status.OPEN


async def test_approving_a_draft_is_an_update(ledger: XeroClient, supplier: books.Contact) -> None:
    draft = await ledger.create_document(bill(supplier, approval=Approval.DRAFT), "k1")
    lines = tuple(replace(line, tax_amount=None) for line in draft.lines)
    approved = await ledger.update_document(
        draft.id, draft.version, bill(supplier, lines=lines), "k2"
    )
    assert (approved.status, approved.lines[0].id) == (Status.OPEN, draft.lines[0].id)


async def test_a_paid_or_locked_document_is_frozen(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    made = await ledger.create_document(bill(supplier), "k1")
    await site.act("pay_invoice", made.id)
    paid = await ledger.read_document(DocumentKind.BILL, made.id)
    assert (paid.status, paid.paid) == (Status.PAID, Decimal("794.42"))
    failure = await refused(ledger.update_document(made.id, paid.version, bill(supplier), "k2"))
    assert (failure.kind, failure.frozen) == (FailureKind.REJECTED, True)
    await site.switch(lock_date="2026-11-19")
    failure = await refused(ledger.create_document(bill(supplier), "k3"))
    assert (failure.kind, failure.frozen) == (FailureKind.REJECTED, True)
    assert "lock date" in failure.message


async def test_documents_are_taken_out_of_the_books(
    ledger: XeroClient, supplier: books.Contact
) -> None:
    for approval, ends in ((Approval.DRAFT, Status.DELETED), (Approval.APPROVED, Status.VOIDED)):
        made = await ledger.create_document(bill(supplier, approval=approval), f"{ends}")
        for _ in range(2):
            await ledger.remove_document(DocumentKind.BILL, made.id, made.version, f"{ends}2")
        seen = await ledger.read_document(DocumentKind.BILL, made.id)
        assert seen.status is ends
    found = await ledger.find_documents(DocumentKind.BILL, supplier.id, ON)
    assert [one.status for one in found] == [Status.VOIDED]


async def test_a_purchase_order_is_closed_as_billed(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    order = bill(supplier, kind=DocumentKind.PURCHASE_ORDER, number="PO-9")
    made = await ledger.create_document(order, "k1")
    closed = await ledger.close_purchase_order(made.id, made.version, "k2")
    assert closed.status is Status.CLOSED
    before = len(await site.writes())
    assert await ledger.close_purchase_order(made.id, made.version, "k3") == closed
    assert len(await site.writes()) == before
    draft = await ledger.create_document(
        replace(order, number="PO-10", approval=Approval.DRAFT), "k4"
    )
    failure = await refused(ledger.close_purchase_order(draft.id, draft.version, "k5"))
    assert (failure.kind, failure.frozen) == (FailureKind.REJECTED, False)


async def test_what_changed_since_is_told_by_kind(
    site: XeroLedger, ledger: XeroClient, supplier: books.Contact
) -> None:
    first = await ledger.create_document(bill(supplier, approval=Approval.DRAFT), "k1")
    order = bill(supplier, kind=DocumentKind.PURCHASE_ORDER, number="PO-9")
    second = await ledger.create_document(order, "k2")
    await site.act("delete_invoice", first.id)
    kinds = [DocumentKind.BILL, DocumentKind.INVOICE, DocumentKind.PURCHASE_ORDER]
    found = await ledger.changed_since(kinds, datetime.now(UTC) - timedelta(minutes=1))
    assert found == [
        books.Change(DocumentKind.BILL, first.id, deleted=True),
        books.Change(DocumentKind.PURCHASE_ORDER, second.id, deleted=False),
    ]
    assert await ledger.changed_since(kinds, datetime.now(UTC) + timedelta(minutes=1)) == []
    assert (
        await ledger.changed_since([DocumentKind.INVOICE], datetime(2026, 1, 1, tzinfo=UTC)) == []
    )
