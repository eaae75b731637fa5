"""A Xero to talk to, and a client of it that a person has let in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from app.connectors.xero import oauth
from app.connectors.xero.caller import Access
from app.connectors.xero.client import XeroClient
from app.domain.books import Tokens
from app.domain.records import CallRecord
from app.system import SystemClock
from sandbox.server import XeroServer
from tests.sandbox.xero.contract import Contract

BACK = "https://dl.example/callback"
CONTRACT = Contract.load()


class MemoryVault:
    """A vault that forgets with its process. `stored` counts what was kept."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._lock = asyncio.Lock()
        self.stored = 0
        self.ahead = timedelta()

    async def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def tokens(self) -> Tokens:
        return self._tokens

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[MemoryVault.Held]:
        async with self._lock:
            yield MemoryVault.Held(self)

    def replace(self, **changes: Any) -> None:
        self._tokens = replace(self._tokens, **changes)

    class Held:
        def __init__(self, vault: MemoryVault) -> None:
            self._vault = vault

        @property
        def tokens(self) -> Tokens:
            return self._vault._tokens

        async def store(self, new: Tokens) -> None:
            self._vault._tokens = new
            self._vault.stored += 1


class Site:
    """A running simulator with a connected client."""

    def __init__(self, server: XeroServer, http: httpx.AsyncClient, vault: MemoryVault) -> None:
        self.server = server
        self.http = http
        self.vault = vault
        self.calls: list[CallRecord] = []
        self._clients: list[XeroClient] = []
        self.client = self.another()

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

    async def fault(self, **values: Any) -> None:
        await self.control("POST", "/faults", [values])

    async def act(self, name: str, key: str, **more: Any) -> None:
        await self.control("POST", "/act", {"act": name, "id": key, **more})

    async def log(self) -> list[dict[str, Any]]:
        text = (await self.control("GET", "/requests")).text
        return [json.loads(line) for line in text.splitlines()]

    async def writes(self) -> list[dict[str, Any]]:
        """What the client wrote to the accounting API and the simulator carried out."""
        return [
            entry
            for entry in await self.log()
            if entry["method"] in {"PUT", "POST"} and not entry["path"].startswith("/connect")
        ]


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


@asynccontextmanager
async def xero_site() -> AsyncIterator[Site]:
    """At the end every request and answer is held against the contract, where it is there."""
    async with XeroServer() as server, httpx.AsyncClient(timeout=5) as http:
        site = Site(server, http, MemoryVault(await consented(server, http)))
        await site.switch(requests_per_minute=None)
        yield site
        await site.aclose()
        if CONTRACT is not None:
            assert [one for entry in await site.log() for one in CONTRACT.faults_of(entry)] == []
