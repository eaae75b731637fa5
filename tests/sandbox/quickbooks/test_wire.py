"""The wire: queries, repeated requests, limits, sign-in, change capture, webhooks, control."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from tests.sandbox.quickbooks.desk import Desk

# --- queries


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT * FROM Bill WHERE DocNumber = '1' OR DocNumber = '2'", "4000"),
        ("SELECT * FROM Bill WHERE DocNumber != '1'", "4000"),
        ("SELECT * FROM Bill WHERE DocNumber = 1", "4000"),
        ("SELECT * Bill", "4000"),
        ("SELECT * FROM Bill WHERE DocNumber = 'it's'", "4000"),
        ("SELECT * FROM Bill WHERE PrivateNote = 'x'", "4001"),
        ("SELECT * FROM Nothing", "4001"),
        ("SELECT * FROM Bill MAXRESULTS 1001", "4001"),
        ("SELECT * FROM Bill WHERE TotalAmt > 'much'", "4001"),
    ],
)
def test_a_query_that_cannot_be_answered_is_refused(desk: Desk, text: str, code: str) -> None:
    desk.bill()
    assert desk.send("GET", "query", query=text).codes == [code]


def test_a_query_picks_sorts_counts_and_pages(desk: Desk) -> None:
    bills = [desk.bill(each, DocNumber=f"N-{each}") for each in (1, 2, 3)]
    number = "SELECT DocNumber FROM Bill WHERE TotalAmt >= '361.1' ORDERBY DocNumber DESC"
    assert desk.query(number)["Bill"] == [
        {"DocNumber": "N-3", "Id": bills[2]["Id"]},
        {"DocNumber": "N-2", "Id": bills[1]["Id"]},
    ]
    assert desk.query("select count(*) from bill where docnumber like 'n-%'") == {"totalCount": 3}
    page = desk.query("SELECT * FROM Bill STARTPOSITION 3 MAXRESULTS 2")
    assert (page["startPosition"], page["maxResults"]) == (3, 1)
    vendor = desk.vendor["value"]
    by_vendor = f"SELECT * FROM Bill WHERE VendorRef = '{vendor}'"  # noqa: S608 - not SQL
    assert len(desk.query(by_vendor)["Bill"]) == 3
    assert desk.query("SELECT * FROM Bill WHERE TxnDate < '2026-11-19'") == {}


def test_a_sku_shows_only_when_it_is_named(desk: Desk) -> None:
    (item,) = desk.query("SELECT * FROM Item WHERE Sku = 'LABOR'")["Item"]
    assert "Sku" not in item
    (item,) = desk.query("SELECT *, Sku FROM Item WHERE Sku = 'LABOR'")["Item"]
    assert (item["Sku"], item["Type"]) == ("LABOR", "Service")
    assert desk.query("SELECT Sku FROM Item MAXRESULTS 1")["Item"][0].keys() == {"Id", "Sku"}
    assert desk.get("Item", item["Id"])["Sku"] == "LABOR"


def test_a_quote_in_a_text_is_escaped(desk: Desk) -> None:
    desk.post("Vendor", {"DisplayName": "O'Neill"})
    assert desk.one("Vendor", "DisplayName", r"O\'Neill")["DisplayName"] == "O'Neill"


# --- repeated requests


def test_a_request_id_is_answered_the_same_way_again(desk: Desk) -> None:
    body = {"VendorRef": desk.vendor, "Line": [desk.bought(1)]}
    first = desk.post("Bill", body, requestid="r-1")
    assert desk.post("Bill", body | {"DocNumber": "2"}, requestid="r-1") == first
    assert desk.post("Bill", body, requestid="r-2")["Id"] != first["Id"]
    desk.pass_time(hours=2)
    assert desk.post("Bill", body, requestid="r-1")["Id"] != first["Id"]
    desk.refused("Bill", body, 2050, requestid="r" * 51)


def test_whether_refusals_are_repeated_too_is_a_switch(desk: Desk) -> None:
    body = {"VendorRef": desk.vendor, "Line": [desk.bought(1)], "DocNumber": "7"}
    first = desk.post("Bill", body)
    end = {"Id": first["Id"], "SyncToken": "0"}
    desk.refused("Bill", body, 6140, requestid="r-1")
    desk.post("Bill", end, operation="delete")
    desk.refused("Bill", body, 6140, requestid="r-1")
    desk.control("POST", "/reset")
    desk.switch(replay_refusals=False)
    body["VendorRef"], body["Line"] = desk.vendor, [desk.bought(1)]
    first = desk.post("Bill", body)
    desk.refused("Bill", body, 6140, requestid="r-1")
    desk.post("Bill", {"Id": first["Id"], "SyncToken": "0"}, operation="delete")
    desk.post("Bill", body, requestid="r-1")


def test_a_lost_reply_did_its_work(desk: Desk) -> None:
    body = {"VendorRef": desk.vendor, "Line": [desk.bought(1)]}
    desk.fault(kind="lose_reply", method="POST", path="/bill$")
    assert desk.send("POST", "bill", body, requestid="r-1").dropped
    assert desk.post("Bill", body, requestid="r-1")["SyncToken"] == "0"
    assert desk.query("SELECT COUNT(*) FROM Bill") == {"totalCount": 1}


def test_a_stale_read_shows_what_was_there_before(desk: Desk) -> None:
    bill = desk.bill()
    desk.fault(kind="stale_read", path="/query$")
    assert desk.query("SELECT * FROM Bill") == {}
    assert desk.query("SELECT * FROM Bill")["Bill"][0]["Id"] == bill["Id"]


# --- limits and what stands before the company


def test_throttling_says_no_time_unless_told_to(desk: Desk) -> None:
    desk.switch(requests_per_second=2)
    desk.query("SELECT * FROM Bill")
    desk.query("SELECT * FROM Bill")
    answer = desk.send("GET", "query", query="SELECT * FROM Bill")
    assert (answer.status, answer.codes) == (429, ["3001"])
    assert "retry-after" not in answer.headers
    desk.pass_time(seconds=1.1)
    desk.switch(retry_after=30, requests_per_minute=3)
    desk.query("SELECT * FROM Bill")
    assert desk.send("GET", "query", query="SELECT * FROM Bill").headers["retry-after"] == "30"


def test_a_token_that_does_not_hold_is_turned_away_in_lower_case(desk: Desk) -> None:
    desk.bearer = "old"
    answer = desk.send("GET", "preferences")
    assert answer.status == 401
    assert answer.json["fault"]["error"][0]["code"] == "3200"
    desk.switch(gateway_keys="upper")
    assert desk.send("GET", "preferences").json["Fault"]["Error"][0]["code"] == "3200"


def test_another_company_and_an_ended_subscription_are_forbidden(desk: Desk) -> None:
    headers = {"authorization": f"Bearer {desk.bearer}"}
    assert desk.raw("GET", "/v3/company/1/preferences", b"", headers).status == 403
    desk.switch(subscription="ended")
    answer = desk.send("GET", "preferences")
    assert (answer.status, answer.codes) == (403, ["6190"])


# --- signing in


def test_a_code_gives_tokens_once_and_only_to_the_app(desk: Desk) -> None:
    brought = desk.consent("s-9")
    assert (brought["state"], brought["realmId"]) == ("s-9", desk.registration.realm)
    assert desk.by_code(brought["code"], secret="wrong").json == {"error": "invalid_client"}
    tokens = desk.by_code(brought["code"], hard=True).json
    assert tokens["expires_in"] == 3600
    assert tokens["x_refresh_token_expires_in"] == 100 * 86_400
    assert tokens["x_refresh_token_hard_expires_in"] == 5 * 365 * 86_400
    assert desk.by_code(brought["code"]).status == 400
    desk.bearer = tokens["access_token"]
    assert desk.send("GET", "preferences").status == 200
    desk.pass_time(hours=1)
    assert desk.send("GET", "preferences").status == 401


def test_a_refresh_token_rolls_daily_or_each_time_and_the_old_one_is_dead(desk: Desk) -> None:
    first = desk.by_code(desk.consent()["code"]).json["refresh_token"]
    assert desk.refresh(first).json["refresh_token"] == first
    desk.pass_time(days=1)
    second = desk.refresh(first).json["refresh_token"]
    assert second != first
    assert desk.refresh(first).json["error"] == "invalid_grant"
    desk.switch(refresh_rotation="always")
    third = desk.refresh(second).json["refresh_token"]
    assert third != second
    desk.pass_time(days=100)
    assert desk.refresh(third).status == 400


def test_a_grant_ends_after_five_years_however_often_it_was_used(desk: Desk) -> None:
    token = desk.by_code(desk.consent()["code"]).json["refresh_token"]
    for _ in range(20):
        desk.pass_time(days=90)
        token = desk.refresh(token).json["refresh_token"]
    desk.pass_time(days=90)
    assert desk.refresh(token).status == 400


def test_a_person_may_say_no_and_take_a_yes_back(desk: Desk) -> None:
    token = desk.by_code(desk.consent()["code"]).json["refresh_token"]
    desk.act("disconnect")
    assert desk.refresh(token).status == 400
    desk.switch(consent="denied")
    assert desk.consent()["error"] == "access_denied"


# --- what changed


def test_change_capture_tells_of_changes_and_deletions(desk: Desk) -> None:
    first, second = desk.bill(), desk.bill()
    desk.pass_time(minutes=10)
    since = desk.clock.isoformat()
    desk.post("Bill", {"Id": first["Id"], "SyncToken": "0"}, operation="delete")
    desk.act("pay_bill", second["Id"])
    answer = desk.send("GET", "cdc", entities="Bill,Invoice", changedSince=since)
    bills, invoices = answer.json["CDCResponse"][0]["QueryResponse"]
    assert {each["Id"]: each.get("status") for each in bills["Bill"]} == {
        first["Id"]: "Deleted",
        second["Id"]: None,
    }
    assert invoices == {}
    desk.pass_time(days=31)
    assert desk.send("GET", "cdc", entities="Bill", changedSince=since).codes == ["4001"]


def test_webhooks_are_signed_cloud_events(desk: Desk) -> None:
    desk.switch(webhook_url="https://demandlink.example/webhooks/quickbooks")
    bill = desk.bill()
    desk.deliver()
    ((url, body, headers),) = desk.posted
    assert url == "https://demandlink.example/webhooks/quickbooks"
    key = desk.registration.verifier_token.encode()
    expected = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
    assert headers["intuit-signature"] == expected
    (event,) = json.loads(body)
    assert event["type"] == "qbo.bill.created.v1"
    assert (event["intuitentityid"], event["intuitaccountid"]) == (
        bill["Id"],
        desk.registration.realm,
    )
    desk.act("pay_bill", bill["Id"])
    desk.deliver()
    types = [each["type"] for each in json.loads(desk.posted[1][1])]
    assert sorted(types) == ["qbo.bill.updated.v1", "qbo.billpayment.created.v1"]
    desk.switch(webhook_format="legacy")
    desk.invoice()
    desk.deliver()
    (notice,) = json.loads(desk.posted[2][1])["eventNotifications"]
    assert notice["dataChangeEvent"]["entities"][0]["operation"] == "Create"


def test_webhooks_are_tried_four_times_and_then_switched_off(desk: Desk) -> None:
    desk.switch(webhook_url="https://demandlink.example/hook")
    desk.statuses = [500, 0, 503, 404]
    desk.bill()
    desk.slept.clear()
    desk.deliver()
    assert desk.slept == [1200, 1800, 3000]
    (delivery,) = desk.control("GET", "/webhooks").json
    assert delivery["tries"] == [500, 0, 503, 404]
    assert desk.control("GET", "/settings").json["webhook_url"] is None


# --- control


def test_the_log_keeps_requests_answers_and_what_they_changed(desk: Desk) -> None:
    order = desk.order(1)
    bill = desk.bill_of(order, 1)
    entry = desk.log()[-1]
    assert (entry["method"], entry["status"]) == ("POST", 200)
    assert {(each["table"], each["id"]) for each in entry["changed"]} == {
        ("Bill", int(bill["Id"])),
        ("PurchaseOrder", int(order["Id"])),
    }
    desk.act("delete", bill["Id"], entity="Bill")
    assert desk.log()[-1]["method"] == "ACT"


def test_switches_are_refused_by_name(desk: Desk) -> None:
    answer = desk.control("PUT", "/settings", {"plan": "gold", "colour": "red"})
    assert answer.status == 400
    assert "plan: must be one of" in answer.json["error"]
    assert "colour: there is no such switch" in answer.json["error"]


def test_a_reset_brings_the_first_records_back_under_new_ids(desk: Desk) -> None:
    before = desk.bill()["Id"]
    desk.switch(plan="essentials")
    assert desk.control("POST", "/reset").status == 200
    assert desk.control("GET", "/settings").json["plan"] == "plus"
    assert desk.query("SELECT COUNT(*) FROM Bill") == {"totalCount": 0}
    assert int(desk.bill()["Id"]) > int(before)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("POST", "/settings", 405), ("POST", "/act", 400)],
)
def test_control_says_what_it_cannot_do(desk: Desk, method: str, path: str, status: int) -> None:
    assert desk.control(method, path, {"act": "dance"}).status == status
