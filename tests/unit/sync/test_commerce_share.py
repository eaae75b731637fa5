"""The drift sweep's own part of Commerce's calls: it waits within a minute and stops for the day."""

from __future__ import annotations

import pytest

from app.domain.budgets import AtOnceNow, Spent, Turn
from app.domain.commerce import BudgetSpent
from app.sync.commerce_budget import Meter
from app.sync.commerce_share import Share, ShareSpent, spending
from tests.unit.connectwise_stub import ManualClock


class Turns:
    patience = 0.0

    def __init__(self, *turns: Turn) -> None:
        self.left = list(turns)

    async def take(self, part: float = 1.0) -> Turn:
        return self.left.pop(0)

    async def give_back(
        self, token: str, at_once: AtOnceNow | None = None, left: int | None = None
    ) -> None:
        raise AssertionError("a call counts until it would be given up")

    async def spent(self) -> tuple[Spent, ...]:
        return ()

    async def at_once(self) -> AtOnceNow | None:
        return None


async def test_h12_a_full_minute_is_waited_for_and_a_full_day_is_not() -> None:
    clock = ManualClock()
    turns = Turns(Turn(None, 12.0), Turn("a"), Turn(None, 3600.0))
    share = Share(turns, clock)
    before = clock.monotonic()
    await share.take()
    assert clock.monotonic() == before + 12.0
    with pytest.raises(ShareSpent):
        await share.take()


async def test_h12_a_call_to_commerce_counts_in_the_sweeps_own_limit_too() -> None:
    clock = ManualClock()
    meter = Meter(clock, 60)
    meter.allow(1)
    share = Share(None, clock)
    with spending(meter):
        await share.take()
        assert meter.used == 1
        with pytest.raises(BudgetSpent) as spent:
            await share.take()
        assert not isinstance(spent.value, ShareSpent)
    await share.take()  # outside of a comparison nothing is metered
    assert meter.used == 1
