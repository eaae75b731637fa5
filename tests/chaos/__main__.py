"""The command behind `make chaos`: one run, its report as text, and as JSON where asked for."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from tests.chaos.play import play

SHORT = 45.0  # seconds of trouble in CI
AWAY, AWAY_LONG = 3.0, 60.0  # seconds that Redis is away
LONG = 4.0  # minutes from which a run has the time for a Redis that is away for one


def main() -> int:
    """0 when nothing was lost, doubled, out of order or refused."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, help="minutes of trouble; by default 45 seconds")
    parser.add_argument("--seed", type=int, default=1, help="draws orders and faults")
    parser.add_argument("--json", type=Path, help="write the report to this file too")
    parser.add_argument("--logs", type=Path, help="keep the processes' logs in this directory")
    parser.add_argument("--only", action="append", default=[], help="a kind of fault, as reported")
    asked = parser.parse_args()
    seconds = asked.minutes * 60 if asked.minutes else SHORT
    away = AWAY_LONG if seconds >= LONG * 60 else AWAY
    report = asyncio.run(play(asked.seed, seconds, away=away, logs=asked.logs, only=asked.only))
    if asked.json:
        asked.json.write_text(report.json() + "\n")
    sys.stdout.write(report.text() + "\n")
    return 0 if report.well else 1


if __name__ == "__main__":
    sys.exit(main())
