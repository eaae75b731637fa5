"""A ConnectWise and a Xero to talk to, whose requests and answers are held against their contracts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from app.connectors.connectwise.client import ConnectWiseClient
from app.connectors.xero.client import XeroClient
from app.domain import books
from app.system import SystemClock
from sandbox.server import SandboxServer
from tests.contract.connectwise_site import access_to, contract_faults, control
from tests.contract.xero_site import XeroLedger, xero
from tests.sandbox.contract import Contract

CONTRACT = Contract.load()


@pytest.fixture
async def connectwise_site() -> AsyncIterator[SandboxServer]:
    async with SandboxServer() as running:
        yield running
        if CONTRACT is not None:
            lines = (await control(running, "GET", "/requests")).text.splitlines()
            entries = [json.loads(line) for line in lines]
            assert [one for each in entries for one in contract_faults(CONTRACT, each)] == []


@pytest.fixture
async def connectwise(connectwise_site: SandboxServer) -> AsyncIterator[ConnectWiseClient]:
    made = ConnectWiseClient(access_to(connectwise_site), clock=SystemClock(), timeout=5)
    yield made
    await made.aclose()


@pytest.fixture
async def site() -> AsyncIterator[XeroLedger]:
    async with xero() as made:
        yield made


@pytest.fixture
def ledger(site: XeroLedger) -> XeroClient:
    return site.client


@pytest.fixture
async def supplier(ledger: XeroClient) -> books.Contact:
    found = await ledger.find_contact(books.ContactKind.VENDOR, "ingram MICRO")
    assert found is not None
    return found
