"""Signing in to QuickBooks: the consent's address, and tokens for a code or a refresh token.

Owns these requests and what their answers mean (accounting.md 2.4), all pure but `SignIn`, which
sends them. Must not store a token: that is the vault's part, and who refreshes is `bearer`'s.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from app.connectors import wire_json
from app.connectors.pacing import Pacing
from app.connectors.quickbooks import errors
from app.connectors.remote import Remote
from app.domain.books import Tokens
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import Clock

AUTHORIZE_URL = "https://appcenter.intuit.com/connect/oauth2"
TOKEN_URL = "https://oauth.platform.intuit.com"  # noqa: S105 - an address
TOKEN_PATH = "/oauth2/v1/tokens/bearer"  # noqa: S105 - a path
REVOKE_URL = "https://developer.api.intuit.com"
REVOKE_PATH = "/v2/oauth2/tokens/revoke"
SCOPE = "com.intuit.quickbooks.accounting"
# A first answer that says nothing of its life is taken for the shortest documented one.
ACCESS_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class App:
    """The app as it is registered with Intuit. The secret never shows in a repr."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    authorize_url: str = AUTHORIZE_URL
    token_url: str = TOKEN_URL
    revoke_url: str = REVOKE_URL

    @property
    def headers(self) -> dict[str, str]:
        login = f"{self.client_id}:{self.client_secret}".encode()
        return {
            "Authorization": f"Basic {base64.b64encode(login).decode()}",
            "Accept": "application/json",
            "User-Agent": "demandlink",
        }


def consent_address(app: App, state: str) -> str:
    """Where a person says yes. The callback brings `code`, `state` and `realmId`."""
    asked = {
        "client_id": app.client_id,
        "response_type": "code",
        "scope": SCOPE,
        "redirect_uri": app.redirect_uri,
        "state": state,
    }
    return f"{app.authorize_url}?{urlencode(asked)}"


def code_form(app: App, code: str) -> bytes:
    return urlencode(
        {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
    ).encode()


def refresh_form(refresh: str) -> bytes:
    return urlencode({"grant_type": "refresh_token", "refresh_token": refresh}).encode()


def tokens_of(body: bytes, now: datetime) -> Tokens:
    """The tokens of a 200. Raises OUTCOME_UNKNOWN when it cannot be read: the old refresh token
    may be dead then."""
    try:
        raw = wire_json.loads(body)
        access, refresh = raw["access_token"], raw["refresh_token"]
    except (wire_json.NotReadable, KeyError, TypeError) as cause:
        raise _unreadable("it has no tokens") from cause
    if not (isinstance(access, str) and isinstance(refresh, str) and access and refresh):
        raise _unreadable("its tokens are no text")
    return Tokens(
        access=access,
        refresh=refresh,
        access_until=_after(raw, "expires_in", now) or now + timedelta(seconds=ACCESS_SECONDS),
        refresh_until=_after(raw, "x_refresh_token_expires_in", now),
        grant_until=_after(raw, "x_refresh_token_hard_expires_in", now),
    )


LONGEST_SECONDS = 20 * 366 * 86_400  # no grant lives longer; a date further away would not fit


def _after(raw: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    seconds = raw.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        return None
    if not 0 <= seconds <= LONGEST_SECONDS:
        return None
    return now + timedelta(seconds=seconds)


def _unreadable(why: str) -> RemoteFailure:
    return errors.unreadable("POST", TOKEN_PATH, 200, why)


def refused(status: int, body: bytes) -> RemoteFailure:
    """An answer other than 200. `invalid_grant`: only a new consent helps. `invalid_client`: the
    app's own keys are wrong."""
    word = ""
    try:
        raw = wire_json.loads(body)
        word = str(raw.get("error", "")) if isinstance(raw, Mapping) else ""
    except wire_json.NotReadable:
        pass
    if status == 429:
        return RemoteFailure(
            FailureKind.RATE_LIMITED,
            "Intuit asks to wait before signing in again.",
            endpoint=f"POST {TOKEN_PATH}",
            status=status,
            retry_after=errors.THROTTLE_SECONDS,
        )
    if status >= 500:
        kind, said = FailureKind.OUTCOME_UNKNOWN, f"Intuit's sign-in answered {status}."
    elif word == "invalid_client":
        kind, said = FailureKind.UNAUTHENTICATED, "Intuit refuses the app's client id or secret."
    elif word == "invalid_grant" or status == 401:
        kind = FailureKind.UNAUTHENTICATED
        said = "The consent to QuickBooks has ended or was taken back: connect it again."
    else:
        kind, said = (
            FailureKind.REJECTED,
            f"Intuit's sign-in answered {status} {word}".strip() + ".",
        )
    return RemoteFailure(kind, said, endpoint=f"POST {TOKEN_PATH}", status=status)


class SignIn:
    """Sends the requests of signing in. Raises RemoteFailure."""

    def __init__(self, app: App, *, clock: Clock, transport: httpx.AsyncBaseTransport) -> None:
        self.app = app
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        # The answer's further field tells when even a used grant ends.
        hard = {"x-include-refresh-token-hard-expires-in": "true"}
        self._tokens = Remote(
            system="quickbooks",
            base_url=app.token_url.rstrip("/"),
            headers=app.headers | form | hard,
            clock=clock,
            transport=transport,
            pacing=Pacing(clock),
        )
        self._ends = Remote(
            system="quickbooks",
            base_url=app.revoke_url.rstrip("/"),
            headers=app.headers,
            clock=clock,
            transport=transport,
            pacing=Pacing(clock),
        )

    async def aclose(self) -> None:
        await self._tokens.aclose()
        await self._ends.aclose()

    async def by_code(self, code: str, now: datetime) -> Tokens:
        """The first tokens; a code is good once."""
        return await self._ask(code_form(self.app, code), now)

    async def refresh(self, tokens: Tokens, now: datetime) -> Tokens:
        """New tokens. Whether the refresh token changed is the vendor's choice: the answer's
        counts."""
        return await self._ask(refresh_form(tokens.refresh), now)

    async def revoke(self, tokens: Tokens) -> None:
        """Give the consent back. What is revoked already is no failure."""
        body = wire_json.encode({"token": tokens.refresh})
        answer = await self._send(self._ends, REVOKE_PATH, body)
        if answer.status not in {200, 400}:
            raise refused(answer.status, answer.body)

    async def _ask(self, form: bytes, now: datetime) -> Tokens:
        answer = await self._send(self._tokens, TOKEN_PATH, form)
        if answer.status != 200:
            raise refused(answer.status, answer.body)
        return tokens_of(answer.body, now)

    async def _send(self, remote: Remote, path: str, body: bytes) -> Any:
        try:
            return await remote.call("POST", path, body=body)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise errors.of_transport(cause, "POST", path) from cause
