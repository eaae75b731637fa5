"""The paths beside the accounting API: the consent page, the token endpoint, the connections.

Owns their parameters and answers; the life of grants is in `tokens`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from sandbox.kit.wire import Reply, Request, json_reply
from sandbox.xero.http.tokens import BROAD, GRANULAR, IDENTITY, Access, Grants, OAuthError
from sandbox.xero.model.errors import Refusal, gateway

if TYPE_CHECKING:
    from sandbox.xero.model.switches import Switches

TOKEN = "/connect/token"
REVOCATION = "/connect/revocation"
AUTHORIZE = "/identity/connect/authorize"
CONNECTIONS = "/connections"


class Identity:
    """Answers these paths of one site."""

    def __init__(
        self,
        grants: Grants,
        now: Callable[[], datetime],
        switches: Callable[[], Switches],
    ) -> None:
        self.grants = grants
        self.now = now
        self.switches = switches

    def answer(self, request: Request) -> Reply | None:
        """None for a path that is not one of these."""
        # Without regard to case: the vendor's own client asks for /Connections.
        path = request.path.rstrip("/").lower()
        if path == AUTHORIZE and request.method == "GET":
            return self._authorize(request)
        if path == TOKEN and request.method == "POST":
            return self._form(request, self._token)
        if path == REVOCATION and request.method == "POST":
            return self._form(request, self._revoke)
        if path == CONNECTIONS and request.method == "GET":
            return self._list(request)
        if path.startswith(f"{CONNECTIONS}/") and request.method == "DELETE":
            return self._disconnect(request, path.rpartition("/")[2])
        return None

    # --- consent

    def _authorize(self, request: Request) -> Reply:
        """The page on which a person agrees; the simulated one agrees at once, or not at all."""
        given = request.parameters
        mine = self.grants.credentials
        back = given.get("redirect_uri", "")
        known = not mine.redirect_uris or back in mine.redirect_uris
        if given.get("client_id") != mine.client_id or not back or not known:
            return Reply(400, b"Sorry, something went wrong: unauthorized_client")
        answer = {"state": given["state"]} if "state" in given else {}
        scopes = tuple(given.get("scope", "").split())
        allowed = {*IDENTITY, *GRANULAR, *(BROAD if self.switches().broad_scopes else ())}
        if given.get("response_type") != "code":
            answer["error"] = "unsupported_response_type"
        elif not scopes or not set(scopes) <= allowed:
            answer["error"] = "invalid_scope"
        elif not self.switches().consent:
            answer["error"] = "access_denied"
        else:
            challenge = given.get("code_challenge", "")
            answer["code"] = self.grants.consent(back, scopes, challenge, self.now())
            answer["scope"] = " ".join(scopes)
        sign = "&" if "?" in back else "?"
        return Reply(302, b"", (("location", f"{back}{sign}{urlencode(answer)}"),))

    # --- tokens

    def _form(self, request: Request, work: Callable[[dict[str, str]], Any]) -> Reply:
        given = dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
        try:
            self._check_client(request, given)
            answer = work(given)
        except OAuthError as error:
            return json_reply(400, {"error": error.error})
        return Reply(200) if answer is None else json_reply(200, answer)

    def _check_client(self, request: Request, given: dict[str, str]) -> None:
        """Basic, or in the form."""
        mine = self.grants.credentials
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        name, secret = given.get("client_id"), given.get("client_secret")
        if kind.lower() == "basic":
            try:
                name, _, secret = base64.b64decode(text, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise OAuthError("invalid_client") from None
        if name != mine.client_id or secret != mine.client_secret:
            raise OAuthError("invalid_client")

    def _token(self, given: dict[str, str]) -> dict[str, Any]:
        kind = given.get("grant_type")
        if kind == "authorization_code":
            return self.grants.exchange(
                given.get("code", ""),
                given.get("redirect_uri", ""),
                given.get("code_verifier", ""),
                self.now(),
            )
        if kind == "refresh_token":
            return self.grants.refresh(given.get("refresh_token", ""), self.now())
        raise OAuthError("unsupported_grant_type")

    def _revoke(self, given: dict[str, str]) -> None:
        self.grants.revoke(given.get("token", ""))

    # --- connections

    def who(self, request: Request) -> Access:
        """The bearer of a request. Raises `Refusal` 401."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        found = self.grants.of(token.strip(), self.now()) if kind.lower() == "bearer" else None
        if not isinstance(found, Access):
            why = found or "AuthenticationUnsuccessful"
            raise gateway(401, "Unauthorized", why, self.grants.new_guid())
        return found

    def _list(self, request: Request) -> Reply:
        try:
            self.who(request)
        except Refusal as refusal:
            return json_reply(refusal.status, refusal.body)
        event = request.parameters.get("authEventId")
        mine = self.grants.credentials
        return json_reply(
            200,
            [
                {
                    "id": one.id,
                    "authEventId": one.event,
                    "tenantId": mine.tenant_id,
                    "tenantType": "ORGANISATION",
                    "tenantName": mine.organisation,
                    "createdDateUtc": f"{one.created:%Y-%m-%dT%H:%M:%S.%f}0",
                    "updatedDateUtc": f"{one.created:%Y-%m-%dT%H:%M:%S.%f}0",
                }
                for one in self.grants.connections.values()
                if event is None or event == one.event
            ],
        )

    def _disconnect(self, request: Request, connection: str) -> Reply:
        try:
            self.who(request)
        except Refusal as refusal:
            return json_reply(refusal.status, refusal.body)
        if self.grants.connections.pop(connection, None) is None:
            return Reply(404)
        return Reply(204)
