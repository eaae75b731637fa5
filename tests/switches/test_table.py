"""The switch table is whole: every switch and value has a row, and every row can be played."""

from __future__ import annotations

import itertools
import re
from dataclasses import fields
from typing import Any

import pytest

from app.domain.codes import State
from app.domain.reasons import CODES
from sandbox.connectwise.model.switches import CHECKS, DEMAND_SOURCES, Switches
from tests.docs.reading import ROOT
from tests.switches import stories, table, ways, words
from tests.switches.proofs import PROOFS
from tests.switches.table import DEFAULTS, ROWS

NAMES = [item.name for item in fields(Switches)]


def values_of(switch: str) -> list[Any]:
    """The values that a switch can have; of a number only the default."""
    accepts, told = CHECKS[switch]
    if switch == "demand_from":
        lengths = range(len(DEMAND_SOURCES) + 1)
        return [list(some) for n in lengths for some in itertools.combinations(DEMAND_SOURCES, n)]
    if told.startswith("one of "):
        named = told.removeprefix("one of ").split(", ")
        return [int(value) if value.isdigit() else value for value in named]
    return [True, False] if accepts(True) else [DEFAULTS[switch]]


@pytest.mark.parametrize("switch", NAMES)
def test_every_value_of_every_switch_has_a_row(switch: str) -> None:
    there = [row.value for row in ROWS if row.switch == switch]
    missing = [value for value in values_of(switch) if value not in there]
    assert not missing, f"{switch} has no row in tests/switches/table.py for {missing}"
    assert any(value != DEFAULTS[switch] for value in there), f"only the default of {switch}"


def test_every_row_is_of_a_switch_and_its_value_can_be_set() -> None:
    for row in ROWS:
        Switches().merged({row.switch: row.value, **row.beside})
    names = [row.name for row in ROWS]
    assert len(names) == len(set(names))


def test_the_rows_of_a_switch_stand_together_in_the_order_of_the_switches() -> None:
    order = list(dict.fromkeys(row.switch for row in ROWS))
    assert sorted(order) == sorted(NAMES) == sorted(words.QUESTIONS)
    assert [key for key, _ in itertools.groupby(ROWS, key=lambda row: row.switch)] == order


def test_whoever_is_held_has_a_way_out_that_is_played() -> None:
    assert [
        row.name for row in ROWS if (CODES[row.ends].state is State.DONE) is bool(row.way)
    ] == []
    assert {row.way for row in ROWS if row.way} == set(words.WAYS) == set(ways.WAYS)
    assert {row.story for row in ROWS} == set(stories.STORIES)
    assert set(stories.STORIES) >= stories.WITH_CALLBACKS
    assert set(NAMES) >= set(PROOFS)


def test_the_sandbox_tells_of_every_switch_with_its_default() -> None:
    text = (ROOT / "sandbox/README.md").read_text()
    section = text.partition("### Switches")[2].partition("###")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", section, flags=re.MULTILINE))
    assert told == {name: table.as_json(value) for name, value in DEFAULTS.items()}
