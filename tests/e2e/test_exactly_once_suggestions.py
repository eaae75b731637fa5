"""Exactly once, for the note that tells what to buy: a worker that dies at any point, a lost reply
and a state that changed meanwhile leave each state told once, the newest last."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.e2e.harness import Stack, running
from tests.e2e.managed import D, notes
from tests.e2e.orders import CABLE
from tests.e2e.tickets import plain, tell

# The protocol is one; the steps of B1 prove it in every run.
pytestmark = [pytest.mark.processes, pytest.mark.breadth]
QUICK: dict[str, Any] = {**D, "connectwise_timeout": 1.5, "read_lag": 0.4}
POINTS = ("intent_committed", "sent", "replied", "outcome_committed")


async def texts(stack: Stack) -> list[str]:
    await stack.control("settings", {"read_lag_ms": 0}, "PUT")
    return [str(note["text"]) for note in await notes(stack, 21001)]


@pytest.mark.parametrize("point", POINTS)
async def test_a_worker_that_dies_at_a_point_tells_nothing_twice(
    database_url: str, redis_url: str, point: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, worker=False, **QUICK) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        stack.stops.step, stack.stops.point = "suggest_purchase", point
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        (text,) = await texts(stack)
        assert text.endswith("[demandlink suggestion default/1201/po:8891/1]")


@pytest.mark.parametrize("point", ["intent_committed", "sent", "replied"])
async def test_d3_a_state_in_doubt_is_settled_before_the_next_one_is_told(
    database_url: str, redis_url: str, point: str
) -> None:
    """The worker dies while it tells of five, and Commerce says six meanwhile."""
    order = plain((CABLE, 6))
    async with running(database_url, redis_url, worker=False, **QUICK) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        stack.stops.step, stack.stops.point = "suggest_purchase", point
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await stack.start_worker()
        async with asyncio.timeout(20):
            await stack.stops.happened.wait()
        await stack.kill_worker()
        await tell(stack, order.ordered(8891, [(CABLE, 6)]))
        await stack.start_worker()
        await stack.until_state(order.number, "done")
        told = await texts(stack)
        five = [text for text in told if "- 5 x" in text]
        assert len(five) == (point != "intent_committed")
        assert [text for text in told if "- 6 x" in text] == told[-1:]


@pytest.mark.parametrize("kind", ["lose_reply", "refuse"])
async def test_a_lost_reply_or_a_refused_connection_tells_nothing_twice(
    database_url: str, redis_url: str, kind: str
) -> None:
    order = plain((CABLE, 5))
    async with running(database_url, redis_url, **QUICK) as stack:
        await stack.control("settings", {"read_lag_ms": 100}, "PUT")
        fault = {"method": "POST", "path": "/notes$", "times": 1, "kind": kind}
        await stack.control("faults", [fault])
        await tell(stack, order.ordered(8891, [(CABLE, 5)]), order.approved())
        await stack.until_state(order.number, "done")
        assert len(await texts(stack)) == 1
