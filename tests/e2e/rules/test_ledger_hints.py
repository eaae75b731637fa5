"""C4, H1: a ledger's webhook is a hint. The document is read again, and what a person did is named."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.fernet import Fernet

from app.domain.books import Document, DocumentKind
from sandbox.quickbooks.webhooks import sign as signed_by_intuit
from sandbox.xero.webhooks import sign as signed_by_xero
from tests.e2e.commerce import value
from tests.e2e.harness import Stack, bearer
from tests.e2e.ledgers import LEDGERS, Kept, kept
from tests.e2e.orders import Order
from tests.e2e.rules.test_ledger_afterlife import received, remove

pytestmark = pytest.mark.processes
KEY = "the webhook's key"
SECRETS = Fernet.generate_key().decode()
NAMED = ("LEDGER_DOCUMENT_PAID", "LEDGER_DOCUMENT_EDITED", "LEDGER_DOCUMENT_REMOVED")
SEEN = "SELECT body::text FROM fact WHERE kind = 'ledger_seen'"
STATUS = "SELECT status FROM inbox_event WHERE source = $1"
READS = "SELECT count(*) FROM call WHERE system = $1 AND purpose = 'poll'"
OPEN: dict[str, dict[str, Any]] = {
    "quickbooks": {
        "quickbooks_client_id": "client",
        "quickbooks_client_secret": "secret",
        "quickbooks_webhook_tokens": KEY,
    },
    "xero": {
        "xero_client_id": "client",
        "xero_client_secret": "secret",
        "xero_webhook_keys": KEY,
    },
}


@pytest.fixture(params=LEDGERS)
async def books(
    request: pytest.FixtureRequest, database_url: str, redis_url: str
) -> AsyncIterator[Kept]:
    more = OPEN[request.param] | {"secrets_keys": SECRETS, "ledger_timeout": 5.0}
    async with kept(request.param, database_url, redis_url, **more) as opened:
        if request.param == "quickbooks":
            await opened.ledger.switch(custom_purchase_numbers=True)
        yield opened


async def hint(books: Kept, record: str, at: str) -> None:
    """What the ledger posts when a bill changed."""
    if books.name == "quickbooks":
        event = {
            "specversion": "1.0",
            "id": f"e-{record}-{at}",
            "source": "intuit.demo",
            "type": "qbo.bill.updated.v1",
            "time": at,
            "intuitentityid": record,
            "intuitaccountid": "4620816365000000001",
            "data": {},
        }
        body = json.dumps([event]).encode()
        headers = {"intuit-signature": signed_by_intuit(KEY, body)}
    else:
        event = {
            "resourceId": record,
            "tenantId": "t-1",
            "eventCategory": "INVOICE",
            "eventType": "UPDATE",
            "eventDateUtc": at,
        }
        body = json.dumps({"events": [event]}).encode()
        headers = {"x-xero-signature": signed_by_xero(KEY, body)}
    answer = await books.stack.client.post(f"/webhooks/{books.name}", content=body, headers=headers)
    assert answer.status_code == 200


async def told(stack: Stack, order: Order) -> list[str]:
    """What people did in the ledger, by the order's journal."""
    path = f"/admin/orders/{order.number}/journal?limit=200"
    shown = (await stack.client.get(path, headers=bearer())).json()
    codes = [str(entry["code"]) for entry in shown["items"]]
    return [code for code in codes if code in NAMED]


async def act(books: Kept, bill: Document, name: str) -> None:
    if name == "pay":
        await books.ledger.pay(bill)
    elif name == "edit":
        await books.ledger.edit(bill)
    else:
        await remove(books, bill)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("pay", "LEDGER_DOCUMENT_PAID"),
        ("edit", "LEDGER_DOCUMENT_EDITED"),
        ("remove", "LEDGER_DOCUMENT_REMOVED"),
    ],
)
async def test_c4_what_a_person_did_to_a_bill_is_named_once_the_ledger_tells_of_it(
    books: Kept, name: str, code: str
) -> None:
    order, _, bill = await received(books)
    await hint(books, bill.id, "2026-11-24T12:00:00")
    await _answered(books, 1)
    assert await told(books.stack, order) == []  # the service's own bill, as it made it
    await act(books, bill, name)
    for second in (1, 2):  # told twice, named once
        await hint(books, bill.id, f"2026-11-24T12:00:0{second}")
        await _answered(books, 1 + second)
    assert await told(books.stack, order) == [code]
    assert await books.ledger.posted(DocumentKind.BILL) == 1


async def _answered(books: Kept, deliveries: int) -> None:
    """Every delivery was merged, and each was answered by one read at most."""

    async def seen() -> bool:
        merged, last = [
            await value(
                books.stack,
                f"SELECT {what} FROM inbox_event WHERE source = $1 AND status = 'merged'",  # noqa: S608
                books.name,
            )
            for what in ("count(*)", "max(id)")
        ]
        body = await value(books.stack, SEEN, as_json=True)
        return merged == deliveries and body is not None and body["event"] == last

    await books.stack.until_true(seen)
    assert await value(books.stack, READS, books.name) == deliveries


async def test_h1_a_hint_about_a_record_of_nobody_is_kept_and_makes_no_call(books: Kept) -> None:
    order, _, _ = await received(books)
    await hint(books, "99999", "2026-11-24T12:00:00")

    async def unhandled() -> bool:
        status = await value(books.stack, STATUS, books.name)
        return bool(status == "unhandled")

    await books.stack.until_true(unhandled)
    assert await told(books.stack, order) == []
    assert await value(books.stack, READS, books.name) == 0
