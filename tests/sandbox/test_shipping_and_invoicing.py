from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Desk

PLACE = {"warehouse": {"name": "Main"}, "warehouseBin": {"name": "Default Bin"}}


@pytest.fixture
def order(desk: Desk) -> Any:
    dear = desk.products(opportunity=88)["DELL-U2725QE"]
    desk.patch(f"/sales/opportunities/88/forecast/{dear['forecastDetailId']}", includeFlag=False)
    desk.win()
    return desk.convert()


def product(desk: Desk, order: Any, identifier: str = "DELL-P2425H") -> Any:
    return desk.products(salesOrder=order["id"])[identifier]


def shipping(item: Any) -> str:
    return f"/procurement/products/{item['id']}/pickingShippingDetails"


def receive(desk: Desk, order: Any, quantity: int, identifier: str = "DELL-P2425H") -> Any:
    item = product(desk, order, identifier)
    purchase = desk.demand((item["id"], quantity))
    assert desk.receive(desk.lines(purchase["id"])[0], quantity).status == 200
    return item


def invoice(desk: Desk, order: Any, **more: Any) -> Any:
    body = {
        "type": "Standard",
        "company": {"id": order["company"]["id"]},
        "applyToType": "SalesOrder",
        "applyToId": order["id"],
    }
    return desk.post("/finance/invoices", body | more)


def test_picked_goods_are_shipped_by_patching_their_detail(desk: Desk, order: Any) -> None:
    item = receive(desk, order, 4)
    (detail,) = desk.get(shipping(item))
    path = f"{shipping(item)}/{detail['id']}"
    (shown,) = desk.patch(path, shippedQuantity=3)
    assert shown["shipmentDate"] == "2026-11-19T10:00:00Z"
    assert desk.try_patch(path, shippedQuantity=5).status == 400
    assert desk.send("DELETE", path).status == 400
    report = desk.get(
        "/system/reports/ProductDetail",
        conditions=f"IV_Product_RecID={item['id']}",
        columns="Quantity_Picked,Quantity_Shipped",
    )
    assert report["row_values"] == [[4, 3]]


def test_nothing_is_picked_that_is_not_on_hand(desk: Desk, order: Any) -> None:
    item = product(desk, order)
    answer = desk.refused("POST", shipping(item), {"pickedQuantity": 1} | PLACE)
    assert answer.json["message"] == "There are 0 items on hand"
    desk.switch(auto_pick=False)
    receive(desk, order, 4)
    answer = desk.refused("POST", shipping(item), {"pickedQuantity": 5} | PLACE)
    assert answer.json["message"] == "There are 4 items on hand"
    missing = desk.refused("POST", shipping(item), {"pickedQuantity": 1})
    assert {field for _, field in missing.codes} == {"warehouse", "warehouseBin"}
    answer = desk.send("POST", shipping(item), {"pickedQuantity": 4, "shippedQuantity": 4} | PLACE)
    assert answer.status == 200
    (detail,) = answer.json
    assert len(detail["serialNumberIds"]) == 4
    assert desk.get("/procurement/catalog/DELL-P2425H/quantityOnHand") == {"count": 0}


def test_a_pick_can_be_taken_back(desk: Desk, order: Any) -> None:
    item = receive(desk, order, 4)
    (detail,) = desk.get(shipping(item))
    path = f"{shipping(item)}/{detail['id']}"
    desk.patch(path, pickedQuantity=3)
    assert desk.get("/procurement/catalog/DELL-P2425H/quantityOnHand") == {"count": 1}
    assert len(desk.get("/procurement/onhandserialnumbers")) == 1
    assert desk.send("DELETE", path).status == 204
    assert desk.get("/procurement/catalog/DELL-P2425H/quantityOnHand") == {"count": 4}
    assert len(desk.get("/procurement/onhandserialnumbers")) == 4


def test_more_is_neither_picked_nor_shipped_than_was_ordered(desk: Desk, order: Any) -> None:
    desk.switch(auto_pick=False)
    item = receive(desk, order, 10)
    assert desk.send("POST", shipping(item), {"pickedQuantity": 10} | PLACE).status == 200
    desk.refused("POST", shipping(item), {"pickedQuantity": 1} | PLACE)
    desk.refused("POST", shipping(item), {"shippedQuantity": 11} | PLACE)
    other = {"warehouse": {"name": "Main"}, "warehouseBin": {"id": 999}}
    desk.refused("POST", shipping(item), {"pickedQuantity": 0} | other)
    assert desk.try_patch(f"/procurement/products/{item['id']}", quantity=9).status == 400


def test_goods_picked_from_stock_need_no_purchase(desk: Desk, order: Any) -> None:
    item = product(desk, order)
    desk.switch(auto_pick=False)
    stock = desk.plain_product("SPARE", order=order["id"], quantity=1)
    purchase = desk.demand((stock["id"], 1))
    desk.receive(desk.lines(purchase["id"])[0], 1)
    assert desk.send("POST", shipping(stock), {"pickedQuantity": 1} | PLACE).status == 200
    assert desk.get(f"/procurement/products/{item['id']}")["needToOrderQuantity"] == 10


def test_an_invoice_takes_the_order_s_products_and_their_demand(desk: Desk, order: Any) -> None:
    made = invoice(desk, order)
    assert made["total"] == 4176.7
    assert made["salesOrder"]["id"] == order["id"]
    assert made["dueDate"] == "2026-12-19T10:00:00Z"
    assert desk.get(f"/sales/orders/{order['id']}")["invoiceIds"] == [made["id"]]
    item = product(desk, order)
    assert item["invoice"]["identifier"] == made["invoiceNumber"]
    assert item["needToOrderQuantity"] == 0
    body = {
        "vendor": {"id": 252},
        "products": [{"productRecId": item["id"], "quantity": 1}],
    }
    desk.refused("POST", "/procurement/purchasingDemands", body)
    assert desk.try_patch(f"/procurement/products/{item['id']}", quantity=1).status == 400
    assert desk.send("DELETE", f"/finance/invoices/{made['id']}").status == 204
    assert product(desk, order)["needToOrderQuantity"] == 10


def test_an_order_that_bills_shipped_goods_invoices_only_those(desk: Desk, order: Any) -> None:
    desk.patch(f"/sales/orders/{order['id']}", billShippedFlag=True)
    item = receive(desk, order, 10)
    first = invoice(desk, order)
    billed = [each for each in desk.products(salesOrder=order["id"]).values() if "invoice" in each]
    assert [each["catalogItem"]["identifier"] for each in billed] == ["INSTALL-HALFDAY"]
    desk.act("ship_product", item["id"])
    second = invoice(desk, order)
    assert product(desk, order)["invoice"]["id"] == second["id"]
    assert first["subtotal"] == 450
    assert second["subtotal"] == 2390


def test_an_order_that_bills_when_closed_is_not_invoiced_before(desk: Desk, order: Any) -> None:
    path = f"/sales/orders/{order['id']}"
    desk.patch(path, billClosedFlag=True)
    body = {
        "type": "Standard",
        "company": {"id": 250},
        "applyToType": "SalesOrder",
        "applyToId": order["id"],
    }
    desk.refused("POST", "/finance/invoices", body)
    desk.patch(path, status={"name": "Closed"})
    assert invoice(desk, order)["total"] > 0


def test_an_invoice_may_come_empty_by_switch_and_down_payments_always_do(
    desk: Desk, order: Any
) -> None:
    desk.switch(invoice_post_picks_products=False)
    made = invoice(desk, order)
    assert made["productTotal"] == 0
    paid = desk.act("down_payment", order["id"], amount=50)
    assert (paid["type"], paid["total"]) == ("DownPayment", 50)
    assert product(desk, order)["needToOrderQuantity"] == 10
    item = product(desk, order)
    desk.patch(f"/procurement/products/{item['id']}", invoice={"id": made["id"]})
    assert desk.get(f"/finance/invoices/{made['id']}")["productTotal"] == 2390


def test_invoices_are_numbered_once_and_belong_to_their_order_s_company(
    desk: Desk, order: Any
) -> None:
    made = invoice(desk, order, invoiceNumber="A-1")
    again = {
        "type": "Standard",
        "company": {"id": 250},
        "invoiceNumber": made["invoiceNumber"],
    }
    assert desk.refused("POST", "/finance/invoices", again).codes == [
        ("ObjectExists", "invoiceNumber")
    ]
    wrong = {"type": "Standard", "applyToType": "SalesOrder", "applyToId": order["id"]}
    desk.refused("POST", "/finance/invoices", wrong | {"company": {"id": 251}})
    desk.refused("POST", "/finance/invoices", wrong | {"company": {"id": 250}, "applyToId": 1})
    desk.refused("POST", "/finance/invoices", {"company": {"id": 250}})


def test_a_closed_invoice_stays(desk: Desk, order: Any) -> None:
    made = invoice(desk, order)
    path = f"/finance/invoices/{made['id']}"
    closed = desk.patch(path, status={"name": "Closed"})
    assert closed["status"]["isClosed"] is True
    assert closed["closedBy"] == "integration"
    desk.refused("DELETE", path, None)
