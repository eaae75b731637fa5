"""A simulated ledger of one run, in process: QuickBooks Online or Xero behind the network's faults.

Owns building the model and signing in to it before the day. The connectors, the sign-in and the
choice of the company are the service's own, built as its composition root builds them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx

from app.connectors import ledgers as connectors
from app.domain.books import Books
from app.domain.grants import QUICKBOOKS, LedgerVault
from app.domain.ports import Clock
from app.domain.views import Audit
from app.settings import Settings
from sandbox.kit.faults import Fault
from sandbox.kit.wire import Reply, Request
from sandbox.ledgers import settings_of
from sandbox.quickbooks.http.api import Api as QuickBooksApi
from sandbox.quickbooks.http.oauth import Registration
from sandbox.quickbooks.model import QuickBooks
from sandbox.xero.http.api import Admission
from sandbox.xero.http.api import Api as XeroApi
from sandbox.xero.http.tokens import Credentials
from sandbox.xero.model import Books as XeroBooks

# A host of their own: a pause that the books ask for does not bind those who give tokens.
API, IDENTITY = "http://ledger", "http://identity"
ELSEWHERE = ("quickbooks_token_url", "quickbooks_revoke_url", "xero_identity_url")


def settings_for(system: str) -> dict[str, Any]:
    """What the service is told of the ledger."""
    told = {name.lower(): value for name, value in settings_of(system, API).items()}
    return {name: IDENTITY if name in ELSEWHERE else value for name, value in told.items()}


@dataclass
class SimulatedLedger:
    """`system` as the service calls its connection."""

    system: str
    now: Callable[[], datetime]
    made: int = 0

    def __post_init__(self) -> None:
        self.api: QuickBooksApi | XeroApi
        if self.system == QUICKBOOKS:
            registered = Registration()
            books = QuickBooks(now=self.now, new_guid=self._guid, realm=registered.realm)
            self.api = QuickBooksApi(books, registered)
        else:
            self.api = XeroApi(XeroBooks(now=self.now, new_guid=self._guid), Credentials())
            self.api.books.switches = self.api.books.switches.merged(
                {"requests_per_minute": None, "tier": "plus"}
            )
        self.company = registered.realm if self.system == QUICKBOOKS else Credentials().tenant_id

    def _guid(self) -> str:
        """Xero takes no other form of identifier."""
        self.made += 1
        return str(UUID(int=self.made))

    def answer(self, request: Request, note: object) -> Reply:
        """network.Site."""
        if isinstance(self.api, XeroApi):
            note = Admission(note if isinstance(note, Fault) else None, counted=False)
        return self.api.answer(request, note)

    def expire_access(self) -> None:
        """Every access token is refused from now on, long before its time."""
        if isinstance(self.api, XeroApi):
            self.api.grants.access.clear()
        else:
            self.api.sign_in.expire_access()

    def log(self) -> list[dict[str, Any]]:
        """Every write, as the outside observer reads it."""
        return [json.loads(entry.line()) for entry in self.api.log.after() if entry.changed]

    async def sign_in(self, built: connectors.Built, vault: LedgerVault) -> None:
        """A person says yes, and the service keeps what the vendor sent them back with."""
        address = urlsplit(built.consent.address("a-state"))
        sent_back = self.answer(Request("GET", address.path, address.query), None)
        location = dict(sent_back.headers)["location"]
        brought = dict(parse_qsl(urlsplit(location).query))
        tokens = await built.consent.exchange(brought["code"], await vault.now())
        named = brought.get("realmId", "")
        (company,) = await built.consent.companies(tokens, named)
        assert await vault.keep(company, tokens, Audit("test", "connection.sign_in", self.system))


def built(
    settings: Settings,
    system: str,
    vault: LedgerVault,
    clock: Clock,
    transport: httpx.AsyncBaseTransport,
) -> connectors.Built:
    """The service's own connector of one process."""
    return connectors.build(settings, system, vault, clock, transport=lambda _: transport)


def books_of(made: connectors.Built) -> Books:
    return made.books.books()
