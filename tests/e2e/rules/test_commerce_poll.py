"""G8 and H1: Commerce by polling ends as it does by events, whatever comes first and is lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.commerce import Shop, looked, poll_state, polling, value
from tests.e2e.harness import Stack, running
from tests.e2e.orders import Order
from tests.e2e.remote import Remote, shape

DOCUMENTS = "SELECT count(*) FROM journal_event WHERE code = 'DOCUMENT_MERGED'"
EVENTS = "SELECT count(*) FROM inbox_event WHERE source = 'commerce' AND status = $1"


def story(order: Order) -> list[dict[str, Any]]:
    """An order with two purchase orders, one of them received in two parts."""
    return [
        order.quote(),
        order.approved(),
        order.ordered(8891, [(301, 10)]),
        order.ordered(8892, [(302, 3)]),
        order.receipted(8891, {1: 4}),
        order.receipted(8892),
        order.receipted(8891),
    ]


async def released(stack: Stack, order: Order) -> dict[str, Any]:
    await stack.until_state(order.number, "done")
    return shape(await Remote.read(stack, order))


async def test_g8_h1_by_the_poll_alone_an_order_ends_as_it_does_by_events(
    database_url: str, redis_url: str
) -> None:
    order = Order()
    async with polling(database_url, redis_url) as (stack, shop):
        for event in story(order):
            await shop.put(event)
            await looked(stack, shop)
        polled = await released(stack, order)
        assert await value(stack, EVENTS, "rejected") == 0
    assert polled["received"] == {"DELL-P2425H": 10, "DELL-WD22TB4": 3}
    assert polled["sales_order"] == "Ready to invoice"
