from __future__ import annotations

from typing import Any

import pytest

from sandbox.xero.model.values import ms_moment
from tests.sandbox.xero.desk import START, Desk


@pytest.fixture
def three(desk: Desk) -> list[Any]:
    """Two bills of one number and a sales invoice, a minute apart."""
    made = []
    for body in (
        desk.bill(),
        desk.bill(Date="2026-11-20", Url="https://dl.example/1"),
        desk.sale(),
    ):
        made.append(desk.put("Invoices", body))
        desk.pass_time(60)
    return made


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ('InvoiceNumber=="S-1"', [0, 1]),
        ('Type=="ACCREC"', [2]),
        ('Type=="ACCPAY" AND Url=="https://dl.example/1"', [1]),
        ('Type=="ACCREC" OR Date>=DateTime(2026,11,20)', [1, 2]),
        ('Type=="ACCPAY" && (Date<DateTime(2026, 11, 20) || Url!=null)', [0, 1]),
        ('Date==DateTime.Parse("2026-11-20")', [1]),
        ("Url==null", [0, 2]),
        ("Total>800", [2]),
        ("Total<=794.42", [0, 1]),
        ('Contact.Name.StartsWith("Contoso")', [2]),
        ('Contact.Name.ToLower().Contains("ingram")', [0, 1]),
        ('Contact.Name.ToUpper()=="CONTOSO LTD"', [2]),
        ('Status<>"DRAFT"', []),
        ("SentToContact==false", [0, 1, 2]),
    ],
)
def test_where_finds(desk: Desk, three: list[Any], where: str, found: list[int]) -> None:
    keys = [each["InvoiceID"] for each in desk.all("Invoices", where=where)]
    assert keys == [three[number]["InvoiceID"] for number in found]


def test_the_look_up_of_a_bill_by_contact_and_number(desk: Desk, three: list[Any]) -> None:
    contact = three[0]["Contact"]["ContactID"]
    where = f'Contact.ContactID==guid("{contact}") AND InvoiceNumber=="S-1"'
    assert len(desk.all("Invoices", where=where)) == 2
    quoted = desk.put("Invoices", desk.bill(InvoiceNumber='a "b" \\c'))
    (found,) = desk.all("Invoices", where='InvoiceNumber=="a \\"b\\" \\\\c"')
    assert found["InvoiceID"] == quoted["InvoiceID"]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ('Colour=="red"', "No property or field 'Colour' exists in type 'Invoice'"),
        ("InvoiceNumber", "operator was expected"),
        ('InvoiceNumber=="a', "Syntax error"),
        ('InvoiceID=="x"', "incompatible with operand types 'Guid' and 'String'"),
        ('InvoiceID==guid("x")', "Guid should contain"),
        ("Date>=DateTime(2026,13,40)", "DateTime cannot be read"),
        ('(Type=="ACCREC"', "')' expected"),
        ('Type=="ACCREC" Type', "Syntax error at"),
        ('Total.Contains("1")', "No method 'Contains' exists in type 'Decimal'"),
        ("(" * 60 + "Total>1", "nested too deep"),
    ],
)
def test_a_query_that_cannot_be_read_is_refused(desk: Desk, where: str, words: str) -> None:
    answer = desk.send("GET", "/Invoices", where=where)
    assert answer.status == 400
    assert (answer.json["ErrorNumber"], answer.json["Type"]) == (16, "QueryParseException")
    assert words in answer.json["Message"]


def test_order_sorts_by_several_fields(desk: Desk, three: list[Any]) -> None:
    found = desk.all("Invoices", order="Type ASC, UpdatedDateUTC DESC")
    keys = [each["InvoiceID"] for each in found]
    assert keys == [three[number]["InvoiceID"] for number in (1, 0, 2)]
    assert desk.send("GET", "/Invoices", order="Colour").status == 400
    assert desk.send("GET", "/Invoices", order="Date SIDEWAYS").status == 400


@pytest.mark.parametrize("form", ["2026-11-19T10:01:00", "Thu, 19 Nov 2026 10:01:00 GMT"])
def test_only_what_was_modified_since(desk: Desk, three: list[Any], form: str) -> None:
    found = desk.all("Invoices", headers={"if-modified-since": form})
    assert [each["InvoiceID"] for each in found] == [each["InvoiceID"] for each in three[1:]]
    assert desk.send("GET", "/Invoices", headers={"if-modified-since": "soon"}).status == 400


def test_lists_have_lines_only_page_by_page(desk: Desk, three: list[Any]) -> None:
    assert [each["LineItems"] for each in desk.all("Invoices")] == [[], [], []]
    body = desk.get("/Invoices", page=2, pageSize=2)
    assert body["pagination"] == {"page": 2, "pageSize": 2, "pageCount": 2, "itemCount": 3}
    (last,) = body["Invoices"]
    assert (last["InvoiceID"], len(last["LineItems"])) == (three[2]["InvoiceID"], 1)
    assert "LineItems" not in desk.all("Invoices", page=1, summaryOnly="true")[0]
    assert desk.send("GET", "/Invoices", page=0).status == 400
    desk.put("PurchaseOrders", desk.order())
    body = desk.get("/PurchaseOrders")
    assert body["pagination"]["itemCount"] == 1
    assert len(body["PurchaseOrders"][0]["LineItems"]) == 1


def test_optimised_filters(desk: Desk, three: list[Any]) -> None:
    def keys(**given: str) -> list[str]:
        return [each["InvoiceID"] for each in desk.all("Invoices", **given)]

    first, second, third = (each["InvoiceID"] for each in three)
    assert keys(IDs=f"{third},{first}") == [first, third]
    assert keys(InvoiceNumbers="s-1") == [first, second]
    assert keys(ContactIDs=three[2]["Contact"]["ContactID"]) == [third]
    assert keys(Statuses="SUBMITTED,AUTHORISED") == []
    assert keys(searchTerm="inv-") == [third]
    assert desk.send("GET", "/Invoices", IDs="x").status == 400
    desk.log_in()
    mine = desk.put("Invoices", desk.bill())
    assert keys(createdByMyApp="true") == [mine["InvoiceID"]]


def test_a_record_is_found_by_its_number_too(desk: Desk) -> None:
    order = desk.put("PurchaseOrders", desk.order(PurchaseOrderNumber="PO10008891"))
    (found,) = desk.get("/PurchaseOrders/PO10008891")["PurchaseOrders"]
    assert found["PurchaseOrderID"] == order["PurchaseOrderID"]
    assert desk.get("/Contacts/INGRAM")["Contacts"][0]["Name"] == "Ingram Micro"
    assert desk.get("/Items/P2425H")["Items"][0]["Code"] == "P2425H"
    answer = desk.send("GET", "/Invoices/00000000-0000-4000-8000-999999999999")
    assert (answer.status, answer.raw[:12]) == (404, b"The resource")
    assert desk.send("GET", "/Nothing").status == 404
    assert desk.send("DELETE", "/Invoices").status == 405
    assert desk.send("PUT", "/Organisation", {}).status == 405


def test_reads_may_lag_behind_and_answers_to_writes_never(desk: Desk) -> None:
    desk.switch(read_lag_ms=2000)
    made = desk.put("Invoices", desk.bill())
    assert made["Status"] == "DRAFT"
    assert desk.all("Invoices") == []
    desk.pass_time(2)
    assert len(desk.all("Invoices")) == 1
    assert len(desk.all("Contacts")) == 2
    desk.switch(read_lag_ms=0)
    desk.post("Invoices", made["InvoiceID"], {"Url": "https://dl.example/2"})
    desk.fault(kind="stale_read", path="/Invoices")
    assert "Url" not in desk.all("Invoices")[0]
    assert desk.all("Invoices")[0]["Url"] == "https://dl.example/2"


def test_archived_contacts_are_asked_for(desk: Desk) -> None:
    assert len(desk.all("Contacts")) == 2
    assert len(desk.all("Contacts", includeArchived="true")) == 3


def test_set_up_lists(desk: Desk) -> None:
    accounts = {each["Code"]: each for each in desk.all("Accounts")}
    assert (accounts["860"]["SystemAccount"], accounts["300"]["Class"]) == ("ROUNDING", "EXPENSE")
    rates = {each["TaxType"]: each for each in desk.all("TaxRates")}
    assert rates["INPUT"]["CanApplyToExpenses"] is True
    assert rates["INPUT"]["CanApplyToRevenue"] is False
    assert [each["Code"] for each in desk.all("Currencies")] == ["USD", "EUR"]
    (category,) = desk.all("TrackingCategories")
    assert [each["Name"] for each in category["Options"]] == ["North", "South"]
    head = desk.get("/Organisation")
    assert (head["Status"], head["DateTimeUTC"]) == ("OK", ms_moment(START))
