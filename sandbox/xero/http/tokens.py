"""OAuth2: consent, codes, access and refresh tokens, revocation, and the connections they reach.

Owns grants and their life (accounting.md 3.4). Time and identifiers are passed in. Tokens are
signed with a key of the simulator's own; nothing secret is behind them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

CODE_SECONDS = 300.0
ACCESS_SECONDS = 1_800
REFRESH_SECONDS = 60 * 86_400.0
OVERLAP_SECONDS = 1_800.0

IDENTITY = ("openid", "profile", "email", "offline_access")
GRANULAR = (
    "accounting.invoices", "accounting.invoices.read", "accounting.payments",
    "accounting.payments.read", "accounting.contacts", "accounting.contacts.read",
    "accounting.settings", "accounting.settings.read", "accounting.attachments",
    "accounting.attachments.read",
)  # fmt: skip
BROAD = ("accounting.transactions", "accounting.transactions.read")
SIGNING_KEY = b"the simulator signs its tokens with this"


@dataclass(frozen=True)
class Credentials:
    """The app that clients log in as, and the organisation's identifiers.

    `standing_token` is the simulator's own: it never ends and may do everything, for tests, demos
    and a person's part. It belongs to another app than `client_id`.
    """

    client_id: str = "6F0C8E4B2A9D4B7E9C1A53D0E7F4A812"
    client_secret: str = "the-secret-of-the-simulated-app"
    redirect_uris: tuple[str, ...] = ()  # none: any
    tenant_id: str = "5d3c1f0a-8e2b-4c57-9f6d-2b7a90c4e1d8"
    organisation: str = "Harbour IT Ltd"
    standing_token: str = "sandbox-standing-token"

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.standing_token}",
            "xero-tenant-id": self.tenant_id,
        }


@dataclass(frozen=True, slots=True)
class Access:
    """Who calls, and what they may do."""

    app: str
    user: str
    scopes: frozenset[str]
    event: str
    everything: bool = False


@dataclass(slots=True)
class Code:
    until: float
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    event: str


@dataclass(frozen=True, slots=True)
class Refresh:
    until: float
    scopes: tuple[str, ...]
    event: str
    rotated: bool = False


@dataclass(frozen=True, slots=True)
class Connection:
    """An organisation that a person let the app into."""

    id: str
    event: str
    created: datetime


class OAuthError(Exception):
    """RFC 6749's refusal, by its code."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass
class Grants:
    """Everything that people granted."""

    credentials: Credentials
    new_guid: Callable[[], str]
    codes: dict[str, Code] = field(default_factory=dict)
    access: dict[str, tuple[float, tuple[str, ...], str]] = field(default_factory=dict)
    refreshes: dict[str, Refresh] = field(default_factory=dict)
    connections: dict[str, Connection] = field(default_factory=dict)

    def consent(
        self, redirect_uri: str, scopes: tuple[str, ...], challenge: str, now: datetime
    ) -> str:
        """A code for what the person just agreed to. The tenant is connected from here on."""
        event = self.new_guid()
        code = base64.urlsafe_b64encode(hashlib.sha256(event.encode()).digest()).decode()
        self.codes[code] = Code(
            now.timestamp() + CODE_SECONDS, redirect_uri, scopes, challenge, event
        )
        if not self.connections:
            key = self.new_guid()
            self.connections[key] = Connection(key, event, now)
        else:
            self.connections = {
                key: replace(one, event=event) for key, one in self.connections.items()
            }
        return code

    def exchange(
        self, code: str, redirect_uri: str, verifier: str, now: datetime
    ) -> dict[str, Any]:
        """A code is good once, for five minutes."""
        found = self.codes.pop(code, None)
        if found is None or found.until <= now.timestamp() or found.redirect_uri != redirect_uri:
            raise OAuthError("invalid_grant")
        if found.challenge and _challenge(verifier) != found.challenge:
            raise OAuthError("invalid_grant")
        return self._tokens(found.scopes, found.event, now)

    def refresh(self, token: str, now: datetime) -> dict[str, Any]:
        """A refresh token is replaced by its use, and good for half an hour more, so that a client
        whose answer was lost can ask again."""
        at = now.timestamp()
        found = self.refreshes.get(token)
        if found is None or found.until <= at:
            raise OAuthError("invalid_grant")
        if not found.rotated:
            self.refreshes[token] = replace(found, until=at + OVERLAP_SECONDS, rotated=True)
        return self._tokens(found.scopes, found.event, now)

    def _tokens(self, scopes: tuple[str, ...], event: str, now: datetime) -> dict[str, Any]:
        at = now.timestamp()
        access = self._access_token(scopes, event, int(at))
        self.access[access] = (at + ACCESS_SECONDS, scopes, event)
        answer: dict[str, Any] = {
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "token_type": "Bearer",
            "scope": " ".join(scopes),
        }
        if "openid" in scopes:
            answer["id_token"] = _signed({"sub": self.credentials.organisation, "iat": int(at)})
        if "offline_access" in scopes:
            seed = self.new_guid().encode()
            refresh = base64.urlsafe_b64encode(hashlib.sha256(seed).digest()).decode().rstrip("=")
            self.refreshes[refresh] = Refresh(at + REFRESH_SECONDS, scopes, event)
            answer["refresh_token"] = refresh
        return answer

    def _access_token(self, scopes: tuple[str, ...], event: str, at: int) -> str:
        return _signed(
            {
                "nbf": at,
                "exp": at + ACCESS_SECONDS,
                "iss": "https://identity.xero.com",
                "aud": "https://identity.xero.com/resources",
                "client_id": self.credentials.client_id,
                "xero_userid": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
                "jti": self.new_guid(),
                "authentication_event_id": event,
                "scope": list(scopes),
            }
        )

    def revoke(self, token: str) -> None:
        """Ends every token of the grant and its connections. An unknown token is no error."""
        found = self.refreshes.get(token)
        if found is None:
            return
        self.refreshes = {k: one for k, one in self.refreshes.items() if one.event != found.event}
        self.access = {k: one for k, one in self.access.items() if one[2] != found.event}
        self.connections.clear()

    def of(self, token: str, now: datetime) -> Access | str:
        """Who a bearer token is, or why it is nobody."""
        mine = self.credentials
        if token == mine.standing_token:
            return Access("standing", "A person", frozenset(), "", everything=True)
        found = self.access.get(token)
        if found is None:
            return "AuthenticationUnsuccessful"
        until, scopes, event = found
        if until <= now.timestamp():
            ended = datetime.fromtimestamp(until, UTC)
            return f"TokenExpired: token expired at {ended:%m/%d/%Y %H:%M:%S}"
        return Access(mine.client_id, "System Generated", frozenset(scopes), event)

    def reaches(self, access: Access, tenant: str) -> bool:
        if tenant.lower() != self.credentials.tenant_id:
            return False
        return access.everything or bool(self.connections)

    def clear(self) -> None:
        self.codes.clear()
        self.access.clear()
        self.refreshes.clear()
        self.connections.clear()


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _signed(claims: dict[str, Any]) -> str:
    """A JSON web token."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    text = f"{head}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.new(SIGNING_KEY, text.encode(), hashlib.sha256).digest())}"
