"""How long a read is taken for one that lags, and that a hold which stands is not lifted for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.domain.codes import Code, State
from app.domain.errors import FailureKind, Hold, RemoteFailure, Wait
from app.domain.records import ORDER, LedgerRow
from app.sync.endings import failed, stopped
from app.sync.patience import lagging
from tests.builders import NOW, view

LAG, TIMEOUT = timedelta(seconds=3), timedelta(seconds=20)
SENTENCE = "Sales order 70 does not carry Dock."
BEGUN = LedgerRow("stop_demand", ORDER, State.RUNNING)


def asked(row: LedgerRow | None, at: datetime, since: datetime | None = None) -> Wait | None:
    return lagging(row, since, SENTENCE, at, LAG, TIMEOUT)


def attempt(row: LedgerRow, at: datetime) -> LedgerRow:
    """What a step does that sees no more than its sentence."""
    wait = asked(row, at)
    return stopped(view(), row, wait or Hold(Code.DEMAND_OPEN, SENTENCE), at)


def test_h9_it_counts_from_when_the_step_met_the_sentence_first() -> None:
    row, at = BEGUN, NOW
    while row.state is not State.HELD:
        row = attempt(row, at)
        at = row.retry_at if row.state is State.WAITING and row.retry_at else at
    assert 2 * LAG + TIMEOUT <= at - NOW <= 3 * LAG + TIMEOUT


def test_h11_a_hold_that_is_asked_again_because_its_time_came_stands_on_since_it_began() -> None:
    """Lifted for a moment, it would begin anew, and be told anew, every quarter of an hour."""
    row, at = BEGUN, NOW
    while row.state is not State.HELD:
        row = attempt(row, at)
        at = row.retry_at or at
    began = row.since
    for _ in range(5):
        assert row.retry_at is not None
        row = attempt(row, row.retry_at)
        assert (row.state, row.code, row.since) == (State.HELD, Code.DEMAND_OPEN, began)


def test_h9_a_hold_that_something_woke_looks_again_with_patience() -> None:
    """What woke it may be the very change, which the read does not show yet."""
    held = stopped(view(), BEGUN, Hold(Code.DEMAND_OPEN, SENTENCE), NOW)
    assert asked(held, NOW + timedelta(minutes=1)) is not None


def test_h9_another_sentence_has_its_own_patience() -> None:
    row = LedgerRow(
        "stop_demand", ORDER, State.WAITING, code=Code.READ_LAG, sentence=SENTENCE,
        since=NOW - timedelta(hours=1),
    )  # fmt: skip
    assert asked(row, NOW) is None
    assert asked(replace(row, sentence="Another."), NOW) is not None


@pytest.mark.parametrize(("after", "waits"), [(25, True), (26, False)])
def test_h9_what_was_written_then_has_its_patience_from_then(after: int, waits: bool) -> None:
    met = LedgerRow(
        "stop_demand", ORDER, State.WAITING, code=Code.READ_LAG, sentence=SENTENCE, since=NOW
    )
    wait = asked(met, NOW + timedelta(seconds=after), since=NOW)
    assert (wait is not None) is waits


@pytest.mark.parametrize("row", [None, BEGUN], ids=["first attempt", "an earlier one"])
def test_h9_nobody_is_asked_before_a_second_look(row: LedgerRow | None) -> None:
    """The read may be as old as the write: the worker stood still, or was another one."""
    later = NOW + timedelta(hours=1)
    wait = asked(row, later, since=NOW)
    assert wait is not None
    assert wait.until == later + LAG


def test_h9_a_hold_whose_write_is_long_past_stands_whatever_woke_it() -> None:
    held = stopped(view(), BEGUN, Hold(Code.LINE_MISSING, "No line is open."), NOW)
    assert asked(held, NOW + timedelta(minutes=1), since=NOW - timedelta(hours=1)) is None


def test_h9_what_a_call_tells_in_its_own_words_is_no_other_lag() -> None:
    """H10: patience that is over ends as a record that is gone, which is looked for once more; each
    telling it in its way must not begin the other's patience anew."""
    row, at = BEGUN, NOW
    while row.state is not State.HELD:
        assert at < NOW + timedelta(minutes=5), "never held"
        wait = asked(row, at)
        gone = RemoteFailure(FailureKind.GONE, f"{SENTENCE}.", endpoint="GET /products/{id}")
        row = stopped(view(), row, wait, at) if wait else failed(view(), row, gone, at, 0.5).row
        at = row.retry_at or at
    assert row.code is Code.REMOTE_GONE


def test_h9_a_step_that_sees_something_else_each_time_is_no_lag_for_ever() -> None:
    row, at, looks = BEGUN, NOW, 0
    while row.state is not State.HELD:
        assert looks < 50, "never held"
        looks += 1
        told = f"{looks} of 9 do not show."
        wait = lagging(row, None, told, at, LAG, TIMEOUT)
        row = stopped(view(), row, wait or Hold(Code.DEMAND_OPEN, told), at)
        at = row.retry_at or at
