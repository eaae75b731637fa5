"""Generated orders end the same whatever the order of arrival, doubled or not (issue of H1).

Every story is told twice, under two sets of ids: once as it happened, once shuffled with doubles.
Both must end as the story says, side by side with all the others.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from tests.e2e.generated import Story, arrivals, opportunity_for, story
from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.remote import Remote, shape
from tests.e2e.rules.test_drift import compare

pytestmark = pytest.mark.processes
NUMBERS = (
    "ordered", "on_purchase_orders", "received", "linked", "shipped", "invoiceable", "invoiced",
)  # fmt: skip
PACE: dict[str, Any] = {"drift_calls_a_minute": 100_000}  # nothing may differ in the end (H12)
COUNT = int(os.environ.get("STORIES", "4"))  # stories a group; more by hand
GROUPS = int(os.environ.get("STORY_GROUPS", "5"))


async def tell(stack: Stack, made: Story, events: list[tuple[str, Any]], name: str) -> None:
    """Deliver a story and hold what stands in the end against what it says."""
    for identity, event in events:
        assert (await stack.deliver(event, webhook_id=f"{name}-{identity}"))["status"] == 202

    def through(order: Rest) -> bool:
        assert broken_laws(order) == [], made.number
        return made.told(order)

    await stack.until(made.number, through, seconds=45)


@pytest.mark.timeout(120)
@pytest.mark.breadth
async def test_h3_corrected_orders_end_as_they_were_told_last_in_every_order_of_arrival(
    database_url: str, redis_url: str
) -> None:
    async with running(database_url, redis_url, worker=False, **PACE) as stack:
        told: list[tuple[int, Story]] = []
        for index in range(COUNT * 2):
            seed = 7000 + index
            opportunity = await opportunity_for(stack, seed)
            made = story(seed, 4000 + index * 10, opportunity, corrections=True)
            told.append((seed, made))
            for identity, event in arrivals(made, seed):
                await stack.deliver(event, webhook_id=identity)
        await stack.start_worker()
        numbers = {number for _, made in told for number in made.purchase_orders}
        for _, made in told:
            await stack.until(made.number, made.told, seconds=45)
        for seed, made in told:
            remote = await Remote.read(stack, made.order, numbers)
            assert shape(remote) == made.expected(), f"seed {seed}"
            assert await compare(stack, made.order) == [], f"seed {seed}"


def broken_laws(order: Rest) -> list[str]:
    """Conservation laws of the line matrix, which hold at every moment."""
    faults: list[str] = []
    for line in order["lines"]:
        n = {name: int(line[name]) for name in NUMBERS}
        laws = {
            "on purchase orders ≤ ordered": n["on_purchase_orders"] <= n["ordered"],
            "linked ≤ on purchase orders": n["linked"] <= n["on_purchase_orders"],
            "received ≤ linked": n["received"] <= n["linked"],
            "shipped ≤ ordered": n["shipped"] <= n["ordered"],
            "invoiceable ≤ ordered": n["invoiceable"] <= n["ordered"],
            "invoiced ≤ invoiceable": n["invoiced"] <= n["invoiceable"],
        }
        faults += [f"{line['title']}: {law} {n}" for law, holds in laws.items() if not holds]
    return faults


@pytest.mark.timeout(120)
@pytest.mark.breadth
@pytest.mark.parametrize("group", range(GROUPS))
async def test_h1_generated_orders_end_as_they_must_in_every_order_of_arrival(
    database_url: str, redis_url: str, group: int
) -> None:
    async with running(database_url, redis_url, callbacks=group % 2 == 0, **PACE) as stack:
        for callback in await stack.get("/system/callbacks"):
            # Every change of the service's own comes back at it, as changes of others would.
            change = [{"op": "replace", "path": "isSelfSuppressedFlag", "value": False}]
            answer = await stack.cw.patch(f"/system/callbacks/{callback['id']}", json=change)
            assert answer.is_success, answer.text
        told: list[tuple[int, Story, list[tuple[str, Any]], str]] = []
        for index in range(COUNT):
            seed = group * 1000 + index
            for shuffled in (False, True):
                base = 2000 + index * 10 + shuffled
                made = story(seed, base, await opportunity_for(stack, seed))
                in_order = [(f"{made.number}-{n}", event) for n, event in enumerate(made.events)]
                events = arrivals(made, seed) if shuffled else in_order
                told.append((seed, made, events, "shuffled" if shuffled else "in order"))
        await asyncio.gather(*(tell(stack, made, events, name) for _, made, events, name in told))
        numbers = {number for _, made, _, _ in told for number in made.purchase_orders}
        for seed, made, _, name in told:
            remote = await Remote.read(stack, made.order, numbers)
            assert shape(remote) == made.expected(), f"seed {seed}, {name}"
            assert await compare(stack, made.order) == [], f"seed {seed}, {name}"
        told_back = (await stack.client.get("/admin/events", headers=bearer())).json()["items"]
        from_connectwise = [event for event in told_back if event["source"] == "connectwise"]
        assert bool(from_connectwise) is (group % 2 == 0)
