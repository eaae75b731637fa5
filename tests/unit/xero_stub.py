"""A client of Xero over a router of canned answers, for tests of one call at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import respx

from app.connectors.xero import oauth
from app.connectors.xero.caller import Access
from app.connectors.xero.client import XeroClient
from app.domain.books import Tokens
from app.domain.records import CallRecord
from tests.unit.connectwise_stub import ManualClock

NOW = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
BASE = "https://api.xero.com/api.xro/2.0"
ACCESS = Access(tenant_id="t-1", app=oauth.App("client", "app-secret"))
TOKENS = Tokens("access-1", "refresh-1", NOW + timedelta(minutes=30))


class CannedVault:
    """Always at the same moment, with one grant."""

    def __init__(self) -> None:
        self.kept = TOKENS

    async def now(self) -> datetime:
        return NOW

    async def tokens(self) -> Tokens:
        return self.kept

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[CannedHeld]:
        yield CannedHeld(self)


class CannedHeld:
    def __init__(self, vault: CannedVault) -> None:
        self._vault = vault

    @property
    def tokens(self) -> Tokens:
        return self._vault.kept

    async def store(self, new: Tokens) -> None:
        self._vault.kept = new


def router() -> respx.MockRouter:
    return respx.MockRouter(base_url=BASE, assert_all_called=False)


def client_of(
    answers: respx.MockRouter,
    clock: ManualClock | None = None,
    on_call: Callable[[CallRecord], None] | None = None,
) -> XeroClient:
    return XeroClient(
        ACCESS, CannedVault(), clock=clock or ManualClock(),
        transport=httpx.MockTransport(answers.async_handler), on_call=on_call,
    )  # fmt: skip
