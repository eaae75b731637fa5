"""Every planted defect is found by the seed that it names, and that day is sound without it."""

from __future__ import annotations

import pytest

from tests.simulation.planted import DEFECTS, Defect
from tests.simulation.play import play
from tests.simulation.size import sized


@pytest.mark.timeout(120)
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_h9_a_planted_defect_is_found(defect: Defect) -> None:
    day = sized(defect.seed, small=defect.small)
    assert play(day).faults == []
    with defect.plant():
        assert play(day).faults != []
