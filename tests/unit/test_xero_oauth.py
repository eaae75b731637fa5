"""Xero's OAuth2 as requests and answers, without a network."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import ValidationError

from app.connectors import wire_json
from app.connectors.xero import oauth
from app.domain.books import Tokens
from app.domain.errors import FailureKind as Kind
from app.domain.errors import RemoteFailure
from tests.unit.xero_stub import NOW

APP = oauth.App("client", "app-secret")


def test_consent_is_asked_for_with_granular_scopes() -> None:
    address = urlsplit(oauth.consent_address(APP, "https://dl.example/back", "s 1", challenge="c"))
    assert f"{address.scheme}://{address.netloc}{address.path}" == oauth.AUTHORIZE
    asked = dict(parse_qsl(address.query))
    assert (asked["client_id"], asked["redirect_uri"]) == ("client", "https://dl.example/back")
    assert (asked["state"], asked["code_challenge"]) == ("s 1", "c")
    assert {"offline_access", "accounting.invoices"} <= set(asked["scope"].split())
    assert "accounting.transactions" not in asked["scope"]


@pytest.mark.parametrize(
    ("post", "path", "form"),
    [
        (
            oauth.exchange(APP, "c&1", "https://dl.example/back", verifier="v"),
            "/connect/token",
            {
                "grant_type": "authorization_code",
                "code": "c&1",
                "redirect_uri": "https://dl.example/back",
                "code_verifier": "v",
            },
        ),
        (
            oauth.refresh(APP, "r+1"),
            "/connect/token",
            {"grant_type": "refresh_token", "refresh_token": "r+1"},
        ),
        (oauth.revoke(APP, "r"), "/connect/revocation", {"token": "r"}),
    ],
)
def test_the_secret_goes_in_the_head_and_shows_nowhere(
    post: oauth.Post, path: str, form: dict[str, str]
) -> None:
    assert (post.path, dict(parse_qsl(post.body.decode()))) == (path, form)
    login = base64.b64decode(post.headers["Authorization"].removeprefix("Basic ")).decode()
    assert login == "client:app-secret"
    assert "secret" not in repr(post) + repr(APP)


def test_tokens_are_dated_by_the_moment_before_they_were_asked_for() -> None:
    body = b'{"access_token":"a","refresh_token":"r","expires_in":1800,"token_type":"Bearer"}'
    assert oauth.tokens(200, {}, body, NOW) == Tokens(
        "a", "r", NOW + timedelta(minutes=30), NOW + timedelta(days=60)
    )


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, b'{"error":"invalid_grant"}', Kind.UNAUTHENTICATED, "connect the organisation again"),
        (400, b'{"error":"invalid_client"}', Kind.UNAUTHENTICATED, "XERO_CLIENT_ID"),
        (400, b'{"error":"unsupported_grant_type"}', Kind.UNAUTHENTICATED, "unsupported"),
        (400, b"", Kind.UNAUTHENTICATED, "400"),
        (200, b"{}", Kind.TRANSIENT, "cannot be read"),
        (200, b"<html>", Kind.TRANSIENT, "cannot be read"),
        (429, b"", Kind.RATE_LIMITED, "429"),
        (500, b"", Kind.TRANSIENT, "500"),
        (503, b"", Kind.TRANSIENT, "503"),
    ],
)
def test_a_refused_token_request_says_who_has_to_act(
    status: int, body: bytes, kind: Kind, words: str
) -> None:
    with pytest.raises(RemoteFailure) as caught:
        oauth.tokens(status, {}, body, NOW)
    assert (caught.value.kind, words in caught.value.message) == (kind, True)


def token(claims: Any) -> str:
    middle = base64.urlsafe_b64encode(wire_json.encode(claims)).decode().rstrip("=")
    return f"head.{middle}.sign"


@pytest.mark.parametrize(
    ("access", "event"),
    [
        (token({"authentication_event_id": "e-1"}), "e-1"),
        (token({"authentication_event_id": 5}), None),
        (token([]), None),
        ("opaque", None),
        ("a.!.c", None),
    ],
)
def test_the_consent_is_read_from_the_token_where_it_says_it(
    access: str, event: str | None
) -> None:
    assert oauth.consent_event(access) == event


def test_tenants_are_organisations() -> None:
    assert oauth.connections_path("e 1") == "/connections?authEventId=e%201"
    assert oauth.connections_path(None) == "/connections"
    one = {"id": "c1", "tenantId": "t1", "tenantType": "ORGANISATION", "tenantName": "Harbour"}
    other = one | {"id": "c2", "tenantType": "PRACTICE"}
    found = oauth.tenants([one, other])
    assert [(each.id, each.tenant, each.name) for each in found] == [("c1", "t1", "Harbour")]
    assert oauth.tenants({}) == []
    with pytest.raises(ValidationError):
        oauth.tenants([{"id": "c1"}])
