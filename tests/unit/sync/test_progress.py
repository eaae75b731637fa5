"""How far a replay is told to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.views import Replay, ReplayItem, ReplayState
from app.sync.progress import progress_of

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
PLAN = Replay("one", 1, ReplayState.PLANNED, "corrected", "desk", NOW, NOW + timedelta(hours=1))


@pytest.mark.parametrize("state", [ReplayState.NOTHING_TO_DO, ReplayState.REFUSED])
def test_a_plan_that_was_not_run_is_through_with_nothing(state: str) -> None:
    """Neither where an order has nothing to do: `replay plan` would say that all is done."""
    plan = replace(PLAN, items=(ReplayItem(7, "ON1", "default", 1, state),))
    assert progress_of(plan, {}, NOW).settled == 0
    assert progress_of(replace(plan, state=ReplayState.RUNNING), {}, NOW).settled == 1
    assert progress_of(replace(plan, state=ReplayState.DONE), {}, NOW).settled == 1
