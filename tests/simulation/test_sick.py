"""A peer that is away for a while, played whole: left alone, then all is done (H10, decision 0038)."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import pytest

from app.domain.ports import Paused
from app.sync import circuit
from tests.simulation.day import usual as usual_day
from tests.simulation.network import Network, Way
from tests.simulation.play import play

FROM, TO = 10.0, 310.0
UNDER_WAY = 5.0


@pytest.mark.parametrize("seed", [1, 9])
def test_h10_a_peer_that_is_away_is_left_alone_and_then_all_is_done(seed: int) -> None:
    called: list[float] = []
    opened: list[float] = []
    usual, opens = Network._way, circuit.Circuit.opens

    def away(network: Network, where: str, *, write: bool) -> Way:
        now = asyncio.get_running_loop().time()
        if not FROM <= now < TO:
            return usual(network, where, write=write)
        called.append(now)
        return Way(0.01, 0.01, refused=True)

    def noting(counted: circuit.Circuit, system: str) -> Paused | None:
        paused = opens(counted, system)
        if paused is not None:
            opened.append(asyncio.get_running_loop().time())
        return paused

    with (
        patch.object(Network, "_way", away),
        patch.object(circuit.Circuit, "opens", noting),
        patch.object(circuit, "OPEN_AFTER", 3),  # a day of the simulation has few orders
    ):
        faults = play(usual_day(seed)).faults
    assert faults == []
    first = min(at for at in opened if FROM <= at < TO)
    # Only the questions, one at a time, and what was under way when it opened.
    late = [at for at in called if at > first + UNDER_WAY]
    assert late
    assert len(late) <= (TO - first) / circuit.ASK_SECONDS
