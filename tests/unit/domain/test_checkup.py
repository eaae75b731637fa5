"""The doctor's tables cover what the steps ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.domain.checkup import (
    READS_OF,
    SETTINGS_OF,
    Finding,
    Outcome,
    Read,
    reads_of,
    settings_of,
    worst,
)
from app.steps import STEPS
from app.steps.resolve import KINDS
from app.sync.doctor.connectwise import _READS

STEPS_DIR = Path(__file__).parents[3] / "app/steps"
# Asked for in a turn that not every order takes; the turn's own held code names what is missing.
OF_A_TURN = {
    "connectwise_open_status",
    "connectwise_lost_status",
    "connectwise_purchase_order_status_cancelled",
    "connectwise_invoice_status",
}


def test_each_setting_that_steps_cannot_do_without_is_looked_at():
    asked = {
        name
        for path in STEPS_DIR.glob("*.py")
        for name in re.findall(r'await setting\(\s*fx, "(connectwise_\w+)"', path.read_text())
    }
    listed = {name for names in SETTINGS_OF.values() for name in names}
    assert asked - OF_A_TURN == listed
    assert listed <= KINDS.keys()


def test_only_steps_that_there_are_and_every_read_can_be_asked():
    assert SETTINGS_OF.keys() <= STEPS.keys()
    assert READS_OF.keys() <= STEPS.keys()
    assert set(_READS) == set(Read)


def test_where_tickets_are_invoiced_no_status_of_sales_orders_is_needed():
    steps = set(STEPS)
    assert "connectwise_sales_order_status_ready" in settings_of(steps, by_ticket=False)
    assert "connectwise_sales_order_status_ready" not in settings_of(steps, by_ticket=True)
    assert Read.LINK_REPORT not in reads_of(steps - {"link_demand"})


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        (["ok", "ok"], "ok"),
        (["ok", "warning"], "warning"),
        (["ok", "unproven", "skipped"], "warning"),
        (["ok", "warning", "failed"], "failed"),
    ],
)
def test_the_worst_of_all_is_told(outcomes: list[str], together: str):
    findings = [Finding("x", "y", Outcome(one), "told") for one in outcomes]
    assert worst(findings) is Outcome(together)
