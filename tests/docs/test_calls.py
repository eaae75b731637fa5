"""The page of calls tells the calls that are made: the same order is run and compared."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from app.sync import inbox
from tests.docs.reading import ROOT, read
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.orders import DOCK, MONITOR, Order

pytestmark = pytest.mark.processes

PAGE = read(ROOT / "docs/calls.md")
ROW = re.compile(r"^\| (\d+) \| (\w+) \| `([A-Z]+ [^`]+)` \|")
Call = tuple[str, str]


def told() -> list[Call]:
    """Step and call of each row of the table, in order."""
    rows = [match for line in PAGE.prose if (match := ROW.match(line))]
    assert [int(row[1]) for row in rows] == list(range(1, len(rows) + 1))
    return [(row[2], row[3]) for row in rows]


async def made(stack: Stack, order: Order) -> list[Call]:
    """The calls for the order itself, in the order in which they were made."""
    return [
        (call["step"], f"{call['method']} {re.sub(r'/[0-9]+', '/{id}', call['path'])}")
        for call in await calls_of(stack, order)
        if call["purpose"] == "step" and not catalog_read(call)
    ]


def catalog_read(call: dict[str, Any]) -> bool:
    """Reference data too, although steps ask for it by themselves."""
    return bool(call["method"] == "GET" and call["path"] == "/procurement/catalog")


async def calls_of(stack: Stack, order: Order) -> list[dict[str, Any]]:
    answer = await stack.client.get(
        f"/admin/orders/{order.number}/calls", params={"limit": 200}, headers=bearer()
    )
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def straight(**more: Any) -> Order:
    return Order(lines=[(MONITOR, 10)], quote_id=None, not_chosen=(), **more)


async def test_an_order_with_a_single_purchase_order_makes_the_calls_of_the_table(stack: Stack):
    order = straight()
    await stack.deliver(order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    await stack.deliver(order.ordered(8891, [(MONITOR, 10)]))
    await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
    await stack.deliver(order.receipted(8891))
    await stack.until_state(order.number, "done")
    assert await made(stack, order) == told()


async def test_the_numbers_in_the_text_are_those_of_the_table():
    writes = [call for _, call in told() if not call.startswith("GET")]
    text = " ".join(PAGE.prose)
    assert f"{len(writes)} writes and {len(told()) - len(writes)} reads" in text
    assert f"Then it is {len(told()) - 1}." in text


async def test_a_replay_counts_the_calls_of_the_table(database_url: str, redis_url: str):
    order = straight()
    events = [order.approved(), order.ordered(8891, [(MONITOR, 10)]), order.receipted(8891)]
    async with running(database_url, redis_url, worker=False) as stack:
        for event in events:
            await stack.deliver(event)
        while await stack.container.store.merge(inbox.plan, 100):
            pass
        body = {"orders": [order.number], "reason": "to see what it costs"}
        plan = (await stack.client.post("/admin/replays", json=body, headers=bearer())).json()
    planned: Counter[tuple[str, bool]] = Counter()
    for step in plan["items"][0]["steps"]:
        planned[step["step"], True] += len(step["reads"])
        planned[step["step"], False] += len(step["writes"])
    expected = Counter((step, call.startswith("GET")) for step, call in told())
    del expected["sync_purchase_order", True]  # all in one go: it was read a moment ago
    assert +planned == expected


async def test_what_a_worker_read_a_moment_ago_is_not_read_again(database_url: str, redis_url: str):
    order = straight()
    events = [order.approved(), order.ordered(8891, [(MONITOR, 10)]), order.receipted(8891)]
    async with running(database_url, redis_url, worker=False) as stack:
        for event in events:
            await stack.deliver(event)
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        spent_on_purpose = ("sync_purchase_order", "GET /procurement/products")
        assert await made(stack, order) == [call for call in told() if call != spent_on_purpose]


async def test_more_of_everything_costs_what_the_second_table_says(stack: Stack):
    """A quote with options, two lines, a partial receipt of one of them, then the rest."""
    order = Order(lines=[(MONITOR, 10), (DOCK, 3)])
    await stack.deliver(order.quote())
    await stack.deliver(order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    await stack.deliver(order.ordered(8891, [(MONITOR, 10), (DOCK, 3)]))
    await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
    await stack.deliver(order.receipted(8891, {1: 4}))
    await stack.until(order.number, lambda o: o["lines"][0]["received"] == "4")
    await stack.deliver(order.receipted(8891))
    await stack.until_state(order.number, "done")
    options = 1 + 1  # the forecast, and the tick of what was not chosen
    further_line, further_purchase_order_line = 1, 1
    further_receipt = 2 + 1  # two reads, and the monitors' second part
    expected = len(told()) + options + further_line + further_purchase_order_line
    assert len(await made(stack, order)) == expected + further_receipt


async def test_the_straight_order_of_the_demo_costs_what_the_text_says(stack: Stack):
    order = Order(header={"deliveryAmount": 25})
    await stack.deliver(order.quote())
    await stack.deliver(order.approved())
    await stack.until_state(order.number, "waiting", "LINE_NOT_ORDERED")
    await stack.deliver(order.ordered(8891, [(MONITOR, 10), (DOCK, 3)]))
    await stack.until_state(order.number, "waiting", "GOODS_NOT_RECEIVED")
    await stack.deliver(order.receipted(8891))
    await stack.until_state(order.number, "done")
    calls = [call for _, call in await made(stack, order)]
    reads = sum(call.startswith("GET") for call in calls)
    text = " ".join(PAGE.prose)
    assert f"= {len(calls) - reads} writes, and" in text
    assert f"= {reads} reads." in text
