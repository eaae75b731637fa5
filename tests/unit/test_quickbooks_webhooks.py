"""Webhooks: whose signature holds, and what both envelopes tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.connectors.body_signature import holds
from app.connectors.quickbooks.webhooks import Notice, NotReadable, notices
from app.domain.books import DocumentKind
from sandbox.quickbooks.model.world import Change
from sandbox.quickbooks.webhooks import cloud_events, legacy, sign

BODY = b'[{"id":"1"}]'
AT = datetime(2026, 11, 19, 10, tzinfo=UTC)
CHANGES = [Change("Bill", "145", "Create", AT), Change("Vendor", "56", "Update", AT)]


def test_a_signature_holds_for_the_raw_bytes_and_any_of_the_tokens() -> None:
    # printf '[{"id":"1"}]' | openssl dgst -sha256 -hmac token -binary | base64
    signature = "XtfvOUSOrqsZWpdBxvyGTtI3WFRKW+8MFwCjJWqf+uU="
    assert sign("token", BODY) == signature
    assert holds(BODY, signature, ["token"])
    assert holds(BODY, signature, ["new", "token"])
    assert not holds(b'[{"id": "1"}]', signature, ["token"])
    assert not holds(BODY, signature, ["other"])


@pytest.mark.parametrize("signature", ["", "no base64!", "é", "AAAA", sign("", BODY)])
def test_nothing_else_holds(signature: str) -> None:
    assert not holds(BODY, signature, ["token", ""])


def test_without_a_token_the_endpoint_is_off() -> None:
    assert not holds(BODY, sign("token", BODY), [])
    assert not holds(BODY, sign("", BODY), [""])


def test_cloud_events_tell_what_changed_and_where() -> None:
    guids = iter(("e-1", "e-2"))
    body = json.dumps(cloud_events(CHANGES, "4620", lambda: next(guids))).encode()
    assert notices(body) == [
        Notice("e-1", "4620", "bill", DocumentKind.BILL, "145", "created", "2026-11-19T10:00:00Z"),
        Notice("e-2", "4620", "vendor", None, "56", "updated", "2026-11-19T10:00:00Z"),
    ]


def test_the_older_envelope_tells_the_same_and_the_same_again() -> None:
    body = json.dumps(legacy(CHANGES, "4620")).encode()
    first, second = notices(body)
    assert (first.kind, first.record_id, first.operation) == (DocumentKind.BILL, "145", "created")
    assert first.id != second.id
    assert notices(body) == [first, second]


@pytest.mark.parametrize(
    "odd",
    [
        {},
        7,
        {"type": "qbo.bill.created.v1", "intuitentityid": "1", "id": "e"},
        {"type": "qbo.bill", "intuitentityid": "1", "intuitaccountid": "2", "id": "e"},
        {"type": "qbo.bill.created.v1", "intuitentityid": "1", "intuitaccountid": "2"},
    ],
)
def test_an_entry_that_says_nothing_leaves_the_others_alone(odd: Any) -> None:
    (good,) = cloud_events(CHANGES[:1], "4620", lambda: "e-1")
    assert [each.id for each in notices(json.dumps([odd, good]).encode())] == ["e-1"]


@pytest.mark.parametrize("body", [b"{", b"7", b"{}", b'{"eventNotifications":7}', b'"x"'])
def test_a_body_in_neither_envelope_cannot_be_read(body: bytes) -> None:
    with pytest.raises(NotReadable):
        notices(body)


def test_odd_notifications_are_left_out() -> None:
    told = [7, {"realmId": "1"}, {"realmId": "1", "dataChangeEvent": {"entities": [7, {"id": ""}]}}]
    assert notices(json.dumps({"eventNotifications": told}).encode()) == []
