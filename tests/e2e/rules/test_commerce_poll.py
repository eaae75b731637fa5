"""G8 and H1: events and the poll together, what is lost, history, and an API that is away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from tests.e2e.commerce import (
    END,
    EVENTS,
    begun,
    in_parts,
    looked,
    poll_state,
    polling,
    received_with,
    released,
    renumbered,
    story,
    value,
)
from tests.e2e.harness import Stack, bearer, running
from tests.e2e.orders import Order

TOLD = "SELECT count(*) FROM document WHERE kind = 'receipt' AND own ->> 'polled' IS NULL"
TWICE = """
SELECT count(*) FROM (
    SELECT FROM journal_event WHERE code = 'DOCUMENT_MERGED'
    GROUP BY data ->> 'kind', data ->> 'id', data ->> 'version' HAVING count(*) > 1
) AS twice
"""


async def arrived(stack: Stack, order: Order) -> None:
    async def known() -> bool:
        return bool((await stack.order(order.number))["state"])

    await stack.until_true(known)


async def connection(stack: Stack) -> dict[str, Any]:
    answer = await stack.client.get("/admin/connections", headers=bearer())
    return next(one for one in answer.json()["items"] if one["system"] == "commerce")


async def test_g8_h1_an_event_and_the_poll_of_the_same_change_count_once(
    database_url: str, redis_url: str
) -> None:
    order = Order()
    # Long enough for every event, should the poll be first.
    async with polling(database_url, redis_url, webhooks=True, receipt_gap=1.0) as (stack, shop):
        for events in in_parts(story(order)):
            for event in events:
                await shop.put(event)
            await looked(stack, shop)
        assert await released(stack, order) == END
        (day,) = (await connection(stack))["calls"]
        settings = stack.container.settings
        whole = settings.commerce_calls_a_day + settings.drift_commerce_calls_a_day
        assert (day["seconds"], day["limit"], day["used"] + day["left"]) == (86_400, whole, whole)
        assert day["used"] >= 6  # a look at each list
        doubled = await value(stack, TWICE)
        assert await value(stack, TOLD) == 3
        slips = await received_with(stack)
    assert doubled == 0, "no version of a document was merged twice"
    assert {slip.split("-")[0] for slip in slips} == {"SLIP"}


async def test_g8_h1_a_lost_event_is_healed_and_its_papers_are_taken_when_they_come(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(301, 4)], not_chosen=())
    async with polling(database_url, redis_url, webhooks=True) as (stack, shop):
        await shop.put(order.quote())
        await shop.put(order.approved(), tell=False)
        await shop.put(order.ordered(8891, [(301, 4)]))
        receipt = order.receipted(8891)
        await shop.put(receipt, tell=False)
        before = await released(stack, order)
        assert before["received"] == {"DELL-P2425H": 4}
        await stack.deliver(renumbered(receipt))

        async def enriched() -> bool:
            (found,) = await stack.get("/procurement/purchaseorders")
            return bool(found.get("vendorInvoiceNumber"))

        await stack.until_true(enriched)
        assert await released(stack, order) == before


async def test_g8_h1_a_worker_that_dies_while_it_reads_loses_nothing(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(301, 1)], quote_id=None, not_chosen=())
    async with polling(database_url, redis_url) as (stack, shop):
        slow = {"kind": "slow", "path": "^/v1/salesorderline$", "times": 2, "seconds": 30}
        await shop.control("faults", slow)
        await shop.put(order.approved())

        async def reading() -> bool:
            return len((await shop.client.get("/_sandbox/faults")).json()) == 0 or any(
                one["path"] == "/v1/salesorder/1201" for one in await shop.requests()
            )

        await stack.until_true(reading)
        await stack.kill_worker()
        assert await value(stack, EVENTS, "merged") == 0
        await shop.client.delete("/_sandbox/faults")
        await stack.start_worker()
        await arrived(stack, order)
        assert await value(stack, EVENTS, "merged") == 1


async def test_g8_a_first_run_leaves_history_alone_until_it_is_asked_for(
    database_url: str, redis_url: str
) -> None:
    old, new = Order(id=1100, quote_id=None), Order(id=1201, quote_id=None, lines=[(302, 1)])
    async with polling(database_url, redis_url, worker=False) as (stack, shop):
        await shop.put(old.approved())
        await stack.start_worker()
        await begun(stack)
        await shop.put(old.ordered(8800, [(301, 10)]))  # of an order that people did by hand
        await shop.put(old.approved("sales_order.updated"))
        await shop.put(new.approved())
        await arrived(stack, new)
        assert (await stack.order(old.number))["state"] is None
        assert await value(stack, "SELECT count(*) FROM orders") == 1
        await stack.kill_worker()
        assert stack.container.commerce is not None
        stack.container.commerce._asked = datetime(2026, 1, 1, tzinfo=UTC)
        await stack.start_worker()
        await arrived(stack, old)


async def test_g8_refused_credentials_are_shown_and_end_when_a_person_resumes(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(301, 1)], quote_id=None, not_chosen=())
    async with polling(database_url, redis_url) as (stack, shop):
        refused = {"kind": "status", "path": "^/v1/", "times": None, "status": 401}
        await shop.control("faults", refused)

        async def paused() -> bool:
            return bool((await connection(stack))["state"] == "paused")

        await stack.until_true(paused)
        assert (await connection(stack))["code"] == "CREDENTIALS_REFUSED"
        asked = len(await shop.requests())
        await shop.put(order.approved())
        await shop.client.delete("/_sandbox/faults")
        await asyncio.sleep(0.5)
        assert len(await shop.requests()) == asked, "a paused connection is not called"
        number = (await connection(stack))["id"]
        resume = f"/admin/connections/{number}/resume"
        answer = await stack.client.post(resume, headers=bearer(), json={"reason": "new key"})
        assert answer.status_code == 200, answer.text
        await arrived(stack, order)


async def test_g8_what_happened_while_the_api_was_away_comes_in_when_it_is_back(
    database_url: str, redis_url: str
) -> None:
    order = Order(lines=[(301, 1)], quote_id=None, not_chosen=())
    async with polling(database_url, redis_url) as (stack, shop):
        away = [
            {"kind": "refuse", "path": "^/v1/", "times": 3},
            {"kind": "status", "path": "^/v1/", "times": 1, "status": 503},
            {
                "kind": "status",
                "path": "^/v1/salesorder/",
                "times": 1,
                "status": 429,
                "headers": {"Retry-After": "0.2"},
            },
        ]
        await shop.control("faults", away)
        await shop.put(order.approved())
        await arrived(stack, order)
        assert (await shop.client.get("/_sandbox/faults")).json() == []
        state = await poll_state(stack)
        assert (state["failing"], state["waiting"]) == (None, [])


async def test_g8_without_a_key_nothing_is_polled(database_url: str, redis_url: str) -> None:
    async with running(database_url, redis_url, worker=False) as stack:
        assert stack.container.commerce is None
