"""What is read of QuickBooks: golden records, and the signs by which a state is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from app.connectors import wire_json
from app.connectors.quickbooks.translate import from_wire, wire_names
from app.domain.books import (
    AccountKind,
    Change,
    Contact,
    ContactKind,
    Document,
    DocumentKind,
    Item,
    LedgerLine,
    LineLink,
    Status,
)

D = Decimal
APP = "https://app.qbo.intuit.com"
BILL = """{
  "Id": "145", "SyncToken": "2", "domain": "QBO", "sparse": false,
  "DocNumber": "INV-77812", "TxnDate": "2026-11-19", "DueDate": "2026-12-19",
  "VendorRef": {"value": "56", "name": "Ingram Micro"}, "CurrencyRef": {"value": "USD"},
  "APAccountRef": {"value": "33"}, "PrivateNote": "Receipt 6 of 10\\nDemandlink: dl:1:9:0-6",
  "TotalAmt": 1095.30, "Balance": 95.3, "TxnTaxDetail": {"TotalTax": 0},
  "LinkedTxn": [{"TxnId": "201", "TxnType": "PurchaseOrder"},
                {"TxnId": "150", "TxnType": "BillPaymentCheck"}],
  "Line": [
    {"Id": "1", "LineNum": 1, "Description": "Dell P2425H", "Amount": 1083.30,
     "LinkedTxn": [{"TxnId": "201", "TxnType": "PurchaseOrder", "TxnLineId": "1"}],
     "DetailType": "ItemBasedExpenseLineDetail",
     "ItemBasedExpenseLineDetail": {"ItemRef": {"value": "3", "name": "Hardware"}, "Qty": 6,
       "UnitPrice": 180.55, "BillableStatus": "NotBillable"}},
    {"Id": "2", "LineNum": 2, "Amount": 12.00, "DetailType": "AccountBasedExpenseLineDetail",
     "AccountBasedExpenseLineDetail": {"AccountRef": {"value": "41"}, "TaxCodeRef": {"value": "7"}}}
  ]}"""


def read(body: dict[str, Any], kind: DocumentKind) -> Document:
    return from_wire.document({"Id": "1", **body}, kind, APP)


def test_a_bill_is_read_with_its_links_and_what_was_paid() -> None:
    assert from_wire.document(wire_json.loads(BILL), DocumentKind.BILL, APP) == Document(
        kind=DocumentKind.BILL,
        id="145",
        version="2",
        status=Status.OPEN,
        contact_id="56",
        currency="USD",
        total=D("1095.30"),
        number="INV-77812",
        on=date(2026, 11, 19),
        paid=D(1000),
        marker="dl:1:9:0-6",
        lines=(
            LedgerLine(
                "Dell P2425H",
                D(6),
                D("180.55"),
                D("1083.30"),
                item_id="3",
                fulfils=LineLink("201", "1"),
                id="1",
            ),
            LedgerLine("", D(1), D(12), D(12), account_id="41", tax_code_id="7", id="2"),
        ),
        url="https://app.qbo.intuit.com/app/bill?txnId=145",
    )


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (DocumentKind.BILL, {"TotalAmt": 5, "Balance": 5}, Status.OPEN),
        (DocumentKind.BILL, {"TotalAmt": 5, "Balance": 0}, Status.PAID),
        (DocumentKind.BILL, {"status": "Deleted"}, Status.DELETED),
        (
            DocumentKind.INVOICE,
            {"TotalAmt": 0, "Balance": 0, "PrivateNote": "Voided"},
            Status.VOIDED,
        ),
        (DocumentKind.INVOICE, {"TotalAmt": 5, "Balance": 0, "PrivateNote": "Voided"}, Status.PAID),
        (DocumentKind.INVOICE, {"TotalAmt": 0, "Balance": 0}, Status.PAID),
        (DocumentKind.PURCHASE_ORDER, {"POStatus": "Open"}, Status.OPEN),
        (DocumentKind.PURCHASE_ORDER, {"POStatus": "Closed"}, Status.CLOSED),
        (DocumentKind.ESTIMATE, {"TxnStatus": "Pending"}, Status.OPEN),
        (DocumentKind.ESTIMATE, {"TxnStatus": "Accepted"}, Status.OPEN),
        (DocumentKind.ESTIMATE, {"TxnStatus": "Converted"}, Status.CLOSED),
        (DocumentKind.VENDOR_CREDIT, {"TotalAmt": 5}, Status.OPEN),
    ],
)
def test_a_state_is_told_by_few_signs(
    kind: DocumentKind, body: dict[str, Any], status: Status
) -> None:
    assert read(body, kind).status is status


def test_an_order_names_its_bills_and_an_invoice_leaves_its_own_sums_out() -> None:
    links = [{"TxnId": "145", "TxnType": "Bill"}, {"TxnId": "7", "TxnType": "Estimate"}]
    assert read({"LinkedTxn": links}, DocumentKind.PURCHASE_ORDER).fulfilled_by == ("145",)
    assert read({"LinkedTxn": links}, DocumentKind.BILL).fulfilled_by == ()
    lines = [{"Amount": 5, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}]
    assert read({"Line": lines}, DocumentKind.INVOICE).lines == ()


@pytest.mark.parametrize(
    ("note", "marker"),
    [
        ("Demandlink: dl:1:9:0-6", "dl:1:9:0-6"),
        ("Voided - Please check.\nDemandlink: dl:1:9:0-6\nchecked, MB", "dl:1:9:0-6"),
        ("Demandlink: dl:old Demandlink: dl:new", "dl:new"),
        ("dl:1:9:0-6", None),
        ("myDemandlink: dl:1", None),
        ("Demandlink: " + "x" * 101, None),
        ("", None),
    ],
)
def test_a_marker_is_found_among_what_people_write(note: str, marker: str | None) -> None:
    assert wire_names.marker_in(note) == marker


def test_a_record_without_an_id_cannot_be_read() -> None:
    with pytest.raises(ValidationError):
        from_wire.document({"TotalAmt": 1}, DocumentKind.BILL, APP)


def test_contacts_and_items_are_active_unless_they_say_otherwise() -> None:
    raw = {"Id": "56", "SyncToken": "1", "DisplayName": "Ingram", "CurrencyRef": {"value": "EUR"}}
    email = {"PrimaryEmailAddr": {"Address": "ap@example.com"}}
    assert from_wire.contact(raw | email, ContactKind.VENDOR) == Contact(
        "56", ContactKind.VENDOR, "Ingram", "1", currency="EUR", email="ap@example.com"
    )
    assert not from_wire.contact(raw | {"Active": False}, ContactKind.VENDOR).active
    item = {"Id": "3", "SyncToken": "0", "Name": "Cable", "Type": "Inventory", "Active": True}
    assert from_wire.item(item) == Item("3", "Cable", "Cable", "0", tracked=True)
    assert from_wire.item(item | {"Sku": "C-1"}).code == "C-1"


@pytest.mark.parametrize(
    ("type_", "sub_type", "kind"),
    [
        ("Income", "", AccountKind.INCOME),
        ("Cost of Goods Sold", "", AccountKind.COST_OF_GOODS),
        ("Other Expense", "", AccountKind.EXPENSE),
        ("Accounts Payable", "AccountsPayable", AccountKind.PAYABLE),
        ("Other Current Asset", "Inventory", AccountKind.INVENTORY),
        ("Bank", "Checking", AccountKind.OTHER),
    ],
)
def test_accounts_are_told_apart_as_far_as_we_choose(
    type_: str, sub_type: str, kind: AccountKind
) -> None:
    raw = {"Id": "1", "Name": "x", "AccountType": type_, "AccountSubType": sub_type}
    assert from_wire.account(raw).kind is kind


def test_a_tax_code_adds_its_rates_up_and_has_none_where_one_is_unknown() -> None:
    def listed(*rates: str) -> dict[str, Any]:
        return {"TaxRateDetail": [{"TaxRateRef": {"value": each}} for each in rates]}

    rates = [{"Id": "1", "RateValue": 5}, {"Id": "2", "RateValue": D("9.975")}]
    codes = [
        {"Id": "7", "Name": "Both", "SalesTaxRateList": listed("1", "2")},
        {"Id": "8", "Name": "Odd", "PurchaseTaxRateList": listed("1", "9")},
        {"Id": "TAX", "Name": "TAX"},
    ]
    percent = dict(from_wire.tax_rate(rate) for rate in rates)
    both, odd, american = (from_wire.tax_code(code, percent) for code in codes)
    assert (both.rate, both.for_sales, both.for_purchases) == (D("14.975"), True, False)
    assert (odd.rate, odd.for_sales, odd.for_purchases) == (None, False, True)
    assert (american.rate, american.for_sales, american.for_purchases) == (None, True, False)


def test_what_the_books_can_do_is_in_the_preferences() -> None:
    company = {"CompanyName": "MSP", "Country": "GB"}
    preferences = {
        "AccountingInfoPrefs": {"BookCloseDate": "2026-10-31"},
        "ProductAndServicesPrefs": {"InventoryAndPurchaseOrder": True},
        "SalesFormsPrefs": {"CustomTxnNumbers": True, "AllowEstimates": True},
        "CurrencyPrefs": {"MultiCurrencyEnabled": True, "HomeCurrency": {"value": "GBP"}},
        "OtherPrefs": {
            "NameValue": [{"Name": "VendorAndPurchasesPrefs.UseCustomTxnNumbers", "Value": "true"}]
        },
    }
    organisation = from_wire.organisation(company, preferences, "4620")
    assert (organisation.id, organisation.currency) == ("4620", "GBP")
    assert organisation.closed_until == date(2026, 10, 31)
    able = organisation.capabilities
    assert able.own_numbering == frozenset(DocumentKind)
    assert able.purchase_orders
    assert able.multi_currency
    assert able.bills_take_tax
    assert not able.has_drafts
    bare = from_wire.organisation({"Country": "US"}, {}, "4620").capabilities
    assert bare.own_numbering == {DocumentKind.BILL}
    assert not bare.bills_take_tax
    assert not bare.purchase_orders


def test_changes_are_told_by_kind_and_what_we_did_not_ask_for_is_left_out() -> None:
    raw = [
        {
            "QueryResponse": [
                {"Bill": [{"Id": "1"}, {"Id": "2", "status": "Deleted"}], "maxResults": 2},
                {},
                {"Payment": [{"Id": "3"}]},
            ]
        }
    ]
    assert from_wire.changes(raw) == [
        Change(DocumentKind.BILL, "1", deleted=False),
        Change(DocumentKind.BILL, "2", deleted=True),
    ]
