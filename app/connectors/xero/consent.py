"""Signing in to Xero as the service does it: see `grants.Consent`, which this implements.

Owns the sending; the requests and answers themselves are `oauth`'s. Keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx
from pydantic import ValidationError

from app.connectors import wire_json
from app.connectors.pacing import Pacing
from app.connectors.remote import Answer, Remote
from app.connectors.xero import errors, oauth, schemas
from app.connectors.xero.caller import SYSTEM
from app.domain.books import HeldTokens, Tokens
from app.domain.grants import Company
from app.domain.ports import Clock

OK, NO_CONTENT, BAD_REQUEST, NOT_FOUND = 200, 204, 400, 404
_OVER = (401, 403)  # the token reaches nothing any more; the grant is still to be ended


class XeroConsent:
    """`page` is the consent page, `identity_url` the host of tokens, `api_url` that of the API."""

    system = SYSTEM

    def __init__(
        self,
        app: oauth.App,
        redirect_uri: str,
        *,
        page: str,
        identity_url: str,
        api_url: str,
        clock: Clock,
        transport: httpx.AsyncBaseTransport,
    ) -> None:
        self._app = app
        self._redirect_uri = redirect_uri
        self._page = page

        def remote(base_url: str) -> Remote:
            headers = {"Accept": "application/json", "User-Agent": "demandlink"}
            pacing = Pacing(clock)
            return Remote(SYSTEM, base_url, headers, clock, transport, pacing)

        self._identity = remote(identity_url)
        self._api = remote(api_url)

    async def aclose(self) -> None:
        await self._identity.aclose()
        await self._api.aclose()

    def address(self, state: str) -> str:
        return oauth.consent_address(self._app, self._redirect_uri, state, page=self._page)

    async def exchange(self, code: str, now: datetime) -> Tokens:
        post = oauth.exchange(self._app, code, self._redirect_uri)
        answer = await _sent(self._identity, "POST", post.path, post.headers, post.body)
        return oauth.tokens(answer.status, answer.headers, answer.body, now)

    async def companies(self, tokens: Tokens, named: str) -> Sequence[Company]:
        """The organisations chosen in this consent, or all of the grant where it tells no event."""
        event = oauth.consent_event(tokens.access)
        path, _, query = oauth.connections_path(event).partition("?")
        answer = await self._listed(tokens, path, query)
        reached = _reached(path, answer)
        return [Company(one.tenant, one.name or one.tenant) for one in reached]

    async def _listed(self, tokens: Tokens, path: str, query: str = "") -> Answer:
        return await _sent(self._api, "GET", path, _bearer(tokens), query=query)

    async def revoke(self, held: HeldTokens, company: str, now: datetime) -> None:
        """The organisation's connection is deleted, then the grant ended (accounting.md 3.4): a
        connection that is only no longer used counts on the app's tier."""
        tokens = held.tokens
        if tokens.access_until <= now:
            fetch = oauth.refresh(self._app, tokens.refresh)
            answer = await _sent(self._identity, "POST", fetch.path, fetch.headers, fetch.body)
            tokens = oauth.tokens(answer.status, answer.headers, answer.body, now)
            await held.store(tokens)
        await self._delete(tokens, company)
        post = oauth.revoke(self._app, tokens.refresh)
        answer = await _sent(self._identity, "POST", post.path, post.headers, post.body)
        if answer.status not in {OK, BAD_REQUEST}:
            raise errors.of_answer("POST", post.path, answer.status, answer.headers, answer.body)

    async def _delete(self, tokens: Tokens, company: str) -> None:
        answer = await self._listed(tokens, oauth.CONNECTIONS)
        if answer.status in _OVER:
            return
        headers = _bearer(tokens)
        reached = _reached(oauth.CONNECTIONS, answer)
        for one in reached:
            if one.tenant != company:
                continue
            path = oauth.connection_path(one.id)
            answer = await _sent(self._api, "DELETE", path, headers)
            if answer.status not in {OK, NO_CONTENT, NOT_FOUND, *_OVER}:
                raise errors.of_answer("DELETE", path, answer.status, answer.headers, answer.body)


def _bearer(tokens: Tokens) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {tokens.access}"}


def _reached(path: str, answer: Answer) -> list[schemas.Connection]:
    """The connections that an answer lists. Raises RemoteFailure."""
    if answer.status != OK:
        raise errors.of_answer("GET", path, answer.status, answer.headers, answer.body)
    try:
        return oauth.tenants(wire_json.loads(answer.body))
    except (ValidationError, wire_json.NotReadable):
        raise errors.unreadable("GET", path, OK, "it lists no connections") from None


async def _sent(
    remote: Remote,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    query: str = "",
) -> Answer:
    try:
        return await remote.call(method, path, query=query, body=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as cause:
        raise errors.of_transport(cause, method, path) from cause
