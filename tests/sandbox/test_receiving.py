from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.desk import Answer, Desk

ORDERS = "/procurement/purchaseorders"
CLONE, CANCEL = "PartiallyReceiveCloneRest", "PartiallyReceiveCancelRest"


@pytest.fixture
def sold(desk: Desk) -> Any:
    """The sales order's product of ten monitors."""
    desk.win()
    order = desk.convert()
    return desk.products(salesOrder=order["id"])["DELL-P2425H"]


@pytest.fixture
def line(desk: Desk, sold: Any) -> Any:
    """The line of its purchase order."""
    purchase = desk.demand((sold["id"], 10))
    return desk.lines(purchase["id"])[0]


def on_hand(desk: Desk, identifier: str = "DELL-P2425H") -> int:
    return int(desk.get(f"/procurement/catalog/{identifier}/quantityOnHand")["count"])


def need(desk: Desk, sold: Any) -> int:
    return int(desk.get(f"/procurement/products/{sold['id']}")["needToOrderQuantity"])


def path_of(line: Any) -> str:
    return f"{ORDERS}/{line['purchaseOrderId']}/lineitems/{line['id']}"


def details(desk: Desk, product: Any) -> list[Any]:
    found: list[Any] = desk.get(f"/procurement/products/{product['id']}/pickingShippingDetails")
    return found


def test_a_line_received_in_full_is_closed_and_its_goods_are_picked(
    desk: Desk, sold: Any, line: Any
) -> None:
    assert desk.receive(line, 10).status == 200
    shown = desk.get(path_of(line))
    assert (shown["receivedQuantity"], shown["receivedStatus"]) == (10, "FullyReceived")
    assert shown["closedFlag"] is True
    assert shown["dateReceived"] == "2026-11-19T10:00:00Z"
    assert on_hand(desk) == 0
    (detail,) = details(desk, sold)
    assert (detail["pickedQuantity"], detail["shippedQuantity"]) == (10, 0)
    product = desk.get(f"/procurement/products/{sold['id']}")
    assert len(product["serialNumbers"]) == 10
    assert desk.get(f"{ORDERS}/{line['purchaseOrderId']}")["closedFlag"] is False


def test_without_auto_pick_the_goods_stay_on_hand(desk: Desk, sold: Any, line: Any) -> None:
    desk.switch(auto_pick=False)
    desk.receive(line, 10)
    assert on_hand(desk) == 10
    assert details(desk, sold) == []
    serials = desk.get("/procurement/onhandserialnumbers")
    assert len(serials) == 10
    assert need(desk, sold) == 0


def test_a_part_can_be_received_with_the_rest_on_a_line_of_its_own(
    desk: Desk, sold: Any, line: Any
) -> None:
    assert desk.receive(line, 4, CLONE).status == 200
    first, rest = desk.lines(line["purchaseOrderId"])
    assert (first["id"], first["quantity"], first["closedFlag"]) == (line["id"], 4, True)
    assert rest["id"] > line["id"]
    assert (rest["quantity"], rest["lineNumber"], rest["closedFlag"]) == (6, 2, False)
    assert (rest["receivedQuantity"], rest["receivedStatus"]) == (0, "Waiting")
    assert "serialNumbers" not in rest
    assert rest["salesOrder"] == first["salesOrder"] != []
    assert need(desk, sold) == 0
    assert desk.receive(rest, 6).status == 200
    assert sum(detail["pickedQuantity"] for detail in details(desk, sold)) == 10


def test_a_clone_without_its_link_opens_the_demand_again(desk: Desk, sold: Any, line: Any) -> None:
    desk.switch(clone_keeps_link=False)
    desk.receive(line, 4, CLONE)
    _, rest = desk.lines(line["purchaseOrderId"])
    assert rest["salesOrder"] == []
    assert need(desk, sold) == 6
    desk.receive(rest, 6)
    assert on_hand(desk) == 6
    assert need(desk, sold) == 6


def test_the_rest_can_be_cancelled_which_opens_its_demand_again(
    desk: Desk, sold: Any, line: Any
) -> None:
    assert desk.receive(line, 4, CANCEL).status == 200
    (only,) = desk.lines(line["purchaseOrderId"])
    assert (only["quantity"], only["closedFlag"]) == (4, True)
    assert need(desk, sold) == 6


def receive_with(desk: Desk, line: Any, serials: str, **values: Any) -> Answer:
    return desk.try_patch(path_of(line), serialNumbers=serials, **values)


TEN = ",".join(f"S{number}" for number in range(10))


@pytest.mark.parametrize(
    ("values", "serials"),
    [
        ({"receivedQuantity": 9, "receivedStatus": "FullyReceived"}, TEN),
        ({"receivedQuantity": 11, "receivedStatus": "FullyReceived"}, TEN),
        ({"receivedQuantity": 11, "receivedStatus": CLONE}, TEN),
        ({"receivedQuantity": -1, "receivedStatus": CLONE}, ""),
        ({"receivedQuantity": 0, "receivedStatus": CANCEL}, ""),
        ({"receivedStatus": "FullyReceived"}, TEN),
        ({"receivedQuantity": 4}, "S1,S2,S3,S4"),
        ({"receivedQuantity": 10}, TEN),
        ({"receivedQuantity": 4.5, "receivedStatus": CLONE}, TEN),
        ({"receivedQuantity": 10, "receivedStatus": "FullyReceived"}, ""),
        ({"receivedQuantity": 10, "receivedStatus": "FullyReceived"}, TEN + ",S11"),
        ({"receivedQuantity": 2, "receivedStatus": CLONE}, "S1, s1"),
    ],
)
def test_a_receipt_that_does_not_fit_is_refused(
    desk: Desk, line: Any, values: dict[str, Any], serials: str
) -> None:
    assert receive_with(desk, line, serials, **values).status == 400
    assert desk.get(path_of(line))["receivedQuantity"] == 0
    assert on_hand(desk) == 0


def test_serials_may_stand_on_lines_and_never_come_twice(desk: Desk, line: Any) -> None:
    part = {"receivedQuantity": 2, "receivedStatus": CLONE}
    assert receive_with(desk, line, "S1\nS2", **part).status == 200
    _, rest = desk.lines(line["purchaseOrderId"])
    answer = receive_with(desk, rest, "S2,S3", **part)
    assert answer.status == 400
    assert "S2 already exists" in answer.messages


def test_a_closed_line_is_not_received_again(desk: Desk, line: Any) -> None:
    desk.receive(line, 10)
    again = desk.receive(line, 10)
    assert again.status == 400
    assert "already been received" in again.messages
    assert desk.send("PUT", path_of(line), desk.get(path_of(line))).status == 200
    assert desk.try_patch(path_of(line), receivedQuantity=5).status == 400
    assert desk.try_patch(path_of(line), quantity=12).status == 400
    assert desk.try_patch(path_of(line), closedFlag=False).status == 400
    assert desk.patch(path_of(line), packingSlip="IM-55120")["packingSlip"] == "IM-55120"


def test_a_closed_purchase_order_receives_nothing(desk: Desk, line: Any) -> None:
    desk.patch(f"{ORDERS}/{line['purchaseOrderId']}", status={"name": "Cancelled"})
    assert desk.receive(line, 10).status == 400


def test_receiving_by_put_of_the_whole_line_works(desk: Desk, line: Any) -> None:
    body = line | {"receivedQuantity": 10, "closedFlag": True, "serialNumbers": TEN}
    answer = desk.send("PUT", path_of(line), body)
    assert answer.status == 200
    assert answer.json["receivedStatus"] == "FullyReceived"


def test_lines_and_orders_close_by_themselves_only_by_switch(desk: Desk, line: Any) -> None:
    desk.switch(auto_close_line=False, auto_close_order=True)
    desk.receive(line, 10)
    assert desk.get(path_of(line))["closedFlag"] is False
    purchase = f"{ORDERS}/{line['purchaseOrderId']}"
    assert desk.get(purchase)["closedFlag"] is False
    desk.patch(path_of(line), closedFlag=True)
    shown = desk.get(purchase)
    assert (shown["status"]["name"], shown["closedFlag"]) == ("Received In Full", True)


def test_the_procurement_settings_show_and_set_the_switches(desk: Desk) -> None:
    (settings,) = desk.get("/procurement/settings")
    assert settings["disableAutoPickFlag"] is False
    path = f"/procurement/settings/{settings['id']}"
    desk.patch(path, disableAutoPickFlag=True, autoClosePurchaseOrderFlag=True)
    shown = desk.control("GET", "/settings").json
    assert (shown["auto_pick"], shown["auto_close_order"]) == (False, True)


def test_a_line_that_is_not_linked_goes_to_stock_and_can_no_longer_be_linked(
    desk: Desk, sold: Any
) -> None:
    desk.switch(plain_lines_link=False)
    purchase = desk.post(
        ORDERS,
        {
            "vendorCompany": {"id": desk.vendor()},
            "status": {"id": 1},
            "terms": {"id": 1},
        },
    )
    body = {
        "description": "x",
        "lineNumber": 1,
        "product": {"identifier": "DELL-P2425H"},
        "quantity": 10,
        "unitOfMeasure": {"id": 1},
    }
    line = desk.post(f"{ORDERS}/{purchase['id']}/lineitems", body)
    desk.receive(line, 10)
    assert on_hand(desk) == 10
    assert need(desk, sold) == 10
    desk.switch(plain_lines_link=True)
    assert desk.get(path_of(line))["salesOrder"] == []


def test_one_line_can_serve_two_orders(desk: Desk, sold: Any) -> None:
    order = desk.send(
        "POST",
        "/sales/orders",
        {
            "company": {"identifier": "Northwind"},
            "status": {"id": 1},
            "salesRep": {"identifier": "sales"},
        },
    ).json
    other = desk.post(
        "/procurement/products",
        {
            "catalogItem": {"identifier": "DELL-P2425H"},
            "billableOption": "Billable",
            "salesOrder": {"id": order["id"]},
            "quantity": 5,
        },
    )
    purchase = desk.post(
        ORDERS, {"vendorCompany": {"id": 252}, "status": {"id": 1}, "terms": {"id": 1}}
    )
    body = {
        "description": "x",
        "lineNumber": 1,
        "product": {"identifier": "DELL-P2425H"},
        "quantity": 15,
        "unitOfMeasure": {"id": 1},
    }
    line = desk.post(f"{ORDERS}/{purchase['id']}/lineitems", body)
    assert len(line["salesOrder"]) == 2
    desk.receive(line, 12, CLONE)
    assert sum(detail["pickedQuantity"] for detail in details(desk, sold)) == 10
    assert sum(detail["pickedQuantity"] for detail in details(desk, other)) == 2
    _, rest = desk.lines(purchase["id"])
    assert [each["id"] for each in rest["salesOrder"]] == [order["id"]]
