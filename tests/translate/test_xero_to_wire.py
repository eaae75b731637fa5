"""Golden pairs: what the service means, and the bytes that Xero gets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.connectors import wire_json
from app.connectors.xero.paths import FAMILIES
from app.connectors.xero.translate import to_wire
from app.domain import books
from app.domain.books import DocumentKind

CONTACT = "9d2a1f0c-0000-4000-8000-000000000001"
LINE = books.LedgerLine(
    description="Dell P2425H",
    quantity=Decimal("4.0"),
    unit_price=Decimal("180.55"),
    amount=Decimal("722.20"),
    tax_amount=Decimal("72.22"),
    account_id="300",
    tax_code_id="INPUT",
)
BILL = books.NewDocument(
    kind=DocumentKind.BILL,
    contact_id=CONTACT,
    on=date(2026, 11, 19),
    currency="USD",
    lines=(LINE,),
    marker="dl:1:r55",
    tax_mode=books.TaxMode.EXCLUSIVE,
    number="S-1",
    due=date(2026, 12, 19),
    link="https://dl.example/orders/ON10001201",
)
LINE_BYTES = (
    '{"Description":"Dell P2425H","Quantity":4,"UnitAmount":180.55,"LineAmount":722.2,'
    '"TaxAmount":72.22,"TaxType":"INPUT","AccountCode":"300"}'
)
WHO = f'"Contact":{{"ContactID":"{CONTACT}"}},"Date":"2026-11-19",'


def document(new: books.NewDocument, status: str | None = "AUTHORISED") -> Any:
    return to_wire.document(new, FAMILIES[new.kind], status=status)


PAIRS: list[tuple[Any, str]] = [
    (
        to_wire.contact(
            books.NewContact(
                books.ContactKind.VENDOR, "Ingram\x00Micro", "ap@ingram.example", "USD", "dl:1:s7"
            )
        ),
        ('{"Name":"Ingram Micro","EmailAddress":"ap@ingram.example","ContactNumber":"dl:1:s7",'
        '"DefaultCurrency":"USD"}'),
    ),
    (
        to_wire.contact_change(
            books.NewContact(books.ContactKind.VENDOR, "Ingram", currency="EUR"),
            {"ContactPersons": [{"FirstName": "Ann"}]},
        ),
        '{"Name":"Ingram","ContactPersons":[{"FirstName":"Ann"}]}',
    ),
    (
        to_wire.item(
            books.NewItem(
                "P2425H", "x" * 60, "A monitor", income_account_id="200", expense_account_id="300"
            )
        ),
        (f'{{"Code":"P2425H","Name":"{"x" * 50}","Description":"A monitor",'
        '"PurchaseDescription":"A monitor","SalesDetails":{"AccountCode":"200"},'
        '"PurchaseDetails":{"AccountCode":"300"}}'),
    ),
    (
        document(BILL),
        '{"Type":"ACCPAY",' + WHO + '"DueDate":"2026-12-19","CurrencyCode":"USD",'
        '"LineAmountTypes":"Exclusive","InvoiceNumber":"S-1","Status":"AUTHORISED",'
        '"Url":"https://dl.example/orders/ON10001201#dl:1:r55",'
        f'"LineItems":[{LINE_BYTES}]}}',
    ),
    (
        document(replace(BILL, link="", due=None, reference="PO10008891", memo="1 of 2"), None),
        '{"Type":"ACCPAY",' + WHO + '"DueDate":"2026-11-19","CurrencyCode":"USD",'
        '"LineAmountTypes":"Exclusive","InvoiceNumber":"S-1",'
        f'"LineItems":[{LINE_BYTES},{{"Description":"PO10008891\\n1 of 2\\n[dl:1:r55]"}}]}}',
    ),
    (
        document(replace(BILL, kind=DocumentKind.VENDOR_CREDIT)),
        '{"Type":"ACCPAYCREDIT",' + WHO + '"CurrencyCode":"USD","LineAmountTypes":"Exclusive",'
        '"CreditNoteNumber":"S-1","Status":"AUTHORISED",'
        f'"LineItems":[{LINE_BYTES},{{"Description":"[dl:1:r55]"}}]}}',
    ),
    (
        document(
            replace(BILL, kind=DocumentKind.PURCHASE_ORDER, number=None, reference="ON1", memo="no")
        ),
        "{" + WHO + '"CurrencyCode":"USD","LineAmountTypes":"Exclusive","Status":"AUTHORISED",'
        f'"Reference":"ON1 [dl:1:r55]","LineItems":[{LINE_BYTES}]}}',
    ),
    (
        document(
            replace(
                BILL, kind=DocumentKind.INVOICE, number=None, reference="ON10001201",
                tax_mode=books.TaxMode.NONE, lines=(replace(LINE, id="L-1", item_id="P2425H"),),
            ),
            "DRAFT",
        ),
        '{"Type":"ACCREC",' + WHO + '"DueDate":"2026-12-19","CurrencyCode":"USD",'
        '"LineAmountTypes":"NoTax","Status":"DRAFT",'
        '"Url":"https://dl.example/orders/ON10001201#dl:1:r55","Reference":"ON10001201",'
        '"LineItems":[{"LineItemID":"L-1","Description":"Dell P2425H","Quantity":4,'
        '"UnitAmount":180.55,"LineAmount":722.2,"AccountCode":"300","ItemCode":"P2425H"}]}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("meant", "sent"), PAIRS)
def test_what_is_meant_is_what_is_sent(meant: Any, sent: str) -> None:
    assert wire_json.dumps(meant) == sent


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "sent"),
    [
        ("3", "1.2345", "3.70", ("3", "1.2345", "x")),
        ("3", "10", "27.00", ("3", "9.0000", "x")),
        ("3", "10", "20.00", ("3", "6.6667", "x")),
        ("700", "0.123456", "86.42", ("1", "86.42", "x (700 × 0.123456)")),
        ("0.33333", "30", "10.00", ("1", "10.00", "x (0.33333 × 30)")),
        ("-1", "5.5", "-5.50", ("-1", "5.5000", "x")),
        ("0", "5", "0", ("1", "0", "x (0 × 5)")),
    ],
)
def test_quantity_times_price_is_the_amount_in_four_decimals(
    quantity: str, price: str, amount: str, sent: tuple[str, str, str]
) -> None:
    line = replace(
        LINE, description="x", quantity=Decimal(quantity), unit_price=Decimal(price),
        amount=Decimal(amount),
    )  # fmt: skip
    wire = to_wire.line(line, BILL)
    assert (str(wire["Quantity"]), str(wire["UnitAmount"]), wire["Description"]) == sent
    product = Decimal(wire["Quantity"]) * Decimal(wire["UnitAmount"])
    assert product.quantize(Decimal("0.01")) == Decimal(amount)
