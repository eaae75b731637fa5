"""Days of orders under virtual time and faults: nothing lost, nothing twice, nothing out of order."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.__main__ import main
from tests.simulation.chaos import Limits
from tests.simulation.day import draw
from tests.simulation.planted import DEFECTS
from tests.simulation.play import play
from tests.simulation.shrink import shorten
from tests.simulation.size import sized

# Small days in parts, of which `make test` plays the first; the others and usual days, which run with
# the breadth.
SMALL, SMALL_PARTS, FIRST = 50, 20, 20
USUAL, USUAL_PARTS = 25, 12
HISTORY = """
import sys
from tests.simulation.day import draw
from tests.simulation.play import play
for seed in (3, 8, 10):
    print("\\n".join(play(draw(seed)).history))
"""


def failures(part: int, count: int, *, small: bool) -> list[str]:
    """What is wrong with the seeds of a part, with the commands that play them again."""
    failed = []
    for seed in range(part * count, (part + 1) * count):
        run = play(sized(seed, small=small))
        if run.faults:
            more = ' ARGS="--small"' if small else ""
            failed.append(f"make simulate SEED={seed}{more}: {run.faults}")
    return failed


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(FIRST))
def test_h1_h9_whatever_dies_lies_lags_or_repeats_every_order_ends_as_told(part: int) -> None:
    assert failures(part, SMALL, small=True) == []


@pytest.mark.breadth
@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(FIRST, SMALL_PARTS))
def test_h1_h9_on_more_small_days_every_order_ends_as_told_too(part: int) -> None:
    assert failures(part, SMALL, small=True) == []


@pytest.mark.breadth
@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(USUAL_PARTS))
def test_h1_h9_on_usual_days_every_order_ends_as_told_too(part: int) -> None:
    assert failures(part, USUAL, small=False) == []


@pytest.mark.breadth
def test_the_same_seed_gives_the_same_history_byte_for_byte() -> None:
    """In other processes too, in which sets have another order."""
    told = [
        subprocess.run(
            [sys.executable, "-c", HISTORY],
            env={**os.environ, "PYTHONHASHSEED": order},
            capture_output=True,
            check=True,
        ).stdout
        for order in ("1", "2")
    ]
    assert told[0]
    assert told[0] == told[1]


def test_faults_come_and_can_be_left_out() -> None:
    day = draw(10)
    assert play(day).count > 20
    assert play(day, Limits(most=3)).count == 3
    assert play(day, calm=True).count == 0


@pytest.mark.breadth
def test_a_failing_seed_is_made_shorter_and_can_be_played_again() -> None:
    defect = next(one for one in DEFECTS if one.name == "doubt is not looked up")
    with defect.plant():
        run = play(sized(defect.seed, small=defect.small))
        found = shorten(run)
        assert found.run.faults
        assert found.run.count <= run.count
        assert found.command.startswith(f"make simulate SEED={run.day.seed}")
        again = play(run.day.only(found.orders), found.limits)
        assert again.history == found.run.history


def test_make_simulate_says_how_many_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2"]) == 0
    assert main(["--seeds", "2", "--small"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 seeds, 0 failures"
