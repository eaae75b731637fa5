"""What if: what is shown of another scenario is what is written when orders are really played so.

The orders are of many shapes: received in part, two purchase orders, lines and purchase orders that
were taken back, surplus, goods from stock, one that was cancelled. Nothing is touched by asking: no
row of the database, no system.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import Counter
from typing import Any

import pytest

from tests.e2e.generated import invoiced, story
from tests.e2e.harness import Rest, Stack
from tests.e2e.ledgers import invoice
from tests.e2e.orders import BAG, CABLE, DOCK, INSTALL, MONITOR, STAND, SYNNEX, Order
from tests.e2e.test_preview import (
    B1,
    B2,
    A,
    C,
    D,
    an_order,
    asked,
    calls_of,
    documents,
    logs,
    merge,
    standing,
    told,
)

pytestmark = [pytest.mark.processes, pytest.mark.breadth]
_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1
"""
_SOON = """
SELECT count(*) FROM orders WHERE lease_owner IS NOT NULL
OR state IN ('running', 'waiting') AND due_at < now() + interval '20 seconds'
"""
# What a running service writes by itself, whoever asks.
_ALIVE = {"worker", "reference_cache"}
# Reads by POST, and what depends on what is found there and so is in no telling: options, the
# catalog, the ledger's contacts, and the end of a purchase order that its bills may have closed.
_NOT_TOLD = re.compile(
    r"/forecast|/procurement/catalog$|PUT /Contacts|POST .*/(vendor|customer)$|"
    r"POST /PurchaseOrders/[^/]+$"
)
COUNT = int(os.environ.get("STORIES", "4"))  # made-up orders beside those here; more by hand
QUIET = 1.0  # seconds without a write, and none to come


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


# --- orders ---------------------------------------------------------------------------------------


def orders() -> dict[str, list[Rest]]:
    """The events of each order by its number, the same whatever they are played through."""
    found = {an_order().number: documents(an_order(), C)}  # received in part, two suppliers
    for made in (
        _two_purchase_orders(),
        _taken_back(),
        _surplus(),
        _cancelled(),
        _without_invoice(),
    ):
        found[made[0].number] = made[1]
    for seed in range(COUNT):
        tale = story(seed, 2000 + seed * 10, None, corrections=True)
        if seed % 2:
            invoiced(tale)
        found[tale.number] = tale.events
    return found


def _plain(number: int, *lines: tuple[int, int], **header: Any) -> Order:
    return Order(
        id=number, lines=list(lines), opportunity=None, quote_id=None, not_chosen=(), header=header
    )


def _sold(order: Order, nth: int = 1) -> Rest:
    lines = [("product", f"Product {product}", str(n), "100") for product, n in order.lines]
    number = order.id * 10 + nth
    return invoice(order, *lines, id=number, invoiceNumber=f"IN1000{number}")


def _two_purchase_orders() -> tuple[Order, list[Rest]]:
    """One comes in two parts, the other at once."""
    order = _plain(1301, (MONITOR, 10), (DOCK, 3))
    events = [
        order.approved(),
        order.ordered(13011, [(MONITOR, 10)]),
        order.ordered(13012, [(DOCK, 3)], SYNNEX),
        order.receipted(13011, {1: 4}),
        order.receipted(13012),
        order.receipted(13011),
    ]
    return order, [*events, _sold(order)]


def _taken_back() -> tuple[Order, list[Rest]]:
    """A line that is sold no more, a purchase order line at 0, and a purchase order that was cancelled
    for another one."""
    order = _plain(1302, (MONITOR, 4), (DOCK, 2), (CABLE, 5))
    events = [order.approved(), order.ordered(13021, [(MONITOR, 4), (CABLE, 5)])]
    order.lines = [(MONITOR, 4), (DOCK, 2)]
    events += [order.approved("sales_order.updated"), order.ordered(13022, [(DOCK, 2)])]
    order.purchase_orders[13021]["lines"][1]["quantity"] = 0
    order.purchase_orders[13022]["status"] = 90
    events += [order.ordered_again(13021), order.ordered_again(13022)]
    events[-1]["type"] = "purchase_order.cancelled"
    events += [order.ordered(13023, [(DOCK, 2)], SYNNEX), order.receipted(13021, {1: 4})]
    return order, [*events, order.receipted(13023, {1: 1}), _sold(order)]


def _surplus() -> tuple[Order, list[Rest]]:
    """More is bought than sold, and what is not sold at all; services beside the goods; two
    invoices. No other order sells these goods: surplus may meet another's demand, which no order that
    is played alone can know of."""
    order = _plain(1303, (STAND, 2), (INSTALL, 1), deliveryAmount=25)
    events = [order.approved(), order.ordered(13031, [(STAND, 3), (BAG, 2)])]
    events += [order.receipted(13031), _sold(order)]
    return order, [*events, _sold(order, 2)]


def _cancelled() -> tuple[Order, list[Rest]]:
    """The customer cancelled; what came by then is owed all the same."""
    order = _plain(1304, (DOCK, 2))
    events = [order.approved(), order.ordered(13041, [(DOCK, 2)]), order.receipted(13041, {1: 1})]
    return order, [*events, order.approved("sales_order.cancelled", 90)]


def _without_invoice() -> tuple[Order, list[Rest]]:
    """Goods from stock, a part on order, and no sales invoice yet."""
    order = _plain(1305, (CABLE, 6), (DOCK, 1))
    event = order.approved()
    event["data"]["salesOrder"]["lines"][0]["quantityFromStock"] = 6
    return order, [event, order.ordered(13051, [(DOCK, 1)])]


# --- played ---------------------------------------------------------------------------------------


async def _due(stack: Stack) -> int:
    """Orders that go on in a moment, as after a conflict."""
    async with stack.container.admin._db.session() as session:  # type: ignore[attr-defined]
        found: int = await session.fetchval(_SOON)
        return found


async def writes(stack: Stack, numbers: list[str]) -> dict[str, Counter[str]]:
    """The writes by step of orders that are really played through, from their documents alone."""
    await stack.start_worker()
    loop = asyncio.get_running_loop()
    before, since = -1, loop.time()
    async with asyncio.timeout(90):
        while loop.time() - since < QUIET:
            count = sum(entry["method"] != "GET" for log in await logs(stack) for entry in log)
            if count != before or await _due(stack):
                before, since = count, loop.time()
            await asyncio.sleep(0.2)
    await stack.kill_worker()
    found = {}
    for number in numbers:
        calls = [
            c for c in await calls_of(stack, Order(id=int(number[6:]))) if c["purpose"] == "step"
        ]
        lines = [(c["step"], f"{c['method']} {c['path']}") for c in calls if c["method"] != "GET"]
        found[number] = Counter(step for step, line in lines if not _NOT_TOLD.search(line))
    return found


def _only_more(step: str, shown: int, made: int) -> bool:
    """A line is shipped by a change more for each part that ConnectWise picked by itself."""
    return step == "ship_goods" and 0 < abs(shown) < abs(made) <= 3 * abs(shown)


APPROVED = {"INVOICE_STATUS": "approved"}  # QuickBooks Online has no drafts (D-9)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("here", "ledger", "other", "other_ledger", "settings"),
    [
        (B1, None, B2, None, {}),
        (B1, None, A, "xero", {}),
        (B1, None, D, None, {}),
        (B1, None, C, "xero", {}),
        (B1, None, C, "quickbooks", APPROVED),
        (B2, None, C, "xero", {}),
        (A, "xero", C, "xero", {}),
        (D, None, C, "quickbooks", APPROVED),
        (C, "xero", B1, None, {}),
        (C, "quickbooks", B2, None, {}),
        (C, "quickbooks", A, "quickbooks", {}),
        (C, "xero", D, None, {}),
        (B1, None, None, None, {"PURCHASE_ORDER_TIMING": "on_issue"}),
        (B1, None, None, None, {"DEMAND_LINKING": "automatic"}),
        (B1, None, None, None, {"MARK_SHIPPED": "on_receipt"}),
        (C, "xero", None, "xero", {"PURCHASE_ORDER_TIMING": "on_issue"}),
        (C, "xero", None, "xero", APPROVED),
        (C, "quickbooks", None, "quickbooks", {"BILL_PER": "purchase_order"}),
        (C, "xero", None, "xero", {"RAISE_TICKET": "chosen", "OPPORTUNITY_MISSING": "hold"}),
    ],
    ids=str,
)
async def test_the_difference_is_the_one_of_orders_that_are_really_played(
    databases: Any, database_url: str, redis_url: str, here: str, ledger: str | None,
    other: str | None, other_ledger: str | None, settings: dict[str, str],
) -> None:  # fmt: skip
    played = orders()
    if "DEMAND_LINKING" in settings:  # ConnectWise links across orders by itself
        played = dict(list(played.items())[:1])
    numbers = list(played)
    before = {name.lower(): value for name, value in APPROVED.items() if ledger == "quickbooks"}
    async with standing(here, ledger, database_url, redis_url, **before) as stack:
        for events in played.values():
            await told(stack, *events)
        await merge(stack)
        rows, sent = await everything(stack), await logs(stack)
        body: dict[str, Any] = {"orders": numbers, "scenario": other, "settings": settings}
        found = await asked(stack, "/admin/what-if", **body)
        assert await everything(stack) == rows
        assert await logs(stack) == sent
        days = await asked(stack, "/admin/what-if", days=30, scenario=other, settings=settings)
        assert sorted(days["items"], key=str) == sorted(found["items"], key=str)
        first = await writes(stack, numbers)
    kept = databases.take()
    try:
        url = database_url.rsplit("/", 1)[0] + f"/{kept.name}"
        more = before | {name.lower(): value for name, value in settings.items()}
        async with standing(other or here, other_ledger, url, redis_url, **more) as stack:
            for events in played.values():
                await told(stack, *events)
            await merge(stack)
            second = await writes(stack, numbers)
    finally:
        databases.give_back(kept)
    items = {item["order"]: item for item in found["items"]}
    wrong = []
    for number in numbers:
        item = items.get(
            number, {"here": [], "there": []}
        )  # one that goes the same way is not told
        shown = Counter(one["step"] for one in item["there"])
        shown.subtract(Counter(one["step"] for one in item["here"]))
        made = Counter(second[number])
        made.subtract(first[number])
        wrong += [
            f"{number} {step}: {shown[step]} told, {made[step]} made, "
            + str([[w["write"] for w in item[x] if w["step"] == step] for x in ("here", "there")])
            for step in sorted(shown | made | -shown | -made)
            if shown[step] != made[step] and not _only_more(step, shown[step], made[step])
        ]
    assert not wrong, "\n".join(wrong)
