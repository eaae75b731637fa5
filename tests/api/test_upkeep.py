"""The admin REST for what keeps the service going: pauses, deliveries read again."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from app.api.examples import examples
from tests.api.conftest import Service
from tests.api.doors import NOW, code_of, post

WHY = {"reason": "maintenance of the vendor"}


async def number_of(service: Service, system: str) -> int:
    answer = await service.admin.get("/admin/connections")
    return next(int(row["id"]) for row in answer.json()["items"] if row["system"] == system)


async def audited(service: Service) -> list[tuple[str, str, Any]]:
    rows = await service.query("SELECT actor, action, data FROM audit ORDER BY id")
    return [(row["actor"], row["action"], json.loads(row["data"])) for row in rows]


# --- connections ----------------------------------------------------------------------------------


async def test_h11_a_person_pauses_a_connection_until_it_is_resumed(service: Service) -> None:
    path = f"/admin/connections/{await number_of(service, 'connectwise')}"
    paused = (await service.admin.post(f"{path}/pause", json=WHY)).json()
    assert (paused["state"], paused["paused_until"], paused["paused_by"]) == (
        "paused",
        None,
        "admin",
    )
    assert paused["sentence"] == WHY["reason"]
    again = {"reason": "still at it"}
    assert (await service.admin.post(f"{path}/pause", json=again)).json()["sentence"] == (
        "still at it"
    )
    resumed = await service.admin.post(f"{path}/resume", json={"reason": "done"})
    assert (resumed.status_code, resumed.json()["state"]) == (200, "open")
    refused = await service.admin.post(f"{path}/resume", json={"reason": "done"})
    assert (refused.status_code, code_of(refused)) == (409, "CONNECTION_NOT_PAUSED")
    told = await audited(service)
    assert [(actor, action) for actor, action, _ in told] == [
        ("admin", "connection.pause"),
        ("admin", "connection.pause"),
        ("admin", "connection.resume"),
    ]
    assert told[0][2] == WHY


async def test_h11_an_order_says_who_paused_what_it_waits_for(service: Service) -> None:
    await service.tell("sales_order.approved", "quote.won")
    path = f"/admin/connections/{await number_of(service, 'connectwise')}"
    await service.admin.post(f"{path}/pause", json=WHY)
    order = (await service.admin.get("/admin/orders/ON10001201")).json()
    answer = order["answer"]
    assert (order["state"], answer["code"], answer["who"]) == (
        "waiting",
        "CONNECTION_PAUSED",
        "operator",
    )
    assert answer["sentence"] == (
        "ConnectWise is not called: paused by admin: maintenance of the vendor"
    )
    assert answer["next_look"] == "when the connection is resumed"
    await service.admin.post(f"{path}/resume", json=WHY)
    order = (await service.admin.get("/admin/orders/ON10001201")).json()
    assert order["answer"]["code"] != "CONNECTION_PAUSED"


async def test_what_cannot_be_paused_is_refused(service: Service) -> None:
    unknown = await service.admin.post("/admin/connections/99/pause", json=WHY)
    assert code_of(unknown) == "NOT_FOUND"
    connectwise = await number_of(service, "connectwise")
    for body in ({}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": "a\x00"}, {**WHY, "a": 1}):
        path = f"/admin/connections/{connectwise}/pause"
        answer = await service.admin.post(path, json=body)
        assert (answer.status_code, code_of(answer)) == (422, "REQUEST_NOT_VALID")
    reader = await service.key("reader", ["read"])
    forbidden = await service.client.post(
        f"/admin/connections/{connectwise}/pause", json=WHY, headers=reader
    )
    assert forbidden.status_code == 403
    other = await service.admin.get("/admin/connections")
    assert {row["state"] for row in other.json()["items"]} == {"open"}


async def test_a_pause_with_an_idempotency_key_is_done_once(service: Service) -> None:
    path = f"/admin/connections/{await number_of(service, 'connectwise')}/pause"
    headers = {"idempotency-key": "once"}
    first = await service.admin.post(path, json=WHY, headers=headers)
    second = await service.admin.post(path, json=WHY, headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert len(await audited(service)) == 1


# --- deliveries -----------------------------------------------------------------------------------


async def newest(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = (await service.admin.get("/admin/events")).json()["items"][0]
    return found


async def replay(service: Service, event: int) -> Any:
    return await service.admin.post(f"/admin/events/{event}/replay", json=WHY)


async def test_h11_a_delivery_whose_id_was_reused_is_merged_when_a_person_says_so(
    service: Service,
) -> None:
    await service.tell("quote.won")
    reused = await post(
        service.client, examples()["sales_order.approved"], webhook_id="msg_quote.won"
    )
    assert reused.status_code == 409
    event = await newest(service)
    assert (event["status"], event["code"]) == ("rejected", "ID_REUSED")
    answer = await replay(service, event["id"])
    assert (answer.status_code, answer.json()["status"]) == (200, "new")
    assert answer.json()["type"] == "sales_order.approved"
    await service.merge()
    merged = await newest(service)
    assert (merged["status"], merged["code"], merged["orders"]) == ("merged", None, ["ON10001201"])
    assert (await audited(service))[-1] == (
        "admin",
        "event.replay",
        {**WHY, "was": "rejected"},
    )
    again = await replay(service, event["id"])
    assert (again.status_code, code_of(again)) == (409, "EVENT_NOT_REPLAYABLE")
    assert "ON10001201: replay the order" in again.json()["detail"]


async def test_a_delivery_that_is_wrong_today_as_well_is_refused_with_its_cause(
    service: Service,
) -> None:
    body = json.loads(json.dumps(examples()["sales_order.approved"]))
    body["data"]["salesOrder"]["lines"][0]["quantity"] = -1
    assert (await post(service.client, body)).status_code == 422
    event = await newest(service)
    answer = await replay(service, event["id"])
    assert (answer.status_code, code_of(answer)) == (409, "EVENT_NOT_REPLAYABLE")
    assert "lines/0/quantity" in answer.json()["detail"]
    assert answer.json()["cause"] == "BODY_NOT_VALID"
    assert await newest(service) == event


async def test_a_delivery_that_an_older_version_refused_is_merged_by_the_rules_of_today(
    service: Service,
) -> None:
    await post(service.client, examples()["sales_order.approved"])
    for status, code in (("rejected", "BODY_NOT_VALID"), ("unhandled", "TYPE_UNHANDLED")):
        await service.query(
            "UPDATE inbox_event SET status = $1, code = $2, cause = 'then', routing = NULL",
            status,
            code,
        )
        event = await newest(service)
        assert (await replay(service, event["id"])).status_code == 200
        await service.merge()
        assert (await newest(service))["orders"] == ["ON10001201"]


async def test_a_date_ahead_stays_deferred_however_often_a_person_asks(service: Service) -> None:
    body = json.loads(json.dumps(examples()["sales_order.approved"]))
    ahead = await service.store.now() + timedelta(days=3)
    body["data"]["salesOrder"]["modifiedDate"] = ahead.isoformat()
    assert ahead > NOW
    await post(service.client, body)
    await service.merge()
    event = await newest(service)
    assert event["status"] == "deferred"
    answer = await replay(service, event["id"])
    assert code_of(answer) == "EVENT_NOT_REPLAYABLE"
    assert "more than 24 hours ahead" in answer.json()["detail"]


async def test_a_callback_that_led_nowhere_is_looked_at_again(service: Service) -> None:
    body = b'{"Type": "invoice", "Action": "updated", "ID": 7}'
    await service.query(
        "INSERT INTO inbox_event (tenant_id, connection_id, source, external_id, event_type, body,"
        " body_hash, status, order_ids) SELECT tenant_id, id, 'connectwise', 'm', 'invoice.updated',"
        " $1, $2, 'dropped', '{}' FROM connection WHERE kind = 'connectwise'",
        body,
        hashlib.sha256(body).hexdigest(),
    )
    event = await newest(service)
    assert (await replay(service, event["id"])).status_code == 200
    await service.merge()
    assert (await newest(service))["status"] == "hint"
    waiting = await replay(service, event["id"])
    assert "asked about its record" in waiting.json()["detail"]


@pytest.mark.parametrize("event", [1, 2**62])
async def test_an_unknown_delivery_is_not_found(service: Service, event: int) -> None:
    assert code_of(await replay(service, event)) == "NOT_FOUND"


# --- pinning anew ---------------------------------------------------------------------------------


async def test_an_order_that_is_not_pinned_yet_or_cancelled_is_not_pinned_anew(
    service: Service,
) -> None:
    await service.tell("sales_order.approved")
    path = "/admin/orders/ON10001201/repin"
    refused = await service.admin.post(path, json=WHY)
    assert (refused.status_code, code_of(refused)) == (409, "REPIN_REFUSED")
    assert "not pinned yet" in refused.json()["detail"]
    await service.query("UPDATE orders SET scenario = 'x', state = 'cancelled'")
    # A scenario that is not shipped any more must not stop the way to one that is.
    cancelled = await service.admin.post(path, json=WHY)
    assert "cancelled" in cancelled.json()["detail"]


async def test_h8_an_order_is_not_pinned_to_what_the_service_would_not_start_with(
    service: Service,
) -> None:
    await service.tell("sales_order.approved")
    await service.query(
        "UPDATE orders SET scenario = 'connectwise-procurement-opportunity', scenario_version = 1"
    )
    for name, value in (
        ("sales_order_creation", "wait_for_person"),
        ("opportunity_missing", "plain_sales_order"),
    ):
        await service.query(
            "INSERT INTO setting (tenant_id, name, value, updated_by) "
            "VALUES (1, $1, to_json($2::text), 'test') ON CONFLICT (tenant_id, name) DO UPDATE SET value = EXCLUDED.value",
            name,
            value,
        )
    refused = await service.admin.post("/admin/orders/ON10001201/repin", json=WHY)
    assert (refused.status_code, code_of(refused)) == (409, "REPIN_REFUSED")
    assert "opportunity_missing = plain_sales_order" in refused.json()["detail"]


async def test_h8_an_order_with_a_write_in_doubt_is_not_pinned_anew(service: Service) -> None:
    await service.tell("sales_order.approved")
    await service.query(
        "UPDATE orders SET scenario = 'connectwise-procurement-opportunity', scenario_version = 1"
    )
    await service.query(
        "INSERT INTO intent (tenant_id, order_id, step, subject, kind, key, evidence, shared, "
        "committed_at) SELECT 1, id, 'create_sales_order', 'order', 'sales_order', '', '{}', false,"
        " now() FROM orders"
    )
    path = "/admin/orders/ON10001201/repin"
    refused = await service.admin.post(path, json=WHY)
    assert (refused.status_code, code_of(refused)) == (409, "WRITE_IN_DOUBT")
    assert "create_sales_order of order" in refused.json()["detail"]
    await service.query("UPDATE intent SET outcome = '{}'")
    await service.admin.patch("/admin/settings", json={"INVOICE_POLICY": "shipped_only"})
    assert (await service.admin.post(path, json=WHY)).status_code == 200
    (order,) = await service.query("SELECT behaviour FROM orders")
    assert json.loads(order["behaviour"])["invoice_policy"] == "shipped_only"
