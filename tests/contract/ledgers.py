"""A simulated ledger behind the port `Books`, and what the suite asks of it from outside.

Each vendor has one class here. The suite knows the port and `Ledger` only.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from app.connectors.quickbooks.caller import Access
from app.connectors.quickbooks.client import QuickBooksClient
from app.connectors.quickbooks.oauth import App, SignIn, consent_address
from app.connectors.quickbooks.translate.wire_names import ENTITIES
from app.connectors.transport import AiohttpTransport
from app.domain.books import AccountKind, Books, Document, DocumentKind
from app.system import SystemClock
from sandbox.server import QuickBooksServer
from tests.contract.vault import MemoryVault
from tests.sandbox.quickbooks.contract import CONTRACT

REDIRECT = "https://demandlink.example/callback"


class Ledger(ABC):
    """One organisation's books, signed in to. `vendor` and `customer` are names that stand there;
    `lines` makes lines that this ledger takes."""

    books: Books
    vault: MemoryVault
    vendor: str
    customer: str

    @abstractmethod
    async def fault(self, kind: str, document: DocumentKind, **more: Any) -> None:
        """The next write of such a document goes wrong."""

    @abstractmethod
    async def pay(self, document: Document) -> None:
        """A person pays a bill or an invoice, whole."""

    @abstractmethod
    async def edit(self, document: Document) -> None:
        """A person changes something that the service does not care for."""

    @abstractmethod
    async def switch(self, **values: Any) -> None:
        """What the organisation pays for or has chosen, by the simulator's own names."""

    @abstractmethod
    async def act(self, name: str, key: str = "", **more: Any) -> None:
        """A person's act on a record, by the simulator's own name for it."""

    @abstractmethod
    async def close_books(self, until: date) -> None: ...

    @abstractmethod
    async def expire_access(self) -> None:
        """Every access token is refused from now on."""

    @abstractmethod
    async def disconnect(self) -> None:
        """The owner takes the consent back."""

    @abstractmethod
    async def posted(self, document: DocumentKind) -> int:
        """How many writes of such a document have reached the ledger."""

    @abstractmethod
    async def requests(self) -> list[dict[str, Any]]:
        """The simulator's log, as the outside observer reads it."""

    @abstractmethod
    def another(self) -> Books:
        """A client of another process: the same vault, nothing else shared."""

    async def account(self, kind: AccountKind) -> str:
        return next(one.id for one in await self.books.accounts() if one.kind is kind)


class QuickBooksLedger(Ledger):
    vendor = "Ingram Micro"
    customer = "Contoso Ltd"

    def __init__(self, site: QuickBooksServer, vault: MemoryVault, sign_in: SignIn) -> None:
        self.site = site
        self.vault = vault
        self.sign_in = sign_in
        self.opened: list[QuickBooksClient] = []
        self.books = self.another()

    def another(self) -> QuickBooksClient:
        access = Access(self.site.url, self.site.realm)
        made = QuickBooksClient(
            access, self.vault, self.sign_in.refresh, clock=SystemClock(), timeout=5
        )
        self.opened.append(made)
        return made

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as plain:
            answer = await plain.request(method, f"{self.site.control_url}{path}", json=body)
            assert answer.status_code < 300, answer.text
            return answer

    async def switch(self, **values: Any) -> None:
        await self.control("PUT", "/settings", values)

    async def act(self, name: str, key: str = "", **more: Any) -> None:
        await self.control("POST", "/act", {"act": name, "id": key} | more)

    async def fault(self, kind: str, document: DocumentKind, **more: Any) -> None:
        path = f"/{ENTITIES[document].lower()}$"
        order = {"kind": kind, "method": "POST", "path": path} | more
        await self.control("POST", "/faults", [order])

    async def pay(self, document: Document) -> None:
        act = "pay_bill" if document.kind is DocumentKind.BILL else "pay_invoice"
        await self.act(act, id=document.id)

    async def edit(self, document: Document) -> None:
        entity = ENTITIES[document.kind]
        changes = {"PrivateNote": f"Checked.\nDemandlink: {document.marker}"}
        await self.act("edit", entity=entity, id=document.id, changes=changes)

    async def close_books(self, until: date) -> None:
        await self.switch(books_closed=until.isoformat())

    async def expire_access(self) -> None:
        await self.act("expire_access")

    async def disconnect(self) -> None:
        await self.act("disconnect")

    async def requests(self) -> list[dict[str, Any]]:
        return [
            json.loads(line) for line in (await self.control("GET", "/requests")).text.splitlines()
        ]

    async def posted(self, document: DocumentKind) -> int:
        path = f"/{ENTITIES[document].lower()}"
        entries = await self.requests()
        return sum(
            1 for each in entries if each["method"] == "POST" and each["path"].endswith(path)
        )


@asynccontextmanager
async def quickbooks() -> AsyncIterator[QuickBooksLedger]:
    """Signed in as a person would, and at the end held against the contract."""
    async with QuickBooksServer() as site:
        registered = site.registration
        app = App(
            registered.client_id,
            registered.client_secret,
            REDIRECT,
            authorize_url=f"{site.url}/connect/oauth2",
            token_url=site.url,
            revoke_url=site.url,
        )
        transport = AiohttpTransport(total=5)
        sign_in = SignIn(app, clock=SystemClock(), transport=transport)
        async with httpx.AsyncClient(trust_env=False) as person:
            sent_back = await person.get(consent_address(app, "state-1"))
        brought = parse_qs(urlsplit(sent_back.headers["location"]).query)
        assert brought["realmId"] == [site.realm]
        tokens = await sign_in.by_code(brought["code"][0], datetime.now(UTC))
        ledger = QuickBooksLedger(site, MemoryVault(tokens), sign_in)
        try:
            yield ledger
            if CONTRACT is not None:
                faults = [
                    one for entry in await ledger.requests() for one in CONTRACT.faults_of(entry)
                ]
                assert faults == []
        finally:
            for client in ledger.opened:
                await client.aclose()
            await sign_in.aclose()


TODAY = datetime.now(UTC).date() - timedelta(days=1)
