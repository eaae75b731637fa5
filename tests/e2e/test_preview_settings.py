"""Plans under other settings: what they tell is what the systems receive, to the end of the order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.test_preview import (
    B1,
    B2,
    NOBODY,
    an_order,
    at_rest,
    documents,
    exactly,
    mapped,
    merge,
    standing,
    told,
)

pytestmark = [pytest.mark.processes, pytest.mark.breadth]


@pytest.mark.parametrize(
    ("scenario", "more"),
    [
        (B1, {"demand_linking": "automatic"}),
        (B1, {"demand_linking": "demand_appends_to_po"}),
        (B1, {"purchase_order_timing": "on_issue"}),
        (B1, {"opportunity_missing": "plain_sales_order"}),
        (B1, {"opportunity_missing": "create"}),
        (B1, {"mark_shipped": "on_receipt"}),
        (B1, {"invoice_action": "create_invoice"}),
        (B2, {"invoice_action": "create_invoice"}),
    ],
    ids=lambda one: one if isinstance(one, str) else next(iter(one.values())),
)
async def test_other_settings_are_told_as_exactly(
    database_url: str, redis_url: str, scenario: str, more: dict[str, Any]
) -> None:
    alone = "opportunity_missing" in more
    order = an_order(customer=dict(NOBODY), company=None, opportunity=None if alone else 88)
    async with standing(scenario, None, database_url, redis_url, **more) as stack:
        await told(stack, *documents(order, scenario))
        await at_rest(stack, order, "MAPPING_MISSING")
        await mapped(stack)
        await exactly(stack, order)
        await told(stack, order.receipted(8892), order.receipted(8891))
        await merge(stack)
        progress = await exactly(stack, order)
        assert progress["items"][0]["result"]["state"] == "done"
