"""Invoices, estimates, numbers, closed books, updates."""

from __future__ import annotations

import pytest

from tests.sandbox.quickbooks.desk import Desk


def test_an_invoice_posts_at_once_and_its_sums_are_quickbooks_own(desk: Desk) -> None:
    invoice = desk.invoice(2)
    assert (invoice["TotalAmt"], invoice["Balance"]) == (478, 478)
    assert invoice["EmailStatus"] == "NotSet"
    assert invoice["Line"][-1] == {
        "Amount": 478,
        "DetailType": "SubTotalLineDetail",
        "SubTotalLineDetail": {},
    }
    assert desk.get("Customer", invoice["CustomerRef"]["value"])["Balance"] == 478


def test_a_mail_is_queued_only_with_an_address(desk: Desk) -> None:
    body = {"CustomerRef": desk.customer, "Line": [desk.sold(1)], "EmailStatus": "NeedToSend"}
    desk.refused("Invoice", body, 6000)
    desk.post("Invoice", body | {"BillEmail": {"Address": "ap@contoso.example"}})


def test_numbers_are_counted_unless_the_company_keeps_its_own(desk: Desk) -> None:
    assert [desk.invoice()["DocNumber"] for _ in range(2)] == ["1001", "1002"]
    desk.switch(custom_txn_numbers=True)
    assert "DocNumber" not in desk.invoice()
    assert desk.invoice(DocNumber="DL-7")["DocNumber"] == "DL-7"
    assert desk.invoice(DocNumber="AUTO_GENERATE")["DocNumber"] == "1003"
    assert "DocNumber" not in desk.bill()
    assert desk.order(1)["DocNumber"] == "1001"
    desk.switch(custom_purchase_numbers=True)
    assert "DocNumber" not in desk.order(1)


def test_a_number_stands_once_unless_duplicates_are_asked_for(desk: Desk) -> None:
    line = [desk.bought(1)]
    body = {"VendorRef": desk.vendor, "Line": line, "DocNumber": "INV-1"}
    desk.post("Bill", body)
    desk.refused("Bill", body, 6140)
    desk.post("Bill", body, include="allowduplicatedocnum")
    other = {"value": desk.one("Vendor", "DisplayName", "TD SYNNEX")["Id"]}
    desk.post("Bill", body | {"VendorRef": other})  # another supplier's own number
    desk.refused("Bill", body | {"DocNumber": "X" * 22}, 2050)


def test_nothing_is_dated_into_closed_books(desk: Desk) -> None:
    bill = desk.bill(TxnDate="2026-10-31")
    desk.switch(books_closed="2026-10-31")
    prefs = desk.send("GET", "preferences").json["Preferences"]
    assert prefs["AccountingInfoPrefs"]["BookCloseDate"] == "2026-10-31"
    body = {"VendorRef": desk.vendor, "Line": [desk.bought(1)], "TxnDate": "2026-10-31"}
    desk.refused("Bill", body, 6210)
    desk.refused("Bill", bill | {"TxnDate": "2026-11-01"}, 6210)
    desk.refused("Bill", {"Id": bill["Id"], "SyncToken": "0"}, 6210, operation="delete")
    desk.switch(books_closed_code=6200)
    desk.refused("Bill", body, 6200)
    desk.post("Bill", body | {"TxnDate": "2026-11-01"})


def test_an_estimate_posts_nothing_and_is_invoiced_once(desk: Desk) -> None:
    body = {"CustomerRef": desk.customer, "Line": [desk.sold(1)]}
    estimate = desk.post("Estimate", body)
    assert estimate["TxnStatus"] == "Pending"
    assert "Balance" not in estimate
    link = [{"TxnId": estimate["Id"], "TxnType": "Estimate"}]
    invoice = desk.invoice(LinkedTxn=link)
    standing = desk.get("Estimate", estimate["Id"])
    assert standing["TxnStatus"] == "Closed"
    assert standing["LinkedTxn"] == [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
    desk.refused("Invoice", body | {"LinkedTxn": link}, 6000)
    void = {"Id": invoice["Id"], "SyncToken": invoice["SyncToken"]}
    desk.post("Invoice", void, operation="void")
    assert desk.get("Estimate", estimate["Id"])["TxnStatus"] == "Pending"


def test_a_voided_invoice_keeps_its_number_and_its_note(desk: Desk) -> None:
    invoice = desk.invoice(2, PrivateNote="dl:1")
    gone = desk.post("Invoice", {"Id": invoice["Id"], "SyncToken": "0"}, operation="void")
    assert (gone["TotalAmt"], gone["Balance"], gone["DocNumber"]) == (0, 0, "1001")
    assert gone["PrivateNote"] == "Voided - dl:1"


@pytest.mark.parametrize("entity", ["Estimate", "PurchaseOrder", "VendorCredit"])
def test_others_cannot_be_voided(desk: Desk, entity: str) -> None:
    desk.refused(entity, {"Id": "1", "SyncToken": "0"}, 10000, 200, operation="void")


# --- updates


def test_an_update_names_the_version_it_saw(desk: Desk) -> None:
    bill = desk.bill()
    changed = desk.post("Bill", bill | {"PrivateNote": "seen"})
    assert changed["SyncToken"] == "1"
    desk.refused("Bill", bill | {"PrivateNote": "late"}, 5010)
    desk.refused("Bill", {name: value for name, value in bill.items() if name != "SyncToken"}, 2020)
    desk.refused("Bill", bill | {"Id": "99999"}, 610)


def test_a_full_update_clears_what_it_leaves_out_and_a_sparse_one_does_not(desk: Desk) -> None:
    bill = desk.bill(PrivateNote="note", DocNumber="INV-1")
    sparse = {"Id": bill["Id"], "SyncToken": "0", "sparse": True, "DocNumber": "INV-2"}
    desk.refused("Bill", sparse, 2020)  # VendorRef, on every write
    changed = desk.post("Bill", sparse | {"VendorRef": desk.vendor})
    assert (changed["PrivateNote"], changed["DocNumber"]) == ("note", "INV-2")
    assert len(changed["Line"]) == 1
    full = {"Id": bill["Id"], "SyncToken": "1", "VendorRef": desk.vendor, "Line": bill["Line"]}
    assert "PrivateNote" not in desk.post("Bill", full)


def test_a_partial_list_of_lines_cuts_the_document_short(desk: Desk) -> None:
    bill = desk.post("Bill", {"VendorRef": desk.vendor, "Line": [desk.bought(1), desk.bought(2)]})
    sparse = {"Id": bill["Id"], "SyncToken": "0", "sparse": True, "VendorRef": desk.vendor}
    changed = desk.post("Bill", sparse | {"Line": [bill["Line"][1]]})
    assert [line["Id"] for line in changed["Line"]] == ["2"]
    assert changed["TotalAmt"] == 361.1


def test_names_are_one_space_and_made_inactive_instead_of_deleted(desk: Desk) -> None:
    desk.refused("Customer", {"DisplayName": "ingram MICRO"}, 6240)
    desk.refused("Vendor", {"DisplayName": "a:b"}, 6000)
    vendor = desk.post("Vendor", {"DisplayName": "Exertis", "Active": True})
    end = {"Id": vendor["Id"], "SyncToken": "0"}
    desk.refused("Vendor", end, 500, operation="delete")
    desk.post("Vendor", end | {"sparse": True, "Active": False})
    assert desk.query("SELECT * FROM Vendor WHERE DisplayName = 'Exertis'") == {}
    found = desk.query(
        "SELECT * FROM Vendor WHERE DisplayName = 'Exertis' AND Active IN (true, false)"
    )
    assert found["Vendor"][0]["Active"] is False
    body = {"VendorRef": {"value": vendor["Id"]}, "Line": [desk.bought(1)]}
    desk.refused("Bill", body, 610)


def test_the_same_item_name_stands_once_and_a_sku_may_repeat(desk: Desk) -> None:
    income = {"value": desk.one("Account", "Name", "Services")["Id"]}
    body = {"Name": "Cable", "Sku": "C-1", "Type": "NonInventory", "IncomeAccountRef": income}
    desk.post("Item", body)
    desk.refused("Item", body, 6240)
    desk.post("Item", body | {"Name": "Cable 2"})
    assert len(desk.query("SELECT * FROM Item WHERE Sku = 'C-1'")["Item"]) == 2
    desk.refused("Item", {"Name": "Nothing", "Type": "Service"}, 2020)
