"""What is sealed of a call: every personal value that redaction takes out, and nothing secret."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from app.connectors import recording
from app.connectors.pacing import Pacing
from app.connectors.recording import REMOVED, body_text, redacted
from app.connectors.remote import Remote
from app.connectors.sealing import (
    ANSWER,
    REQUEST,
    Value,
    put_back,
    seal_call,
    values_in,
    without_secrets,
)
from app.connectors.transport import Calling, calling
from app.domain.records import CallRecord
from app.telemetry import tracing
from tests.unit.test_tracing import spans
from tests.unit.test_transport import ManualClock

SECRETS: dict[str, Any] = {
    "password": "hunter2",
    "access_token": "t-0k3n",
    "refreshToken": "r-0k3n",
    "clientSecret": "s3cr3t",
    "Authorization": "Basic c2VjcmV0",
    "signature": "5ign",
    "x-content-signature": "5ign-too",
    "privateKey": "pr1v",
    "apiKey": "ap1",
    "signing_key": "s1gn",
    "credentials": {"user": "cr3d"},
    "cookie": "c00kie",
    "key": "k3y",
}
PERSONAL: dict[str, Any] = {
    "id": 7,
    "name": "Contoso Ltd",
    "firstName": "Dana",
    "contact": {"id": 3, "name": "Dana Lee", "identifier": "dlee"},
    "closedBy": "psmith",
    "shipTo": {"addressLine1": "1 Main St", "city": "Oslo", "lines": [{"price": 1.5}]},
    "billingAddress": {"line1": "2 Side St", "pin": {"access_token": "t-0k3n"}},
    "notes": "ask dana.lee@contoso.example today",
    "communicationItems": [{"value": "+47 1"}, {"value": "+47 2"}],
    "a/b~c": {"email": "x@y.example"},
    "total": 180.25,
    "closedFlag": True,
    "phone": None,
}


def plainly(text: bytes) -> bytes:
    """Sealed with nothing, so that a test can look at what would be kept."""
    return text


def taken(request: Any, response: Any = None, *, people: bool = False) -> list[Value]:
    bodies = [json.dumps(one).encode() if one is not None else b"" for one in (request, response)]
    sealed = seal_call(plainly, bodies[0], bodies[1], people=people)
    return values_in(sealed) if sealed is not None else []


def test_what_was_taken_out_comes_back_in_its_place() -> None:
    found = taken(PERSONAL)
    assert {one.field for one in found} == {
        "/firstName",
        "/contact/name",
        "/contact/identifier",
        "/closedBy",
        "/shipTo/addressLine1",
        "/shipTo/city",
        "/billingAddress",
        "/notes",
        "/communicationItems",
        "/a~1b~0c/email",
    }
    kept = body_text(json.dumps(PERSONAL).encode())
    whole = json.loads(put_back(kept, REQUEST, found) or "")
    hidden = {"line1": "2 Side St", "pin": {"access_token": REMOVED}}
    assert whole == {**PERSONAL, "billingAddress": hidden}


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_is_taken_out_for_good_wherever_it_stands(field: str) -> None:
    value = SECRETS[field]
    body = {
        field: value,
        "contact": {field: value, "name": "Dana"},
        "address": {"line1": "1 Main St", field: value},
        "list": [{field: value}],
        "patch": [{"op": "replace", "path": f"/login/{field}", "value": value}],
    }
    raw = json.dumps(body).encode()
    sealed = seal_call(plainly, raw, raw)
    assert sealed is not None
    assert b"Dana" in sealed
    said: str = value["user"] if isinstance(value, dict) else value
    assert said.encode() not in sealed.replace(field.encode(), b"")
    shown = json.dumps(without_secrets(body)).replace(field, "")
    assert said not in shown
    assert "1 Main St" in shown
    assert said not in json.dumps(redacted(body)).replace(field, "")


def test_records_of_people_are_sealed_with_their_names() -> None:
    people = [{"id": 1, "identifier": "psmith"}, {"id": 2, "name": "Pat Smith"}]
    assert taken(None, people, people=True) == [
        Value(ANSWER, "/0/identifier", "psmith"),
        Value(ANSWER, "/1/name", "Pat Smith"),
    ]
    assert taken(None, people) == []


def test_nothing_personal_seals_nothing() -> None:
    assert seal_call(plainly, b'{"id": 1}', b"[]") is None
    assert seal_call(plainly, b"", None) is None
    # Of what is not JSON nobody can say which of its words are secret.
    assert seal_call(plainly, b"email=dana@contoso.example&code=s3cr3t", b"<html>") is None
    assert seal_call(plainly, b"[" * 3000 + b"]" * 3000, None) is None


def test_of_a_long_list_only_what_is_kept_of_it_is_sealed() -> None:
    body = json.dumps([{"id": n, "email": "a@b.example"} for n in range(10_000)]).encode()
    sealed = seal_call(plainly, b"", body)
    assert sealed is not None
    assert len(sealed) < 2 * recording.KEPT_CHARACTERS
    found = values_in(sealed)
    assert found
    assert {one.value for one in found} == {"a@b.example"}
    kept = body_text(body)
    assert put_back(kept, ANSWER, found) == kept  # it was cut off, and stays as it is kept


def test_the_mark_of_what_was_left_out_is_no_value() -> None:
    body = json.dumps([[n] for n in range(recording.KEPT_NODES * 2)]).encode()
    assert seal_call(plainly, body, None) is None
    short = json.dumps([{"note": "[1 more]"}, "[0 more]"]).encode()
    assert seal_call(plainly, short, None) is None


def test_a_body_without_what_was_taken_out_stays_as_it_is() -> None:
    assert put_back(None, REQUEST, [Value(REQUEST, "/a", 1)]) is None
    assert put_back('{"b":1}', REQUEST, [Value(REQUEST, "/a/b", 1)]) == '{"b":1}'
    assert put_back('{"b":1}', ANSWER, [Value(REQUEST, "/b", 2)]) == '{"b":1}'
    assert put_back('"[removed]"', REQUEST, [Value(REQUEST, "", "x")]) == '"x"'


# --- the remote system's client -------------------------------------------------------------------


async def recorded(**more: Any) -> CallRecord:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"set-cookie": "c00kie"}
        return httpx.Response(200, json={"id": 1, "email": "dana@contoso.example"}, headers=headers)

    kept: list[CallRecord] = []
    token = calling.set(Calling(record=kept.append))
    try:
        clock = ManualClock()
        await Remote(
            system="vendor",
            base_url="http://vendor",
            headers={"Authorization": "Basic c2VjcmV0"},
            clock=clock,
            transport=httpx.MockTransport(answer),
            pacing=Pacing(clock),
            **more,
        ).call("POST", "/x", body=b'{"firstName":"Dana","password":"hunter2"}')
    finally:
        calling.reset(token)
    (one,) = kept
    return one


async def test_a_call_is_recorded_as_before_where_nothing_seals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any, **__: Any) -> bytes:
        raise AssertionError("nothing is looked for where nothing is sealed")

    monkeypatch.setattr("app.connectors.remote.seal_call", never)
    assert (await recorded()).sealed is None


async def test_personal_values_are_sealed_beside_the_same_record_and_no_header_is() -> None:
    seen: list[bytes] = []

    def seal(text: bytes) -> bytes:
        seen.append(text)
        return base64.b64encode(text)

    with spans() as collector:
        one = await recorded(seal=seal)
        tracing.stop()
    off = await recorded()
    (span,) = collector.spans
    assert not any(value in str(span) for value in ("Dana", "dana@", "hunter2"))
    assert (one.request, one.response) == (off.request, off.response)
    assert one.sealed == base64.b64encode(seen[0])
    assert json.loads(seen[0]) == {
        "request": {"/firstName": "Dana"},
        "response": {"/email": "dana@contoso.example"},
    }
