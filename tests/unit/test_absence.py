"""A database that is away at a start is waited for with backoff, up to a limit."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from app.bootstrap.absence import LONGEST, once_there
from app.domain.errors import StoreUnavailable
from tests.unit.connectwise_stub import ManualClock


@dataclass
class Database:
    """Is away until that moment."""

    clock: ManualClock
    until: float
    error: type[Exception] = StoreUnavailable
    asked: int = 0

    async def __call__(self) -> str:
        self.asked += 1
        if self.clock.at < self.until:
            raise self.error("away")
        return "there"


async def test_what_is_there_is_asked_once() -> None:
    clock = ManualClock(50.0)
    database = Database(clock, until=0)
    assert await once_there(database, clock, 60.0) == "there"
    assert (database.asked, clock.slept) == (1, [])


async def test_a_database_that_comes_within_the_patience_is_used_soon_after() -> None:
    clock = ManualClock(50.0)
    database = Database(clock, until=80.0)
    assert await once_there(database, clock, 60.0) == "there"
    assert 80.0 <= clock.at <= 80.0 + LONGEST
    assert clock.slept[0] < 1
    assert clock.slept == sorted(clock.slept)


@pytest.mark.parametrize("patience", [0.0, 7.0])
async def test_one_that_stays_away_is_told_when_the_patience_ends(patience: float) -> None:
    clock = ManualClock(50.0)
    with pytest.raises(StoreUnavailable):
        await once_there(Database(clock, until=1e9), clock, patience)
    assert clock.at == pytest.approx(50.0 + patience)


async def test_another_failure_is_told_at_once() -> None:
    clock = ManualClock(50.0)
    with pytest.raises(PermissionError):
        await once_there(Database(clock, until=1e9, error=PermissionError), clock, 60.0)
    assert clock.slept == []
