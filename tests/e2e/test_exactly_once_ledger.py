"""Exactly once, in the ledger: a worker that dies at any point of a posting, a lost answer and a
refused connection leave one document of each kind and one vendor."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from app.domain.books import DocumentKind
from tests.e2e.harness import Stack, bearer
from tests.e2e.ledgers import LEDGERS, Kept, invoice, kept
from tests.e2e.orders import CABLE, Order

# The protocol is one; the steps of B1 prove it in every run.
pytestmark = [pytest.mark.processes, pytest.mark.breadth]
NEWCO = {"id": 12, "accountNumber": "NEWCO", "name": "Newco Cables"}
# Both ledgers, each with the points that the other does not repeat.
POINTS = [
    ("xero", "post_purchase_order", "intent_committed"),
    ("xero", "post_purchase_order", "replied"),
    ("quickbooks", "post_purchase_order", "sent"),
    ("quickbooks", "post_purchase_order", "outcome_committed"),
    ("xero", "post_bill", "intent_committed"),
    ("xero", "post_bill", "sent"),
    ("quickbooks", "post_bill", "replied"),
    ("quickbooks", "post_bill", "outcome_committed"),
    ("quickbooks", "post_invoice", "sent"),
    ("xero", "post_invoice", "replied"),
    ("xero", "post_invoice", "outcome_committed"),
]
QUICK: dict[str, Any] = {"invoice_status": "approved", "read_lag": 0.1}


async def told(books: Kept, order: Order, supplier: dict[str, Any]) -> None:
    await books.tell(order.approved(), order.ordered(8891, [(CABLE, 5)], supplier))
    await books.tell(order.receipted(8891), invoice(order, ("product", "Cable", "5", "12.5")))


async def one_of_each(books: Kept, vendor: str) -> None:
    assert len(await books.bills(vendor=vendor)) == 1
    assert len(await books.purchase_orders(vendor=vendor)) == 1
    assert len(await books.invoices()) == 1


async def in_doubt(stack: Stack) -> int:
    """Announcements that nobody answers any more: they would refuse every decision."""
    connection = await asyncpg.connect(stack.container.database_url)
    try:
        query = "SELECT count(*) FROM intent WHERE outcome IS NULL"
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


def plain() -> Order:
    return Order(lines=[(CABLE, 5)], quote_id=None, not_chosen=())


@pytest.mark.parametrize(("name", "step", "point"), POINTS)
async def test_a_worker_that_dies_at_a_point_posts_nothing_twice(
    database_url: str, redis_url: str, name: str, step: str, point: str
) -> None:
    """With a vendor that stands already the first stop of post_bill is at the bill itself."""
    async with kept(name, database_url, redis_url, worker=False, patience=1.0, **QUICK) as books:
        stack, order = books.stack, plain()
        stack.stops.step, stack.stops.point = step, point
        await told(books, order, {"id": 9, "accountNumber": "INGRAM", "name": "Ingram Micro"})
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        await one_of_each(books, "Ingram Micro")


@pytest.mark.parametrize("name", LEDGERS)
@pytest.mark.parametrize("point", ["intent_committed", "replied"])
async def test_a_worker_that_dies_while_it_makes_a_vendor_makes_one(
    database_url: str, redis_url: str, name: str, point: str
) -> None:
    async with kept(name, database_url, redis_url, worker=False, patience=1.0, **QUICK) as books:
        stack, order = books.stack, plain()
        stack.stops.step, stack.stops.point = "post_purchase_order", point
        await told(books, order, NEWCO)
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        await one_of_each(books, "Newco Cables")
        assert await in_doubt(stack) == 0


@pytest.mark.parametrize("name", LEDGERS)
@pytest.mark.parametrize(
    "kind", [DocumentKind.PURCHASE_ORDER, DocumentKind.BILL, DocumentKind.INVOICE]
)
async def test_a_lost_answer_posts_nothing_twice(
    database_url: str, redis_url: str, name: str, kind: DocumentKind
) -> None:
    async with kept(name, database_url, redis_url, patience=1.0, **QUICK) as books:
        order = plain()
        await books.ledger.fault("lose_reply", kind)
        await told(books, order, {"id": 9, "accountNumber": "INGRAM", "name": "Ingram Micro"})
        await books.stack.until_state(order.number, "done")
        await one_of_each(books, "Ingram Micro")
        path = f"/admin/orders/{order.number}/journal"
        journal = (await books.stack.client.get(path, headers=bearer())).json()["items"]
        assert "FOUND_IN_DOUBT" in {entry["code"] for entry in journal}
