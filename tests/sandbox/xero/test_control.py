from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest

from sandbox.xero.model.switches import CHECKS, Switches
from sandbox.xero.webhooks import WAITS, sign
from tests.sandbox.xero.desk import Desk

KEY = "the-webhook-key"


def test_every_request_is_logged_with_what_it_changed(desk: Desk) -> None:
    made = desk.put("Invoices", desk.bill())
    desk.send("GET", "/Organisation", headers={"authorization": ""})
    desk.act("approve_invoice", made["InvoiceID"])
    *_, write, refused, act = desk.log()
    assert (write["method"], write["path"], write["status"]) == ("PUT", "/Invoices", 200)
    assert (write["client"], write["t"]) == ("standing", "2026-11-19T10:00:00Z")
    touched = {each["table"]: each["row"] for each in write["changed"]}
    assert touched["invoice"]["InvoiceID"] == made["InvoiceID"]
    assert (refused["status"], refused.get("client", "")) == (401, "")
    assert (act["method"], act["client"]) == ("ACT", "person")
    assert act["changed"][0]["row"]["Status"] == "AUTHORISED"
    first = desk.control("GET", "/first").json
    assert first["invoice"] == []
    assert {each["Code"] for each in first["account"]} >= {"200", "300"}


def test_reset_brings_back_the_first_records_and_keeps_grants_unless_told(desk: Desk) -> None:
    desk.log_in()
    desk.put("Invoices", desk.bill())
    desk.fault(kind="status", path="/nothing")
    assert desk.control("POST", "/reset").status == 200
    assert desk.log() == []
    assert desk.control("GET", "/faults").json == []
    assert desk.control("GET", "/settings").json == Switches().shown()
    assert desk.all("Invoices") == []
    assert len(desk.all("Contacts")) == 2
    desk.control("POST", "/reset", {"grants": "drop"})
    assert desk.send("GET", "/Invoices").status == 401


def test_settings_are_shown_merged_and_checked(desk: Desk) -> None:
    shown = desk.control("GET", "/settings").json
    changed = desk.control("PUT", "/settings", {"tier": "plus", "lock_date": "2026-01-31"}).json
    assert changed == shown | {"tier": "plus", "lock_date": "2026-01-31"}
    for name in CHECKS:
        assert desk.control("PUT", "/settings", {name: "nonsense"}).status == 400
    answer = desk.control("PUT", "/settings", {"tier": "core", "drop_po_link": True})
    assert (answer.status, "drop_po_link" in answer.json["error"]) == (400, True)
    assert desk.control("GET", "/settings").json["tier"] == "plus"
    assert desk.control("PUT", "/settings", []).status == 400
    assert desk.control("GET", "/nothing").status == 404
    assert desk.control("DELETE", "/settings").status == 405
    assert desk.control("POST", "/act", {"act": "fly"}).status == 400


def test_faults_meet_the_requests_that_they_are_for(desk: Desk) -> None:
    desk.fault(kind="refuse", method="PUT", path="^/Invoices$")
    assert desk.send("PUT", "/Invoices", desk.bill()).dropped
    assert desk.all("Invoices") == []
    desk.fault(kind="status", status=429, path="/Organisation")
    answer = desk.send("GET", "/Organisation")
    assert (answer.status, answer.headers["retry-after"]) == (429, "30")
    desk.fault(kind="status", status=503, body="down", path="/connect/token")
    assert desk.token(grant_type="refresh_token").status == 503
    desk.fault(kind="slow", seconds=2, path="/Organisation")
    desk.send("GET", "/Organisation")
    assert desk.slept[-1] == 2


@pytest.mark.parametrize("act", ["delete_invoice", "approve_invoice", "edit_invoice"])
def test_a_person_changes_an_invoice_by_hand(desk: Desk, act: str) -> None:
    made = desk.put("Invoices", desk.sale(DueDate=None))
    changed = desk.act(act, made["InvoiceID"], changes={"Reference": "by hand"})
    assert changed != made
    assert desk.log()[-1]["status"] == 200
    gone = desk.act("void_invoice", made["InvoiceID"]) if act == "approve_invoice" else changed
    assert gone["Status"] == {
        "delete_invoice": "DELETED", "approve_invoice": "VOIDED", "edit_invoice": "DRAFT",
    }[act]  # fmt: skip


# --- webhooks


def subscribed(desk: Desk, statuses: list[int]) -> str:
    desk.post_status = list(statuses)
    body = {"url": "https://dl.example/webhooks/xero", "key": KEY}
    assert desk.control("PUT", "/webhook", body).json["status"] == "checking"
    desk.deliver()
    status: str = desk.control("GET", "/webhook").json["status"]
    return status


def test_the_intent_to_receive_wants_wrong_signatures_refused(desk: Desk) -> None:
    assert subscribed(desk, [200, 401, 401, 200]) == "ok"
    right = [
        headers["x-xero-signature"]
        == base64.b64encode(hmac.new(KEY.encode(), body, hashlib.sha256).digest()).decode()
        for _, body, headers in desk.posted
    ]
    assert right == [True, False, False, True]
    assert all(json.loads(body)["events"] == [] for _, body, _ in desk.posted)
    assert json.loads(desk.posted[0][1])["lastEventSequence"] == 0
    assert subscribed(desk, [200, 200, 200, 200]) == "failed"
    desk.posted.clear()
    desk.put("Invoices", desk.bill())
    desk.deliver()
    assert desk.posted == []


def test_events_are_thin_numbered_and_signed(desk: Desk) -> None:
    subscribed(desk, [200, 401, 401, 200])
    desk.posted.clear()
    made = desk.put("Invoices", desk.bill())
    desk.put("Contacts", {"Name": "Fabrikam"})
    desk.put("PurchaseOrders", desk.order())
    desk.put("Items", {"Code": "C"})
    desk.deliver()
    first, second = (json.loads(body) for _, body, _ in desk.posted)
    event = next(each for each in first["events"] if each["eventCategory"] == "INVOICE")
    assert event == {
        "resourceUrl": f"http://127.0.0.1:8080/api.xro/2.0/Invoices/{made['InvoiceID']}",
        "resourceId": made["InvoiceID"],
        "tenantId": desk.api.credentials.tenant_id,
        "tenantType": "ORGANISATION",
        "eventCategory": "INVOICE",
        "eventType": "CREATE",
        "eventDateUtc": "2026-11-19T10:00:00.000",
    }
    assert [each["eventCategory"] for each in second["events"]] == ["CONTACT"]
    assert second["firstEventSequence"] == first["lastEventSequence"] + 1
    _, body, headers = desk.posted[1]
    assert headers["x-xero-signature"] == sign(KEY, body)


@pytest.mark.parametrize("fires", [True, False])
def test_whether_a_payment_is_told_is_a_switch(desk: Desk, fires: bool) -> None:
    subscribed(desk, [200, 401, 401, 200])
    desk.switch(payment_fires_webhook=fires)
    key = desk.put("Invoices", desk.bill(Status="AUTHORISED"))["InvoiceID"]
    desk.deliver()
    desk.posted.clear()
    desk.act("pay_invoice", key)
    desk.deliver()
    assert len(desk.posted) == fires


def test_a_delivery_is_tried_again_and_then_the_webhook_is_disabled(desk: Desk) -> None:
    subscribed(desk, [200, 401, 401, 200])
    desk.post_status = [500, 0, 200]
    desk.put("Contacts", {"Name": "Fabrikam"})
    desk.deliver()
    assert desk.control("GET", "/deliveries").json[-1]["tries"] == [500, 0, 200]
    desk.post_status = [500] * (len(WAITS) + 1)
    desk.put("Contacts", {"Name": "Adatum"})
    desk.deliver()
    assert desk.control("GET", "/webhook").json["status"] == "disabled"
    assert desk.control("PUT", "/webhook", {"url": 5}).status == 400
