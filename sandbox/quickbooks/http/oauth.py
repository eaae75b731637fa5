"""Sign-in: the consent page, tokens, their rotation and end (accounting.md 2.4).

Owns every token that the simulator gave out. The vendor's four hosts are one here.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.kit.wire import Reply, Request, json_reply
from sandbox.quickbooks.model import QuickBooks

AUTHORIZE = "/connect/oauth2"
TOKEN = "/oauth2/v1/tokens/bearer"
REVOKE = "/v2/oauth2/tokens/revoke"
USER = "/v1/openid_connect/userinfo"
DISCOVERY = ("/.well-known/openid_sandbox_configuration", "/.well-known/openid_configuration")
SCOPE = "com.intuit.quickbooks.accounting"

CODE_SECONDS = 300
ACCESS_SECONDS = 3600
REFRESH_SECONDS = 100 * 86_400
GRANT_SECONDS = 5 * 365 * 86_400
ROTATION_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Registration:
    """The app as it is registered with the vendor, and the company that consents to it."""

    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"
    realm: str = "4620816365000000001"
    verifier_token: str = "sandbox-verifier"
    lasting_token: str = "sandbox-access"


@dataclass(slots=True)
class Grant:
    """One consent. Any of its access tokens opens the company until it ends."""

    until: float
    refresh: str
    refresh_until: float
    rotated: float
    access: dict[str, float] = field(default_factory=dict)


class SignIn:
    """The vendor's identity hosts."""

    def __init__(
        self, books: QuickBooks, registration: Registration, address: Callable[[], str]
    ) -> None:
        self.books = books
        self.registration = registration
        self._address = address
        self._codes: dict[str, tuple[str, float]] = {}
        self._grants: list[Grant] = []

    def reset(self) -> None:
        self._codes.clear()
        self._grants.clear()

    def answer(self, request: Request) -> Reply | None:
        """None: the path is none of these."""
        path = request.path.rstrip("/")
        if path in DISCOVERY and request.method == "GET":
            return json_reply(200, self._discovery())
        handler = {
            ("GET", AUTHORIZE): self._authorize,
            ("POST", TOKEN): self._token,
            ("POST", REVOKE): self._revoke,
            ("GET", USER): self._user,
        }.get((request.method, path))
        return handler(request) if handler is not None else None

    def admits(self, request: Request) -> bool:
        """Whether the request's bearer token opens the company now."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            return False
        if token == self.registration.lasting_token:
            return True
        now = self.books.world.moment()
        return any(grant.access.get(token, 0) > now for grant in self._grants)

    # --- a person's part

    def expire_access(self) -> None:
        """As if an hour had passed."""
        for grant in self._grants:
            grant.access.clear()

    def disconnect(self) -> None:
        """The owner takes the consent back."""
        self._grants.clear()

    # --- the endpoints

    def _discovery(self) -> dict[str, Any]:
        address = self._address()
        return {
            "issuer": "https://oauth.platform.intuit.com/op/v1",
            "authorization_endpoint": address + AUTHORIZE,
            "token_endpoint": address + TOKEN,
            "userinfo_endpoint": address + USER,
            "revocation_endpoint": address + REVOKE,
            "jwks_uri": address + "/op/v1/jwks",
            "response_types_supported": ["code"],
            "scopes_supported": [SCOPE],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def _authorize(self, request: Request) -> Reply:
        """The consent page, whose person answers at once, as the switch `consent` says."""
        given = request.parameters
        target = given.get("redirect_uri", "")
        if given.get("client_id") != self.registration.client_id or not target.startswith("http"):
            return Reply(
                400, b"Sorry, but this app did not connect.", (("content-type", "text/html"),)
            )
        answer = {"state": given.get("state", "")}
        if given.get("response_type") != "code" or SCOPE not in given.get("scope", "").split():
            answer["error"] = "invalid_scope"
        elif self.books.switches.consent == "denied":
            answer["error"] = "access_denied"
        else:
            code = f"code-{self.books.world.new_guid()}"
            self._codes[code] = (target, self.books.world.moment() + CODE_SECONDS)
            answer |= {"code": code, "realmId": self.registration.realm}
        joint = "&" if "?" in target else "?"
        return Reply(302, b"", (("location", f"{target}{joint}{urlencode(answer)}"),))

    def _token(self, request: Request) -> Reply:
        if not self._is_client(request):
            return json_reply(401, {"error": "invalid_client"})
        form = dict(parse_qsl(request.body.decode(errors="replace")))
        kind = form.get("grant_type")
        if kind == "authorization_code":
            grant = self._by_code(form)
        elif kind == "refresh_token":
            grant = self._by_refresh(form)
        else:
            return json_reply(400, {"error": "unsupported_grant_type"})
        if grant is None:
            return json_reply(
                400,
                {
                    "error": "invalid_grant",
                    "error_description": "Incorrect or expired code or refresh token",
                },
            )
        asked = request.headers.get("x-include-refresh-token-hard-expires-in", "")
        return json_reply(200, self._tokens(grant, hard=asked.lower() == "true"))

    def _by_code(self, form: dict[str, str]) -> Grant | None:
        """A code is good once, and for the address that it was sent to."""
        target, until = self._codes.pop(form.get("code", ""), ("", 0.0))
        now = self.books.world.moment()
        if until <= now or target != form.get("redirect_uri"):
            return None
        grant = Grant(now + GRANT_SECONDS, self._new("refresh"), now + REFRESH_SECONDS, now)
        self._grants.append(grant)
        return grant

    def _by_refresh(self, form: dict[str, str]) -> Grant | None:
        """The value changes about daily, or each time; the one before is dead at once."""
        now = self.books.world.moment()
        for grant in self._grants:
            if (
                grant.refresh != form.get("refresh_token")
                or min(grant.refresh_until, grant.until) <= now
            ):
                continue
            grant.refresh_until = now + REFRESH_SECONDS
            daily = self.books.switches.refresh_rotation == "daily"
            if not daily or now - grant.rotated >= ROTATION_SECONDS:
                grant.refresh, grant.rotated = self._new("refresh"), now
            return grant
        return None

    def _tokens(self, grant: Grant, *, hard: bool) -> dict[str, Any]:
        now = self.books.world.moment()
        access = self._new("access")
        grant.access = {key: until for key, until in grant.access.items() if until > now}
        grant.access[access] = now + ACCESS_SECONDS
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": grant.refresh,
            "x_refresh_token_expires_in": round(grant.refresh_until - now),
        }
        if hard:
            answer["x_refresh_token_hard_expires_in"] = round(grant.until - now)
        return answer

    def _revoke(self, request: Request) -> Reply:
        if not self._is_client(request):
            return json_reply(401, {"error": "invalid_client"})
        try:
            token = json.loads(request.body)["token"]
        except (ValueError, KeyError, TypeError):
            return json_reply(400, {"error": "invalid_request"})
        kept = [each for each in self._grants if token != each.refresh and token not in each.access]
        if len(kept) == len(self._grants):
            return json_reply(400, {"error": "invalid_grant"})
        self._grants = kept
        return Reply(200)

    def _user(self, request: Request) -> Reply:
        if not self.admits(request):
            return json_reply(401, {"error": "invalid_token"})
        return json_reply(200, {"sub": "sandbox-user", "email": "owner@sandbox.example"})

    def _new(self, kind: str) -> str:
        return f"{kind}-{self.books.world.new_guid()}"

    def _is_client(self, request: Request) -> bool:
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        try:
            login = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        mine = self.registration
        return kind.lower() == "basic" and login == f"{mine.client_id}:{mine.client_secret}"
