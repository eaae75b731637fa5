from __future__ import annotations

from typing import Any

import pytest

from sandbox.connectwise.model.switches import CHECKS, Switches
from tests.sandbox.desk import Desk

BRIEF = {"company": {"id": 250}, "status": {"id": 1}, "salesRep": {"id": 141}}


def test_every_request_and_answer_is_logged(desk: Desk) -> None:
    desk.get("/company/companies/250", fields="id")
    desk.send("POST", "/sales/orders", {"notes": "x"})
    desk.send("GET", "/system/info", headers={"authorization": ""})
    first, second, third = desk.log()
    assert first["t"] == "2026-11-19T10:00:00Z"
    assert (first["method"], first["path"]) == ("GET", "/company/companies/250")
    assert (first["query"], first["body"], first["status"]) == ({"fields": "id"}, None, 200)
    assert first["response"] == {"id": 250}
    assert (second["status"], second["body"]) == (400, {"notes": "x"})
    assert second["response"]["code"] == "InvalidObject"
    assert third["status"] == 401
    raw = desk.send("GET", "/requests", prefix="/_sandbox", after=2).raw
    assert len(raw.splitlines()) == 1


def test_reset_brings_back_the_first_records_and_never_an_id(desk: Desk) -> None:
    order = desk.convert()
    product = desk.plain_product("CABLE", order=order["id"])
    entry = desk.post(
        "/system/callbacks",
        {"url": "https://h.example/?id=", "objectId": 1, "type": "ticket", "level": "owner"},
    )
    desk.switch(auto_pick=False)
    desk.fault(kind="status", status=500, path="/nothing")
    assert desk.control("POST", "/reset").status == 200
    assert desk.log() == []
    assert desk.control("GET", "/faults").json == []
    assert desk.control("GET", "/settings").json["auto_pick"] is True
    assert desk.get("/sales/orders") == []
    assert len(desk.products(opportunity=88)) == 4
    assert desk.convert()["id"] > order["id"]
    assert desk.plain_product("CABLE")["id"] > product["id"]
    assert [each["id"] for each in desk.get("/system/callbacks")] == [entry["id"]]
    desk.control("POST", "/reset", {"callbacks": "drop"})
    assert desk.get("/system/callbacks") == []


def test_settings_are_shown_merged_and_checked(desk: Desk) -> None:
    shown = desk.control("GET", "/settings").json
    assert shown == Switches().shown()
    changed = desk.control("PUT", "/settings", {"conversion": "copy", "read_lag_ms": 5}).json
    assert changed == shown | {"conversion": "copy", "read_lag_ms": 5}
    for name in CHECKS:
        assert desk.control("PUT", "/settings", {name: "nonsense"}).status == 400
    answer = desk.control("PUT", "/settings", {"auto_pick": False, "drop_po_link": True})
    assert answer.status == 400
    assert "drop_po_link" in answer.json["error"]
    assert desk.control("GET", "/settings").json["auto_pick"] is True
    assert desk.control("PUT", "/settings", []).status == 400
    assert desk.control("GET", "/nothing").status == 404
    assert desk.control("DELETE", "/settings").status == 405


def test_refuse_drops_the_connection_before_anything_happened(desk: Desk) -> None:
    desk.fault(kind="refuse", method="POST", path="^/sales/orders$")
    assert desk.send("POST", "/sales/orders", BRIEF).dropped
    assert desk.get("/sales/orders/count") == {"count": 0}
    entry = desk.log()[0]
    assert (entry["status"], entry["fault"], entry["response"]) == (0, "refuse", None)
    assert not desk.send("POST", "/sales/orders", BRIEF).dropped


def test_lose_reply_does_the_write_and_drops_the_connection(desk: Desk) -> None:
    desk.fault(kind="lose_reply", method="POST", path="/sales/orders", times=2)
    for _ in range(2):
        assert desk.send("POST", "/sales/orders", BRIEF).dropped
    assert desk.send("POST", "/sales/orders", BRIEF).status == 200
    assert desk.get("/sales/orders/count") == {"count": 3}
    entry = desk.log()[0]
    assert (entry["status"], entry["fault"]) == (0, "lose_reply")
    assert entry["response"]["company"]["id"] == 250


def test_status_answers_instead_of_acting(desk: Desk) -> None:
    desk.fault(
        kind="status", status=503, path="/sales", headers={"Retry-After": "7"}, body={"code": "x"}
    )
    answer = desk.send("POST", "/sales/orders", BRIEF)
    assert (answer.status, answer.json) == (503, {"code": "x"})
    assert answer.headers["retry-after"] == "7"
    assert desk.get("/sales/orders/count") == {"count": 0}
    desk.fault(kind="status", status=429)
    limited = desk.send("GET", "/sales/orders")
    assert limited.json["error"] == "ConnectWiseAPI"
    assert limited.headers["retry-after"] == "30"


def test_slow_waits_before_the_request_takes_effect(desk: Desk) -> None:
    desk.switch(latency_ms=20)
    desk.fault(kind="slow", seconds=3, method="GET")
    desk.get("/system/info")
    desk.get("/system/info")
    assert desk.slept[-2:] == [3.02, 0.02]


def test_stale_read_shows_the_state_of_before(desk: Desk) -> None:
    desk.pass_time(60)
    desk.patch("/company/companies/250", phoneNumber="1")
    desk.pass_time(60)
    desk.patch("/company/companies/250", phoneNumber="2")
    desk.fault(kind="stale_read", path="/companies/250")
    assert desk.get("/company/companies/250")["phoneNumber"] == "1"
    assert desk.get("/company/companies/250")["phoneNumber"] == "2"
    desk.fault(kind="stale_read", seconds=90, times=2)
    assert "phoneNumber" not in desk.get("/company/companies/250")
    changed = desk.patch("/company/companies/250", city="X")
    assert changed["phoneNumber"] == "2"
    assert len(desk.control("GET", "/faults").json) == 1
    desk.control("DELETE", "/faults")
    assert desk.control("GET", "/faults").json == []


def test_drop_link_does_the_write_and_leaves_out_the_links_it_would_make(desk: Desk) -> None:
    order = desk.convert()
    products = desk.products(salesOrder=order["id"])
    dock, monitor = products["DELL-WD22TB4"], products["DELL-P2425H"]
    desk.fault(kind="drop_link")
    # A request that makes no link does not use the fault up.
    desk.patch(f"/sales/orders/{order['id']}", notes="x")
    purchase = desk.demand((dock["id"], 3), (monitor["id"], 10))
    assert [line["salesOrder"] for line in desk.lines(purchase["id"])] == [[], []]
    assert desk.get(f"/procurement/products/{dock['id']}")["needToOrderQuantity"] == 3
    faults = {entry["path"]: entry["fault"] for entry in desk.log() if "fault" in entry}
    assert faults == {"/procurement/purchasingDemands": "drop_link"}
    assert desk.control("GET", "/faults").json == []
    again = desk.demand((dock["id"], 3))
    assert desk.lines(again["id"])[0]["salesOrder"][0]["id"] == order["id"]


def test_drop_link_meets_posted_lines_too_where_its_path_and_method_fit(desk: Desk) -> None:
    order = desk.convert()
    purchase = desk.post(
        "/procurement/purchaseorders",
        {"vendorCompany": {"id": 252}, "terms": {"id": 1}, "status": {"id": 1}},
    )
    path = f"/procurement/purchaseorders/{purchase['id']}/lineitems"
    line = {"description": "Dock", "unitOfMeasure": {"name": "Each"}, "quantity": 1}
    line |= {"product": {"identifier": "DELL-WD22TB4"}}
    desk.fault(kind="drop_link", method="PUT", path="lineitems")
    assert desk.post(path, line | {"lineNumber": 1})["salesOrder"][0]["id"] == order["id"]
    desk.fault(kind="drop_link", path="/lineitems$", times=2)
    for number in (2, 3):
        assert desk.post(path, line | {"lineNumber": number})["salesOrder"] == []
    assert [fault["method"] for fault in desk.control("GET", "/faults").json] == ["PUT"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "nonsense"},
        {},
        {"kind": "status", "status": 9},
        {"kind": "slow"},
        {"kind": "status", "times": 0},
        {"kind": "status", "path": "("},
        {"kind": "status", "until": 3},
        {"kind": "status", "seconds": -1},
        [],
        "status",
    ],
)
def test_a_fault_that_cannot_be_is_refused(desk: Desk, fault: Any) -> None:
    answer = desk.control("POST", "/faults", [{"kind": "refuse"}, fault])
    assert answer.status == 400
    assert desk.control("GET", "/faults").json == []


def test_reads_lag_behind_writes_as_long_as_the_switch_says(desk: Desk) -> None:
    desk.switch(read_lag_ms=3000)
    dock = desk.products(opportunity=88)["DELL-WD22TB4"]
    order = desk.convert(includeProductIds=[dock["id"]])
    assert order["productIds"] == [dock["id"]]
    query = {"conditions": f"salesOrder/id={order['id']}"}
    assert desk.get("/procurement/products", **query) == []
    assert len(desk.products(opportunity=88)) == 4
    assert desk.send("GET", f"/sales/orders/{order['id']}").status == 404
    assert desk.get("/sales/opportunities/conversions/88") == []
    desk.pass_time(2.9)
    assert desk.get("/procurement/products", **query) == []
    desk.pass_time(0.2)
    assert len(desk.get("/procurement/products", **query)) == 1
    assert len(desk.products(opportunity=88)) == 3
    assert desk.get(f"/sales/orders/{order['id']}")["productIds"] == [dock["id"]]


def test_a_lagging_read_shows_deleted_records_and_old_demand(desk: Desk) -> None:
    order = desk.convert()
    dock = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    purchase = desk.demand((dock["id"], 3))
    desk.pass_time(10)
    desk.switch(read_lag_ms=1000)
    desk.act("delete_purchase_order", purchase["id"])
    assert len(desk.lines(purchase["id"])) == 1
    path = f"/procurement/products/{dock['id']}"
    assert desk.get(path)["needToOrderQuantity"] == 0
    columns = {"columns": "Purchase_Detail_RecID", "conditions": f"IV_Product_RecID={dock['id']}"}
    report = "/system/reports/PurchaseOrderWithLineItems"
    assert len(desk.get(report, **columns)["row_values"]) == 1
    desk.pass_time(2)
    assert desk.get(path)["needToOrderQuantity"] == 3
    assert desk.get(report, **columns)["row_values"] == []


def test_too_many_requests_in_a_minute_are_told_to_wait(desk: Desk) -> None:
    desk.switch(requests_per_minute=2)
    desk.get("/system/info")
    desk.pass_time(20)
    desk.get("/system/info")
    answer = desk.send("GET", "/system/info")
    assert answer.status == 429
    assert answer.headers["retry-after"] == "40"
    assert answer.json == {
        "error": "ConnectWiseAPI",
        "message": "Too many requests. Please try again in 40 seconds.",
    }
    desk.pass_time(40)
    desk.get("/system/info")


def test_acts_are_a_person_s_doing_and_are_logged(desk: Desk) -> None:
    order = desk.act("convert_opportunity", 88)
    made = desk.act("invoice_sales_order", order["id"])
    assert made["_info"]["updatedBy"] == "person"
    act = desk.log()[0]
    assert (act["method"], act["member"]) == ("ACT", "person")
    answer = desk.control("POST", "/act", {"act": "make_tea", "id": 1})
    assert answer.status == 400
    assert "convert_opportunity" in answer.json["message"]
    desk.act("convert_opportunity", 999, status=404)
    assert desk.control("POST", "/act", {"act": "close_ticket"}).status == 400


def test_a_line_that_accounting_took_over_refuses_every_change(desk: Desk) -> None:
    order = desk.convert()
    product = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    (line,) = desk.lines(desk.demand((product["id"], 2))["id"])
    assert desk.act("batch_line", line["id"])["batchedFlag"] is True
    path = f"/procurement/purchaseorders/{line['purchaseOrderId']}/lineitems/{line['id']}"
    change = [{"op": "replace", "path": "packingSlip", "value": "PS-2"}]
    assert "accounting batch" in str(desk.refused("PATCH", path, change).json)


def test_acts_edit_rename_ship_and_merge(desk: Desk) -> None:
    order = desk.convert()
    product = desk.products(salesOrder=order["id"])["DELL-WD22TB4"]
    desk.act("edit_product", product["id"], changes={"quantity": 2})
    desk.act("edit_product", product["id"], status=400)
    purchase = desk.demand((product["id"], 2))
    renamed = desk.act("rename_purchase_order", purchase["id"], poNumber="PO-NEW")
    assert renamed["poNumber"] == "PO-NEW"
    desk.act("ship_product", product["id"], status=400)
    desk.switch(auto_pick=False)
    desk.receive(desk.lines(purchase["id"])[0], 2)
    desk.act("ship_product", product["id"], quantity=1)
    desk.act("ship_product", product["id"])
    details = desk.get(f"/procurement/products/{product['id']}/pickingShippingDetails")
    assert sum(detail["shippedQuantity"] for detail in details) == 2
    desk.act("delete_purchase_order", purchase["id"], status=400)
    ticket = {"summary": "x", "company": {"id": 250}}
    first, second = (desk.post("/service/tickets", ticket)["id"] for _ in range(2))
    merged = desk.act("merge_ticket", first, into=second)
    assert (merged["closedFlag"], merged["mergedParentTicket"]["id"]) == (True, second)
    assert desk.get(f"/service/tickets/{second}")["hasMergedChildTicketFlag"] is True
    desk.act("merge_ticket", first, status=400, into=first)
