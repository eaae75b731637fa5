"""The doors over the real store: what is kept, what counts once, what is rejected and shown."""

from __future__ import annotations

import asyncio
import copy
import json
from datetime import timedelta
from typing import Any

import pytest

from app.api.examples import examples
from tests.api.conftest import Service
from tests.api.doors import NOW, TOKEN, callback, code_of, post, signed

EVENT = examples()["sales_order.approved"]


async def rows(service: Service) -> list[dict[str, Any]]:
    found = await service.query("SELECT * FROM inbox_event ORDER BY id")
    return [dict(row) for row in found]


async def ring(service: Service) -> list[dict[str, Any]]:
    await service.app.state.background.drain()
    return [dict(row) for row in await service.query("SELECT * FROM inbox_unverified")]


async def test_a_delivery_is_answered_202_with_its_committed_row(service: Service) -> None:
    answer = await post(service.client, EVENT)
    assert answer.status_code == 202
    (row,) = await rows(service)
    assert answer.json() == {"event_id": row["id"], "duplicate": False}
    assert row["status"] == "new"
    assert row["routing"] == "sales_order:1201"
    assert json.loads(row["body"]) == EVENT


async def test_a_delivery_wakes_the_workers_and_a_duplicate_does_not(service: Service) -> None:
    await post(service.client, EVENT)
    await service.app.state.background.drain()
    assert service.parts.wake.count == 1
    await post(service.client, EVENT)
    await service.app.state.background.drain()
    assert service.parts.wake.count == 1


async def test_the_same_delivery_again_is_a_duplicate_without_a_row(service: Service) -> None:
    first = (await post(service.client, EVENT)).json()
    again = await post(service.client, EVENT)
    assert again.status_code == 202
    assert again.json() == {"event_id": first["event_id"], "duplicate": True}
    assert len(await rows(service)) == 1


async def test_deliveries_at_the_same_time_count_once(service: Service) -> None:
    answers = await asyncio.gather(*(post(service.client, EVENT) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert sum(not answer.json()["duplicate"] for answer in answers) == 1
    assert len(await rows(service)) == 1


async def test_the_same_id_with_another_body_is_a_conflict_and_kept_as_rejected(
    service: Service,
) -> None:
    await post(service.client, EVENT)
    changed = copy.deepcopy(EVENT)
    changed["data"]["salesOrder"]["reference"] = "another"
    answer = await post(service.client, changed)
    assert answer.status_code == 409
    assert code_of(answer) == "ID_REUSED"
    _, kept = await rows(service)
    assert (kept["status"], kept["code"]) == ("rejected", "ID_REUSED")


async def test_what_is_not_json_is_kept_with_its_cause_and_its_id_is_not_burnt(
    service: Service,
) -> None:
    answer = await post(service.client, b"{not json")
    assert answer.status_code == 422
    assert code_of(answer) == "BODY_NOT_JSON"
    (kept,) = await rows(service)
    assert (kept["status"], kept["code"]) == ("rejected", "BODY_NOT_JSON")
    assert kept["cause"]
    corrected = await post(service.client, EVENT)
    assert corrected.status_code == 202
    assert corrected.json()["duplicate"] is False


async def test_what_breaks_the_contract_is_kept_naming_the_field(service: Service) -> None:
    wrong = copy.deepcopy(EVENT)
    del wrong["data"]["salesOrder"]["orderNumber"]
    answer = await post(service.client, wrong)
    assert answer.status_code == 422
    assert code_of(answer) == "BODY_NOT_VALID"
    assert "data/salesOrder/orderNumber" in answer.json()["detail"]
    shown = await service.admin.get(f"/admin/events/{answer.json()['event_id']}")
    assert shown.json()["status"] == "rejected"
    assert "data/salesOrder/orderNumber" in shown.json()["cause"]
    await service.merge()
    assert not await service.query("SELECT 1 FROM orders")


async def test_a_body_with_nul_is_kept_and_merged(service: Service) -> None:
    odd = copy.deepcopy(EVENT)
    odd["data"]["salesOrder"]["notes"] = "a\x00b \ud800"
    assert (await post(service.client, odd)).status_code == 202
    await service.merge()
    assert (await service.admin.get("/admin/orders/ON10001201")).status_code == 200


async def test_an_unlisted_type_is_accepted_and_kept_as_unhandled(service: Service) -> None:
    answer = await post(service.client, {"type": "shipment.sent", "anything": 1})
    assert answer.status_code == 202
    (kept,) = await rows(service)
    assert (kept["status"], kept["event_type"]) == ("unhandled", "shipment.sent")
    again = await post(service.client, {"type": "shipment.sent", "anything": 1})
    assert again.json()["duplicate"] is True


@pytest.mark.parametrize("minutes", [-5.1, 5.1])
async def test_a_timestamp_outside_the_window_leaves_only_a_note(
    service: Service, minutes: float
) -> None:
    answer = await post(service.client, EVENT, at=NOW + timedelta(minutes=minutes))
    assert answer.status_code == 401
    assert code_of(answer) == "TIMESTAMP_OUTSIDE_WINDOW"
    assert not await rows(service)
    (note,) = await ring(service)
    assert note["code"] == "TIMESTAMP_OUTSIDE_WINDOW"


async def test_a_bad_signature_leaves_a_truncated_note_and_burns_no_id(service: Service) -> None:
    body = json.dumps(EVENT).encode() + b" " * 500_000
    forged = {**signed(body), "webhook-signature": "v1,forged"}
    answer = await service.client.post("/webhooks/commerce", content=body, headers=forged)
    assert answer.status_code == 401
    assert code_of(answer) == "SIGNATURE_REFUSED"
    (note,) = await ring(service)
    assert note["source"] == "commerce"
    assert len(note["head"]) < 5000
    assert not await rows(service)
    assert (await post(service.client, EVENT)).json()["duplicate"] is False


async def test_refused_requests_are_visible_to_the_admin(service: Service) -> None:
    await service.client.post("/webhooks/commerce", content=b"forged")
    await service.app.state.background.drain()
    (shown,) = (await service.admin.get("/admin/events?status=unverified")).json()["items"]
    assert shown["id"] is None
    assert shown["code"] == "SIGNATURE_REFUSED"
    assert "webhook-id is missing" in shown["cause"]


async def test_the_default_connection_can_be_addressed_by_its_name(service: Service) -> None:
    answer = await post(service.client, EVENT, "/webhooks/commerce/default")
    assert answer.status_code == 202
    assert (await post(service.client, EVENT)).json()["duplicate"] is True


# --- ConnectWise ----------------------------------------------------------------------------------


async def call_back(service: Service, body: bytes) -> Any:
    headers = {"x-content-signature": "fits"}
    return await service.client.post(
        f"/webhooks/connectwise/{TOKEN}?recordId=88&action=updated", content=body, headers=headers
    )


async def test_a_callback_is_answered_202_with_its_committed_row(service: Service) -> None:
    answer = await call_back(service, callback())
    assert answer.status_code == 202
    (row,) = await rows(service)
    assert answer.json() == {"event_id": row["id"], "duplicate": False}
    assert (row["source"], row["routing"]) == ("connectwise", "opportunity:88")
    assert (await call_back(service, callback())).json()["duplicate"] is True


async def test_a_callbacks_id_is_never_refused_as_reused(service: Service) -> None:
    await call_back(service, callback())
    answer = await call_back(service, callback(Action="deleted"))
    assert answer.status_code == 202
    assert answer.json()["duplicate"] is False


async def test_a_callback_about_nothing_of_ours_is_kept_unhandled(service: Service) -> None:
    assert (await call_back(service, callback(Type="company"))).status_code == 202
    (row,) = await rows(service)
    assert row["status"] == "unhandled"


async def test_a_verified_callback_without_a_record_is_kept_as_rejected(service: Service) -> None:
    answer = await call_back(service, callback(ID=None))
    assert answer.status_code == 422
    (row,) = await rows(service)
    assert (row["status"], row["code"]) == ("rejected", "BODY_NOT_VALID")


async def test_a_callback_with_a_bad_signature_leaves_only_a_note(service: Service) -> None:
    answer = await service.client.post(f"/webhooks/connectwise/{TOKEN}", content=callback())
    assert answer.status_code == 401
    assert not await rows(service)
    (note,) = await ring(service)
    assert note["source"] == "connectwise"
