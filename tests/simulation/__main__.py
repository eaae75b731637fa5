"""The command behind `make simulate`: play many seeds, or one with its whole history."""

from __future__ import annotations

import argparse
import gc
import sys
from time import monotonic, process_time

from tests.simulation.chaos import RATES, Limits
from tests.simulation.day import Day
from tests.simulation.play import Run, play
from tests.simulation.shrink import shorten
from tests.simulation.size import sized

EVERY = 10.0  # seconds between two lines of progress


def main(arguments: list[str] | None = None) -> int:
    """0 when nothing failed."""
    asked = _read(arguments)
    if asked.seed is not None:
        day = sized(asked.seed, small=asked.small)
        return _one(day, asked.orders, Limits(asked.without, asked.faults))
    gc.freeze()  # what every day shares is not looked through for garbage after each
    failed, began, told = 0, process_time(), monotonic()
    for number in range(asked.seeds):
        if monotonic() >= told + EVERY:
            told = monotonic()
            each = (process_time() - began) / number * 1000
            _say(f"{number} of {asked.seeds} seeds, {failed} failures, {each:.0f} ms each")
        run = play(sized(asked.start + number, small=asked.small))
        if run.faults:
            failed += 1
            _tell(run)
    _say(f"{asked.seeds} seeds, {failed} failures")
    return 1 if failed else 0


def _one(day: Day, orders: tuple[int, ...] | None, limits: Limits) -> int:
    run = play(day.only(orders) if orders else day, limits)
    _say("\n".join(run.history))
    for fault in run.faults:
        _say(f"FAILURE {fault}")
    _say(f"1 seeds, {1 if run.faults else 0} failures")
    return 1 if run.faults else 0


def _tell(run: Run) -> None:
    found = shorten(run)
    _say(f"Seed {run.day.seed} failed. The shortest history found ({found.run.count} faults):")
    _say("\n".join(f"  {line}" for line in found.run.history))
    for fault in found.run.faults:
        _say(f"  FAILURE {fault}")
    _say(f"Play it again: {found.command}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _read(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds")
    parser.add_argument("--start", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone, with its history")
    parser.add_argument("--orders", type=_numbers, help="of that seed, these orders only: 0,2")
    parser.add_argument(
        "--small", action="store_true", help="the small days of which make test plays a thousand"
    )
    kinds = ", ".join(RATES)
    parser.add_argument(
        "--without", type=_kinds, default=frozenset(), help=f"leave out faults of kinds: {kinds}"
    )
    parser.add_argument("--faults", type=int, help="the first so many faults only")
    return parser.parse_args(arguments)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _kinds(text: str) -> frozenset[str]:
    unknown = set(text.split(",")) - RATES.keys()
    if unknown:
        raise argparse.ArgumentTypeError(f"there are no faults of the kind {', '.join(unknown)}")
    return frozenset(text.split(","))


if __name__ == "__main__":
    sys.exit(main())
