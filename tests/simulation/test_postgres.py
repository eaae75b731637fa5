"""The same days on PostgreSQL: nothing lost, nothing twice, nothing out of order there either."""

from __future__ import annotations

import pytest

from tests.simulation.postgres import play_for_real
from tests.simulation.size import sized

SEEDS = 50


@pytest.mark.breadth
@pytest.mark.timeout(90)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_h1_h9_on_postgresql_every_order_ends_as_told(seed: int, database_url: str) -> None:
    assert play_for_real(sized(seed, small=True), database_url).faults == []
