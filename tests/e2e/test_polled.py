"""G8: with no event at all, by polling Commerce, an order ends as it does by events."""

from __future__ import annotations

from tests.e2e.commerce import (
    END,
    EVENTS,
    in_parts,
    looked,
    polling,
    received_with,
    released,
    story,
    value,
)
from tests.e2e.harness import Stack
from tests.e2e.orders import Order

RECEIPTS = "SELECT count(*) FROM document WHERE kind = 'receipt'"


async def seen(stack: Stack, least: int) -> None:
    """Wait until the poll saw so many receipts: what comes between two looks is one."""

    async def enough() -> bool:
        return bool(await value(stack, RECEIPTS) >= least)

    await stack.until_true(enough)


async def test_g8_h1_by_the_poll_alone_an_order_ends_as_it_does_by_events(
    database_url: str, redis_url: str
) -> None:
    order = Order()
    async with polling(database_url, redis_url) as (stack, shop):
        for events in in_parts(story(order)):
            for event in events:
                await shop.put(event)
            if events[-1]["type"] == "purchase_order.receipted":
                await seen(stack, 1 if len(events) == 1 else 3)
            else:
                await looked(stack, shop)
        polled = await released(stack, order)
        assert await value(stack, EVENTS, "rejected") == 0
        slips = await received_with(stack)
    assert polled == END
    assert len(slips) == 3, "each receipt has a packing slip of its own"
