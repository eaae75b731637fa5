from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Desk

ORDERS = "/procurement/purchaseorders"


@pytest.fixture
def order(desk: Desk) -> Any:
    """The story's opportunity, won and converted with the smaller monitor."""
    dear = desk.products(opportunity=88)["DELL-U2725QE"]
    desk.patch(f"/sales/opportunities/88/forecast/{dear['forecastDetailId']}", includeFlag=False)
    desk.win()
    return desk.convert()


def needs(desk: Desk, order: Any) -> dict[str, tuple[bool, int]]:
    return {
        name: (product["needToPurchaseFlag"], product["needToOrderQuantity"])
        for name, product in desk.products(salesOrder=order["id"]).items()
    }


def monitor(desk: Desk, order: Any) -> int:
    return int(desk.products(salesOrder=order["id"])["DELL-P2425H"]["id"])


def new_order(desk: Desk, vendor: str = "INGRAM", **more: Any) -> Any:
    body = {
        "vendorCompany": {"identifier": vendor},
        "status": {"name": "New"},
        "terms": {"name": "Net 30"},
    }
    return desk.post(ORDERS, body | more)


def new_line(desk: Desk, purchase: Any, quantity: float, item: str = "DELL-P2425H") -> Any:
    body = {
        "description": item,
        "lineNumber": 1,
        "product": {"identifier": item},
        "quantity": quantity,
        "unitOfMeasure": {"name": "Each"},
    }
    return desk.post(f"{ORDERS}/{purchase['id']}/lineitems", body)


def test_goods_on_a_sales_order_raise_demand_and_services_do_not(desk: Desk, order: Any) -> None:
    assert needs(desk, order) == {
        "DELL-P2425H": (True, 10),
        "DELL-WD22TB4": (True, 3),
        "INSTALL-HALFDAY": (False, 0),
    }
    assert desk.products(opportunity=88)["DELL-U2725QE"]["needToOrderQuantity"] == 0


def test_demand_comes_only_from_where_the_switch_says(desk: Desk, order: Any) -> None:
    ticket = desk.post("/service/tickets", {"summary": "x", "company": {"identifier": "Contoso"}})
    product = desk.plain_product("CABLE", ticket={"id": ticket["id"]})
    path = f"/procurement/products/{product['id']}"
    assert desk.get(path)["needToPurchaseFlag"] is True
    desk.switch(demand_from=["sales_order"])
    assert desk.get(path)["needToPurchaseFlag"] is False
    desk.switch(demand_from=["ticket"])
    assert needs(desk, order)["DELL-P2425H"] == (False, 0)


def test_need_to_purchase_can_be_taken_off_and_put_back(desk: Desk, order: Any) -> None:
    path = f"/procurement/products/{monitor(desk, order)}"
    assert desk.patch(path, needToPurchaseFlag=False)["needToOrderQuantity"] == 0
    assert desk.patch(path, needToPurchaseFlag=True)["needToOrderQuantity"] == 10
    whole = desk.get(path)
    assert desk.send("PUT", path, whole).json["needToOrderQuantity"] == 10


def test_cancelled_quantity_lowers_demand(desk: Desk, order: Any) -> None:
    path = f"/procurement/products/{monitor(desk, order)}"
    assert desk.patch(path, quantityCancelled=4)["needToOrderQuantity"] == 6
    cancelled = desk.patch(path, cancelledFlag=True)
    assert cancelled["needToOrderQuantity"] == 6
    cancelled = desk.patch(path, quantityCancelled=10)
    assert (cancelled["cancelledFlag"], cancelled["needToOrderQuantity"]) == (True, 0)
    assert desk.try_patch(path, quantityCancelled=11).status == 400
    back = desk.patch(path, cancelledFlag=False)
    assert (back["quantityCancelled"], back["needToOrderQuantity"]) == (0, 10)


def test_posting_demand_makes_a_numbered_purchase_order_with_linked_lines(
    desk: Desk, order: Any
) -> None:
    products = desk.products(salesOrder=order["id"])
    purchase = desk.demand(
        (products["DELL-P2425H"]["id"], 10),
        (products["DELL-WD22TB4"]["id"], 2),
        warehouse={"name": "Main"},
    )
    assert purchase["poNumber"] == "CW5001"
    assert purchase["status"]["name"] == "New"
    assert purchase["terms"]["name"] == "Net 30"
    assert purchase["vendorCompany"]["identifier"] == "INGRAM"
    first, second = desk.lines(purchase["id"])
    assert (first["quantity"], first["lineNumber"], first["unitCost"]) == (10, 1, 1)
    assert (second["quantity"], second["lineNumber"]) == (2, 2)
    assert [each["id"] for each in first["salesOrder"]] == [order["id"]]
    assert needs(desk, order)["DELL-P2425H"] == (False, 0)
    assert needs(desk, order)["DELL-WD22TB4"] == (True, 1)
    report = desk.get(
        "/system/reports/PurchaseOrderWithLineItems",
        columns="Purchase_Detail_RecID,IV_Product_RecID,Quantity",
        conditions=f"Purchase_Header_RecID = {purchase['id']}",
    )
    assert report["row_values"] == [
        [first["id"], products["DELL-P2425H"]["id"], 10],
        [second["id"], products["DELL-WD22TB4"]["id"], 2],
    ]


def test_the_same_demand_posted_again_makes_another_order_while_demand_is_open(
    desk: Desk, order: Any
) -> None:
    number = monitor(desk, order)
    first, second = desk.demand((number, 5)), desk.demand((number, 5))
    assert first["id"] != second["id"]
    body = {
        "vendor": {"id": desk.vendor()},
        "products": [{"productRecId": number, "quantity": 5}],
    }
    answer = desk.refused("POST", "/procurement/purchasingDemands", body)
    assert "The open demand of the product 40001 is 0" in answer.messages
    assert len(desk.get(ORDERS)) == 2


@pytest.mark.parametrize(
    "entry",
    [
        {"productRecId": 999, "quantity": 1},
        {"productRecId": 40001, "quantity": 11},
        {"productRecId": 40001, "quantity": 0},
        {"productRecId": 40001},
        {"productRecId": 40004, "quantity": 1},
        {"productRecId": 40002, "quantity": 1},
        {},
    ],
)
def test_demand_that_is_not_there_is_refused(desk: Desk, order: Any, entry: Any) -> None:
    body = {"vendor": {"identifier": "INGRAM"}, "products": [entry]}
    desk.refused("POST", "/procurement/purchasingDemands", body)
    assert desk.get(ORDERS) == []


def test_demand_needs_a_vendor_and_an_existing_order(desk: Desk, order: Any) -> None:
    products = [{"productRecId": 40001, "quantity": 1}]
    path = "/procurement/purchasingDemands"
    desk.refused("POST", path, {"products": products})
    desk.refused("POST", path, {"products": products, "vendor": {"id": 999}})
    desk.refused("POST", path, {"products": products, "purchaseOrder": {"id": 999}})
    assert desk.post(path, {"products": products, "vendor": {"name": "Ingram Micro"}})


def test_demand_is_added_to_a_given_order_or_makes_a_new_one_by_switch(
    desk: Desk, order: Any
) -> None:
    number, header = monitor(desk, order), new_order(desk, poNumber="PO-1")
    added = desk.demand((number, 4), purchaseOrder=header)
    assert added["id"] == header["id"]
    assert [line["quantity"] for line in desk.lines(header["id"])] == [4]
    desk.switch(demand_post_appends=False)
    other = desk.demand((number, 4), purchaseOrder=header)
    assert other["id"] != header["id"]


def test_an_unapproved_product_cannot_be_bought(desk: Desk, order: Any) -> None:
    number = monitor(desk, order)
    desk.patch(f"/procurement/products/{number}", poApprovedFlag=False)
    body = {"vendor": {"id": desk.vendor()}, "products": [{"productRecId": number, "quantity": 1}]}
    answer = desk.refused("POST", "/procurement/purchasingDemands", body)
    assert "not approved" in answer.messages


def test_a_plain_line_links_to_open_demand_of_its_item_by_switch(desk: Desk, order: Any) -> None:
    purchase = new_order(desk)
    line = new_line(desk, purchase, 12)
    assert [each["id"] for each in line["salesOrder"]] == [order["id"]]
    assert line["unitCost"] == 180
    assert needs(desk, order)["DELL-P2425H"] == (False, 0)
    desk.switch(plain_lines_link=False)
    dock = new_line(desk, purchase, 3, "DELL-WD22TB4")
    assert dock["salesOrder"] == []
    assert needs(desk, order)["DELL-WD22TB4"] == (True, 3)


def test_the_sales_orders_of_a_line_are_writable_only_by_switch(desk: Desk, order: Any) -> None:
    desk.switch(plain_lines_link=False)
    purchase = new_order(desk)
    line = new_line(desk, purchase, 2)
    path = f"{ORDERS}/{purchase['id']}/lineitems/{line['id']}"
    assert desk.patch(path, salesOrder=[{"id": order["id"]}])["salesOrder"] == []
    desk.switch(line_sales_order_writable=True)
    shown = desk.patch(path, salesOrder=[{"id": order["id"]}])
    assert [each["id"] for each in shown["salesOrder"]] == [order["id"]]
    assert needs(desk, order)["DELL-P2425H"] == (True, 8)
    assert desk.try_patch(path, salesOrder=[{"id": 1}]).status == 400


def test_changing_cancelling_or_deleting_a_line_frees_its_demand(desk: Desk, order: Any) -> None:
    purchase = desk.demand((monitor(desk, order), 10))
    (line,) = desk.lines(purchase["id"])
    path = f"{ORDERS}/{purchase['id']}/lineitems/{line['id']}"
    desk.patch(path, quantity=6)
    assert needs(desk, order)["DELL-P2425H"] == (True, 4)
    cancelled = desk.patch(path, canceledFlag=True, canceledReason="other supplier")
    assert cancelled["closedFlag"] is True
    assert cancelled["canceledBy"] == "integration"
    assert needs(desk, order)["DELL-P2425H"] == (True, 10)
    again = desk.demand((monitor(desk, order), 10))
    (line,) = desk.lines(again["id"])
    path = f"{ORDERS}/{again['id']}/lineitems/{line['id']}"
    assert desk.send("DELETE", path).status == 204
    assert needs(desk, order)["DELL-P2425H"] == (True, 10)
    third = desk.demand((monitor(desk, order), 10))
    desk.act("delete_purchase_order", third["id"])
    assert needs(desk, order)["DELL-P2425H"] == (True, 10)
    desk.refused("GET", f"{ORDERS}/{third['id']}", None, 404)


def test_the_closed_flag_follows_the_status_alone(desk: Desk) -> None:
    purchase = new_order(desk)
    path = f"{ORDERS}/{purchase['id']}"
    assert desk.patch(path, closedFlag=True)["closedFlag"] is False
    closed = desk.patch(path, status={"name": "Received In Full"})
    assert closed["closedFlag"] is True
    assert closed["closedBy"] == "integration"
    body = {
        "description": "x",
        "lineNumber": 1,
        "product": {"identifier": "DELL-P2425H"},
        "quantity": 1,
        "unitOfMeasure": {"name": "Each"},
    }
    desk.refused("POST", f"{path}/lineitems", body)
    opened = desk.patch(path, status={"name": "New"})
    assert opened["closedFlag"] is False
    assert "dateClosed" not in opened


def test_header_changes_can_cascade_to_the_lines(desk: Desk) -> None:
    purchase = new_order(desk)
    line = new_line(desk, purchase, 1)
    path = f"{ORDERS}/{purchase['id']}"
    desk.patch(path, vendorOrderNumber="V1", trackingNumber="T1")
    assert "vendorOrderNumber" not in desk.lines(purchase["id"])[0]
    desk.patch(
        path,
        vendorOrderNumber="V2",
        updateVendorOrderNumber=True,
        trackingNumber="T2",
        updateShipmentInfo=True,
    )
    shown = desk.get(f"{path}/lineitems/{line['id']}")
    assert (shown["vendorOrderNumber"], shown["trackingNumber"]) == ("V2", "T2")


def test_totals_follow_the_lines(desk: Desk) -> None:
    purchase = new_order(desk, freightCost=12.5)
    new_line(desk, purchase, 2)
    shown = desk.get(f"{ORDERS}/{purchase['id']}")
    assert (shown["subTotal"], shown["total"]) == (360, 372.5)


def test_automatic_numbers_rise_and_given_numbers_need_not_be_unique(desk: Desk) -> None:
    numbers = [new_order(desk)["poNumber"] for _ in range(2)]
    assert numbers == ["CW5001", "CW5002"]
    assert new_order(desk, poNumber="PO-7")["poNumber"] == "PO-7"
    assert new_order(desk, poNumber="PO-7")["poNumber"] == "PO-7"


def test_lines_in_bulk_succeed_each_for_itself(desk: Desk) -> None:
    purchase = new_order(desk)
    good = {
        "description": "x",
        "lineNumber": 1,
        "product": {"identifier": "DELL-P2425H"},
        "quantity": 1,
        "unitOfMeasure": {"name": "Each"},
    }
    path = f"{ORDERS}/{purchase['id']}/lineitems"
    result = desk.post(f"{path}/bulk", [good, {}, good | {"lineNumber": 2}], status=207)["payload"]
    assert [each["success"] for each in result] == [True, False, True]
    assert result[1]["error"]["code"] == "InvalidObject"
    ids = [line["id"] for line in desk.lines(purchase["id"])]
    assert desk.send("DELETE", path, id=ids[0]).status == 204
    answer = desk.send("DELETE", f"{path}/bulk", {"ids": [ids[1], 999]})
    assert [each["statusCode"] for each in answer.json["payload"]] == [204, 404]
    assert desk.lines(purchase["id"]) == []
