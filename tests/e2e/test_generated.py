"""Generated orders end the same whatever the order of arrival, doubled or not (issue of H1).

Every story is told twice, under two sets of ids: once as it happened, once shuffled with doubles.
Both must end as the story says, side by side with all the others.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.e2e.endings import OF_LEDGER, ending
from tests.e2e.generated import Story, arrivals, invoiced, opportunity_for, story
from tests.e2e.harness import Rest, Stack, bearer, running
from tests.e2e.ledgers import kept
from tests.e2e.remote import Remote, shape
from tests.e2e.rules.test_drift import compare

pytestmark = pytest.mark.processes
NUMBERS = (
    "ordered", "on_purchase_orders", "received", "linked", "shipped", "invoiceable", "invoiced",
)  # fmt: skip
PACE: dict[str, Any] = {"drift_calls_a_minute": 100_000}  # nothing may differ in the end (H12)
LINKING = ("B1", "B2")  # where ConnectWise gets the purchase orders
COUNT = int(os.environ.get("STORIES", "4"))  # stories a group; more by hand
GROUPS = int(os.environ.get("STORY_GROUPS", "5"))


async def tell(
    stack: Stack, made: Story, events: list[tuple[str, Any]], name: str, row: str = "B1"
) -> None:
    """Deliver a story and hold what stands in the end against what it says."""
    for identity, event in events:
        assert (await stack.deliver(event, webhook_id=f"{name}-{identity}"))["status"] == 202

    def through(order: Rest) -> bool:
        assert broken_laws(order, row) == [], made.number
        return made.told(order, row)

    await stack.until(made.number, through, seconds=45)


def broken_laws(order: Rest, row: str = "B1") -> list[str]:
    """Conservation laws of the line matrix, which hold at every moment."""
    faults: list[str] = []
    for line in order["lines"]:
        n = {name: int(line[name]) for name in NUMBERS}
        laws = {
            "on purchase orders ≤ ordered": n["on_purchase_orders"] <= n["ordered"],
            "linked ≤ on purchase orders": n["linked"] <= n["on_purchase_orders"],
            "received ≤ linked": n["received"] <= n["linked"] or row not in LINKING,
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


ROWS: dict[str, tuple[str, str | None]] = {
    "B1": ("connectwise-procurement-opportunity", None),
    "A": ("connectwise-invoicing", "xero"),
    "B2": ("connectwise-procurement-ticket", None),
    "C": ("commerce-invoicing", "quickbooks"),
    "D": ("connectwise-managed", None),
}


@asynccontextmanager
async def beside(
    row: str, database_url: str, redis_url: str, **more: Any
) -> AsyncIterator[tuple[Stack, Any]]:
    """A stack of the row's configuration, with a ledger where it posts to one."""
    scenario, ledger = ROWS[row]
    if ledger is None:
        async with running(database_url, redis_url, scenario=scenario, **more) as stack:
            yield stack, None
        return
    more["invoice_status"] = "approved"
    async with kept(ledger, database_url, redis_url, scenario=scenario, **more) as books:
        yield books.stack, books.ledger.books


@pytest.mark.timeout(120)
@pytest.mark.breadth
@pytest.mark.parametrize("row", [row for row in ROWS if row != "B1"])
async def test_h1_generated_orders_end_as_they_must_in_every_configuration(
    database_url: str, redis_url: str, row: str
) -> None:
    """Each system holds what the configuration's row of the matrix (G9) says, to the cent."""
    async with beside(row, database_url, redis_url) as (stack, books):
        told: list[tuple[int, Story, list[tuple[str, Any]], str]] = []
        for index in range(COUNT - 1):
            seed = ord(row[0]) * 1000 + index
            for shuffled in (False, True):
                base = 2000 + index * 10 + shuffled
                made = story(seed, base, await opportunity_for(stack, seed))
                if row in OF_LEDGER:  # in A it must go nowhere (A5)
                    invoiced(made)
                in_order = [(f"{made.number}-{n}", event) for n, event in enumerate(made.events)]
                events = arrivals(made, seed) if shuffled else in_order
                told.append((seed, made, events, "shuffled" if shuffled else "in order"))
        tellings = [tell(stack, made, events, name, row) for _, made, events, name in told]
        await asyncio.gather(*tellings)
        numbers = {number for _, made, _, _ in told for number in made.purchase_orders}
        for seed, made, _, name in told:
            found = await ending(stack, made.order, row, numbers, books)
            assert found == made.expected(row), f"seed {seed}, {name}"


@pytest.mark.timeout(120)
@pytest.mark.breadth
@pytest.mark.parametrize("row", ROWS)
async def test_h3_corrected_orders_end_as_they_were_told_last_in_every_order_of_arrival(
    database_url: str, redis_url: str, row: str
) -> None:
    async with beside(row, database_url, redis_url, worker=False) as (stack, books):
        told: list[tuple[int, Story]] = []
        for index in range(COUNT * 2 if row == "B1" else COUNT // 2):
            seed = 7000 + index
            opportunity = await opportunity_for(stack, seed)
            made = story(seed, 4000 + index * 10, opportunity, corrections=True)
            if row in OF_LEDGER:
                invoiced(made)
            told.append((seed, made))
            for identity, event in arrivals(made, seed):
                await stack.deliver(event, webhook_id=identity)
        await stack.start_worker()
        numbers = {number for _, made in told for number in made.purchase_orders}
        for _, made in told:
            await stack.until(made.number, lambda o, made=made: made.told(o, row), seconds=45)  # type: ignore[misc]
        for seed, made in told:
            found = await ending(stack, made.order, row, numbers, books)
            assert found == made.expected(row), f"seed {seed}"
