"""The same days on PostgreSQL: nothing lost, nothing twice, nothing out of order there either."""

from __future__ import annotations

import pytest

from tests.simulation.planted import DEFECTS
from tests.simulation.postgres import play_for_real
from tests.simulation.size import sized

SEEDS = 50


@pytest.mark.breadth
@pytest.mark.timeout(90)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_h1_h9_on_postgresql_every_order_ends_as_told(seed: int, database_url: str) -> None:
    assert play_for_real(sized(seed, small=True), database_url).faults == []


@pytest.mark.breadth
@pytest.mark.timeout(90)
def test_h9_a_planted_defect_is_found_on_postgresql_too(database_url: str) -> None:
    defect = next(one for one in DEFECTS if one.name == "the opportunity is converted unwon")
    with defect.plant():
        run = play_for_real(sized(defect.seed, small=True), database_url)
    assert run.faults != []
    assert run.count > 0
