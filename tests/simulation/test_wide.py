"""The wider days: every configuration, both ledgers, corrections, people, a polled Commerce."""

from __future__ import annotations

import pytest

from tests.simulation.day import B1, B2, draw
from tests.simulation.planted import DEFECTS
from tests.simulation.play import play
from tests.simulation.wide import LAST_DIGITS, LEDGERS, NARROW, A, C, D

WIDE = [seed for seed in range(400) if seed % 10 in LAST_DIGITS]
# Seeds that found defects of the service, all of them mended: a purchase order in the ledger that
# did not show yet, one whose answer was lost while it changed, a change that its first bill froze.
FOUND = (48, 73, 93, 68)


def test_only_seeds_of_some_last_digits_have_wider_days() -> None:
    assert all(draw(seed).wide == NARROW for seed in range(200) if seed % 10 not in LAST_DIGITS)


def test_every_configuration_ledger_and_kind_of_day_is_drawn() -> None:
    days = [draw(seed) for seed in WIDE]
    assert {day.scenario for day in days} == {A, B1, B2, C, D}
    assert {day.wide.ledger for day in days} == {"", *LEDGERS}
    kinds = ("expiries", "corrected", "holds", "pauses", "retries", "ticket", "declined", "polled")
    assert [kind for kind in kinds if not any(getattr(day.wide, kind) for day in days)] == []
    assert any(day.on_tickets and day.scenario == A for day in days)
    assert any(day.drafts for day in days)


def test_c6_d11_days_that_found_defects_in_the_ledger_end_as_told() -> None:
    assert {seed: play(draw(seed)).faults for seed in FOUND} == {seed: [] for seed in FOUND}


@pytest.mark.breadth
@pytest.mark.timeout(120)
def test_h1_h9_wider_days_end_as_told_in_every_system() -> None:
    seeds = [seed for seed in WIDE if seed >= 300]
    assert {seed: found for seed in seeds if (found := play(draw(seed)).faults)} == {}


@pytest.mark.breadth
@pytest.mark.parametrize(
    ("name", "seed"), [("the intent row is skipped", 73), ("doubt is not looked up", 1488)]
)
def test_h9_a_planted_defect_shows_in_the_ledger(name: str, seed: int) -> None:
    day = draw(seed)
    assert day.wide.ledger
    defect = next(one for one in DEFECTS if one.name == name)
    with defect.plant():
        found = play(day).faults
    assert any("invoices" in fault or "ordered" in fault or "bills" in fault for fault in found)
