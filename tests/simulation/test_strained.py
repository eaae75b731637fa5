"""A system that stands only so many calls at once, played whole under virtual time (decision 0049)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from unittest.mock import patch

import httpx

from tests.simulation.chaos import Limits
from tests.simulation.day import usual as usual_day
from tests.simulation.network import Network
from tests.simulation.play import Run, play

SEED = 2
STANDS = 1
ORDERS = 4
SECONDS = 1.0  # that ConnectWise takes for an answer


def strained(seed: int) -> tuple[Run, int]:
    """A day of one worker; how many calls were refused because too many were under way."""
    inside = refused = 0
    usual = Network.handle_async_request

    async def stands(network: Network, request: httpx.Request) -> httpx.Response:
        nonlocal inside, refused
        inside += 1
        try:
            if inside > STANDS:
                refused += 1
                return httpx.Response(429, headers={"retry-after": "1"}, request=request)
            await asyncio.sleep(SECONDS)
            return await usual(network, request)
        finally:
            inside -= 1

    day = replace(usual_day(seed), workers=1, stories=tuple(range(ORDERS)))
    with patch.object(Network, "handle_async_request", stands):
        run = play(day, Limits(most=0))
    return run, refused


def test_h10_a_system_is_called_as_much_as_it_stands_and_all_is_done() -> None:
    # Where ConnectWise links by itself it may take either of two orders of one product: not here.
    assert usual_day(SEED).settings["demand_linking"] != "automatic"
    run, refused = strained(SEED)
    assert run.faults == []
    # Without the limit it is hundreds: each refusal's pause ends for all orders at once.
    assert 0 < refused < 40
    again, _ = strained(SEED)
    assert again.history == run.history
