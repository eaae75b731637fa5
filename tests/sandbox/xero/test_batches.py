from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.xero.desk import MONITOR, Desk


def test_without_being_asked_apart_one_fault_spoils_the_request(desk: Desk) -> None:
    good, bad = desk.bill(), desk.bill(CurrencyCode="NZD")
    answer = desk.refused("PUT", "/Invoices", {"Invoices": [good, bad]}, "currency NZD")
    assert len(answer.json["Elements"]) == 1
    assert desk.all("Invoices") == []


@pytest.mark.parametrize("key", ["Message", "Description"])
def test_apart_each_element_tells_its_own_faults_under_200(desk: Desk, key: str) -> None:
    desk.switch(element_error_key=key)
    body = {"Invoices": [desk.bill(CurrencyCode="NZD"), desk.bill()]}
    answer = desk.send("PUT", "/Invoices", body, summarizeErrors="false")
    assert answer.status == 200
    bad, good = answer.json["Invoices"]
    assert (bad["StatusAttributeString"], bad["HasErrors"]) == ("ERROR", True)
    assert list(bad["ValidationErrors"][0]) == [key]
    assert (good["StatusAttributeString"], good["Status"]) == ("OK", "DRAFT")
    assert [each["InvoiceID"] for each in desk.all("Invoices")] == [good["InvoiceID"]]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "JSON for post data was invalid"),
        (b"[]", "holds no objects"),
        (b'{"Invoices":[5]}', "holds no objects"),
        (b'{"Type":"ACCPAY","Date":"soon"}', "could not read Date"),
        (b'{"Type":"NOTHING"}', "could not read Type"),
        (b'{"Type":"ACCPAY","CurrencyRate":"x"}', "could not read CurrencyRate"),
    ],
)
def test_a_post_that_cannot_be_read_is_refused_whole(desk: Desk, raw: bytes, words: str) -> None:
    kind = {"content-type": "application/json"}
    answer = desk.send("PUT", "/Invoices", raw=raw, headers=kind)
    assert (answer.status, answer.json["ErrorNumber"]) == (400, 17)
    assert answer.json["Type"] == "PostDataInvalidException"
    assert words in answer.json["Message"]


def test_a_record_may_come_alone_or_in_a_bare_list(desk: Desk) -> None:
    assert desk.send("PUT", "/Invoices", desk.bill()).status == 200
    assert desk.send("PUT", "/Invoices", [desk.bill(), desk.bill()]).status == 200
    assert len(desk.all("Invoices")) == 3
    assert (
        desk.send("PUT", "/Invoices", raw=b"<x/>", headers={"content-type": "text/xml"}).status
        == 415
    )


# --- contacts


def test_a_contact_is_created_once_and_found_by_its_name(desk: Desk) -> None:
    made = desk.put("Contacts", {"Name": "Fabrikam", "ContactNumber": "dl:1:s77"})
    assert (made["ContactStatus"], made["IsSupplier"]) == ("ACTIVE", False)
    desk.refused("PUT", "/Contacts", {"Name": "FABRIKAM"}, "is already assigned to another contact")
    desk.refused(
        "PUT", "/Contacts", {"Name": "F2", "ContactNumber": "dl:1:s77"}, "already assigned"
    )
    answer = desk.send("POST", "/Contacts", {"Name": "fabrikam", "EmailAddress": "a@b.example"})
    assert answer.json["Contacts"][0]["ContactID"] == made["ContactID"]
    desk.switch(contact_names_unique=False)
    assert desk.put("Contacts", {"Name": "Fabrikam"})["ContactID"] != made["ContactID"]


def test_renaming_onto_another_contact_is_refused(desk: Desk) -> None:
    key = desk.contact()
    desk.refused("POST", f"/Contacts/{key}", {"Name": "Contoso Ltd"}, "already assigned")
    people = [{"FirstName": "Ann", "LastName": "Lee"}]
    assert desk.post("Contacts", key, {"ContactPersons": people})["ContactPersons"] == people
    renamed = desk.post("Contacts", key, {"Name": "Ingram Micro Inc"})
    assert (renamed["Name"], renamed["ContactPersons"]) == ("Ingram Micro Inc", [])
    missing = "00000000-0000-4000-8000-999999999999"
    assert desk.send("POST", f"/Contacts/{missing}", {"Name": "x"}).status == 404


def test_a_document_makes_its_contact_a_supplier_and_what_is_sent_beside_its_id_overwrites(
    desk: Desk,
) -> None:
    key = desk.contact("Contoso Ltd")
    people = [{"FirstName": "Ann", "LastName": "Lee"}]
    desk.post("Contacts", key, {"ContactPersons": people})
    desk.put("Invoices", desk.bill(Contact={"ContactID": key}))
    (shown,) = desk.get(f"/Contacts/{key}")["Contacts"]
    assert (shown["IsSupplier"], shown["ContactPersons"]) == (True, people)
    desk.put("Invoices", desk.bill(Contact={"ContactID": key, "Name": "Contoso Limited"}))
    (shown,) = desk.get(f"/Contacts/{key}")["Contacts"]
    assert (shown["Name"], shown["ContactPersons"]) == ("Contoso Limited", [])


def test_an_invoice_may_bring_a_new_contact_and_a_purchase_order_may_not(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill(Contact={"Name": "Newcomer"}))
    assert made["Contact"]["Name"] == "Newcomer"
    desk.refused(
        "PUT", "/PurchaseOrders", desk.order(Contact={"Name": "Stranger"}), "valid contact"
    )


def test_an_archived_contact_takes_no_documents(desk: Desk) -> None:
    key = desk.contact()
    body = desk.bill()
    assert desk.act("archive_contact", key)["ContactStatus"] == "ARCHIVED"
    desk.refused("PUT", "/Invoices", body, "is archived")


# --- set-up that clients write


def test_items_have_unique_codes_of_thirty_characters(desk: Desk) -> None:
    body = {
        "Code": "CABLE",
        "Name": "Cable",
        "SalesDetails": {"UnitPrice": 8.1234, "AccountCode": "200"},
    }
    made = desk.put("Items", body)
    assert str(made["SalesDetails"]["UnitPrice"]) == "8.12"
    desk.refused("PUT", "/Items", body, "already exists")
    desk.refused("PUT", "/Items", body | {"Code": "x" * 31}, "longer than 30")
    desk.refused("PUT", "/Items", body | {"Code": "B", "SalesDetails": {"AccountCode": "1"}}, "'1'")
    desk.refused("POST", f"/Items/{made['ItemID']}", {"Code": "P2425H"}, "already exists")
    assert (
        desk.post("Items", made["ItemID"], {"Code": "CABLE", "Name": "A cable"})["Name"]
        == "A cable"
    )
    assert desk.send("DELETE", f"/Items/{made['ItemID']}").status == 204
    assert desk.send("GET", f"/Items/{made['ItemID']}").status == 404


def test_accounts_rates_and_currencies_are_written_one_by_one(desk: Desk) -> None:
    account = {"Code": "460", "Name": "Licences", "Type": "EXPENSE"}
    made = desk.send("PUT", "/Accounts", account).json["Accounts"][0]
    assert (made["Class"], made["Status"]) == ("EXPENSE", "ACTIVE")
    assert desk.send("PUT", "/Accounts", [account, account]).status == 400
    desk.refused("PUT", "/Accounts", account, "unique Code")
    rate = {"Name": "State tax", "TaxComponents": [{"Name": "State", "Rate": 6.25}]}
    new = desk.put("TaxRates", rate)
    assert (new["TaxType"], str(new["EffectiveRate"])) == ("TAX003", "6.25")
    assert desk.send("PUT", "/Currencies", {"Code": "NZD"}).status == 200
    assert desk.put("Invoices", desk.bill(CurrencyCode="NZD"))["CurrencyCode"] == "NZD"


# --- what hangs on a record


def test_notes_and_what_happened_are_in_the_history(desk: Desk) -> None:
    key = desk.put("Invoices", desk.bill())["InvoiceID"]
    path = f"/Invoices/{key}/History"
    answer = desk.send("PUT", path, {"HistoryRecords": [{"Details": "dl:1:b5"}]})
    assert answer.json["HistoryRecords"][0]["Details"] == "dl:1:b5"
    told = [each["Changes"] for each in desk.get(path)["HistoryRecords"]]
    assert told == ["Note", "Created"]
    long = {"HistoryRecords": [{"Details": "x" * 2501}]}
    desk.refused("PUT", path, long, "2500 characters")
    desk.refused(
        "PUT", path, {"HistoryRecords": [{"Details": "a"}, {"Details": "b"}]}, "One history"
    )


def test_files_are_attached_by_name_and_the_same_name_overwrites(desk: Desk) -> None:
    key = desk.put("Invoices", desk.bill())["InvoiceID"]
    path = f"/Invoices/{key}/Attachments"
    kind = {"content-type": "application/pdf"}
    for content in (b"one", b"two!"):
        answer = desk.send("PUT", f"{path}/slip 1.pdf", raw=content, headers=kind)
        assert answer.status == 200
    (file,) = desk.get(path)["Attachments"]
    assert (file["FileName"], file["ContentLength"], file["MimeType"]) == (
        "slip 1.pdf",
        4,
        kind["content-type"],
    )
    for name in ("slip 1.pdf", file["AttachmentID"]):
        got = desk.send("GET", f"{path}/{name}")
        assert (got.raw, got.headers["content-type"]) == (b"two!", "application/pdf")
    assert desk.all("Invoices")[0]["HasAttachments"] is True
    for number in range(9):
        desk.send("PUT", f"{path}/{number}.pdf", raw=b"x", headers=kind)
    desk.refused("PUT", f"{path}/more.pdf", None, "10 attachments", raw=b"x", headers=kind)
    desk.refused("PUT", f"{path}/a<b.pdf", None, "not allowed", raw=b"x", headers=kind)
    other = desk.put("Invoices", desk.bill())["InvoiceID"]
    big: dict[str, Any] = {"raw": b"x" * (10 * 1024 * 1024 + 1), "headers": kind}
    desk.refused("PUT", f"/Invoices/{other}/Attachments/big.pdf", None, "larger than 10 MB", **big)
    assert desk.send("GET", f"/Invoices/{other}/Attachments/none.pdf").status == 404


def test_text_lines_stand_without_amounts(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill(MONITOR, {"Description": "Purchase order PO10008891"}))
    assert made["LineItems"][1]["LineAmount"] == 0
    assert (
        desk.post("Invoices", made["InvoiceID"], {"Status": "AUTHORISED"})["Status"] == "AUTHORISED"
    )
