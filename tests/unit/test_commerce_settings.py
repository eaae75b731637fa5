"""Settings of the poll of Commerce: what is refused before anything starts (G8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from app.bootstrap import NotConfigured, check_start, defaults_of, scenarios
from app.settings import Settings


def test_g8_without_a_key_or_an_address_nothing_is_polled() -> None:
    assert not Settings().polls_commerce
    assert not Settings(commerce_api_key="k", commerce_api_url="").polls_commerce
    assert Settings(commerce_api_key="k").polls_commerce


def test_g8_looks_that_would_eat_the_whole_day_are_refused_at_the_start() -> None:
    given: dict[str, Any] = {"commerce_api_key": "k", "commerce_poll_seconds": 30}
    with pytest.raises(NotConfigured) as refused:
        check_start(Settings(**given), scenarios())
    assert str(refused.value) == (
        "COMMERCE_POLL_SECONDS of 30 takes 17280 calls a day for the lists alone, and "
        "COMMERCE_CALLS_A_DAY allows 9000: look less often."
    )
    check_start(Settings(commerce_poll_seconds=30), scenarios())  # nothing is polled
    check_start(Settings(commerce_api_key="k"), scenarios())
    check_start(Settings(**given, commerce_calls_a_day=20_000), scenarios())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:00:00+10:00", datetime(2026, 10, 31, 22, tzinfo=UTC)),
    ],
)
def test_g8_history_is_asked_for_by_a_date(text: str, expected: datetime | None) -> None:
    assert Settings(commerce_poll_since=text).poll_since == expected


@pytest.mark.parametrize(
    "given", [{"commerce_poll_since": "last week"}, {"commerce_time_zone": "Mars/Olympus"}]
)
def test_g8_what_is_no_date_and_no_zone_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(**given)


def test_g8_utc_needs_no_zone_files() -> None:
    assert Settings().commerce_zone.utcoffset(datetime(2026, 7, 1)) == timedelta(0)  # noqa: DTZ001 - asked of a zone


def test_g8_papers_are_waited_for_only_where_events_can_bring_them() -> None:
    assert defaults_of(Settings())["commerce_papers_come"] is False
    secret = Settings(commerce_webhook_secrets="whsec_x")
    assert defaults_of(secret)["commerce_papers_come"] is True
