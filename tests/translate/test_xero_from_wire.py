"""Golden pairs: the bytes that Xero answers, and what they mean to the service."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from app.connectors import wire_json
from app.connectors.xero.paths import FAMILIES
from app.connectors.xero.translate import from_wire
from app.domain import books
from app.domain.books import AccountKind, DocumentKind, Status

BILL = """{"Type":"ACCPAY","InvoiceID":"i-1","InvoiceNumber":"S-1","Status":"AUTHORISED",
 "Contact":{"ContactID":"c-1","Name":"Ingram"},"Date":"\\/Date(1795046400000+0000)\\/",
 "DateString":"2026-11-19T00:00:00","LineAmountTypes":"Exclusive","CurrencyCode":"USD",
 "SubTotal":722.20,"TotalTax":72.22,"Total":794.42,"AmountPaid":100.10,"AmountCredited":0.32,
 "AmountDue":694.00,"Url":"https://dl.example/orders/1#dl:1:r55",
 "UpdatedDateUTC":"\\/Date(1795082400123+0000)\\/","Payments":null,"LineItems":[
 {"LineItemID":"l-1","Description":"Dell","Quantity":4.0000,"UnitAmount":180.5500,
  "LineAmount":722.20,"TaxAmount":72.22,"TaxType":"INPUT","AccountCode":"300","Tracking":[]},
 {"LineItemID":"l-2","Description":"Only words","LineAmount":0.00,"TaxAmount":0.00}]}"""


def document(text: str, kind: DocumentKind = DocumentKind.BILL) -> books.Document:
    return from_wire.document(wire_json.loads(text), FAMILIES[kind], kind)


def test_a_bill() -> None:
    assert document(BILL) == books.Document(
        kind=DocumentKind.BILL,
        id="i-1",
        version="1795082400123",
        status=Status.OPEN,
        contact_id="c-1",
        currency="USD",
        total=Decimal("794.42"),
        number="S-1",
        on=date(2026, 11, 19),
        tax=Decimal("72.22"),
        paid=Decimal("100.42"),
        marker="dl:1:r55",
        lines=(
            books.LedgerLine(
                description="Dell",
                quantity=Decimal(4),
                unit_price=Decimal("180.55"),
                amount=Decimal("722.20"),
                tax_amount=Decimal("72.22"),
                account_id="300",
                tax_code_id="INPUT",
                id="l-1",
            ),
        ),
        url="https://go.xero.com/AccountsPayable/Edit.aspx?InvoiceID=i-1",
    )


@pytest.mark.parametrize(
    ("wire", "means"),
    [
        ("DRAFT", Status.DRAFT),
        ("SUBMITTED", Status.DRAFT),
        ("AUTHORISED", Status.OPEN),
        ("PAID", Status.PAID),
        ("BILLED", Status.CLOSED),
        ("VOIDED", Status.VOIDED),
        ("DELETED", Status.DELETED),
    ],
)
def test_a_status(wire: str, means: Status) -> None:
    order = f'{{"PurchaseOrderID":"p","Status":"{wire}"}}'
    assert document(order, DocumentKind.PURCHASE_ORDER).status is means


@pytest.mark.parametrize(
    ("fields", "marker"),
    [
        ('"Url":"https://dl.example/1#dl:1:r1"', "dl:1:r1"),
        ('"Url":"https://dl.example/1"', None),
        ('"Url":"https://dl.example/1#a b"', None),
        ('"Reference":"PO1 [dl:1:r1]"', "dl:1:r1"),
        ('"Reference":"[dl:1:r1]"', "dl:1:r1"),
        ('"Reference":"[dl:1:r1] more"', None),
        ('"LineItems":[{"Description":"PO1\\n[dl:1:r1]"}]', "dl:1:r1"),
        ('"LineItems":[{"Description":"[dl:1:r1]","AccountCode":"300","LineAmount":5}]', None),
        ('"Reference":null,"Url":null,"LineItems":null', None),
    ],
)
def test_a_marker(fields: str, marker: str | None) -> None:
    assert document(f'{{"InvoiceID":"i",{fields}}}').marker == marker


def test_a_credit_note_is_paid_by_what_it_gave() -> None:
    text = '{"CreditNoteID":"n","CreditNoteNumber":"","Total":50.00,"RemainingCredit":12.50}'
    found = document(text, DocumentKind.VENDOR_CREDIT)
    assert (found.id, found.number, found.paid) == ("n", None, Decimal("37.50"))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"InvoiceID":""}',
        '{"InvoiceID":"i","Total":"many"}',
        '{"InvoiceID":"i","Date":"yesterday"}',
        "[]",
        "null",
    ],
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(ValidationError):
        document(text)


ACCOUNTS: list[tuple[dict[str, Any], AccountKind | None]] = [
    ({"Type": "REVENUE"}, AccountKind.INCOME),
    ({"Type": "DIRECTCOSTS"}, AccountKind.COST_OF_GOODS),
    ({"Type": "OVERHEADS"}, AccountKind.EXPENSE),
    ({"Type": "INVENTORY"}, AccountKind.INVENTORY),
    ({"Type": "CURRLIAB", "SystemAccount": "CREDITORS"}, AccountKind.PAYABLE),
    ({"Type": "CURRENT", "SystemAccount": "DEBTORS"}, AccountKind.RECEIVABLE),
    ({"Type": "CURRLIAB", "SystemAccount": "ROUNDING"}, AccountKind.OTHER),
    ({"Type": "BANK"}, None),
    ({"Type": "EXPENSE", "Code": None}, None),
    ({"Type": "EXPENSE", "Status": "ARCHIVED"}, None),
]


@pytest.mark.parametrize(("fields", "kind"), ACCOUNTS)
def test_an_account(fields: dict[str, Any], kind: AccountKind | None) -> None:
    found = from_wire.account({"Code": "300", "Name": "x", "Status": "ACTIVE"} | fields)
    assert (found.kind if found is not None else None) is kind


def test_the_later_of_two_locks_counts() -> None:
    raw = {
        "OrganisationID": "o",
        "BaseCurrency": "NZD",
        "PeriodLockDate": "/Date(1795046400000+0000)/",
        "EndOfYearLockDate": "2026-03-31T00:00:00",
    }
    found = from_wire.organisation(raw, [{"Name": "UseMulticurrency", "Status": "NOT-ALLOWED"}])
    assert found.closed_until == date(2026, 11, 19)
    assert not found.capabilities.multi_currency
    assert DocumentKind.ESTIMATE not in found.capabilities.own_numbering
