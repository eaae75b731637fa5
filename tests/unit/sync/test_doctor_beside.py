"""What the doctor says of that which is done beside the orders."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest

from app.domain.admin_store import AdminStore
from app.domain.checkup import Finding, Outcome
from app.domain.ports import Store
from app.domain.watching import KIND, Seen
from app.sync.doctor import asking, outside
from app.telemetry import metrics
from tests.unit.sync.test_beside import SECRET, Kept


class Gauges:
    def __init__(self, hint: float, due: float = 0.0) -> None:
        self.told = {
            metrics.HINT_AGE_SECONDS.name: [((), hint)],
            metrics.DUE_AGE_SECONDS.name: [((), due)],
            metrics.INBOX_AGE_SECONDS.name: [((), 0.0)],
        }

    async def gauges(self) -> Any:
        return self.told


@pytest.mark.parametrize("part", list(Seen))
async def test_each_part_that_fails_is_a_finding_and_one_that_goes_on_failing_a_failure(
    part: Seen,
) -> None:
    kept = Kept()
    watch = kept.watch(part, 600.0)
    await watch.keep(KeyError(SECRET))
    (found,) = await outside.turns(cast(Store, kept), 1)
    assert (found.name, found.outcome) == (f"turns_{part}", Outcome.WARNING)
    kept.later(minutes=11)
    await watch.keep(KeyError(SECRET))
    (found,) = await outside.turns(cast(Store, kept), 1)
    assert found.outcome is Outcome.FAILED
    assert "2 times in a row" in found.sentence
    assert found.cause
    assert found.fix
    assert SECRET not in repr(found)
    kept.at += timedelta(minutes=40)  # it was switched off
    (found,) = await outside.turns(cast(Store, kept), 1)
    assert (found.name, found.outcome) == ("turns", Outcome.OK)


async def test_what_is_kept_of_a_part_is_by_tenant_and_kind() -> None:
    kept = Kept()
    await kept.watch(Seen.RETENTION).keep(None)
    assert list(kept.rows) == [(KIND, "retention")]


@pytest.mark.parametrize(
    ("hint", "due", "names"),
    [
        (0.0, 0.0, {"work": "ok"}),
        (3599.0, 0.0, {"work": "ok"}),
        (3600.0, 0.0, {"work": "ok", "hints": "warning"}),
        (7200.0, 900.0, {"work": "failed", "hints": "warning"}),
    ],
)
async def test_a_callback_that_nobody_looks_at_is_told_beside_the_work(
    hint: float, due: float, names: dict[str, str]
) -> None:
    found = await outside.work(cast(AdminStore, Gauges(hint, due)))
    assert {one.name: one.outcome.value for one in found} == names


async def test_a_check_that_breaks_is_one_finding_without_a_word_of_the_error() -> None:
    async def question() -> None:
        raise KeyError(SECRET)

    found = await asking.asked("x", "service", "GET x", question)
    assert isinstance(found, Finding)
    assert found.outcome is Outcome.UNPROVEN
    assert "KeyError" in found.sentence
    assert SECRET not in repr(found)
