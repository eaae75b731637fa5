"""Exactly once, on a bill that grows (`BILL_PER = purchase_order`, C6): a worker that dies at any
point while it grows, or while its rest becomes a further bill, bills nothing twice and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.domain.books import ContactKind, NewContact, Status
from tests.e2e.ledgers import LEDGERS, Kept, amounts, kept
from tests.e2e.rules.test_ledger_growing_bills import codes, first_part, received
from tests.e2e.rules.test_ledger_states import TECHDATA, resourced

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
POINTS = ("intent_committed", "sent", "replied", "outcome_committed")
TECH_DATA = str(TECHDATA["name"])
QUICK: dict[str, Any] = {"bill_per": "purchase_order", "read_lag": 0.1}


@asynccontextmanager
async def growing(name: str, database_url: str, redis_url: str) -> AsyncIterator[Kept]:
    async with kept(name, database_url, redis_url, patience=1.0, **QUICK) as books:
        if name == "quickbooks":
            await books.ledger.switch(custom_purchase_numbers=True)
        yield books


async def die_at(books: Kept, point: str, *events: Any) -> None:
    """Tell what puts more on the bill, and have the worker die at the point; another goes on."""
    stack = books.stack
    stack.stops.step, stack.stops.point = "post_bill", point
    await books.tell(*events)
    async with asyncio.timeout(20):
        await stack.stops.happened.wait()
    await stack.kill_worker()
    await stack.start_worker()


async def comes_to(books: Kept, there: Callable[[], Awaitable[bool]]) -> None:
    """That it is so, and so again once the worker has seen to everything: nothing is in doubt."""
    stack = books.stack

    async def calm() -> bool:
        connection = await asyncpg.connect(stack.container.database_url)
        try:
            open_ones = await connection.fetchval(
                "SELECT count(*) FROM intent WHERE outcome IS NULL"
            )
            running = await connection.fetchval(
                "SELECT count(*) FROM orders WHERE state = 'running' OR due_at <= now()"
            )
        finally:
            await connection.close()
        return not open_ones and not running

    async def both() -> bool:
        return await there() and await calm()

    await stack.until_true(both, 20)
    assert await there()


@pytest.mark.parametrize("name", LEDGERS)
@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_while_a_bill_grows_puts_nothing_on_it_twice(
    database_url: str, redis_url: str, name: str, point: str
) -> None:
    async with growing(name, database_url, redis_url) as books:
        order, bill = await first_part(books)
        await die_at(books, point, received(order, freight=20))

        async def there() -> bool:
            (purchase_order,) = await books.purchase_orders()
            return [(one.id, one.total) for one in await books.bills()] == [
                (bill.id, Decimal(1050))
            ] and purchase_order.status is Status.CLOSED

        await comes_to(books, there)
        (after,) = await books.bills()
        assert sorted(amounts(after)) == [Decimal(50), Decimal(1000)]


@pytest.mark.parametrize("name", LEDGERS)
@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_after_a_growing_bill_was_paid_bills_the_rest_once(
    database_url: str, redis_url: str, name: str, point: str
) -> None:
    async with growing(name, database_url, redis_url) as books:
        order, bill = await first_part(books)
        await books.ledger.pay(bill)
        await die_at(books, point, received(order, freight=20))

        async def there() -> bool:
            told = sorted(one.total for one in await books.bills())
            return told == [Decimal(430), Decimal(620)]

        await comes_to(books, there)
        assert "BILL_SEALED" in await codes(books, order)
        assert len(await books.purchase_orders()) == 1


# Where the new supplier is no vendor yet, it is the making of the vendor that the worker dies at.
@pytest.mark.parametrize("name", LEDGERS)
@pytest.mark.parametrize("vendor", ["known", "new"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_after_the_supplier_was_replaced_bills_the_new_one_once(
    database_url: str, redis_url: str, name: str, vendor: str, point: str
) -> None:
    """What came from the first supplier stays owed to it; the rest is a bill of the second."""
    async with growing(name, database_url, redis_url) as books:
        order, bill = await first_part(books)
        if vendor == "known":
            new = NewContact(ContactKind.VENDOR, TECH_DATA, number="TD")
            await books.ledger.books.create_contact(new, "made-by-hand")
        await die_at(books, point, resourced(order), received(order, freight=20))

        async def there() -> bool:
            first = await books.bills()
            second = await books.bills(vendor=TECH_DATA)
            return first == [bill] and [one.total for one in second] == [Decimal(620)]

        await comes_to(books, there)
        await books.stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
        assert "BILL_SEALED" in await codes(books, order)
        (purchase_order,) = await books.purchase_orders()  # it stays the first one's
        assert await books.purchase_orders(vendor=TECH_DATA) == []
        assert purchase_order.status is not Status.DELETED
