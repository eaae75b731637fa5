"""A simulated company in which at least one record of every kind stands."""

from __future__ import annotations

from typing import Any

from tests.sandbox.desk import Desk

CONTOSO = {"company": {"identifier": "Contoso"}}


def furnish(desk: Desk) -> None:
    """Plays one order from quote to posted invoice, with everything on the way that has a path."""
    desk.post("/sales/opportunities/88/notes", {"text": "accepted"})
    bundle = _catalog(desk)
    project = desk.post("/sales/opportunities/88/convertToProject", {"includeProductIds": []})
    ticket = desk.post(
        "/project/tickets",
        {"summary": "Cable", "phase": {"id": 1}, "project": {"id": project["id"]}},
    )
    desk.plain_product("CABLE", ticket={"id": ticket["id"]})
    service = desk.post(
        "/service/tickets", {"summary": "Refresh", "initialDescription": "x"} | CONTOSO
    )
    desk.plain_product("PLUG", ticket={"id": service["id"]})
    sold = desk.post("/sales/orders", _order(desk), status=200)
    product = desk.post(
        "/procurement/products",
        {
            "catalogItem": {"id": bundle},
            "billableOption": "Billable",
            "addComponentsFlag": True,
            "salesOrder": {"id": sold["id"]},
        },
    )
    desk.post(f"/sales/orders/{sold['id']}/convertToServiceTicket", status=200)
    component = desk.get(f"/procurement/products/{product['id']}/components")[0]
    purchase = desk.demand((component["productItem"]["id"], 2))
    _buy(desk, purchase["id"])
    _bill(desk, sold["id"])
    desk.post(
        "/system/callbacks",
        {"url": "http://127.0.0.1:9/x", "objectId": 1, "type": "company", "level": "owner"},
    )
    while desk.spawned:
        desk.spawned.pop().close()


def _order(desk: Desk) -> dict[str, Any]:
    return {"status": {"name": "New"}, "salesRep": {"identifier": "sales"}} | CONTOSO


def _catalog(desk: Desk) -> int:
    named = {
        "identifier": "DESK-SET",
        "description": "Desk set",
        "customerDescription": "Desk set",
        "type": {"name": "Hardware"},
        "subcategory": {"name": "Hardware"},
        "productClass": "Bundle",
        "calculatedPriceFlag": True,
    }
    bundle = desk.post("/procurement/catalog", named)["id"]
    path = f"/procurement/catalog/{bundle}"
    dock = {"catalogItem": {"identifier": "DELL-WD22TB4"}}
    desk.post(f"{path}/components", {"quantity": 2} | dock)
    least = {"warehouse": {"name": "Main"}, "minimumStock": 1}
    desk.post(f"{path}/minimumStockByWarehouse", least)
    desk.post("/procurement/catalog/vendors", {"catalogItemId": bundle, "vendorId": desk.vendor()})
    place = {"warehouse": {"name": "Main"}, "warehouseBin": {"name": "Default Bin"}}
    counted = dock | place | {"quantityAdjusted": 1, "serialNumber": "S1"}
    desk.post(
        "/procurement/adjustments",
        {
            "identifier": "COUNT",
            "type": {"id": 1},
            "adjustmentDetails": [counted],
            "closedFlag": True,
        },
    )
    return int(bundle)


def _buy(desk: Desk, purchase: int) -> None:
    path = f"/procurement/purchaseorders/{purchase}"
    desk.post(f"{path}/notes", {"text": "urgent"})
    (line,) = desk.lines(purchase)
    assert desk.receive(line, 1, "PartiallyReceiveCloneRest").status == 200
    _batch(desk, exportProductsFlag=True, processedRecordIds=[line["id"]])
    assert desk.receive(desk.lines(purchase)[1], 1).status == 200
    statuses = f"/procurement/purchaseorderstatuses/{desk.get(path)['status']['id']}"
    desk.post(f"{statuses}/emailtemplates/", {"subject": "Order"})
    desk.post(f"{statuses}/notifications", {"notifyWho": {"id": 1, "name": "Member"}})


def _bill(desk: Desk, order: int) -> None:
    invoice = desk.act("invoice_sales_order", order)
    path = f"/finance/invoices/{invoice['id']}"
    desk.post(f"{path}/payments", {"amount": 1})
    desk.post(f"{path}/routings", {"member": {"identifier": "sales"}})
    desk.patch(path, status={"name": "Closed"})


def _batch(desk: Desk, **body: Any) -> None:
    desk.post("/finance/accounting/batches", body)
