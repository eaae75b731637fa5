"""Every planted defect is found by the seeds that it names, and those seeds are sound without it."""

from __future__ import annotations

import pytest

from tests.simulation.day import draw
from tests.simulation.planted import DEFECTS, Defect
from tests.simulation.play import play


@pytest.mark.breadth
@pytest.mark.timeout(120)
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_h9_a_planted_defect_is_found(defect: Defect) -> None:
    first, last = defect.seeds
    days = [draw(seed) for seed in range(first, last + 1)]
    assert [fault for day in days for fault in play(day).faults] == []
    with defect.plant():
        assert [fault for day in days for fault in play(day).faults] != []
