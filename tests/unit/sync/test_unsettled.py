"""H9: what a worker had sent when it ended may be carried out late; nothing is written before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from app.domain.facts import INTERRUPTED
from app.domain.records import (
    Fact,
)
from app.sync import unsettled

NOW = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
TIMEOUT = timedelta(seconds=20)


def view(*facts: Fact) -> Any:
    return SimpleNamespace(facts={(fact.kind, fact.key): fact for fact in facts})


def interrupted(step: str, at: datetime) -> Fact:
    return Fact(INTERRUPTED, step, {"at": at.isoformat()}, at)


def test_h9_an_interrupted_step_that_had_begun_to_change_records_is_waited_for() -> None:
    sent = unsettled.sending("create_sales_order", NOW, begun=True)
    ended = interrupted("create_sales_order", NOW)
    assert unsettled.until(view(sent, ended), TIMEOUT) == NOW + TIMEOUT


def test_h9_an_interrupted_step_that_had_only_read_delays_nothing() -> None:
    other = unsettled.sending("release_invoice", NOW, begun=True)
    read = unsettled.sending("create_sales_order", NOW, begun=False)
    ended = interrupted("create_sales_order", NOW)
    assert unsettled.until(view(other, read, ended), TIMEOUT) is None
    assert unsettled.until(view(other), TIMEOUT) is None


def test_h9_a_later_death_over_another_step_does_not_end_the_patience_with_the_first() -> None:
    sent = unsettled.sending("create_sales_order", NOW, begun=True)
    first = interrupted("create_sales_order", NOW)
    later = interrupted("release_invoice", NOW + timedelta(seconds=5))
    assert unsettled.until(view(sent, first, later), TIMEOUT) == NOW + TIMEOUT
    assert unsettled.noticed(view(sent, first, later)) == NOW + timedelta(seconds=5)
