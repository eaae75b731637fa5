"""The short run of `make chaos`, on real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.play import play

pytestmark = [pytest.mark.chaos, pytest.mark.processes, pytest.mark.timeout(300)]
SLOWEST = 30.0  # seconds; the figure itself is reported, on a machine that does other things too


async def test_h9_whatever_dies_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path) -> None:
    report = await play(1, 40.0)
    (tmp_path / "chaos.json").write_text(report.json())
    print(report.text())  # noqa: T201 - the report is what the run is for
    assert report.well, report.text()
    assert report.kills
    assert report.orders > 10
    assert report.writes_judged > 100
    for figures in report.recoveries.values():
        assert (figures["99 %"] or 0) <= SLOWEST
