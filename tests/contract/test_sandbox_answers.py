"""A broad session with the simulator, every request and answer of it held against the contract."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.contract import DOCUMENT, Contract
from tests.sandbox.desk import Desk

CONTRACT = Contract.load()
pytestmark = pytest.mark.skipif(
    CONTRACT is None, reason=f"the vendor's reconstructed document is not at {DOCUMENT}"
)

SETUP_LISTS = (
    "/company/companies/statuses",
    "/finance/billingStatuses",
    "/finance/billingTerms",
    "/finance/taxCodes",
    "/procurement/categories",
    "/procurement/manufacturers",
    "/procurement/purchaseorderstatuses",
    "/procurement/settings",
    "/procurement/shipmentmethods",
    "/procurement/types",
    "/procurement/unitOfMeasures",
    "/procurement/warehouseBins",
    "/procurement/warehouses",
    "/sales/opportunities/statuses",
    "/sales/opportunities/types",
    "/sales/orders/statuses",
    "/sales/probabilities",
    "/sales/stages",
    "/service/boards",
    "/system/departments",
    "/system/locations",
    "/system/members",
)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def faults_of(desk: Desk) -> list[str]:
    assert CONTRACT is not None
    return [fault for entry in desk.log() for fault in CONTRACT.faults_of(entry)]


def test_set_up_lists_and_their_records_are_as_described(desk: Desk) -> None:
    for path in SETUP_LISTS:
        for record in desk.get(path, pageSize=1000):
            desk.send("GET", f"{path}/{record['id']}")
    desk.get("/procurement/settings/count")
    desk.get("/procurement/purchaseorderstatuses/count")
    assert desk.log()[-1]["status"] == 200
    assert faults_of(desk) == []


def test_people_and_companies_are_as_described(desk: Desk) -> None:
    desk.get("/company/companies", pageSize=2, orderBy="name desc")
    company = desk.post("/company/companies", {"identifier": "Fabrikam", "name": "Fabrikam Inc"})
    path = f"/company/companies/{company['id']}"
    desk.patch(path, phoneNumber="555 0100")
    site = desk.post(f"{path}/sites", {"name": "Annex", "city": "Springfield"})
    desk.patch(f"{path}/sites/{site['id']}", city="Shelbyville")
    desk.get(f"{path}/sites")
    contact = desk.post(
        "/company/contacts",
        {
            "firstName": "Fay",
            "lastName": "Brikam",
            "company": {"id": company["id"]},
            "communicationItems": [{"type": {"id": 1, "name": "Email"}, "value": "fay@f.example"}],
        },
    )
    desk.get(f"/company/contacts/{contact['id']}", fields="id,firstName,company/identifier")
    desk.get("/company/contacts", childConditions='communicationItems/value="fay@f.example"')
    desk.get("/company/contacts/count")
    desk.send("DELETE", f"/company/contacts/{contact['id']}")
    assert faults_of(desk) == []


def test_the_story_from_opportunity_to_invoice_is_as_described(desk: Desk) -> None:
    desk.get("/sales/opportunities", conditions='company/identifier="Contoso"')
    desk.get("/sales/opportunities/88")
    (forecast,) = desk.get("/sales/opportunities/88/forecast")
    item = forecast["forecastItems"][1]
    desk.patch(f"/sales/opportunities/88/forecast/{item['id']}", includeFlag=False)
    desk.post("/sales/opportunities/88/notes", {"text": "accepted"})
    desk.get("/sales/opportunities/88/forecast/count")
    desk.win()
    desk.refused("PATCH", f"/sales/opportunities/88/forecast/{item['id']}", [])
    order = desk.convert(includeAllProductsFlag=True)
    desk.get("/sales/opportunities/conversions/88")
    desk.get("/sales/orders", conditions="opportunity/id=88")
    desk.get(f"/sales/orders/{order['id']}/lineitems/")
    products = desk.products(salesOrder=order["id"])
    monitor = products["DELL-P2425H"]
    purchase = desk.demand((monitor["id"], 10), warehouse={"name": "Main"})
    path = f"/procurement/purchaseorders/{purchase['id']}"
    desk.patch(path, poNumber="PO10008891", status={"name": "Sent to Vendor"})
    desk.get(path)
    (line,) = desk.lines(purchase["id"])
    assert desk.receive(line, 4, "PartiallyReceiveCloneRest").status == 200
    assert desk.receive(line, 4).status == 400
    desk.get(f"{path}/lineitems/count")
    desk.post(f"{path}/notes", {"text": "part received"})
    details = f"/procurement/products/{monitor['id']}/pickingShippingDetails"
    (detail,) = desk.get(details)
    desk.patch(f"{details}/{detail['id']}", shippedQuantity=4, trackingNumber="1Z999")
    desk.get(f"{details}/{detail['id']}")
    desk.get("/procurement/products", conditions=f"salesOrder/id={order['id']}")
    desk.patch(f"/procurement/products/{monitor['id']}", integrationXRef="dl:1:2:3")
    desk.get(
        "/system/reports/PurchaseOrderWithLineItems",
        conditions=f"Purchase_Header_RecID in ({purchase['id']})",
    )
    desk.get("/system/reports")
    desk.get("/system/reports/PurchaseOrderWithLineItems/count")
    desk.patch(f"/sales/orders/{order['id']}", status={"name": "Ready to invoice"})
    invoice = desk.post(
        "/finance/invoices",
        {
            "type": "Standard",
            "company": {"id": order["company"]["id"]},
            "applyToType": "SalesOrder",
            "applyToId": order["id"],
        },
    )
    desk.patch(f"/finance/invoices/{invoice['id']}", reference="ON10001201")
    desk.get("/finance/invoices", conditions=f"salesOrder/id={order['id']}")
    assert faults_of(desk) == []


def test_plain_purchase_orders_and_stock_are_as_described(desk: Desk) -> None:
    purchase = desk.post(
        "/procurement/purchaseorders",
        {
            "vendorCompany": {"id": desk.vendor()},
            "status": {"name": "New"},
            "terms": {"name": "Net 30"},
            "warehouse": {"name": "Main"},
        },
    )
    path = f"/procurement/purchaseorders/{purchase['id']}/lineitems"
    body = {
        "description": "Dock",
        "lineNumber": 1,
        "product": {"identifier": "DELL-WD22TB4"},
        "quantity": 2,
        "unitOfMeasure": {"name": "Each"},
    }
    line = desk.post(path, body)
    desk.post(f"{path}/bulk", [body, {"description": "no product"}], status=207)
    answer = desk.send("PUT", f"{path}/{line['id']}", body | {"internalNotes": "changed"})
    assert answer.status == 200
    assert desk.receive(line, 2).status == 200
    desk.get("/procurement/onhandserialnumbers")
    desk.get("/procurement/onhandserialnumbers/count")
    (shelf,) = desk.get("/procurement/warehouseBins")
    desk.get(f"/procurement/warehouseBins/{shelf['id']}/inventoryOnHand")
    desk.get("/procurement/catalog/DELL-WD22TB4/quantityOnHand")
    item = desk.one("/procurement/catalog", 'identifier="DELL-WD22TB4"')
    desk.get(f"/procurement/catalog/{item['id']}/inventory")
    desk.get("/procurement/catalog/count")
    assert faults_of(desk) == []


def test_tickets_are_as_described(desk: Desk) -> None:
    ticket = desk.post(
        "/service/tickets",
        {
            "summary": "Desk refresh",
            "company": {"identifier": "Contoso"},
            "initialDescription": "Please deliver",
        },
    )
    path = f"/service/tickets/{ticket['id']}"
    desk.post(f"{path}/notes", {"text": "on its way", "internalAnalysisFlag": True})
    desk.get(f"{path}/notes")
    desk.plain_product("CABLE", ticket={"id": ticket["id"]})
    desk.get(f"{path}/products")
    desk.get(f"{path}/products/count")
    desk.post("/service/tickets/search", {"conditions": "closedFlag = False"}, status=200)
    desk.patch(path, status={"name": "In Progress", "id": 531})
    desk.get("/service/tickets", fields="id,summary,status/name")
    boards = desk.get("/service/boards")
    desk.get(f"/service/boards/{boards[0]['id']}/statuses")
    assert faults_of(desk) == []


def test_callback_registrations_are_as_described(desk: Desk) -> None:
    body: dict[str, Any] = {
        "url": "https://host.example/hook?recordId=",
        "objectId": 1,
        "type": "opportunity",
        "level": "owner",
    }
    entry = desk.post("/system/callbacks", body)
    desk.refused("POST", "/system/callbacks", body)
    desk.patch(f"/system/callbacks/{entry['id']}", inactiveFlag=True)
    desk.get("/system/callbacks", conditions='url contains "host.example"')
    desk.get("/system/callbacks/count")
    desk.send("DELETE", f"/system/callbacks/{entry['id']}")
    desk.get("/system/info")
    assert faults_of(desk) == []


def test_refusals_are_as_described(desk: Desk) -> None:
    desk.refused("GET", "/sales/orders/1", None, 404)
    desk.refused("POST", "/sales/orders", {"notes": "nothing else"})
    desk.refused("GET", "/sales/orders?", None, 404)
    answer = desk.send("GET", "/procurement/products", headers={"authorization": "Basic x"})
    assert answer.status == 401
    assert desk.send("GET", "/procurement/products", conditions="a=").status == 400
    assert faults_of(desk) == []
