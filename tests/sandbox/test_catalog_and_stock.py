"""Around the catalog and purchase orders: prices, vendors, stock, copies, short forms, reports."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Desk

DOCK = "DELL-WD22TB4"


def item(desk: Desk, identifier: str = DOCK) -> Any:
    return desk.one("/procurement/catalog", f'identifier="{identifier}"')


# --- the catalog


def test_an_item_has_its_price_for_everybody(watched: Desk) -> None:
    number = item(watched)["id"]
    asked = {
        "catalogItem": {"id": number},
        "company": {"identifier": "Contoso"},
        "location": {"name": "Head Office"},
        "quantity": 5,
        "date": "2026-12-01T00:00:00Z",
    }
    priced = watched.post(f"/procurement/catalog/{number}/pricing", asked, status=200)
    assert (priced["price"], priced["quantity"], priced["date"]) == (319, 5, asked["date"])
    assert priced["company"]["name"] == "Contoso Ltd"
    bare = watched.post(f"/procurement/catalog/{number}/pricing", {}, status=200)
    assert (bare["catalogItem"]["identifier"], bare["quantity"]) == (DOCK, 1)
    path = f"/procurement/catalog/{number}/pricing"
    watched.refused("POST", path, asked | {"company": {"id": 1}})
    watched.refused("POST", path, asked | {"quantity": -1})
    assert watched.send("POST", "/procurement/catalog/1/pricing", {}).status == 404


def test_an_item_is_copied_under_a_free_identifier(watched: Desk) -> None:
    number = item(watched)["id"]
    first, second = (
        watched.post(f"/procurement/catalog/{number}/copy", status=200) for _ in range(2)
    )
    assert first["identifier"] != second["identifier"] != DOCK
    assert (first["price"], first["manufacturerPartNumber"]) == (319, "WD22TB4")
    assert first["connectWiseID"] != second["connectWiseID"]


def test_short_forms_are_lists_and_records(watched: Desk) -> None:
    (short,) = watched.get("/procurement/catalog/info", conditions=f'identifier="{DOCK}"')
    assert (short["price"], "category" in short) == (319, False)
    assert watched.get(f"/procurement/catalog/{short['id']}/info") == short
    assert watched.get("/procurement/catalog/info/count") == watched.get(
        "/procurement/catalog/count"
    )
    statuses = watched.get("/procurement/purchaseorderstatuses/info", orderBy="sortOrder")
    assert statuses[0]["name"] == "New"
    path = "/procurement/purchaseorderstatuses"
    assert watched.get(f"{path}/Info/count") == {"count": 4}
    assert watched.get(f"{path}/{statuses[0]['id']}/info") == statuses[0]
    assert watched.send("GET", f"{path}/99/info").status == 404


def test_an_item_has_one_preferred_vendor(watched: Desk) -> None:
    number = item(watched)["id"]
    ingram, synnex = watched.vendor("INGRAM"), watched.vendor("SYNNEX")
    body = {"catalogItemId": number, "vendorId": ingram, "vendorSku": "I-1"}
    first = watched.post("/procurement/catalog/vendors", body | {"isPreferredVendor": True})
    assert first["vendorName"] == "Ingram Micro"
    assert item(watched)["vendor"]["identifier"] == "INGRAM"
    watched.refused("POST", "/procurement/catalog/vendors", body)  # it has this one already
    watched.refused("POST", "/procurement/catalog/vendors", body | {"vendorId": 250})  # a customer
    watched.post(
        "/procurement/catalog/vendors",
        {"catalogItemId": number, "vendorId": synnex, "isPreferredVendor": True},
    )
    listed = watched.get(f"/procurement/catalog/vendors/{number}")
    assert [row["isPreferredVendor"] for row in listed] == [False, True]
    assert (item(watched)["vendor"]["identifier"], item(watched)["vendorSku"]) == ("SYNNEX", "I-1")
    path = f"/procurement/catalog/{number}/vendors/{first['id']}"
    whole = item(watched) | {"vendor": {"id": ingram}, "vendorSku": "I-2"}
    assert watched.send("PUT", path, whole).json["vendorSku"] == "I-2"
    assert watched.send("DELETE", path).status == 204
    assert len(watched.get(f"/procurement/catalog/vendors/{number}")) == 1


def test_a_minimum_stock_is_kept_for_each_warehouse(watched: Desk) -> None:
    path = f"/procurement/catalog/{item(watched)['id']}/minimumStockByWarehouse"
    kept = watched.post(path, {"warehouse": {"name": "Main"}, "minimumStock": 2})
    watched.refused("POST", path, {"warehouse": {"name": "Main"}, "minimumStock": 3})
    assert watched.try_patch(f"{path}/{kept['id']}", minimumStock=-1).status == 400
    assert watched.patch(f"{path}/{kept['id']}", minimumStock=4)["minimumStock"] == 4
    whole = {"warehouse": {"name": "Main"}, "minimumStock": 5}
    assert watched.send("PUT", f"{path}/{kept['id']}", whole).json["minimumStock"] == 5
    assert watched.get(path)[0]["warehouse"]["name"] == "Main"
    assert watched.get(f"{path}/count") == {"count": 1}
    other = item(watched, "FREIGHT")["id"]
    foreign = f"/procurement/catalog/{other}/minimumStockByWarehouse/{kept['id']}"
    assert watched.send("GET", foreign).status == 404
    assert watched.send("DELETE", f"{path}/{kept['id']}").status == 204


# --- what is on hand


def adjustment(identifier: str, quantity: int, serials: str = "", **more: Any) -> dict[str, Any]:
    detail = {
        "catalogItem": {"identifier": DOCK},
        "warehouse": {"name": "Main"},
        "warehouseBin": {"name": "Default Bin"},
        "quantityAdjusted": quantity,
        "unitCost": 240,
    }
    return {
        "identifier": identifier,
        "type": {"id": 1, "identifier": "Count"},
        "adjustmentDetails": [detail | ({"serialNumber": serials} if serials else {})],
    } | more


def test_an_adjustment_moves_stock_when_it_is_closed(watched: Desk) -> None:
    number = item(watched)["id"]
    inventory = f"/procurement/catalog/{number}/inventory"
    path = "/procurement/adjustments"
    made = watched.post(path, adjustment("COUNT-1", 2, "S1,S2"))
    assert (made["closedFlag"], made["adjustmentDetails"][0]["quantityOnHand"]) == (False, 0)
    assert watched.get(f"{inventory}/count") == {"count": 0}
    closed = watched.patch(f"{path}/{made['id']}", closedFlag=True)
    assert closed["closedBy"] == "integration"
    (held,) = watched.get(inventory)
    assert (held["onHand"], [each["serialNumber"] for each in held["serialNumbers"]]) == (
        2,
        ["S1", "S2"],
    )
    assert watched.get(f"{inventory}/{held['id']}") == held
    bin_path = f"/procurement/warehouseBins/{held['warehouseBin']['id']}/inventoryOnHand"
    assert watched.get(f"{bin_path}/{held['id']}")["onHand"] == 2
    assert watched.get(f"{bin_path}/count") == {"count": 1}
    watched.post(path, adjustment("COUNT-2", -1, "S1", closedFlag=True))
    assert watched.get("/procurement/catalog/DELL-WD22TB4/quantityOnHand") == {"count": 1}
    assert [each["serial"] for each in watched.get("/procurement/onhandserialnumbers")] == ["S2"]


def test_an_adjustment_keeps_to_what_is_there_and_stands_once_closed(watched: Desk) -> None:
    path = "/procurement/adjustments"
    for wrong in (
        adjustment("A", 2, "S1", closedFlag=True),  # one serial number for two pieces
        adjustment("A", -1, "S9", closedFlag=True),  # nothing is on hand
        adjustment("A", 0),
        adjustment("A", 1) | {"adjustmentDetails": [{"quantityAdjusted": 1}]},
    ):
        watched.refused("POST", path, wrong)
    made = watched.post(path, adjustment("A", 1, "S1", closedFlag=True))
    watched.refused("POST", path, adjustment("A", 1, "S3"))  # the identifier is taken
    watched.refused("POST", path, adjustment("B", 1, "S1", closedFlag=True))  # so is the serial
    watched.refused("POST", path, adjustment("B", -1, "S7", closedFlag=True))
    assert watched.try_patch(f"{path}/{made['id']}", notes="late").status == 400
    watched.refused("DELETE", f"{path}/{made['id']}", None)
    assert watched.get(f"{path}/{made['id']}")["adjustmentDetails"][0]["quantityOnHand"] == 1


# --- purchase orders


@pytest.fixture
def purchase(watched: Desk) -> Any:
    order = watched.convert()
    dock = watched.products(salesOrder=order["id"])[DOCK]
    monitor = watched.products(salesOrder=order["id"])["DELL-P2425H"]
    return watched.demand((dock["id"], 3), (monitor["id"], 10))


def test_a_copied_purchase_order_starts_afresh(watched: Desk, purchase: Any) -> None:
    path = f"/procurement/purchaseorders/{purchase['id']}"
    line = watched.lines(purchase["id"])[0]
    assert watched.receive(line, 3).status == 200
    watched.patch(path, status={"name": "Cancelled"}, vendorInvoiceNumber="IN-1", freightCost=9)
    copied = watched.post(f"{path}/copy", status=200)
    assert copied["poNumber"] != purchase["poNumber"]
    assert (copied["status"]["name"], copied["closedFlag"]) == ("New", False)
    assert (copied["vendorCompany"]["identifier"], copied["freightCost"]) == ("INGRAM", 0)
    assert "vendorInvoiceNumber" not in copied
    fresh = watched.lines(copied["id"])
    assert [(each["quantity"], each["receivedQuantity"]) for each in fresh] == [(3, 0), (10, 0)]
    assert [each["receivedStatus"] for each in fresh] == ["Waiting", "Waiting"]
    assert [each["salesOrder"] for each in fresh] == [[], []]  # all demand is on the first order
    assert watched.send("POST", "/procurement/purchaseorders/1/copy").status == 404


@pytest.mark.parametrize("links", [True, False])
def test_a_copys_lines_link_as_posted_ones_do_and_cancelled_ones_stay_behind(
    watched: Desk, links: bool
) -> None:
    watched.switch(plain_lines_link=links)
    order = watched.convert()
    found = watched.products(salesOrder=order["id"])
    purchase = watched.demand((found[DOCK]["id"], 1), (found["DELL-P2425H"]["id"], 10))
    path = f"/procurement/purchaseorders/{purchase['id']}"
    monitors = watched.lines(purchase["id"])[1]
    watched.patch(f"{path}/lineitems/{monitors['id']}", canceledFlag=True)
    copied = watched.post(f"{path}/copy", status=200)
    (line,) = watched.lines(copied["id"])
    assert (line["product"]["identifier"], bool(line["salesOrder"])) == (DOCK, links)


def test_a_line_is_deleted_by_either_form(watched: Desk, purchase: Any) -> None:
    path = f"/procurement/purchaseorders/{purchase['id']}/lineitems"
    first, second = watched.lines(purchase["id"])
    assert watched.send("DELETE", f"{path}/{first['id']}").status == 204
    assert watched.send("DELETE", path).status == 404
    assert watched.send("DELETE", path, id=second["id"]).status == 204
    assert watched.get(f"{path}/count") == {"count": 0}


def test_a_purchase_orders_short_form_and_its_statuses_papers(watched: Desk, purchase: Any) -> None:
    path = "/procurement/purchaseorders"
    assert watched.get(f"{path}/info/count") == {"count": 1}
    assert watched.get(f"{path}/info")[0] == watched.get(f"{path}/{purchase['id']}/info")
    assert watched.get(f"{path}/info")[0]["id"] == purchase["id"]
    number = purchase["status"]["id"]
    statuses = "/procurement/purchaseorderstatuses"
    for tail in ("usages", "usages/list"):
        (usage,) = watched.get(f"{statuses}/{number}/{tail}")
        assert (usage["type"], usage["count"]) == ("Purchase Order", 1)
        assert watched.get(f"{statuses}/{number + 1}/{tail}") == []
    watched.refused("DELETE", f"{statuses}/{number}", None)
    assert watched.send("DELETE", f"{statuses}/{number + 1}").status == 204
    letters = f"{statuses}/{number}/emailtemplates"
    letter = watched.post(f"{letters}/", {"subject": "Your order", "body": "Please deliver"})
    assert watched.patch(f"{letters}/{letter['id']}", subject="Order")["subject"] == "Order"
    assert watched.get(f"{letters}/count") == {"count": 1}
    told = f"{statuses}/{number}/notifications"
    by_mail = {"notifyWho": {"id": 3, "name": "Email Address"}}
    watched.refused("POST", told, by_mail)
    notice = watched.post(told, by_mail | {"email": "buying@msp.example"})
    assert watched.get(f"{told}/{notice['id']}")["status"]["id"] == number
    assert watched.send("DELETE", f"{told}/{notice['id']}").status == 204


# --- reports


def test_the_reports_of_orders_have_a_row_for_each(watched: Desk, purchase: Any) -> None:
    names = [report["name"] for report in watched.get("/system/reports")]
    assert {"PurchaseOrder", "SalesOrder"} <= set(names)
    report = watched.get(
        "/system/reports/PurchaseOrder",
        conditions="Vendor_Name contains 'Ingram'",
        columns="Purchase_Header_RecID,PO_Number,PO_Status,Closed_Flag",
    )
    assert report["row_values"] == [[purchase["id"], purchase["poNumber"], "New", False]]
    assert report["column_definitions"][0]["Purchase_Header_RecID"]["identityColumn"] is True
    sold = watched.get("/system/reports/SalesOrder", columns="SO_Opportunity_RecID,Order_Status")
    assert sold["row_values"] == [[88, "New"]]
    for name in ("PurchaseOrder", "SalesOrder"):
        assert watched.get(f"/system/reports/{name}/count") == {"count": 1}
        columns = watched.get(f"/system/reports/{name}/columns")
        assert sum(next(iter(each.values()))["identityColumn"] for each in columns) == 1


def test_a_role_without_reports_is_played_by_a_fault(desk: Desk) -> None:
    body = {"code": "Forbidden", "message": "You do not have security access."}
    desk.fault(kind="status", path="system/reports", status=403, body=body, times=None)
    assert desk.send("GET", "/system/reports/SalesOrder").status == 403
    assert desk.send("GET", "/system/info").status == 200
