from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.xero.contract import DOCUMENT
from tests.sandbox.xero.desk import MONITOR, Desk


@pytest.mark.skipif(not DOCUMENT.exists(), reason="the contract does not lie beside the checkout")
def test_the_contract_is_held_against_what_the_desk_does(desk: Desk) -> None:
    from tests.sandbox.xero.conftest import CONTRACT

    assert CONTRACT is not None
    desk.put("Invoices", desk.bill())
    entry = desk.log()[-1]
    assert CONTRACT.faults_of(entry) == []
    broken = entry | {"response": {"Invoices": [{"InvoiceID": 5, "Colour": "red"}]}}
    assert len(CONTRACT.faults_of(broken)) == 2


def test_a_bill_is_a_draft_unless_said_otherwise_and_shows_both_forms_of_a_date(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill())
    assert (made["Status"], made["LineAmountTypes"], made["CurrencyCode"]) == (
        "DRAFT", "Exclusive", "USD",
    )  # fmt: skip
    assert (made["SubTotal"], made["TotalTax"], made["Total"]) == (
        Decimal("722.2"), Decimal("72.22"), Decimal("794.42"),
    )  # fmt: skip
    assert made["AmountDue"] == made["Total"]
    assert (made["Date"], made["DateString"]) == (
        "/Date(1795046400000+0000)/",
        "2026-11-19T00:00:00",
    )
    assert made["UpdatedDateUTC"] == "/Date(1795082400000+0000)/"
    (line,) = made["LineItems"]
    assert (line["TaxType"], line["TaxAmount"]) == ("INPUT", Decimal("72.22"))


@pytest.mark.parametrize(
    "given", ["/Date(1795046400000+0000)/", "2026-11-19", "2026-11-19T10:30:00"]
)
def test_a_date_is_taken_in_either_form(desk: Desk, given: str) -> None:
    made = desk.put("Invoices", desk.bill(Date=given))
    assert made["DateString"] == "2026-11-19T00:00:00"


def test_numbers_of_sales_are_unique_and_made_when_missing_and_those_of_bills_are_not(
    desk: Desk,
) -> None:
    first, second = (desk.put("Invoices", desk.sale()) for _ in range(2))
    assert (first["InvoiceNumber"], second["InvoiceNumber"]) == ("INV-0001", "INV-0002")
    desk.refused(
        "PUT", "/Invoices", desk.sale(InvoiceNumber="inv-0002"), "Invoice # must be unique."
    )
    bills = [desk.put("Invoices", desk.bill(InvoiceNumber="INV-0001")) for _ in range(2)]
    assert bills[0]["InvoiceID"] != bills[1]["InvoiceID"]
    order = desk.put("PurchaseOrders", desk.order(PurchaseOrderNumber="PO10008891"))
    assert order["PurchaseOrderNumber"] == "PO10008891"
    desk.refused(
        "PUT", "/PurchaseOrders", desk.order(PurchaseOrderNumber="PO10008891"), "must be unique"
    )
    assert desk.put("PurchaseOrders", desk.order())["PurchaseOrderNumber"] == "PO-0001"


def test_a_post_with_a_number_that_is_there_changes_that_document(desk: Desk) -> None:
    made = desk.put("Invoices", desk.sale(InvoiceNumber="DL-1"))
    answer = desk.send("POST", "/Invoices", desk.sale(InvoiceNumber="DL-1", Reference="twice"))
    (changed,) = answer.json["Invoices"]
    assert (changed["InvoiceID"], changed["Reference"]) == (made["InvoiceID"], "twice")
    bill = desk.put("Invoices", desk.bill())
    (another,) = desk.send("POST", "/Invoices", desk.bill()).json["Invoices"]
    assert another["InvoiceID"] != bill["InvoiceID"]


@pytest.mark.parametrize(
    ("steps", "last_is_refused"),
    [
        (["SUBMITTED", "DRAFT", "SUBMITTED", "AUTHORISED", "VOIDED"], False),
        (["AUTHORISED", "VOIDED", "AUTHORISED"], True),
        (["DELETED", "DRAFT"], True),
        (["AUTHORISED", "DRAFT"], True),
        (["AUTHORISED", "DELETED"], True),
        (["SUBMITTED", "DELETED"], False),
        (["VOIDED"], True),
        (["PAID"], True),
    ],
)
def test_an_invoice_goes_only_the_ways_that_xero_knows(
    desk: Desk, steps: list[str], last_is_refused: bool
) -> None:
    made = desk.put("Invoices", desk.bill())
    path = f"/Invoices/{made['InvoiceID']}"
    for status in steps[:-1] if last_is_refused else steps:
        assert desk.post("Invoices", made["InvoiceID"], {"Status": status})["Status"] == status
    if last_is_refused:
        desk.refused("POST", path, {"Status": steps[-1]}, "not of valid status for modification")


def test_a_purchase_order_is_billed_from_where_the_switch_says(desk: Desk) -> None:
    key = desk.put("PurchaseOrders", desk.order())["PurchaseOrderID"]
    desk.refused("POST", f"/PurchaseOrders/{key}", {"Status": "BILLED"}, "cannot be set to BILLED")
    desk.switch(billed_from=["DRAFT"])
    assert desk.post("PurchaseOrders", key, {"Status": "BILLED"})["Status"] == "BILLED"
    desk.refused("POST", f"/PurchaseOrders/{key}", {"Status": "AUTHORISED"}, "cannot be set")
    desk.switch(billed_reopens=True)
    assert desk.post("PurchaseOrders", key, {"Status": "AUTHORISED"})["Status"] == "AUTHORISED"


def test_what_an_approved_bill_lacks_is_told_at_once(desk: Desk) -> None:
    line = {"Description": "no account", "Quantity": 1, "UnitAmount": 1}
    draft = desk.put("Invoices", desk.bill(line))
    approved = {"Status": "AUTHORISED"}
    desk.refused("POST", f"/Invoices/{draft['InvoiceID']}", approved, "Account code must be")
    body = desk.bill(Status="AUTHORISED", DueDate=None, LineItems=[])
    answer = desk.refused("PUT", "/Invoices", body, "Due Date cannot be empty", "One or more line")
    assert answer.json["ErrorNumber"] == 10
    assert answer.json["Type"] == "ValidationException"
    assert answer.json["Elements"][0]["InvoiceNumber"] == "S-1"
    assert desk.all("Invoices", where='Status=="AUTHORISED"') == []


def test_lines_without_an_id_are_new_and_those_left_out_are_deleted(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill(MONITOR, MONITOR | {"Description": "Cable"}))
    first = made["LineItems"][0]["LineItemID"]
    changed = desk.post(
        "Invoices",
        made["InvoiceID"],
        {"LineItems": [{"LineItemID": first, "Quantity": 2}, MONITOR | {"Description": "New"}]},
    )
    lines = changed["LineItems"]
    assert [line["Description"] for line in lines] == ["Dell P2425H", "New"]
    assert (lines[0]["LineItemID"], lines[0]["LineAmount"]) == (first, Decimal("361.1"))
    assert lines[1]["LineItemID"] not in {each["LineItemID"] for each in made["LineItems"]}
    desk.refused(
        "POST", f"/Invoices/{made['InvoiceID']}",
        {"LineItems": [{"LineItemID": "00000000-0000-4000-8000-999999999999"}]},
        "does not belong",
    )  # fmt: skip


def test_tax_is_rounded_on_each_line_and_then_summed(desk: Desk) -> None:
    line = {"Description": "x", "Quantity": 1, "UnitAmount": 0.15, "AccountCode": "300"}
    made = desk.put("Invoices", desk.bill(*[line] * 3))
    assert (made["TotalTax"], made["Total"]) == (Decimal("0.06"), Decimal("0.51"))
    inclusive = desk.put(
        "Invoices", desk.bill(line | {"UnitAmount": 11}, LineAmountTypes="Inclusive")
    )
    assert (inclusive["SubTotal"], inclusive["TotalTax"], inclusive["Total"]) == (10, 1, 11)
    none = desk.put("Invoices", desk.bill(line, LineAmountTypes="NoTax"))
    assert (none["TotalTax"], none["LineItems"][0]["TaxType"]) == (0, "NONE")
    told = desk.put("Invoices", desk.bill(line | {"TaxAmount": 0.01}))
    assert told["TotalTax"] == Decimal("0.01")
    desk.refused(
        "PUT", "/Invoices", desk.bill(line | {"LineAmount": 0.16}), "does not match the expected"
    )


def test_unit_amounts_have_two_decimals_unless_four_are_asked_for(desk: Desk) -> None:
    line = MONITOR | {"UnitAmount": 1.2345, "Quantity": 100}
    cut = desk.put("Invoices", desk.bill(line))
    assert (cut["LineItems"][0]["UnitAmount"], cut["SubTotal"]) == (Decimal("1.23"), 123)
    kept = desk.put("Invoices", desk.bill(line), unitdp=4)
    assert (kept["LineItems"][0]["UnitAmount"], kept["SubTotal"]) == (
        Decimal("1.2345"), Decimal("123.45"),
    )  # fmt: skip
    (shown,) = desk.get(f"/Invoices/{kept['InvoiceID']}")["Invoices"]
    assert shown["LineItems"][0]["UnitAmount"] == Decimal("1.23")
    approved = desk.post("Invoices", kept["InvoiceID"], {"Status": "AUTHORISED"})
    assert approved["SubTotal"] == Decimal("123.45")
    order = desk.put("PurchaseOrders", desk.order(line))
    assert order["LineItems"][0]["UnitAmount"] == Decimal("1.2345")


def test_rounding_has_a_limit_and_is_for_approved_documents(desk: Desk) -> None:
    body = desk.bill(RoundingAmount=-0.02, Status="AUTHORISED")
    assert desk.put("Invoices", body)["Total"] == Decimal("794.4")
    desk.refused("PUT", "/Invoices", body | {"RoundingAmount": 0.11}, "between -0.10 and 0.10")
    desk.refused("PUT", "/Invoices", body | {"Status": "DRAFT"}, "approved documents only")


def test_nothing_dated_on_or_before_the_lock_date_is_taken_or_changed(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill())
    desk.switch(lock_date="2026-11-19")
    words = "cannot be before the period lock date"
    desk.refused("PUT", "/Invoices", desk.bill(), words)
    desk.refused("POST", f"/Invoices/{made['InvoiceID']}", {"Date": "2026-11-20"}, words)
    desk.put("Invoices", desk.bill(Date="2026-11-20"))
    desk.put("PurchaseOrders", desk.order())
    (organisation,) = desk.get("/Organisation")["Organisations"]
    assert organisation["PeriodLockDate"] == "/Date(1795046400000+0000)/"


def test_a_paid_document_is_frozen_save_for_a_few_fields(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill(Status="AUTHORISED"))
    key = made["InvoiceID"]
    part = desk.act("pay_invoice", key, amount=100)
    assert (part["Status"], part["AmountPaid"], part["AmountDue"]) == (
        "AUTHORISED", 100, Decimal("694.42"),
    )  # fmt: skip
    desk.refused("POST", f"/Invoices/{key}", {"Date": "2026-11-20"}, "has a payment")
    desk.refused("POST", f"/Invoices/{key}", {"Status": "VOIDED"}, "has a payment")
    assert desk.act("pay_invoice", key)["Status"] == "PAID"
    changed = desk.post("Invoices", key, {"Url": "https://dl.example/orders/1"})
    assert (changed["Url"], changed["Status"]) == ("https://dl.example/orders/1", "PAID")


def test_a_deleted_payment_opens_the_invoice_again(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill(Status="AUTHORISED"))
    body = {
        "Invoice": {"InvoiceID": made["InvoiceID"]},
        "Account": {"Code": "090"},
        "Amount": 794.42,
    }
    payment = desk.put("Payments", body)
    assert payment["PaymentType"] == "ACCPAYPAYMENT"
    assert desk.all("Invoices", Statuses="PAID")[0]["AmountDue"] == 0
    desk.refused("PUT", "/Payments", body, "Authorised documents")
    assert desk.post("Payments", payment["PaymentID"], {"Status": "DELETED"})["Status"] == "DELETED"
    assert desk.all("Invoices", IDs=made["InvoiceID"])[0]["Status"] == "AUTHORISED"


def test_a_credit_note_is_given_to_an_invoice(desk: Desk) -> None:
    bill = desk.put("Invoices", desk.bill(Status="AUTHORISED"))
    body = desk.bill(MONITOR | {"Quantity": 1}, Type="ACCPAYCREDIT", Status="AUTHORISED")
    note = desk.put("CreditNotes", {k: v for k, v in body.items() if k != "InvoiceNumber"})
    path = f"/CreditNotes/{note['CreditNoteID']}/Allocations"
    wanted = {"Amount": 198.61, "Date": "2026-11-19", "Invoice": {"InvoiceID": bill["InvoiceID"]}}
    answer = desk.send("PUT", path, {"Allocations": [wanted]})
    assert answer.status == 200
    key = answer.json["Allocations"][0]["AllocationID"]
    (used,) = desk.get(f"/CreditNotes/{note['CreditNoteID']}")["CreditNotes"]
    assert (used["Status"], used["RemainingCredit"]) == ("PAID", 0)
    (credited,) = desk.get(f"/Invoices/{bill['InvoiceID']}")["Invoices"]
    assert (credited["AmountCredited"], credited["AmountDue"]) == (
        Decimal("198.61"), Decimal("595.81"),
    )  # fmt: skip
    assert desk.send("DELETE", f"{path}/{key}").json["IsDeleted"] is True
    assert (
        desk.get(f"/CreditNotes/{note['CreditNoteID']}")["CreditNotes"][0]["Status"] == "AUTHORISED"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Contact": None}, "A Contact must be specified"),
        ({"Type": None}, "Type of the document"),
        ({"CurrencyCode": "NZD"}, "not subscribed to currency NZD"),
        ({"Url": "https://my.xero-app.example/1"}, "must not contain xero"),
        ({"Url": "orders/1"}, "valid absolute url"),
        ({"SentToContact": True}, "SentToContact"),
        ({"InvoiceNumber": "x" * 256}, "must not be longer than 255"),
        ({"InvoiceID": "00000000-0000-4000-8000-000000000001"}, "must not be given"),
        ({"LineItems": [{"Quantity": 1}]}, "Description must be"),
        ({"LineItems": [MONITOR | {"AccountCode": "800"}]}, "'800' is not a valid code"),
        ({"LineItems": [MONITOR | {"AccountCode": "999"}]}, "'999' is not a valid code"),
        ({"LineItems": [MONITOR | {"TaxType": "OUTPUT"}]}, "'OUTPUT' does not exist or cannot"),
        ({"LineItems": [MONITOR | {"TaxType": "TAX002"}]}, "'TAX002' does not exist or cannot"),
        ({"LineItems": [MONITOR | {"ItemCode": "NOPE"}]}, "Item code 'NOPE'"),
        ({"LineItems": [MONITOR | {"DiscountRate": 5}]}, "only supported on sales invoices"),
        (
            {"LineItems": [MONITOR | {"Tracking": [{"Name": "Region", "Option": "East"}]}]},
            "does not exist",
        ),
        (
            {"LineItems": [MONITOR | {"Tracking": [{"Name": "Region", "Option": "North"}] * 3}]},
            "at most 2 tracking",
        ),
    ],
)
def test_a_bill_that_xero_would_not_take_is_refused_with_a_sentence(
    desk: Desk, change: dict[str, Any], words: str
) -> None:
    desk.refused("PUT", "/Invoices", desk.bill(**change), words)
    assert desk.all("Invoices") == []


def test_an_item_brings_its_description_price_account_and_tax(desk: Desk) -> None:
    made = desk.put("Invoices", desk.sale({"ItemCode": "P2425H", "Quantity": 2}))
    (line,) = made["LineItems"]
    assert (line["Description"], line["UnitAmount"]) == ("Dell P2425H 24 monitor", 239)
    assert (line["AccountCode"], line["TaxType"], line["LineAmount"]) == ("200", "OUTPUT", 478)


def test_the_oldest_plan_lets_only_so_many_be_approved_a_month(desk: Desk) -> None:
    desk.switch(plan="early")
    for _ in range(5):
        desk.put("Invoices", desk.bill(Status="AUTHORISED"))
    desk.refused("PUT", "/Invoices", desk.bill(Status="AUTHORISED"), "no more approvals")
    desk.put("Invoices", desk.bill())
    desk.put("Invoices", desk.sale(Status="AUTHORISED"))


def test_one_currency_only_where_the_plan_has_no_more(desk: Desk) -> None:
    assert desk.put("Invoices", desk.bill(CurrencyCode="EUR"))["CurrencyRate"] == Decimal("0.92")
    desk.switch(multicurrency=False)
    desk.refused(
        "PUT", "/Invoices", desk.bill(CurrencyCode="EUR"), "not subscribed to currency EUR"
    )
    actions = {
        each["Name"]: each["Status"] for each in desk.get("/Organisation/Actions")["Actions"]
    }
    assert actions["UseMulticurrency"] == "NOT-ALLOWED"
