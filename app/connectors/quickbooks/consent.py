"""Signing in to QuickBooks as the service does it: see `grants.Consent`, which this implements.

Owns the one read that shows which company a consent reaches. Keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx

from app.connectors import wire_json
from app.connectors.pacing import Pacing
from app.connectors.quickbooks import errors
from app.connectors.quickbooks.caller import BASE_HEADERS, MINOR_VERSION, SYSTEM, Access
from app.connectors.quickbooks.oauth import App, SignIn, consent_address
from app.connectors.remote import Remote
from app.domain.books import HeldTokens, Tokens
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.grants import Company
from app.domain.ports import Clock


class QuickBooksConsent:
    """`base_url` is that of the accounting API."""

    system = SYSTEM

    def __init__(
        self, app: App, base_url: str, *, clock: Clock, transport: httpx.AsyncBaseTransport
    ) -> None:
        self._app = app
        self._base_url = base_url
        self.sign_in = SignIn(app, clock=clock, transport=transport)
        self._remote = Remote(
            system=SYSTEM,
            base_url=base_url,
            headers=BASE_HEADERS,
            clock=clock,
            transport=transport,
            pacing=Pacing(clock),
        )

    async def aclose(self) -> None:
        await self.sign_in.aclose()
        await self._remote.aclose()

    def address(self, state: str) -> str:
        return consent_address(self._app, state)

    async def exchange(self, code: str, now: datetime) -> Tokens:
        return await self.sign_in.by_code(code, now)

    async def companies(self, tokens: Tokens, named: str) -> Sequence[Company]:
        """The callback's `realmId` is a word of the browser: that the tokens open its company is
        read there."""
        if not (named.isascii() and named.isdecimal()):
            raise RemoteFailure(FailureKind.REJECTED, "Intuit sent no company (realmId) back.")
        path = f"{Access(self._base_url, named).path}/companyinfo/{named}"
        headers = {"Authorization": f"Bearer {tokens.access}"}
        query = f"minorversion={MINOR_VERSION}"
        try:
            answer = await self._remote.call("GET", path, query=query, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as cause:
            raise errors.of_transport(cause, "GET", path) from cause
        try:
            body = wire_json.loads(answer.body)
        except wire_json.NotReadable:
            body = None
        told = body.get("CompanyInfo") if isinstance(body, Mapping) else None
        if answer.status != 200 or not isinstance(told, Mapping):
            raise errors.of_answer("GET", path, answer.status, answer.headers, body, by_id=True)
        return [Company(named, str(told.get("CompanyName") or named))]

    async def revoke(self, held: HeldTokens, company: str, now: datetime) -> None:
        await self.sign_in.revoke(held.tokens)
