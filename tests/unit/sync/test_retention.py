"""When retention takes its turn, and what is told of it."""

from __future__ import annotations

from typing import cast

import pytest

from app.bootstrap.chosen import periods_of
from app.domain.admin_store import AdminStore
from app.domain.errors import StoreUnavailable
from app.domain.retention import Extent, Holding, Kept, Period, Pruned
from app.settings import Settings
from app.sync.retention import AGAIN, HOUR, Retention
from app.system import SystemClock
from app.telemetry import metrics


class Kind:
    """A retention store that tells what it was asked."""

    def __init__(self, *answers: Pruned | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def make_room(self) -> list[str]:
        self.asked.append("room")
        return ["call_2026_12"]

    async def holding(self, period: Period) -> Holding:
        return Holding(period, None, None, 0, 0)

    async def extent(self, period: Period) -> Extent:
        return Extent(period, None, None, None)

    async def prune(self, period: Period) -> Pruned:
        self.asked.append(period.kept.value)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Stored:
    """The settings that the database has."""

    def __init__(self, **values: int) -> None:
        self.values = values

    async def settings(self, tenant_id: int) -> dict[str, int]:
        assert tenant_id == 1
        return self.values


def retention_of(store: Kind, clock: SystemClock | None = None, **stored: int) -> Retention:
    return Retention(
        store=store,
        admin=cast(AdminStore, Stored(**stored)),
        clock=clock or SystemClock(),
        defaults=[Period(Kept.CALLS, 90)],
        tenant_id=1,
    )


def counted() -> float:
    return metrics.REGISTRY.get_sample_value("demandlink_pruned_rows_total", {"what": "calls"}) or 0


def test_the_periods_are_the_settings() -> None:
    given = Settings(retention_calls_days=7, retention_inbox_days=0, _env_file=None)
    assert periods_of(given) == (
        Period(Kept.JOURNAL, 730),
        Period(Kept.CALLS, 7),
        Period(Kept.INBOX, 0),
        Period(Kept.ALERTS, 365),
    )


async def test_room_is_made_first_and_what_went_is_counted() -> None:
    store, before = Kind(Pruned(Kept.CALLS, 3)), counted()
    await retention_of(store).prune()
    assert store.asked == ["room", "calls"]
    assert counted() == before + 3


@pytest.mark.parametrize(
    ("answer", "rest"),
    [
        (Pruned(Kept.CALLS, 1), HOUR),
        (Pruned(Kept.CALLS, 1, busy=True), AGAIN),
        (StoreUnavailable("away"), AGAIN),
        (PermissionError("not the owner"), HOUR),
    ],
)
async def test_a_turn_comes_again_in_an_hour_or_soon_and_never_fails_a_worker(
    answer: Pruned | Exception, rest: float
) -> None:
    class Clock(SystemClock):
        def monotonic(self) -> float:
            return 1000.0

    store = Kind(answer)
    retention = retention_of(store, Clock())
    retention.follow()
    assert retention._turns.task is not None
    await retention._turns.task
    assert retention._turns.next == 1000.0 + rest
    retention.follow()  # not yet
    assert store.asked == ["room", "calls"]
    await retention.stop()


async def test_the_database_rules_over_the_environment_from_the_next_turn_on() -> None:
    assert await retention_of(Kind()).periods() == [Period(Kept.CALLS, 90)]
    stored = retention_of(Kind(), retention_calls_days=7)
    assert await stored.periods() == [Period(Kept.CALLS, 7)]
