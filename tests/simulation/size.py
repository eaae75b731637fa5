"""Small days, of which many are played: a defect shows in them for less time than in usual ones.

Owns what is left out. A small day is the usual one of its seed, with one order of few events in
half of the time, or with two that sell the same new product.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from tests.simulation.day import Day, draw, story_of, usual
from tests.simulation.premises import known_products

LENGTH = 0.33
FEW_EVENTS = 4
TRIED = 12  # orders of a seed among which the fitting ones are looked for
EVERY_PAIR = 5  # one day in so many has two orders
EARLIER = 1  # any opportunity: a story only asks whether there is one


def sized(seed: int, *, small: bool) -> Day:
    return smaller(usual(seed)) if small else draw(seed)


def smaller(day: Day) -> Day:
    day = replace(day, lines=1, length=LENGTH)
    few: Iterator[int] = filter(lambda order: _events(day, order) <= FEW_EVENTS, range(TRIED))
    if day.seed % EVERY_PAIR == 0 and not day.switches["plain_lines_link"]:
        found = list(few)
        for pair in combinations(found, 2):
            if _new(day, pair[0]) & _new(day, pair[1]):
                # Nothing but the service keeps the two from making the product twice.
                switches = day.switches | {"enforce_unique_identifier": False}
                return replace(day, switches=switches).only(pair)
        few = iter(found)
    return day.only((next(few, 0),))


def _events(day: Day, order: int) -> int:
    return len(story_of(day, order, _opportunity(day, order)).events)


def _new(day: Day, order: int) -> set[str]:
    """What it sells that ConnectWise does not know."""
    sold = story_of(day, order, _opportunity(day, order)).sold
    return set(sold) - known_products()


def _opportunity(day: Day, order: int) -> int | None:
    """As tests.e2e.generated.opportunity_for has it."""
    return EARLIER if (day.seed * 10 + order) % 4 else None
