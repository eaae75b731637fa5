"""The report of a run ends the output, after pytest's own last line: its last line is the contract's."""

from __future__ import annotations

import sys

import pytest

from tests.chaos.report import Report

REPORT = pytest.StashKey[Report]()


def pytest_unconfigure(config: pytest.Config) -> None:
    report = config.stash.get(REPORT, None)
    if report is not None:
        sys.stdout.write(report.text() + "\n")
