"""G2: a purchase order line that accounting took into a batch is never edited."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Rest, Stack, running
from tests.e2e.orders import CABLE, Order
from tests.e2e.rules.test_purchase_order_changes import (
    ON_ISSUE,
    an_order,
    lines_of,
    revised,
    standing,
    tell,
)

pytestmark = pytest.mark.processes
PO = "PO10008891"


async def batched(stack: Stack, order: Order) -> Rest:
    """The purchase order stands open with its only line in a batch."""
    await tell(stack, order.approved(), order.ordered(8891, [(CABLE, 10)]))
    await standing(stack, order)
    (line,) = await lines_of(stack, PO)
    await stack.control("act", {"act": "batch_line", "id": line["id"]})
    (line,) = await lines_of(stack, PO)
    assert line["batchedFlag"] is True
    return line


async def edits(stack: Stack, line: Rest) -> list[Rest]:
    """What was tried on a line."""
    end = f"/lineitems/{line['id']}"
    return [
        entry
        for entry in await stack.requests()
        if entry["path"].endswith(end) and entry["method"] in ("PATCH", "PUT", "DELETE")
    ]


@pytest.mark.parametrize("change", [{"price": 90}, {"quantity": 6}], ids=["price", "quantity"])
async def test_g2_a_batched_line_is_left_alone_and_the_change_is_for_a_person(
    database_url: str, redis_url: str, change: dict[str, int]
) -> None:
    order = an_order()
    async with running(database_url, redis_url, **ON_ISSUE) as stack:
        line = await batched(stack, order)
        before = await edits(stack, line)
        await tell(stack, revised(order, 8891, {1: change}))
        held = await stack.until_state(order.number, "held", "CHANGED_AFTER_FREEZE")
        assert "accounting took it over" in held["answer"]["sentence"]
        assert await lines_of(stack, PO) == [line]
        assert await edits(stack, line) == before
