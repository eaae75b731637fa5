"""What a replay costs, told against what is left: decision 0044."""

from __future__ import annotations

from app.domain.budgets import DAY, MINUTE, Spent
from app.domain.costs import Cost


def test_calls_are_told_against_the_minute_with_the_time_they_take() -> None:
    cost = Cost("connectwise", 142, (Spent(MINUTE, 142, 1000),))
    assert cost.sentence == (
        "142 calls to ConnectWise; 858 of 1,000 left this minute; at 1,000 a minute they take 0.1 min"
        " at least."
    )
    assert cost.seconds == 142 * 60 / 1000
    assert (cost.short, cost.refusal) == (None, None)


def test_the_day_is_told_beside_the_minute_and_the_slowest_pace_counts() -> None:
    limits = (Spent(1.0, 0, 10), Spent(MINUTE, 2, 60), Spent(DAY, 790, 5000))
    cost = Cost("xero", 120, limits)
    assert cost.seconds == 120
    assert "58 of 60 left this minute and 4,210 of 5,000 left in these 24 hours" in cost.sentence
    assert "at 60 a minute they take 2.0 min at least" in cost.sentence


def test_a_day_that_does_not_suffice_is_refused_and_a_minute_never() -> None:
    minute, day = Spent(MINUTE, 60, 60), Spent(DAY, 4990, 5000)
    assert Cost("xero", 10, (minute, day)).refusal is None
    short = Cost("xero", 11, (minute, day))
    assert short.short == day
    assert short.refusal is not None
    assert "needs 11 calls to Xero, and 10 of 5,000 are left in these 24 hours" in short.refusal


def test_what_is_not_counted_is_said_so() -> None:
    cost = Cost("ledger", 1)
    assert cost.sentence == "1 call to the ledger; they are not counted against a limit."
    assert (cost.seconds, cost.refusal) == (0.0, None)
