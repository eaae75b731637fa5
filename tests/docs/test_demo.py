"""`make demo` does what README and the page of calls say of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.desk import Desk
from tests.docs.reading import ROOT, read

pytestmark = [pytest.mark.processes, pytest.mark.timeout(170)]

TOLD = " ".join(read(ROOT / "docs/calls.md").prose)


def test_the_demo_ends_well_costs_what_is_told_and_leaves_nothing(tmp_path: Path):
    desk = Desk(tmp_path / "checkout", tmp_path / "data")
    answer = desk.run("demandlink demo", seconds=160)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "All 8 orders stand where they should" in answer.stdout
    writes, reads = (
        re.search(rf"\| {what} +\| +(\d+) \|", answer.stdout)
        for what in ("writes", "reads of the order's own records")
    )
    assert writes is not None
    assert reads is not None
    assert f"= {writes[1]} writes" in TOLD
    assert f"= {reads[1]} reads" in TOLD
    assert not list((tmp_path / "data").glob("*"))
