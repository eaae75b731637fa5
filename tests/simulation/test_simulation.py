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

# Seeds of a part, and parts: those of `make test`, then more that run with the breadth.
PART, FEW, ALL = 25, 2, 12
HISTORY = """
import sys
from tests.simulation.day import draw
from tests.simulation.play import play
for seed in (3, 8, 10):
    print("\\n".join(play(draw(seed)).history))
"""


def seeds(part: int) -> list[str]:
    """What is wrong with the seeds of a part, with the commands that play them again."""
    failed = []
    for seed in range(part * PART, (part + 1) * PART):
        run = play(draw(seed))
        if run.faults:
            failed.append(f"make simulate SEED={seed}: {run.faults}")
    return failed


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(FEW))
def test_h1_h9_whatever_dies_lies_lags_or_repeats_every_order_ends_as_told(part: int) -> None:
    assert seeds(part) == []


@pytest.mark.breadth
@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(FEW, ALL))
def test_h1_h9_more_seeds_end_as_told_too(part: int) -> None:
    assert seeds(part) == []


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
        run = play(draw(defect.seeds[0]))
        found = shorten(run)
        assert found.run.faults
        assert found.run.count <= run.count
        assert found.command.startswith(f"make simulate SEED={run.day.seed}")
        again = play(draw(run.day.seed).only(found.orders), found.limits)
        assert again.history == found.run.history


def test_make_simulate_says_how_many_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 seeds, 0 failures"
