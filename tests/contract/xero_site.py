"""A Xero to talk to, and a client of it that a person has let in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from app.connectors.xero import oauth
from app.connectors.xero.caller import Access
from app.connectors.xero.client import XeroClient
from app.connectors.xero.paths import FAMILIES
from app.domain import books
from app.domain.books import Document, DocumentKind, LedgerLine, NewDocument, Tokens
from app.domain.errors import RemoteFailure
from app.domain.records import CallRecord
from app.system import SystemClock
from sandbox.server import XeroServer
from tests.contract.ledgers import Ledger
from tests.contract.vault import MemoryVault
from tests.sandbox.xero.contract import Contract

BACK = "https://dl.example/callback"
CONTRACT = Contract.load()


class XeroLedger(Ledger):
    """A running simulator with a connected client."""

    vendor = "Ingram Micro"
    customer = "Contoso Ltd"

    def __init__(self, server: XeroServer, http: httpx.AsyncClient, vault: MemoryVault) -> None:
        self.server = server
        self.http = http
        self.vault = vault
        self.calls: list[CallRecord] = []
        self._clients: list[XeroClient] = []
        self.client = self.another()
        self.books = self.client

    def another(self) -> XeroClient:
        """A client of a process of its own: it has neither pause nor token in memory."""
        made = XeroClient(
            access_to(self.server), self.vault, clock=SystemClock(), timeout=5,
            on_call=self.calls.append,
        )  # fmt: skip
        self._clients.append(made)
        return made

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def control(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer = await self.http.request(method, f"{self.server.control_url}{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer

    async def switch(self, **values: Any) -> None:
        await self.control("PUT", "/settings", values)

    async def act(self, name: str, key: str = "", **more: Any) -> None:
        await self.control("POST", "/act", {"act": name, "id": key, **more})

    async def requests(self) -> list[dict[str, Any]]:
        text = (await self.control("GET", "/requests")).text
        return [json.loads(line) for line in text.splitlines()]

    async def writes(self) -> list[dict[str, Any]]:
        """What was written to the accounting API, carried out or not."""
        return [
            entry
            for entry in await self.requests()
            if entry["method"] in {"PUT", "POST"} and not entry["path"].startswith("/connect")
        ]

    async def order_fault(self, **values: Any) -> None:
        await self.control("POST", "/faults", [values])

    # --- what the suite of every ledger asks for

    async def fault(self, kind: str, document: DocumentKind, **more: Any) -> None:
        await self.order_fault(kind=kind, method="PUT", path=f"^{FAMILIES[document].path}$", **more)

    async def pay(self, document: Document) -> None:
        await self.act("pay_invoice", document.id)

    async def edit(self, document: Document) -> None:
        await self.act("edit_invoice", document.id, changes={"DueDate": "2030-01-31"})

    async def close_books(self, until: date) -> None:
        await self.switch(lock_date=until.isoformat())

    async def expire_access(self) -> None:
        await self.act("expire_access")

    async def disconnect(self) -> None:
        await self.act("disconnect")

    async def posted(self, document: DocumentKind) -> int:
        paths = [each["path"] for each in await self.requests() if each["method"] == "PUT"]
        return paths.count(FAMILIES[document].path)


def access_to(server: XeroServer) -> Access:
    mine = server.credentials
    return Access(
        tenant_id=mine.tenant_id,
        app=oauth.App(mine.client_id, mine.client_secret),
        base_url=server.base_url,
        identity_url=server.url,
    )


async def consented(server: XeroServer, http: httpx.AsyncClient) -> Tokens:
    """A grant, got as a person's browser and our own exchange get it."""
    app = access_to(server).app
    page = f"{server.url}/identity/connect/authorize"
    sent_back = await http.get(oauth.consent_address(app, BACK, "s", page=page))
    code = dict(parse_qsl(urlsplit(sent_back.headers["location"]).query))["code"]
    post = oauth.exchange(app, code, BACK)
    now = datetime.now(UTC)
    answer = await http.post(f"{server.url}{post.path}", content=post.body, headers=post.headers)
    return oauth.tokens(answer.status_code, answer.headers, answer.content, now)


ON = date(2026, 11, 19)
LINE = LedgerLine(
    description="Dell P2425H",
    quantity=Decimal(4),
    unit_price=Decimal("180.55"),
    amount=Decimal("722.20"),
    account_id="300",
    tax_code_id="INPUT",
)


def bill(supplier: books.Contact, **more: Any) -> NewDocument:
    return replace(
        NewDocument(
            kind=DocumentKind.BILL,
            contact_id=supplier.id,
            on=ON,
            currency="USD",
            lines=(LINE,),
            marker="dl:1:r55",
            tax_mode=books.TaxMode.EXCLUSIVE,
            number="S-1",
            link="https://dl.example/orders/ON10001201",
        ),
        **more,
    )


async def refused(work: Any) -> RemoteFailure:
    with pytest.raises(RemoteFailure) as caught:
        await work
    return caught.value


@asynccontextmanager
async def xero() -> AsyncIterator[XeroLedger]:
    """At the end every request and answer is held against the contract, where it is there."""
    async with XeroServer() as server, httpx.AsyncClient(timeout=5, trust_env=False) as http:
        ledger = XeroLedger(server, http, MemoryVault(await consented(server, http)))
        await ledger.switch(requests_per_minute=None)
        try:
            yield ledger
            if CONTRACT is not None:
                entries = await ledger.requests()
                assert [one for entry in entries for one in CONTRACT.faults_of(entry)] == []
        finally:
            await ledger.aclose()


@asynccontextmanager
async def busy_xero() -> AsyncIterator[XeroLedger]:
    """With room for two processes at a time: Xero lets five calls be in flight for both together,
    which is proven elsewhere."""
    async with xero() as ledger:
        await ledger.switch(concurrent_requests=50)
        yield ledger
