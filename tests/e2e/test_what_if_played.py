"""What if: what is shown of another scenario is what is written when an order is really played so.

Nothing is touched by asking: no row of the database, no system.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.e2e.harness import Stack
from tests.e2e.test_preview import (
    B1,
    B2,
    A,
    D,
    an_order,
    asked,
    calls_of,
    documents,
    logs,
    merge,
    plan,
    run,
    standing,
    told,
)

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1
"""
# What a running service writes by itself, whoever asks.
_ALIVE = {"worker", "reference_cache"}


async def everything(stack: Stack) -> dict[str, Any]:
    """Every row of the database, as a digest by table."""
    async with stack.container.admin._db.session() as session:  # type: ignore[attr-defined]
        names = [row["table_name"] for row in await session.fetch(_TABLES)]
        return {
            name: await session.fetchval(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {name} t"  # noqa: S608
            )
            for name in names
            if name not in _ALIVE
        }


async def writes(stack: Stack, scenario: str) -> Counter[str]:
    """The writes by step of an order that is really played through, from its documents alone."""
    order = an_order()
    await told(stack, *documents(order, scenario))
    await merge(stack)
    before = await plan(stack, order)
    await run(stack, order, before)
    made = [c for c in await calls_of(stack, order) if c["purpose"] == "step"]
    return Counter(
        str(call["step"])
        for call in made
        if call["method"] != "GET"
        # What depends on what is found there is in no telling: options, and the catalog.
        and "/forecast" not in call["path"]
        and not call["path"].endswith("/procurement/catalog")
    )


@pytest.mark.parametrize(
    ("other", "ledger", "settings"),
    [
        (B2, None, {}),
        (A, "xero", {}),
        (D, None, {}),
        (None, None, {"PURCHASE_ORDER_TIMING": "on_issue"}),
        (None, None, {"DEMAND_LINKING": "automatic"}),
        (None, None, {"MARK_SHIPPED": "on_receipt"}),
    ],
    ids=str,
)
async def test_the_difference_is_the_one_of_two_orders_that_are_really_played(
    databases: Any, database_url: str, redis_url: str, other: str | None, ledger: str | None,
    settings: dict[str, str],
) -> None:  # fmt: skip
    order = an_order()
    async with standing(B1, None, database_url, redis_url) as stack:
        await told(stack, *documents(order, B1))
        await merge(stack)
        rows, sent = await everything(stack), await logs(stack)
        body: dict[str, Any] = {"orders": [order.number], "scenario": other, "settings": settings}
        found = await asked(stack, "/admin/what-if", **body)
        assert await everything(stack) == rows
        assert await logs(stack) == sent
        days = await asked(stack, "/admin/what-if", days=30, scenario=other, settings=settings)
        assert days == found
        (item,) = found["items"]
        shown = Counter(one["step"] for one in item["there"])
        shown.subtract(Counter(one["step"] for one in item["here"]))
        here = await writes(stack, B1)
    kept = databases.take()
    try:
        url = database_url.rsplit("/", 1)[0] + f"/{kept.name}"
        more = {name.lower(): value for name, value in settings.items()}
        async with standing(other or B1, ledger, url, redis_url, **more) as stack:
            there = await writes(stack, other or B1)
    finally:
        databases.give_back(kept)
    there.subtract(here)
    assert {step: n for step, n in shown.items() if n} == {
        step: n for step, n in there.items() if n
    }, (item["here"], item["there"])
