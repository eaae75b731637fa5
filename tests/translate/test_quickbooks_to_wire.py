"""What is written to QuickBooks: golden bodies, and what is refused before it is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.connectors import wire_json
from app.connectors.quickbooks.translate import to_wire
from app.domain.books import (
    Approval,
    ContactKind,
    DocumentKind,
    LedgerLine,
    LineLink,
    NewContact,
    NewDocument,
    NewItem,
    TaxMode,
)

D = Decimal
MONITOR = LedgerLine(
    "Dell P2425H",
    D(6),
    D("180.55"),
    D("1083.30"),
    item_id="3",
    fulfils=LineLink("201", "1"),
)
FREIGHT = LedgerLine("Freight", D(1), D("12.00"), D("12.00"), account_id="41", tax_code_id="7")
BILL = NewDocument(
    DocumentKind.BILL,
    "56",
    date(2026, 11, 19),
    "USD",
    (MONITOR, FREIGHT),
    "dl:1:9:0-6",
    number="INV-77812",
    due=date(2026, 12, 19),
    memo="Receipt 6 of 10",
    link="https://demandlink.example/orders/ON1",
    payable_account_id="33",
)
SALE = NewDocument(
    DocumentKind.INVOICE,
    "58",
    date(2026, 11, 19),
    "USD",
    (LedgerLine("Dell P2425H", D(2), D(239), D(478), item_id="3", tax_code_id="TAX"),),
    "dl:1:1201",
    tax_mode=TaxMode.EXCLUSIVE,
    due=date(2026, 12, 3),
    reference="PO 4711",
    from_estimate="300",
)


def test_a_bill_links_its_lines_and_itself_to_the_order() -> None:
    assert to_wire.document(BILL) == {
        "VendorRef": {"value": "56"},
        "TxnDate": "2026-11-19",
        "DueDate": "2026-12-19",
        "CurrencyRef": {"value": "USD"},
        "DocNumber": "INV-77812",
        "APAccountRef": {"value": "33"},
        "PrivateNote": "Receipt 6 of 10\nhttps://demandlink.example/orders/ON1\n"
        "Demandlink: dl:1:9:0-6",
        "GlobalTaxCalculation": "NotApplicable",
        "LinkedTxn": [{"TxnId": "201", "TxnType": "PurchaseOrder"}],
        "Line": [
            {
                "DetailType": "ItemBasedExpenseLineDetail",
                "Description": "Dell P2425H",
                "Amount": D("1083.30"),
                "LinkedTxn": [{"TxnId": "201", "TxnType": "PurchaseOrder", "TxnLineId": "1"}],
                "ItemBasedExpenseLineDetail": {
                    "ItemRef": {"value": "3"},
                    "Qty": D(6),
                    "UnitPrice": D("180.55"),
                },
            },
            {
                "DetailType": "AccountBasedExpenseLineDetail",
                "Description": "Freight",
                "Amount": D("12.00"),
                "AccountBasedExpenseLineDetail": {
                    "AccountRef": {"value": "41"},
                    "TaxCodeRef": {"value": "7"},
                },
            },
        ],
    }


def test_an_invoice_is_not_mailed_and_makes_its_estimate_good() -> None:
    assert to_wire.document(SALE) == {
        "CustomerRef": {"value": "58"},
        "TxnDate": "2026-11-19",
        "DueDate": "2026-12-03",
        "CurrencyRef": {"value": "USD"},
        "PrivateNote": "Demandlink: dl:1:1201",
        "CustomerMemo": {"value": "PO 4711"},
        "EmailStatus": "NotSet",
        "PrintStatus": "NotSet",
        "GlobalTaxCalculation": "TaxExcluded",
        "LinkedTxn": [{"TxnId": "300", "TxnType": "Estimate"}],
        "Line": [
            {
                "DetailType": "SalesItemLineDetail",
                "Description": "Dell P2425H",
                "Amount": D(478),
                "SalesItemLineDetail": {
                    "ItemRef": {"value": "3"},
                    "TaxCodeRef": {"value": "TAX"},
                    "Qty": D(2),
                    "UnitPrice": D(239),
                },
            }
        ],
    }


def test_each_kind_has_its_own_place_for_a_date_and_a_reference() -> None:
    order = replace(
        BILL, kind=DocumentKind.PURCHASE_ORDER, lines=(FREIGHT,), reference="Deliver to gate 2"
    )
    assert to_wire.document(order)["Memo"] == "Deliver to gate 2"
    credit = to_wire.document(replace(BILL, kind=DocumentKind.VENDOR_CREDIT, lines=(FREIGHT,)))
    assert "DueDate" not in credit
    estimate = replace(SALE, kind=DocumentKind.ESTIMATE, from_estimate=None)
    body = to_wire.document(estimate)
    assert (body["ExpirationDate"], "DueDate" in body) == ("2026-12-03", False)


@pytest.mark.parametrize(
    ("quantity", "price", "amount", "sent"),
    [
        ("6", "180.55", "1083.30", ("6", "180.55")),
        ("3", "33.335", "100.01", ("3", "33.335")),
        ("3", "33.335", "100.00", ("3", "33.33333")),  # after a discount of a cent
        ("3", "0.0000001", "0.00", ("3", "0")),
        ("1000000", "0.000004", "4.00", ("1", "4.00")),  # no price of five places comes to it
        ("0", "5", "7.00", ("1", "7.00")),
        ("0.333333", "3", "1.00", ("0.33333", "3")),
        ("2", "-12.50", "-25.00", ("2", "-12.50")),
    ],
)
def test_quantity_times_price_comes_to_the_amount_as_quickbooks_rounds(
    quantity: str, price: str, amount: str, sent: tuple[str, str]
) -> None:
    given = to_wire.measure(D(quantity), D(price), D(amount))
    assert given == (D(sent[0]), D(sent[1]))


def test_tax_inside_an_amount_is_taken_out_and_not_sent() -> None:
    line = replace(FREIGHT, amount=D("12.00"), tax_amount=D("2.00"))
    body = to_wire.document(replace(BILL, lines=(line,), tax_mode=TaxMode.INCLUSIVE))
    assert (body["GlobalTaxCalculation"], body["Line"][0]["Amount"]) == ("TaxExcluded", D("10.00"))


def test_a_standing_line_keeps_its_id_and_its_link() -> None:
    body = to_wire.document(replace(BILL, lines=(replace(MONITOR, id="4"),)))
    assert body["Line"][0]["Id"] == "4"
    assert body["Line"][0]["LinkedTxn"][0]["TxnLineId"] == "1"


def test_a_long_memo_is_cut_and_the_marker_is_not() -> None:
    note = to_wire.document(replace(BILL, memo="x" * 5000))["PrivateNote"]
    assert len(note) == 4000
    assert note.endswith("\nhttps://demandlink.example/orders/ON1\nDemandlink: dl:1:9:0-6")


@pytest.mark.parametrize(
    "change",
    [
        {"approval": Approval.DRAFT},
        {"marker": "two words"},
        {"marker": ""},
        {"number": "N" * 22},
        {"number": ""},
        {"lines": ()},
        {"lines": (replace(FREIGHT, account_id=None),)},
        {"lines": (replace(FREIGHT, amount=D("12.001")),)},
        {"kind": DocumentKind.PURCHASE_ORDER, "payable_account_id": None},
        {"kind": DocumentKind.VENDOR_CREDIT},  # it fulfils no order
        {"kind": DocumentKind.INVOICE},  # no payables account, and lines without an item
        {"from_estimate": "300"},
        {"tax_mode": TaxMode.INCLUSIVE},  # without saying how much of it is tax
    ],
)
def test_what_quickbooks_has_no_place_for_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(to_wire.Refused):
        to_wire.document(replace(BILL, **change))


def test_numbers_leave_without_loss() -> None:
    text = wire_json.dumps(to_wire.document(BILL))
    assert '"Amount":1083.3,' in text
    assert '"UnitPrice":180.55' in text


def test_a_contact_keeps_to_the_rules_of_names() -> None:
    new = NewContact(ContactKind.VENDOR, "Ingram:  Micro\t(UK)", "ap@example.com", "GBP", "V-17")
    assert to_wire.new_contact(new) == {
        "DisplayName": "Ingram- Micro (UK)",
        "PrimaryEmailAddr": {"Address": "ap@example.com"},
        "AcctNum": "V-17",
        "CurrencyRef": {"value": "GBP"},
    }
    assert "CurrencyRef" not in to_wire.contact(new)  # fixed when the contact is made
    assert "AcctNum" not in to_wire.contact(replace(new, kind=ContactKind.CUSTOMER))
    with pytest.raises(to_wire.Refused):
        to_wire.contact(replace(new, name=" "))


def test_an_item_has_our_code_twice_and_keeps_no_stock() -> None:
    new = NewItem("A:B-1", "Cable", income_account_id="38", expense_account_id="40")
    assert to_wire.item(new) == {
        "Name": "A-B-1",
        "Sku": "A:B-1",
        "Type": "NonInventory",
        "Description": "Cable",
        "PurchaseDesc": "Cable",
        "IncomeAccountRef": {"value": "38"},
        "ExpenseAccountRef": {"value": "40"},
    }
    assert to_wire.item(replace(new, service=True))["Type"] == "Service"
    with pytest.raises(to_wire.Refused):
        to_wire.item(replace(new, code="x" * 101))
