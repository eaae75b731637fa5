"""The simulated Commerce: its API as the vendor describes it (commerce.md 1), and its control."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.commerce.tables import TABLES
from tests.sandbox.commerce.desk import Desk, verified
from tests.sandbox.contract import Contract

SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
COMMERCE = Contract.load("commerce.openapi.json")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def a_whole_day(desk: Desk) -> None:
    """Something in every resource, and every kind of change."""
    _, placed = desk.quoted_order()
    order = placed["data"]["salesOrder"]
    desk.act("change_order", id=order["id"], quantities={str(order["lines"][0]["id"]): 9})
    number = desk.issued(order["id"])["data"]["purchaseOrder"]["id"]
    desk.act("add_cost", id=number, description="Freight", amount=19.9)
    line = desk.shop.of("purchaseorderline", "purchaseOrderID", number)[0]["id"]
    desk.act("receive_goods", id=number, quantities={line: 4})
    desk.act("receive_goods", id=number)
    desk.act("issue_purchase_order", supplierID=10, lines=[{"productID": 302, "quantity": 1}])
    desk.act("cancel_purchase_order", id=number + 1)
    desk.act("place_order", customerID=78, lines=[{"productID": 303, "quantity": 1}], status=1)
    desk.act("approve_order", id=order["id"] + 1)
    desk.act("cancel_order", id=order["id"] + 1)
    desk.act("draft_quote", id=502, customerID=78, lines=[{"productID": 304, "quantity": 1}])
    desk.act("decline_quote", id=502)
    desk.shop.save("salesorderpayment", {"salesOrderID": order["id"], "amount": 10})


@pytest.mark.skipif(
    COMMERCE is None, reason="the vendor's document is not beside the checkout: shared/contracts"
)
def test_every_resource_answers_as_the_vendor_describes_it(desk: Desk) -> None:
    assert COMMERCE is not None
    a_whole_day(desk)
    for name, table in TABLES.items():
        rows = desk.get(f"/v1/{name}")
        assert rows, name
        if table.by_id:
            assert desk.get(f"/v1/{name}/{rows[0]['id']}") == rows[0]
    wrong = [fault for entry in desk.log() for fault in COMMERCE.faults_of(entry)]
    assert wrong == []
    described = {path for path, operations in COMMERCE.document["paths"].items() if operations}
    assert {template for _, template in COMMERCE.seen} == described


@pytest.mark.skipif(
    COMMERCE is None, reason="the vendor's document is not beside the checkout: shared/contracts"
)
def test_lists_take_the_parameters_that_the_vendor_lists_and_no_others() -> None:
    assert COMMERCE is not None
    for name, table in TABLES.items():
        operation = COMMERCE.document["paths"][f"/v1/{name}"]["get"]
        described = {one["name"] for one in operation.get("parameters", [])}
        own = set(table.filters)
        own |= {"page", "pageSize"} if table.paged else set()
        own |= {"modifiedAfter"} if table.delta else set()
        assert own == described, name


@pytest.mark.parametrize("key", [None, "", "wrong"])
def test_without_the_key_nothing_is_told(desk: Desk, key: str | None) -> None:
    assert desk.send("/v1/quote", key=key).status == 401
    assert desk.log()[-1]["response"] == {"message": "The API Key provided is not valid."}


def test_the_key_is_taken_as_a_parameter_too_and_never_logged(desk: Desk) -> None:
    assert desk.send("/v1/quote", key=None, apiKey=desk.api.api_key).status == 200
    assert desk.log()[-1]["query"] == {}


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/v1/salesorder/999", "GET", 400),
        ("/v1/productimage/1", "GET", 400),
        ("/v1/receipt", "GET", 404),
        ("/v2/salesorder", "GET", 404),
        ("/v1/salesorder", "POST", 405),
        ("/v1/customer/77", "DELETE", 405),
    ],
)
def test_what_does_not_exist_and_what_is_not_a_read(
    desk: Desk, path: str, method: str, status: int
) -> None:
    assert desk.send(path, method=method).status == status


def test_pages_hold_at_most_a_hundred_and_names_of_parameters_have_any_case(desk: Desk) -> None:
    for number in range(1, 251):
        desk.shop.save("brand", {"id": number, "name": f"Brand {number}"})
    pages = [desk.get("/v1/brand", page=page, pagesize=1000) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [100, 100, 50, 0]
    assert [row["id"] for page in pages for row in page] == list(range(1, 251))
    assert len(desk.get("/v1/brand", PageSize=7)) == 7
    assert desk.send("/v1/brand", page="two").status == 400


def test_filters_compare_exactly_and_unknown_ones_are_ignored(desk: Desk) -> None:
    _, placed = desk.quoted_order()
    number = placed["data"]["salesOrder"]["orderNumber"]
    desk.act("place_order", customerID=78, lines=[{"productID": 303, "quantity": 1}])
    assert [row["orderNumber"] for row in desk.get("/v1/salesorder", orderNumber=number)] == [
        number
    ]
    assert desk.get("/v1/salesorder", orderNumber=number[:-1]) == []
    assert len(desk.get("/v1/salesorder", orderNumber="")) == 2
    assert len(desk.get("/v1/salesorder", customer="nobody")) == 2
    assert len(desk.get("/v1/salesorderline", salesOrderID=2)) == 1


@pytest.mark.parametrize(("inclusive", "count"), [(False, 0), (True, 1)])
def test_modified_after_at_the_very_moment_is_a_switch(
    desk: Desk, inclusive: bool, count: int
) -> None:
    desk.control("settings", {"modified_after_inclusive": inclusive}, "PUT")
    desk.act("place_order", customerID=77, lines=[{"productID": 301, "quantity": 1}])
    (row,) = desk.get("/v1/salesorder")
    assert len(desk.get("/v1/salesorder", modifiedAfter=row["modifiedDate"])) == count
    assert desk.get("/v1/salesorder", modifiedAfter="2026-11-20") == []
    assert len(desk.get("/v1/salesorder", modifiedAfter="2026-11-01")) == 1
    assert desk.send("/v1/salesorder", modifiedAfter="yesterday").status == 400


def test_dates_have_no_offset_and_stand_in_a_zone_that_is_a_switch(desk: Desk) -> None:
    desk.act("place_order", customerID=77, lines=[{"productID": 301, "quantity": 1}])
    before = desk.get("/v1/salesorder")[0]["modifiedDate"]
    desk.control("settings", {"utc_offset_hours": 10}, "PUT")
    after = desk.get("/v1/salesorder")[0]["modifiedDate"]
    assert datetime.fromisoformat(before).tzinfo is None
    assert datetime.fromisoformat(after) - datetime.fromisoformat(before) == timedelta(hours=10)
    assert len(desk.get("/v1/salesorder", modifiedAfter="2026-11-19T20:00:00")) == 1


def test_sixty_a_minute_and_ten_thousand_a_day_and_no_more(desk: Desk) -> None:
    for _ in range(60):
        assert desk.send("/v1/category").status == 200
    refused = desk.send("/v1/category")
    assert (refused.status, dict(refused.headers)["retry-after"]) == (429, "60")
    desk.pass_time(60)
    assert desk.send("/v1/category").status == 200
    desk.control("settings", {"requests_per_minute": None, "requests_per_day": 70}, "PUT")
    assert [desk.send("/v1/category").status for _ in range(10)] == [200] * 9 + [429]
    desk.pass_time(86_400)
    assert desk.send("/v1/category").status == 200


@pytest.mark.parametrize(("bumps", "changed"), [(True, 1), (False, 0)])
def test_whether_a_line_moves_its_header_is_a_switch(desk: Desk, bumps: bool, changed: int) -> None:
    _, placed = desk.quoted_order()
    number = desk.issued(placed["data"]["salesOrder"]["id"])["data"]["purchaseOrder"]["id"]
    desk.control("settings", {"line_bumps_header": bumps}, "PUT")
    desk.pass_time(1)
    moment = desk.clock.replace(tzinfo=None).isoformat()
    line = desk.shop.of("purchaseorderline", "purchaseOrderID", number)[0]["id"]
    desk.act("receive_goods", id=number, quantities={line: 1})
    assert len(desk.get("/v1/purchaseorder", modifiedAfter=moment)) == changed
    (row,) = desk.get("/v1/purchaseorderline", modifiedAfter=moment)
    assert (row["quantityReceived"], len(row["serialNumbers"])) == (1, 1)


def test_a_receipt_shows_only_as_quantities_and_a_status_once_all_is_there(desk: Desk) -> None:
    _, placed = desk.quoted_order()
    number = desk.issued(placed["data"]["salesOrder"]["id"])["data"]["purchaseOrder"]["id"]
    line = desk.shop.of("purchaseorderline", "purchaseOrderID", number)[0]["id"]
    (part,) = desk.act("receive_goods", id=number, quantities={line: 4})
    assert desk.get(f"/v1/purchaseorder/{number}")["status"] == 1
    (rest,) = desk.act("receive_goods", id=number, packingSlip="SLIP-9")
    whole = desk.get(f"/v1/purchaseorder/{number}")
    assert (whole["status"], whole["receivedDate"] is None) == (2, False)
    receipts = [event["data"]["receipt"] for event in (part, rest)]
    assert [one["id"] for one in receipts] == [f"{number}-1", f"{number}-2"]
    assert [line["quantity"] for line in receipts[1]["lines"]] == [6, 3]
    assert "SLIP-9" not in json.dumps(whole)
    assert (
        desk.send(
            "/_sandbox/act", method="POST", body={"act": "receive_goods", "id": number}
        ).status
        == 400
    )


def test_a_removed_line_leaves_no_trace(desk: Desk) -> None:
    _, placed = desk.quoted_order()
    order = placed["data"]["salesOrder"]
    gone = order["lines"][0]["id"]
    desk.control("settings", {"line_bumps_header": False}, "PUT")
    desk.pass_time(1)
    moment = desk.clock.replace(tzinfo=None).isoformat()
    (told,) = desk.act("change_order", id=order["id"], quantities={str(gone): 0})
    assert gone not in [line["id"] for line in told["data"]["salesOrder"]["lines"]]
    assert desk.get("/v1/salesorderline", modifiedAfter=moment) == []
    assert desk.get("/v1/salesorder", modifiedAfter=moment) == []
    assert desk.send(f"/v1/salesorderline/{gone}").status == 400


async def test_changes_are_posted_signed_and_again_until_they_are_taken(desk: Desk) -> None:
    target = {"webhook_url": "http://service.example/hook", "webhook_secret": SECRET}
    desk.control("settings", target, "PUT")
    desk.statuses = [0, 503, 202]
    (event,) = desk.act("place_order", customerID=77, lines=[{"productID": 301, "quantity": 1}])
    await desk.deliver()
    assert [url for url, _, _ in desk.posted] == ["http://service.example/hook"] * 3
    assert len({headers["webhook-id"] for _, _, headers in desk.posted}) == 1
    for _, body, headers in desk.posted:
        assert json.loads(body) == event
        assert verified(headers, body, SECRET)
    (told,) = [json.loads(line) for line in desk.send("/_sandbox/events").body.splitlines()]
    assert (told["tries"], told["event"]) == ([0, 503, 202], event)


async def test_a_refused_webhook_is_not_repeated_and_a_lost_one_was_never_posted(
    desk: Desk,
) -> None:
    target = {"webhook_url": "http://service.example/hook", "webhook_secret": SECRET}
    desk.control("settings", target, "PUT")
    desk.statuses = [422]
    desk.act("place_order", customerID=77, lines=[{"productID": 301, "quantity": 1}])
    desk.control("settings", {"post_webhooks": False}, "PUT")
    desk.act("place_order", customerID=77, lines=[{"productID": 301, "quantity": 1}])
    await desk.deliver()
    told = [json.loads(line) for line in desk.send("/_sandbox/events").body.splitlines()]
    assert [one["tries"] for one in told] == [[422], []]


def test_a_whole_document_is_taken_as_it_stands_with_what_the_api_cannot_show(desk: Desk) -> None:
    _, placed = desk.quoted_order()
    order = {**placed["data"]["salesOrder"], "connectwise": {"opportunityId": 88}}
    order["lines"] = order["lines"][:1]
    (told,) = desk.act("put", event={"type": "sales_order.updated", "data": {"salesOrder": order}})
    shown = told["data"]["salesOrder"]
    assert shown["connectwise"] == {"opportunityId": 88}
    assert shown["modifiedDate"] > order["modifiedDate"]
    assert len(desk.get("/v1/salesorderline", salesOrderID=order["id"])) == 1
    again = desk.act("put", event={"type": "sales_order.updated", "data": {"salesOrder": order}})
    assert again[0]["data"] == told["data"], "what did not change keeps its date"


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("act", {"act": "dance"}, "an act is one of put, draft_quote"),
        ("act", {"act": "place_order", "customerID": 77}, "place_order needs lines"),
        ("act", {"act": "place_order", "customerID": 1, "lines": []}, "there is no customer 1"),
        ("faults", {"kind": "stale_read"}, "kind stale_read is not one of"),
    ],
)
def test_control_says_what_it_cannot_do(desk: Desk, path: str, body: Any, sentence: str) -> None:
    reply = desk.send(f"/_sandbox/{path}", method="POST", body=body)
    assert reply.status == 400
    assert json.loads(reply.body)["error"].startswith(sentence)


def test_switches_are_refused_by_name(desk: Desk) -> None:
    reply = desk.send("/_sandbox/settings", method="PUT", body={"speed": 1, "latency_ms": -1})
    assert json.loads(reply.body)["error"] == (
        "speed: there is no such switch; latency_ms: must be milliseconds"
    )
    assert desk.send("/_sandbox/nothing").status == 404
    assert desk.send("/_sandbox/reset").status == 405


def test_faults_hit_the_requests_they_name_as_often_as_they_say(desk: Desk) -> None:
    faults = [
        {"kind": "status", "path": "^/v1/quote", "status": 500},
        {"kind": "refuse", "path": "^/v1/brand"},
        {"kind": "lose_reply", "path": "^/v1/brand"},
    ]
    desk.control("faults", faults)
    assert [desk.send("/v1/quote").status for _ in range(2)] == [500, 200]
    assert [desk.send("/v1/brand").drop for _ in range(3)] == [True, True, False]
    assert [entry["status"] for entry in desk.log()] == [500, 200, 0, 0, 200]


async def test_reset_brings_the_first_records_back_and_time_never_runs_backwards(
    desk: Desk,
) -> None:
    target = {"webhook_url": "http://service.example/hook", "webhook_secret": SECRET}
    desk.control("settings", {**target, "requests_per_minute": None}, "PUT")
    _, placed = desk.quoted_order()
    before = desk.get("/v1/customer/77")["modifiedDate"]
    desk.control("reset")
    shown = desk.send("/_sandbox/settings")
    switches = json.loads(shown.body)
    assert switches["webhook_url"] == target["webhook_url"]
    assert switches["requests_per_minute"] == 60
    assert desk.get("/v1/salesorder") == []
    assert desk.get("/v1/customer/77")["modifiedDate"] > before
    (event,) = desk.act("place_order", customerID=77, lines=[{"productID": 301, "quantity": 1}])
    assert event["data"]["salesOrder"]["id"] > placed["data"]["salesOrder"]["id"]
    await desk.deliver()
