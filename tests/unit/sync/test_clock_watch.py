"""The database's clock is set while a write is in doubt: what was waited for before does not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.order import OrderView
from app.domain.records import Intent
from app.sync import patience
from app.sync.clock_watch import ClockWatch
from tests.builders import fact, intent, ordered, view

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
LEASE, TIMEOUT = timedelta(seconds=30), timedelta(seconds=10)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def watching(*seen: tuple[float, float, float]) -> ClockWatch:
    """Each: own clock before, what the database showed (seconds after noon), own clock after."""
    watch = ClockWatch()
    for before, shown, after in seen:
        watch.saw(before, later(shown), after)
    return watch


def test_a_clock_that_runs_evenly_did_not_leap_however_slow_the_answers() -> None:
    watch = watching((100, 0, 100), (160, 61, 175), (200, 100.05, 200.1), (300, 200.04, 300))
    assert (watch.since, watch.leapt) == (NOON, None)


def test_a_clock_that_drifts_is_followed() -> None:
    watch = watching(*((100 + n, n * 1.0005, 100 + n) for n in range(2000)))
    assert watch.leapt is None


@pytest.mark.parametrize("by", [0.2, 3.0, 7200.0, -0.2, -3.0, -7200.0])
def test_a_leap_either_way_is_seen_at_the_next_look(by: float) -> None:
    watch = watching((100, 0, 100), (110, 10 + by, 110))
    assert watch.since == watch.leapt == later(10 + by)


def test_a_leap_that_a_slow_answer_hides_is_seen_at_the_next_quick_one() -> None:
    watch = watching((100, 0, 100), (110, 12, 113))
    assert watch.leapt is None
    watch.saw(120, later(22), 120)
    assert watch.leapt == later(22)


# What is waited for --------------------------------------------------------------------------------


def second(announced: Intent, watch: ClockWatch, now: datetime, **more: object) -> timedelta:
    """How long the second look is still to wait."""
    seen: OrderView = view(ordered(), read_lag=5, connectwise_timeout=10, **more)
    return patience.second_look(seen, announced, TIMEOUT, LEASE, watch, now) - now


def announced(at: float, looked: float | None = None) -> Intent:
    seen = later(looked) if looked is not None else None
    made = intent("raise_ticket", "order", "ticket")
    return replace(made, committed_at=later(at), looked_at=seen)


def test_h9_without_a_leap_the_second_look_waits_for_the_call_and_the_lag() -> None:
    watch = watching((0, -60, 0), (62, 2, 62))
    assert second(announced(0), watch, later(2)) == timedelta(seconds=13)


def test_h9_a_process_reckons_only_with_what_it_saw_itself() -> None:
    watch = watching((62, 2, 62))  # it began two seconds after the announcement
    assert second(announced(0), watch, later(2)) == timedelta(seconds=15)


@pytest.mark.parametrize("by", [20.0, 7200.0])
def test_h9_a_leap_forward_is_not_waited_time(by: float) -> None:
    """Nor while who was taken for dead may not know yet: a lease, and the lag of its last write."""
    watch = watching((0, -60, 0), (62, 2 + by, 62))
    assert second(announced(0), watch, later(2 + by)) == LEASE + timedelta(seconds=5)
    assert second(announced(0, looked=1), watch, later(2 + by)) == LEASE + timedelta(seconds=5)
    past = later(2 + by) + LEASE
    assert second(announced(0), watch, past) < timedelta(0)


@pytest.mark.parametrize("by", [-3.0, -7200.0])
def test_h9_a_leap_back_keeps_nobody_waiting_for_what_lies_ahead(by: float) -> None:
    watch = watching((0, -60, 0), (62, 2 + by, 62))
    waits = second(announced(0, looked=1), watch, later(2 + by))
    assert waits == LEASE + timedelta(seconds=5)
    begun_since = watching((62, 2 + by, 62))  # a process that did not see the leap
    waits = second(announced(0, looked=1), begun_since, later(2 + by))
    assert waits == timedelta(seconds=15)


def test_h9_a_dead_workers_last_change_is_waited_for_after_a_leap_too() -> None:
    ended = {"at": NOON.isoformat()}
    facts = [fact("interrupted", ended, "s"), fact("sending", {"begun": True}, "s")]
    seen = view(ordered(), facts=facts)
    even, leapt = watching((0, -60, 0)), watching((0, -60, 0), (62, 3602, 62))
    assert patience.settled(seen, TIMEOUT, LEASE, even, later(2)) == later(10)
    assert patience.settled(seen, TIMEOUT, LEASE, even, later(12)) is None
    assert patience.settled(seen, TIMEOUT, LEASE, leapt, later(3602)) == later(3632)
