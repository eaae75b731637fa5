"""A day of traffic, drawn from a seed: orders, the events of each, when they come, what people do.

Owns the drawing only. The same seed with fewer orders is the same day without the others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any

from tests.e2e.generated import Story, arrivals, story

B1 = "connectwise-procurement-opportunity"
B2 = "connectwise-procurement-ticket"
D = "connectwise-managed"
# How often each configuration comes: what has the most rules of order, the most.
SCENARIOS = (B1, B1, B1, B2, B2, D)
FIRST_ORDER = 2000
# Seconds of a day in which events come, and in which things go wrong.
TELLING = 120.0
CALM = 200.0


@dataclass(frozen=True)
class Told:
    """An event on its way: when it is sent, under which id."""

    at: float
    identity: str
    event: dict[str, Any]


@dataclass(frozen=True)
class Day:
    """`deals`: for each order the seed of the opportunity that stood before, None for none.
    `shared`: whether two orders sell on one deal."""

    seed: int
    scenario: str
    workers: int
    callbacks: bool
    reorder: bool
    stories: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)

    def without(self, order: int) -> Day:
        return replace(self, stories=tuple(n for n in self.stories if n != order))


def draw(seed: int) -> Day:
    rng = random.Random(f"day {seed}")  # noqa: S311 - a made-up day, no secret
    return Day(
        seed=seed,
        scenario=rng.choice(SCENARIOS),
        workers=rng.choice((1, 2, 2, 3)),
        callbacks=rng.random() < 0.3,
        reorder=rng.random() < 0.7,
        stories=tuple(range(rng.choice((1, 1, 2, 2, 3)))),
    )


def story_of(day: Day, order: int, opportunity: int | None) -> Story:
    return story(day.seed * 10 + order, FIRST_ORDER + order * 10, opportunity)


def traffic(day: Day, made: Story, order: int, *, calm: bool) -> list[Told]:
    """When each event comes: in their order, or shuffled with doubles. Calm: one after the other."""
    rng = random.Random(f"traffic {day.seed} {order}")  # noqa: S311 - as above
    if calm or rng.random() < 0.4:
        events = [(f"{made.number}-{n}", event) for n, event in enumerate(made.events)]
    else:
        events = arrivals(made, day.seed * 10 + order)
    if calm:
        return [Told(2.0 * n, name, event) for n, (name, event) in enumerate(events)]
    whole = rng.choice((0.5, 20.0, TELLING))
    moments = sorted(rng.uniform(0.0, whole) for _ in events)
    return [Told(at, name, event) for at, (name, event) in zip(moments, events, strict=True)]
