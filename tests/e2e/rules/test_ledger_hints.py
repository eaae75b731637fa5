"""C4, H1: a ledger's webhook is a hint. The document is read again, and what a person did is named."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.books import Document, DocumentKind
from sandbox.quickbooks.webhooks import sign as signed_by_intuit
from sandbox.xero.webhooks import sign as signed_by_xero
from tests.e2e.harness import Rest, Stack
from tests.e2e.ledgers import LEDGERS, Kept, kept
from tests.e2e.orders import Order
from tests.e2e.rules.test_ledger_afterlife import received, remove

pytestmark = pytest.mark.processes
KEY = "the webhook's key"
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
    more = OPEN[request.param] | {"secrets_keys": SECRETS}
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
    shown: Rest = await stack.get(f"/admin/orders/{order.number}/timeline")
    return [
        entry["code"]
        for entry in shown["items"]
        if str(entry.get("code", "")).startswith("LEDGER_DOCUMENT_")
        and entry["code"] != "LEDGER_DOCUMENT_MADE"
    ]


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
    """Every delivery was merged, and the document was read for the last of them."""

    async def seen() -> bool:
        kept_events = await books.stack.query(
            "SELECT max(id), count(*) FROM inbox_event WHERE source = $1 AND status = 'merged'",
            books.name,
        )
        facts = await books.stack.query("SELECT body FROM fact WHERE kind = 'ledger_seen'")
        bodies = [json.loads(row["body"]) for row in facts]
        (newest, count) = kept_events[0]
        return count == deliveries and [body["event"] for body in bodies] == [newest]

    await books.stack.until_true(seen)


async def test_h1_a_hint_about_a_record_of_nobody_makes_no_call(books: Kept) -> None:
    await hint(books, "99999", "2026-11-24T12:00:00")

    async def kept_as_unhandled() -> bool:
        rows = await books.stack.query(
            "SELECT status FROM inbox_event WHERE source = $1", books.name
        )
        return [row["status"] for row in rows] == ["unhandled"]

    await books.stack.until_true(kept_as_unhandled)
    assert await books.stack.query("SELECT 1 FROM call WHERE system = $1", books.name) == []
