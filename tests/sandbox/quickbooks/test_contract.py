"""That the check against the derived contract looks at everything, and would see a fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.quickbooks.contract import CONTRACT, DOCUMENT, QuickBooksContract
from tests.sandbox.quickbooks.desk import Desk

pytestmark = pytest.mark.skipif(
    CONTRACT is None, reason=f"the derived document is not at {DOCUMENT}"
)
READABLE = ("Vendor", "Customer", "Item", "Account", "Term", "TaxCode", "TaxRate")
WRITTEN = ("Vendor", "Customer", "Item", "Account", "Term")
DOCUMENTS = ("PurchaseOrder", "Bill", "VendorCredit", "Invoice", "Estimate")


def contract() -> QuickBooksContract:
    assert CONTRACT is not None
    return QuickBooksContract(CONTRACT.document)


def session(desk: Desk) -> None:
    """Every kind of record written, read by id and by query; batch, changes, preferences."""
    income = {"value": desk.one("Account", "Name", "Services")["Id"]}
    bodies: dict[str, Any] = {
        "Vendor": {"DisplayName": "Exertis", "PrimaryEmailAddr": {"Address": "ap@exertis.example"}},
        "Customer": {"DisplayName": "Fabrikam", "Notes": "new"},
        "Item": {"Name": "Cable", "Type": "NonInventory", "IncomeAccountRef": income},
        "Account": {"Name": "Postage", "AccountType": "Expense"},
        "Term": {"Name": "Net 45", "DueDays": 45},
    }
    for entity in WRITTEN:
        desk.post(entity, bodies[entity])
    order = desk.order(2)
    desk.bill_of(order, 2)
    desk.post("VendorCredit", {"VendorRef": desk.vendor, "Line": [desk.bought(1)]})
    desk.invoice()
    desk.post("Estimate", {"CustomerRef": desk.customer, "Line": [desk.sold(1)]})
    for entity in (*READABLE, *DOCUMENTS):
        for row in desk.query(f"SELECT * FROM {entity}")[entity]:  # noqa: S608 - not SQL
            desk.get(entity, row["Id"])
    desk.query("SELECT * FROM CompanyInfo")
    desk.get("CompanyInfo", desk.registration.realm)
    desk.query("SELECT * FROM Preferences")
    desk.send("GET", "preferences")
    desk.send("GET", "cdc", entities="Bill", changedSince=desk.clock.isoformat())
    item = {"bId": "1", "operation": "create", "Vendor": {"DisplayName": "By batch"}}
    refused = {"bId": "2", "operation": "create", "Vendor": {"DisplayName": "By batch"}}
    desk.send("POST", "batch", {"BatchItemRequest": [item, refused]})


def test_a_broad_session_is_as_described_and_all_of_it_is_looked_at(desk: Desk) -> None:
    session(desk)
    looked = contract()
    assert [fault for entry in desk.log() for fault in looked.faults_of(entry)] == []
    base = "/v3/company/{realmId}"
    expected = {("POST", f"{base}/{each.lower()}") for each in (*WRITTEN, *DOCUMENTS)}
    expected |= {("GET", f"{base}/{each.lower()}/{{id}}") for each in (*READABLE, *DOCUMENTS)}
    expected |= {("GET", f"{base}/{each}") for each in ("query", "preferences", "cdc")}
    expected |= {("GET", f"{base}/companyinfo/{{id}}"), ("POST", f"{base}/batch")}
    assert expected <= looked.seen


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("response", {"Bill": {"Id": "1", "Colour": "red"}}),
        ("response", {"Bill": {"Id": 1}}),
        ("body", {"VendorRef": {"value": "1"}, "Line": [], "Colour": "red"}),
        ("body", {"VendorRef": {"value": "1"}}),
        ("body", {"Line": "none"}),
    ],
)
def test_a_planted_fault_is_seen(place: str, change: dict[str, Any]) -> None:
    entry: dict[str, Any] = {
        "method": "POST",
        "path": "/v3/company/1/bill",
        "query": {},
        "status": 200,
        "body": {"VendorRef": {"value": "1"}, "Line": []},
        "response": {"Bill": {"Id": "1"}},
    }
    assert contract().faults_of(entry) == []
    assert contract().faults_of(entry | {place: change}) != []
