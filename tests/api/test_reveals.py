"""Personal data over the admin REST: who may see it, that it is recorded first, and kept nowhere."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet

from app import telemetry
from app.api.examples import examples
from app.cli.desk_shapes import revealed
from app.connectors.sealing import seal_call
from app.domain.errors import StoreUnavailable
from app.domain.records import CallRecord, WriteSet
from app.domain.views import Audit
from app.store.ciphers import Cipher
from app.sync.keys import FIRST, REVEAL
from app.sync.operations import Actor
from app.sync.reveals import Reveals
from tests.api.conftest import Service
from tests.api.doors import code_of, post

WHY = {"reason": "the customer asks what we were sent"}
ORDER = "/admin/orders/ON10001201"
KEYS = [Fernet.generate_key().decode() for _ in range(3)]
REQUEST = {"firstName": "Dana", "password": "hunter2", "city": "Oslo", "id": 7}
RESPONSE = {"id": 8, "contact": {"id": 3, "name": "Dana Lee"}, "access_token": "t-0k3n"}
VALUES = ("Dana", "Oslo", "Dana Lee")


def reveals(service: Service, *keys: str, sealing: bool = True, admin: Any = None) -> Reveals:
    made = Reveals(
        operations=service.parts.operations,
        admin=admin or service.store,
        opened=Cipher(keys).opened if keys else None,
        sealing=sealing,
    )
    service.parts.reveals = made
    return made


async def called(service: Service, *keys: str) -> str:
    """An order with one call, sealed by the first of these keys; the address that reveals it."""
    await service.tell("sales_order.approved", "quote.won")
    sent, came = (json.dumps(one).encode() for one in (REQUEST, RESPONSE))
    sealed = seal_call(Cipher(keys).seal_bytes, sent, came) if keys else None
    kept = {"id": 7, "firstName": "[removed]", "city": "[removed]", "password": "[removed]"}
    answer = {"id": 8, "contact": {"id": 3, "name": "[removed]"}, "access_token": "[removed]"}
    call = CallRecord(
        "connectwise", "POST", "/company/contacts", "", 201, 2.5, json.dumps(kept),
        json.dumps(answer), step="create_sales_order", sealed=sealed,
    )  # fmt: skip
    async with service.store.join() as worker:
        (claim,) = await service.store.claim(worker, 1, 60.0)
        assert (
            await service.store.commit(WriteSet(claim.order_id, claim.token, calls=[call]))
        ).held
    (row,) = (await service.admin.get(f"{ORDER}/calls")).json()["items"]
    assert row["sealed"] is (sealed is not None)
    assert not any(value in json.dumps(row) for value in VALUES)
    return f"{ORDER}/calls/{row['id']}/reveal"


async def delivered(service: Service) -> str:
    """A delivery with personal data and a secret; the address that reveals it."""
    body = json.loads(json.dumps(examples()["sales_order.approved"]))
    customer = body["data"]["salesOrder"]["customer"]
    customer["contactEmail"] = "dana@contoso.example"
    customer["password"] = "hunter2"
    await post(service.client, body)
    (event,) = (await service.admin.get("/admin/events")).json()["items"]
    shown = (await service.admin.get(f"/admin/events/{event['id']}")).json()
    assert "dana@contoso.example" not in json.dumps(shown)
    return f"/admin/events/{event['id']}/reveal"


async def audited(service: Service) -> list[tuple[str, str, str, Any]]:
    rows = await service.query("SELECT actor, action, target, data FROM audit ORDER BY id")
    return [(row["actor"], row["action"], row["target"], json.loads(row["data"])) for row in rows]


# --- who may --------------------------------------------------------------------------------------


def test_the_first_key_reveals_nothing() -> None:
    assert REVEAL not in FIRST


@pytest.mark.parametrize("scopes", [["read"], ["admin"], ["read", "admin"], None, []])
@pytest.mark.parametrize("of", ["event", "call"])
async def test_without_the_scope_nothing_is_shown_and_none_is_recorded(
    service: Service, scopes: list[str] | None, of: str
) -> None:
    reveals(service, KEYS[0])
    path = await (delivered(service) if of == "event" else called(service, KEYS[0]))
    headers = await service.key("zoe", scopes) if scopes is not None else {}
    client = service.client if scopes is not None else service.admin  # ADMIN_API_KEY
    answer = await client.post(path, json=WHY, headers=headers)
    assert (answer.status_code, code_of(answer)) == (403, "FORBIDDEN")
    name = "zoe" if scopes is not None else "admin"
    assert answer.json()["detail"] == (
        f"The key {name} has no scope reveal, which admin does not include. "
        "`demandlink keys create NAME --scope read --scope reveal` makes a key that has it."
    )
    assert 'scope="reveal"' in answer.headers["www-authenticate"]
    assert not any(value in answer.text for value in (*VALUES, "dana@contoso"))
    assert await audited(service) == []
    assert (await service.client.post(path, json=WHY)).status_code == 401


async def test_reveal_alone_neither_reads_nor_changes(service: Service) -> None:
    await service.tell("sales_order.approved")
    headers = await service.key("eve", ["reveal"])
    paths = (await service.client.get("/openapi.json")).json()["paths"]
    lists = [path for path in paths if path.startswith("/admin/") and "{" not in path]
    asked = [ORDER, *(path for path in lists if "get" in paths[path])]
    assert {"/admin/issues", "/admin/audit", "/admin/replays", "/admin/alerts"} <= set(asked)
    for path in asked:
        answer = await service.client.get(path, headers=headers)
        assert (path, answer.status_code) == (path, 403)
    refused = await service.client.post(f"{ORDER}/hold", json=WHY, headers=headers)
    assert (refused.status_code, code_of(refused)) == (403, "FORBIDDEN")
    assert "no scope admin" in refused.json()["detail"]


# --- deliveries -----------------------------------------------------------------------------------


async def test_a_delivery_is_shown_with_personal_data_and_without_secrets(
    service: Service,
) -> None:
    path = await delivered(service)
    headers = await service.key("eve", ["read", "reveal"])
    answer = await service.client.post(path, json=WHY, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    customer = told["body"]["data"]["salesOrder"]["customer"]
    assert customer["contactEmail"] == "dana@contoso.example"
    assert customer["password"] == "[removed]"
    assert "hunter2" not in answer.text
    plain = (await service.admin.get(path.removesuffix("/reveal"))).json()
    assert {**told, "body": None} == {**plain, "body": None}
    number = path.split("/")[3]
    assert await audited(service) == [("eve", "event.reveal", number, WHY)]


async def test_of_a_body_that_is_no_json_only_the_size_is_told(service: Service) -> None:
    assert (await post(service.client, b"password=hunter2 dana@contoso.example")).status_code == 422
    (event,) = (await service.admin.get("/admin/events")).json()["items"]
    headers = await service.key("eve", ["reveal"])
    path = f"/admin/events/{event['id']}/reveal"
    answer = await service.client.post(path, json=WHY, headers=headers)
    assert answer.json()["body"] == "[37 bytes that are not readable JSON]"


async def test_what_is_not_there_or_has_no_reason_is_refused_and_not_recorded(
    service: Service,
) -> None:
    reveals(service, KEYS[0])
    path = await called(service, KEYS[0])
    headers = await service.key("eve", ["reveal"])
    for wrong in (
        "/admin/events/99/reveal",
        f"{ORDER}/calls/99/reveal",
        "/admin/orders/X/calls/1/reveal",
    ):
        answer = await service.client.post(wrong, json=WHY, headers=headers)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    for body in ({}, {"reason": " "}, {"reason": "a\x00"}, {"reason": "x" * 501}, {**WHY, "x": 1}):
        answer = await service.client.post(path, json=body, headers=headers)
        assert (answer.status_code, code_of(answer)) == (422, "REQUEST_NOT_VALID")
    assert await audited(service) == []


async def test_another_tenants_deliveries_and_calls_are_not_there(service: Service) -> None:
    reveals(service, KEYS[0])
    paths = [await called(service, KEYS[0]), "/admin/events/1/reveal"]
    await service.query("INSERT INTO tenant (id, name) VALUES (2, 'other')")
    headers = await service.key("eve", ["read", "reveal"], tenant=2)
    for path in paths:
        answer = await service.client.post(path, json=WHY, headers=headers)
        assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    assert await audited(service) == []


# --- calls ----------------------------------------------------------------------------------------


async def test_a_sealed_call_is_shown_with_its_values_in_their_places(service: Service) -> None:
    made = reveals(service, KEYS[0])
    path = await called(service, KEYS[0])
    headers = await service.key("eve", ["read", "reveal"])
    answer = await service.client.post(path, json=WHY, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert json.loads(told["request"]) == {**REQUEST, "password": "[removed]"}
    assert json.loads(told["response"]) == {**RESPONSE, "access_token": "[removed]"}
    assert told["values"] == [
        {"side": "request", "field": "/firstName", "value": "Dana"},
        {"side": "request", "field": "/city", "value": "Oslo"},
        {"side": "response", "field": "/contact/name", "value": "Dana Lee"},
    ]
    assert not any(secret in answer.text for secret in ("hunter2", "t-0k3n"))
    number = path.split("/")[-2]
    assert await audited(service) == [("eve", "call.reveal", f"ON10001201/calls/{number}", WHY)]
    # The command line shows the same.
    found = await made.call(Actor(1, "at the command line"), "ON10001201", int(number), "why")
    assert revealed(found) == told


async def test_where_nothing_was_sealed_the_answer_says_so_and_names_the_setting(
    service: Service,
) -> None:
    path = await called(service)
    headers = await service.key("eve", ["reveal"])
    for sealing, said in (
        (False, "CALLS_SEALED is off: set it to true"),
        (True, "Nothing personal"),
    ):
        reveals(service, KEYS[0], sealing=sealing)
        answer = await service.client.post(path, json=WHY, headers=headers)
        assert (answer.status_code, code_of(answer)) == (409, "CALL_NOT_SEALED")
        assert said in answer.json()["detail"]
    assert await audited(service) == []


async def test_keys_are_rotated_and_one_that_is_gone_is_said_to_be(service: Service) -> None:
    path = await called(service, KEYS[1])
    headers = await service.key("eve", ["reveal"])
    # The newest first; the one that sealed stays for as long as calls are kept. Sealing may be off.
    for keys in ((KEYS[1],), (KEYS[0], KEYS[1]), (KEYS[2], KEYS[0], KEYS[1])):
        for sealing in (True, False):
            reveals(service, *keys, sealing=sealing)
            answer = await service.client.post(path, json=WHY, headers=headers)
            assert answer.status_code == 200, answer.text
    before = await audited(service)
    for gone in ((KEYS[0],), ()):
        reveals(service, *gone)
        answer = await service.client.post(path, json=WHY, headers=headers)
        assert (answer.status_code, code_of(answer)) == (409, "SEALING_KEY_GONE")
        assert "SECRETS_KEYS" in answer.json()["detail"]
    assert await audited(service) == before


# --- recorded first, and kept nowhere -------------------------------------------------------------


class Deaf:
    """A store that takes no audit."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def audit(self, tenant_id: int, audit: Audit) -> None:
        raise StoreUnavailable("the audit log cannot be written")


@pytest.mark.parametrize("of", ["event", "call"])
async def test_what_cannot_be_recorded_is_not_shown(service: Service, of: str) -> None:
    path = await (delivered(service) if of == "event" else called(service, KEYS[0]))
    reveals(service, KEYS[0], admin=Deaf(service.store))
    headers = await service.key("eve", ["reveal"])
    answer = await service.client.post(path, json=WHY, headers=headers)
    assert (answer.status_code, code_of(answer)) == (503, "DATABASE_UNAVAILABLE")
    assert not any(value in answer.text for value in (*VALUES, "dana@contoso"))


@pytest.mark.parametrize("of", ["event", "call"])
async def test_no_table_or_log_holds_what_was_shown(service: Service, of: str) -> None:
    reveals(service, KEYS[0])
    path = await (delivered(service) if of == "event" else called(service, KEYS[0]))
    headers = await service.key("eve", ["read", "reveal"])
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    telemetry.configure("DEBUG", stream)
    try:
        once = {**headers, "idempotency-key": "once"}
        first = await service.client.post(path, json=WHY, headers=once)
        again = await service.client.post(path, json=WHY, headers=once)
    finally:
        root.handlers[:], root.level = before[0], before[1]
        structlog.reset_defaults()
    assert (first.status_code, again.status_code) == (200, 200)
    assert "idempotent-replayed" not in again.headers  # shown anew, and recorded anew
    assert again.headers["cache-control"] == "no-store"
    assert len(await audited(service)) == 2
    values = VALUES if of == "call" else ("dana@contoso.example",)
    assert all(value in first.text for value in values)
    statements = ["SELECT * FROM audit", "SELECT * FROM idempotency_key"]
    statements += ["SELECT * FROM journal_event", *(["SELECT * FROM call"] if of == "call" else [])]
    kept = [str(dict(row)) for one in statements for row in await service.query(one)]
    pages = [
        (await service.admin.get(address)).text
        for address in (f"{ORDER}/calls", f"{ORDER}/journal", path.removesuffix("/reveal"))
    ]
    for value in values:
        assert not any(value in text for text in (*kept, *pages, stream.getvalue()))


async def test_a_key_in_use_is_told_so(service: Service) -> None:
    path = await delivered(service)
    headers = await service.key("eve", ["reveal"])
    assert await service.store.remember_request(1, "k", "another") is None
    answer = await service.client.post(path, json=WHY, headers={**headers, "idempotency-key": "k"})
    assert answer.status_code == 422
    assert code_of(answer) == "IDEMPOTENCY_KEY_REUSED"
    assert await audited(service) == []
