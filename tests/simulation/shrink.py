"""The shortest history of a failing seed that is found quickly: fewer orders, fewer faults.

Owns the search. Each try is the same seed with something left out, played again from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.chaos import RATES, Limits
from tests.simulation.day import Day
from tests.simulation.play import Run, play
from tests.simulation.size import sized


@dataclass(frozen=True)
class Shorter:
    """A failing run, and what of the seed was left out."""

    run: Run
    orders: tuple[int, ...]
    limits: Limits

    @property
    def command(self) -> str:
        """What plays it again."""
        arguments = []
        small = self.run.day.length < 1
        if small:
            arguments.append("--small")
        if self.orders != sized(self.run.day.seed, small=small).stories:
            arguments.append(f"--orders {','.join(map(str, self.orders))}")
        if self.limits.without:
            arguments.append(f"--without {','.join(sorted(self.limits.without))}")
        if self.limits.most is not None:
            arguments.append(f"--faults {self.limits.most}")
        more = f' ARGS="{" ".join(arguments)}"' if arguments else ""
        return f"make simulate SEED={self.run.day.seed}{more}"


def shorten(run: Run) -> Shorter:
    """Leave out orders, then whole kinds of faults, then the last faults."""
    best = Shorter(run, run.day.stories, Limits())
    for order in run.day.stories:
        left = tuple(one for one in best.orders if one != order)
        if left:
            best = _failing(run.day, left, best.limits) or best
    for kind in RATES:
        limits = Limits(best.limits.without | {kind})
        best = _failing(run.day, best.orders, limits) or best
    few, many = 0, best.run.count
    while few < many:  # the fewest first faults that still fail
        middle = (few + many) // 2
        found = _failing(run.day, best.orders, Limits(best.limits.without, middle))
        if found is None:
            few = middle + 1
        else:
            best, many = found, middle
    return best


def _failing(day: Day, orders: tuple[int, ...], limits: Limits) -> Shorter | None:
    run = play(day.only(orders), limits)
    return Shorter(run, orders, limits) if run.faults else None
