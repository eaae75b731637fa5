"""A worker that was frozen past its lease wakes and posts to the ledger what another one posted.

The ledger refuses it while it keeps the request's key, and where it lets no number stand twice.
Else the second document is made, and the drift sweep finds it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet

from app.domain.books import Books, ContactKind, Document, DocumentKind
from app.domain.posted import REFS
from sandbox.ledgers import settings_of
from sandbox.server import QuickBooksServer, XeroServer
from tests.e2e.freezing import frozen, thaw
from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.ledgers import invoice
from tests.e2e.orders import CABLE, Order
from tests.e2e.rules.test_drift import compare, settle

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
VENDOR, CUSTOMER = (ContactKind.VENDOR, "Ingram Micro"), (ContactKind.CUSTOMER, "Contoso Ltd")
POSTED = {
    DocumentKind.PURCHASE_ORDER: (VENDOR, date(2026, 11, 19)),
    DocumentKind.BILL: (VENDOR, date(2026, 11, 19)),
    DocumentKind.INVOICE: (CUSTOMER, date(2026, 11, 20)),
}
SERVERS: dict[str, Any] = {"quickbooks": QuickBooksServer, "xero": XeroServer}
QUICK: dict[str, Any] = {
    "scenario": "commerce-invoicing",
    "invoice_status": "approved",
    "public_url": "http://service",
    "ledger_timeout": 1.0,
    "lease_seconds": 2.5,
    "connectwise_timeout": 1.0,
    "read_lag": 0.1,
    "quickbooks_calls_a_second": 100,
    "quickbooks_calls_a_minute": 6000,
}
PATHS = {
    DocumentKind.PURCHASE_ORDER: ("/purchaseorder", "/purchaseorders"),
    DocumentKind.BILL: ("/bill", "/invoices"),
    DocumentKind.INVOICE: ("/invoice", "/invoices"),
}


@asynccontextmanager
async def signed_in(
    name: str, database_url: str, redis_url: str
) -> AsyncIterator[tuple[Any, Stack]]:
    """The service as its settings build it, so that other processes reach the same ledger."""
    async with SERVERS[name]() as site:
        told = {key.lower(): value for key, value in settings_of(name, site.url).items()}
        secret = {"secrets_keys": Fernet.generate_key().decode()}
        more = {**QUICK, **told, **secret}
        async with running(database_url, redis_url, worker=False, **more) as stack:
            begun = await stack.client.post(f"/admin/connections/{name}/sign-in", headers=bearer())
            begun.raise_for_status()
            async with httpx.AsyncClient(trust_env=False) as person:
                page = await person.get(begun.json()["address"])
            back = httpx.URL(page.headers["location"])
            done = await stack.client.get(back.raw_path.decode())
            assert done.status_code < 400, done.text

            async def log() -> list[Rest]:
                return await log_of(site, stack)

            stack.ledger_log = log
            yield site, stack


async def log_of(site: Any, stack: Stack) -> list[Rest]:
    answer = await stack.cw.get(f"{site.control_url}/requests")
    return [json.loads(line) for line in answer.text.splitlines() if line]


def books_of(stack: Stack) -> Books:
    assert stack.container.books is not None
    return stack.container.books


async def standing(stack: Stack, kind: DocumentKind) -> list[Document]:
    (of, name), on = POSTED[kind]
    contact = await books_of(stack).find_contact(of, name)
    assert contact is not None
    return await books_of(stack).find_documents(kind, contact.id, on)


async def forget_keys(name: str, site: Any, stack: Stack) -> None:
    """Time goes by over there: a ledger keeps the keys of requests for minutes."""
    if name == "xero":
        site.app.api.keys.clear()
    else:
        answer = await stack.cw.put(f"{site.control_url}/settings", json={"requestid_seconds": 0})
        answer.raise_for_status()


async def writes(site: Any, stack: Stack, kind: DocumentKind) -> int:
    """How often a document of the kind was sent to the ledger, whatever it answered."""
    return sum(
        1
        for one in await log_of(site, stack)
        if one["method"] in ("POST", "PUT") and one["path"].lower().endswith(PATHS[kind])
    )


# A ledger in which no number may stand twice refuses the second one by itself.
NUMBERED = {("xero", DocumentKind.PURCHASE_ORDER), ("quickbooks", DocumentKind.BILL)}


@pytest.mark.parametrize("forgotten", [False, True], ids=["key-kept", "key-forgotten"])
@pytest.mark.parametrize("kind", POSTED)
@pytest.mark.parametrize("name", SERVERS)
async def test_h12_a_frozen_worker_posts_to_the_ledger_late(
    database_url: str, redis_url: str, name: str, kind: DocumentKind, forgotten: bool
) -> None:
    order = Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=())
    twice = forgotten and (name, kind) not in NUMBERED
    async with signed_in(name, database_url, redis_url) as (site, stack):
        if twice:  # the observer is right to find it: it is what this test is about
            stack.permitted |= {"H1", "H9", "C3", "C6"}
        for event in (
            order.approved(), order.ordered(8891, [(CABLE, 5)]), order.receipted(8891),
            invoice(order, ("product", "Cable", "5", "12.5")),
        ):  # fmt: skip
            assert (await stack.deliver(event))["status"] == 202
        async with frozen(stack, f"create_document:{kind.value}") as process:
            await stack.start_worker()
            await stack.until_state(order.number, "done")
            assert await compare(stack, order) == []
            (first,) = await standing(stack, kind)
            if forgotten:
                await forget_keys(name, site, stack)
            before = await writes(site, stack, kind)
            thaw(process)

            async def written() -> bool:
                return await writes(site, stack, kind) > before

            await stack.until_true(written, 20)
        others = [one for one in await standing(stack, kind) if one.id != first.id]
        found = await compare(stack, order)
        if not twice:
            assert (others, found) == ([], [])
            return
        (second,), (told,) = others, found
        assert (told["code"], told["kind"]) == ("DUPLICATE_REMOTE", REFS[kind])
        assert (told["record"], told["ways"]) == (second.id, ["adopt", "ignore"])
        assert f"Remove {second.id}" in told["sentence"]
        assert (await settle(stack, told, "adopt"))["standing"] == "adopted"
        await books_of(stack).remove_document(kind, second.id, second.version, "away")
        assert await compare(stack, order) == []
