"""The database's clock leaps just after the first look at a write in doubt: no record stands twice.

Chance alone seldom meets that moment, so the leap is aimed at it; calls are slow and reads stale as
often as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from app.domain import ports
from app.domain.records import Release, WriteSet
from tests.simulation import chaos
from tests.simulation.kept import Kept
from tests.simulation.planted import UNSEEN
from tests.simulation.play import play
from tests.simulation.premises import LAG, TIMEOUT
from tests.simulation.size import sized
from tests.simulation.world import World

OFTEN = {**chaos.RATES, "slow": 0.5, "stale": 0.9}
FORWARD, BACK = TIMEOUT + LAG + 1.0, -3.0
DAYS = 16


@contextmanager
def leaping(by: float) -> Iterator[list[float]]:
    """Days on which the clock leaps by so many seconds after each first look; the leaps there were."""
    worlds: list[World] = []
    leaps: list[float] = []
    opens, commits = World.open, Kept.commit

    async def opened(world: World) -> None:
        worlds.append(world)
        await opens(world)

    async def committed(
        store: Kept, writes: WriteSet, release: Release | None = None
    ) -> ports.Committed:
        done = await commits(store, writes, release)
        if writes.looked and done.held:
            worlds[-1].chaos.jumped += by
            worlds[-1].chaos.back += max(0.0, -by)
            leaps.append(by)
        return done

    patches: list[Any] = [
        patch.object(chaos, "RATES", OFTEN),
        patch.object(World, "open", opened),
        patch.object(Kept, "commit", committed),
    ]
    with ExitStack() as all_of_them:
        for one in patches:
            all_of_them.enter_context(one)
        yield leaps


@pytest.mark.timeout(120)
@pytest.mark.parametrize("by", [FORWARD, BACK])
def test_h9_a_leap_after_the_first_look_doubles_nothing(by: float) -> None:
    with leaping(by) as leaps:
        ended = {seed: play(sized(seed, small=True)).faults for seed in range(DAYS)}
    assert {seed: faults for seed, faults in ended.items() if faults} == {}
    assert len(leaps) > 3


@pytest.mark.timeout(120)
def test_h9_a_leap_that_is_not_seen_would_double_a_record() -> None:
    with leaping(FORWARD), UNSEEN.plant():
        found = play(sized(UNSEEN.seed, small=True)).faults
    assert any("H1" in fault or "H9" in fault for fault in found)
