"""Xero's OAuth2: consent, exchange, refresh, revocation and tenants as plain requests and answers.

Owns their form (accounting.md 3.4). Pure: it sends and stores nothing, and time is passed in.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from pydantic import ValidationError

from app.connectors import wire_json
from app.connectors.xero import errors, schemas
from app.domain.books import Tokens
from app.domain.errors import FailureKind, RemoteFailure

AUTHORIZE = "https://login.xero.com/identity/connect/authorize"
IDENTITY = "https://identity.xero.com"
API = "https://api.xero.com"
TOKEN = "/connect/token"  # noqa: S105 - a path
REVOCATION = "/connect/revocation"
CONNECTIONS = "/connections"
# `accounting.invoices` covers purchase orders, credit notes and items too.
SCOPES = (
    "openid", "profile", "email", "offline_access", "accounting.invoices", "accounting.contacts",
    "accounting.settings.read", "accounting.attachments",
)  # fmt: skip
REFRESH_DAYS = 60
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class App:
    """The app that Xero knows us as. The secret never shows in a repr."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Post:
    """A request to the identity host: path, form, and the head that proves who we are."""

    path: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def consent_address(
    app: App, redirect_uri: str, state: str, *, challenge: str = "", page: str = AUTHORIZE
) -> str:
    """Where a person's browser is sent. `challenge` is the S256 of a verifier (PKCE)."""
    asked = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(SCOPES),
        "state": state,
    }
    if challenge:
        asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    return f"{page}?{urlencode(asked, quote_via=quote)}"


def exchange(app: App, code: str, redirect_uri: str, *, verifier: str = "") -> Post:
    """The code is good once, for five minutes."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return _post(TOKEN, app, form | ({"code_verifier": verifier} if verifier else {}))


def refresh(app: App, refresh_token: str) -> Post:
    return _post(TOKEN, app, {"grant_type": "refresh_token", "refresh_token": refresh_token})


def revoke(app: App, refresh_token: str) -> Post:
    """Ends the grant and every connection of it."""
    return _post(REVOCATION, app, {"token": refresh_token})


def _post(path: str, app: App, form: Mapping[str, str]) -> Post:
    login = base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
    headers = {
        "Authorization": f"Basic {login}",
        "Content-Type": FORM,
        "Accept": "application/json",
    }
    return Post(path, urlencode(form).encode(), headers)


def tokens(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Tokens:
    """The tokens of a token endpoint's answer, dated from `now`: the moment before it was asked.

    Raises RemoteFailure: UNAUTHENTICATED when the grant or the app is refused, for good. Whatever
    else fails may be tried again: the refresh token of before stays good for thirty minutes, so an
    answer that was lost costs nothing.
    """
    if status != HTTPStatus.OK:
        raise _refused(status, headers, body)
    try:
        read = schemas.TokenAnswer.model_validate(wire_json.loads(body))
    except (ValidationError, wire_json.NotReadable):
        raise RemoteFailure(
            FailureKind.TRANSIENT,
            "Xero's answer to a token request cannot be read.",
            endpoint=f"POST {TOKEN}",
            status=status,
        ) from None
    return Tokens(
        access=read.access,
        refresh=read.refresh,
        access_until=now + timedelta(seconds=read.seconds),
        refresh_until=now + timedelta(days=REFRESH_DAYS),
    )


def _refused(status: int, headers: Mapping[str, str], body: bytes) -> RemoteFailure:
    failure = errors.of_answer("GET", TOKEN, status, headers, body)
    if failure.kind in {FailureKind.TRANSIENT, FailureKind.RATE_LIMITED}:
        return failure
    try:
        parsed = wire_json.loads(body)
    except wire_json.NotReadable:
        parsed = None
    said = str(parsed.get("error") or "") if isinstance(parsed, Mapping) else ""
    message = {
        "invalid_grant": "Xero's consent has ended: a person has to connect the organisation again.",
        "invalid_client": "Xero does not know the app: check XERO_CLIENT_ID and its secret.",
    }.get(said, f"Xero gives no token: {said or status}.")
    return RemoteFailure(
        FailureKind.UNAUTHENTICATED, message, endpoint=f"POST {TOKEN}", status=status
    )


def consent_event(access_token: str) -> str | None:
    """Which consent a token comes from: by it `/connections` tells the tenants that the person
    just chose. The token is read, not verified: it came from the token endpoint itself."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = wire_json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, wire_json.NotReadable):
        return None
    found = claims.get("authentication_event_id") if isinstance(claims, Mapping) else None
    return found if isinstance(found, str) else None


def connections_path(event: str | None) -> str:
    return f"{CONNECTIONS}?authEventId={quote(event, safe='')}" if event else CONNECTIONS


def connection_path(connection: str) -> str:
    return f"{CONNECTIONS}/{quote(connection, safe='')}"


def tenants(parsed: Any) -> list[schemas.Connection]:
    """The organisations that a grant reaches. Raises ValidationError."""
    listed = parsed if isinstance(parsed, list) else []
    read = [schemas.Connection.model_validate(one) for one in listed]
    return [one for one in read if one.kind == "ORGANISATION"]
