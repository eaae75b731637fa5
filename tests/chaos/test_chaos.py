"""The short run of `make chaos`, on real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.conftest import REPORT
from tests.chaos.play import play

pytestmark = [pytest.mark.chaos, pytest.mark.processes, pytest.mark.timeout(600)]
SLOWEST = 8.0  # seconds, generous: figures are told, on a machine that does other things too


async def test_h9_whatever_dies_nothing_is_lost_doubled_or_out_of_order(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    report = await play(1, 40.0, logs=tmp_path / "logs")
    request.config.stash[REPORT] = report
    assert report.well, f"logs: {tmp_path / 'logs'}"
    assert report.kills >= 7
    assert report.orders > 10
    assert report.writes_judged > 100
    for title in ("QuickBooks", "Xero"):
        assert report.books[title]["bills"] > 0, title
        assert report.books[title]["invoices"] > 0, title
    for fate in ("taken", "lost", "doubled", "late", "echoed"):
        assert report.callbacks.get(fate, 0) > 0, fate
    assert report.people["invoices made"] > 0
    assert not report.slow
    assert not report.revived  # no process ends because a server is away
    for name in ("acknowledged, while away", "merged, while away", "merged, after its return"):
        assert 0 < (report.redis[name].most or 0) < SLOWEST, name
