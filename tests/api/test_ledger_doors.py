"""What the ledgers tell: signatures over the raw bytes, bare answers, one row for each change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.main import create_app
from app.sync.ledger_events import doors_of
from sandbox.quickbooks.webhooks import sign as signed_by_intuit
from sandbox.xero.model import Books
from sandbox.xero.webhooks import INTENTS, Webhook
from sandbox.xero.webhooks import sign as signed_by_xero
from tests.api.conftest import Service
from tests.api.doors import CountingWake, RefusingStore, TestParts, client_of, settings

REALM = "4620816365000000001"


def told(key: str = "e-1", **more: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": key,
        "source": "intuit.demo",
        "type": "qbo.bill.updated.v1",
        "time": "2026-11-24T12:00:00Z",
        "intuitentityid": "145",
        "intuitaccountid": REALM,
        "data": {},
        **more,
    }


def event(record: str = "r-1", **more: Any) -> dict[str, Any]:
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{record}",
        "resourceId": record,
        "tenantId": "t-1",
        "tenantType": "ORGANISATION",
        "eventCategory": "INVOICE",
        "eventType": "UPDATE",
        "eventDateUtc": "2026-11-24T12:00:00.000",
        **more,
    }


def xero(*events: dict[str, Any]) -> bytes:
    body = {"events": events, "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "E"}
    return json.dumps(body).encode()


async def to_quickbooks(
    client: httpx.AsyncClient, body: bytes, key: str = "verifier"
) -> httpx.Response:
    headers = {"intuit-signature": signed_by_intuit(key, body)}
    return await client.post("/webhooks/quickbooks", content=body, headers=headers)


async def to_xero(
    client: httpx.AsyncClient, body: bytes, key: str = "webhook-key"
) -> httpx.Response:
    headers = {"x-xero-signature": signed_by_xero(key, body)}
    return await client.post("/webhooks/xero", content=body, headers=headers)


@pytest.fixture
async def service(service: Service) -> Service:
    """With the connections that the composition root makes for a ledger that is set up."""
    for system in ("quickbooks", "xero"):
        await service.store.ensure_connection(1, system, "default")
    return service


async def rows(service: Service) -> list[Any]:
    return await service.query("SELECT * FROM inbox_event ORDER BY id")


def bare(answer: httpx.Response, status: int) -> None:
    assert (answer.status_code, answer.content) == (status, b"")
    assert "set-cookie" not in answer.headers


async def test_each_change_is_a_row_that_counts_once(service: Service) -> None:
    body = json.dumps([told("e-1"), told("e-2", intuitaccountid="77")]).encode()
    bare(await to_quickbooks(service.client, body), 200)
    again = json.dumps([told("e-2", intuitaccountid="77"), told("e-3")]).encode()
    bare(await to_quickbooks(service.client, again, key="older"), 200)
    kept = await rows(service)
    assert [row["external_id"] for row in kept] == ["e-1", "e-2", "e-3"]
    assert {row["event_type"] for row in kept} == {"bill.updated"}
    assert [json.loads(row["body"])["company"] for row in kept] == [REALM, "77", REALM]


async def test_xeros_events_have_no_id_and_still_count_once(service: Service) -> None:
    bare(await to_xero(service.client, xero(event("r-1"), event("r-2"), event("r-1"))), 200)
    bare(await to_xero(service.client, xero(event("r-2"), event("r-1", eventType="CREATE"))), 200)
    kept = await rows(service)
    assert sorted((row["routing"], row["event_type"]) for row in kept) == [
        ("invoice:r-1", "invoice.created"),
        ("invoice:r-1", "invoice.updated"),
        ("invoice:r-2", "invoice.updated"),
    ]


async def test_a_record_that_no_order_carries_is_unhandled_and_may_be_read_again(
    service: Service,
) -> None:
    await to_xero(service.client, xero(event()))
    await service.merge()
    (row,) = await rows(service)
    assert (row["status"], row["code"]) == ("unhandled", None)
    assert "No order is known" in row["cause"]
    replay = await service.admin.post(
        f"/admin/events/{row['id']}/replay", json={"reason": "to see"}
    )
    assert replay.status_code == 200


@pytest.mark.parametrize("send", [to_quickbooks, to_xero])
async def test_a_wrong_signature_is_401_without_a_word_and_keeps_nothing(
    service: Service, send: Any
) -> None:
    body = json.dumps([told()]).encode() if send is to_quickbooks else xero(event())
    bare(await send(service.client, body, key="another"), 401)
    path = "/webhooks/quickbooks" if send is to_quickbooks else "/webhooks/xero"
    bare(await service.client.post(path, content=body), 401)
    assert await rows(service) == []
    await service.app.state.background.drain()
    ring = await service.query("SELECT source, code FROM inbox_unverified")
    source = path.rpartition("/")[2]
    assert {tuple(row) for row in ring} == {(source, "SIGNATURE_REFUSED")}


async def test_the_signature_is_over_the_bytes_as_they_came(service: Service) -> None:
    body = b'[ {"specversion" : "1.0"} ]'
    bare(await to_quickbooks(service.client, body), 200)
    headers = {"intuit-signature": signed_by_intuit("verifier", body)}
    same_json = b'[{"specversion":"1.0"}]'
    answer = await service.client.post("/webhooks/quickbooks", content=same_json, headers=headers)
    bare(answer, 401)


async def test_a_signed_body_that_cannot_be_read_is_kept_and_not_sent_again(
    service: Service,
) -> None:
    bare(await to_xero(service.client, b"{not json"), 200)
    bare(await to_quickbooks(service.client, b'{"neither": 1}'), 200)
    kept = await rows(service)
    assert {(row["source"], row["status"], row["code"]) for row in kept} == {
        ("xero", "rejected", "BODY_NOT_VALID"),
        ("quickbooks", "rejected", "BODY_NOT_VALID"),
    }


async def test_only_posts_of_at_most_a_mebibyte_are_taken(service: Service) -> None:
    bare(await service.client.get("/webhooks/xero"), 405)
    bare(await to_xero(service.client, b" " * (1024 * 1024 + 1)), 413)


@pytest.mark.parametrize("send", [to_quickbooks, to_xero])
async def test_an_absent_database_is_503_and_the_vendor_comes_again(send: Any) -> None:
    store = RefusingStore()
    app = create_app(TestParts(store, store, wake=CountingWake()))
    body = json.dumps([told()]).encode() if send is to_quickbooks else xero(event())
    async with client_of(app) as client:
        answer = await send(client, body)
        bare(answer, 503)
        assert answer.headers["retry-after"]


async def test_a_ledger_that_is_not_set_up_has_its_door_shut() -> None:
    given = settings(quickbooks_webhook_tokens="a, b", xero_webhook_keys="k")
    assert [door.keys for door in doors_of(given, "quickbooks", "default")] == [("a", "b"), ()]
    assert [door.keys for door in doors_of(given, None, "default")] == [(), ()]
    body = xero()
    shut = doors_of(given, None, "default")[1]
    assert not shut.holds(body, {"x-xero-signature": signed_by_xero("", body)})


# --- the simulated Xero against our door


@pytest.fixture
async def webhook(service: Service) -> AsyncIterator[Webhook]:
    """The simulator's own sender, whose posts reach the app."""
    running: list[asyncio.Task[None]] = []

    async def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        return (await service.client.post(url, content=body, headers=headers)).status_code

    async def no_wait(_: float) -> None:
        return None

    books = Books(now=lambda: datetime(2026, 11, 24, tzinfo=UTC), new_guid=lambda: "0" * 32)
    yield Webhook(
        books,
        "t-1",
        post=post,
        sleep=no_wait,
        spawn=lambda work: running.append(asyncio.ensure_future(work)),
    )
    await asyncio.gather(*running)


async def subscribed(webhook: Webhook, key: str) -> str:
    """How the vendor finds the door, once a developer named it and its key."""
    webhook.url, webhook.key = "/webhooks/xero", key
    await webhook._ask_intent(webhook.url, key)
    return webhook.status


async def test_the_intent_to_receive_is_shown_to_xero(service: Service, webhook: Webhook) -> None:
    assert await subscribed(webhook, "webhook-key") == "ok"
    assert len(webhook.sent) == len(INTENTS)
    assert await rows(service) == []


async def test_a_door_with_another_key_fails_the_intent_to_receive(webhook: Webhook) -> None:
    assert await subscribed(webhook, "not our key") == "failed"
