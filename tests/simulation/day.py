"""A day of traffic, drawn from a seed: orders, the events of each, when they come, what people do.

Owns the drawing only. The same seed with fewer orders is the same day without the others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.e2e.generated import Story, arrivals, story

B1 = "connectwise-procurement-opportunity"
B2 = "connectwise-procurement-ticket"
D = "connectwise-managed"
# How often each configuration comes: what has the most rules of order, the most.
SCENARIOS = (B1, B1, B1, B2, B2, D)
FIRST_ORDER = 2000
# Seconds of a day in which events come, and in which things go wrong.
TELLING = 60.0
CALM = 110.0


@dataclass(frozen=True)
class Told:
    """An event on its way: when it is sent, under which id."""

    at: float
    identity: str
    event: dict[str, Any]


@dataclass(frozen=True)
class Day:
    """`stories`: the orders that are played. `settings` are the service's, `switches` the simulated
    ConnectWise's. `converts`: a person makes the sales orders. `strangers`: how many purchase
    orders of their own people make in ConnectWise meanwhile."""

    seed: int
    scenario: str
    workers: int
    callbacks: bool
    reorder: bool
    stories: tuple[int, ...]
    lines: int
    settings: dict[str, Any]
    switches: dict[str, Any]
    strangers: int
    length: float = 1.0  # of TELLING and CALM

    @property
    def converts(self) -> bool:
        return self.settings.get("sales_order_creation") == "wait_for_person"

    def only(self, orders: tuple[int, ...]) -> Day:
        return replace(self, stories=orders)


def draw(seed: int) -> Day:
    """Most days are small, because many small ones show more than few large ones."""
    rng = random.Random(f"day {seed}")  # noqa: S311 - a made-up day, no secret
    scenario = rng.choice(SCENARIOS)
    settings: dict[str, Any] = {}
    if scenario == B1 and rng.random() < 0.2:
        settings["sales_order_creation"] = "wait_for_person"
    if scenario in (B1, B2):
        if rng.random() < 0.3:
            settings["purchase_order_timing"] = "on_issue"
        settings["demand_linking"] = rng.choice(
            ("demand_creates_po", "demand_creates_po", "demand_appends_to_po", "automatic")
        )
    # Where ConnectWise links plain lines by itself, it may give one order what another one bought.
    alone = settings.get("demand_linking") == "automatic"
    large = rng.random() < 0.1
    return Day(
        seed=seed,
        scenario=scenario,
        workers=rng.choice((2, 2, 3)),
        callbacks=rng.random() < 0.25,
        reorder=rng.random() < 0.7,
        stories=tuple(range(1 if alone else rng.choice((2, 3) if large else (1, 1, 1, 2)))),
        lines=3 if large else rng.choice((1, 1, 2)),
        settings=settings,
        switches={
            "enforce_unique_identifier": rng.random() < 0.5,
            "read_lag_ms": rng.choice((0, 0, 300, 1900)),
            "plain_lines_link": alone,
        },
        strangers=0 if alone or scenario == D else rng.choice((0, 0, 1, 2)),
    )


def story_of(day: Day, order: int, opportunity: int | None) -> Story:
    return story(day.seed * 10 + order, FIRST_ORDER + order * 10, opportunity, most=day.lines)


def expected(day: Day, made: Story) -> dict[str, Any]:
    """How an order must end, whatever goes wrong meanwhile. Worked out from the story alone."""
    wanted = made.expected() | {"code": made.code, "ticket": None}
    wanted |= dict.fromkeys(("twice", "purchase_orders_twice", "catalog_twice"), 0)
    if day.settings.get("purchase_order_timing") == "on_issue":
        issued = {str(one["orderNumber"]): "New" for one in made.order.purchase_orders.values()}
        wanted["purchase_orders"] = issued | made.purchase_orders
    if day.scenario == B2:
        ready = "Ready to invoice" if made.code == "RELEASED" else "New"
        wanted |= {"ticket": ready, "sales_order": None, "opportunity": None}
    if day.scenario == D:
        wanted |= {"code": "RELEASED", "sales_order": "Ready to invoice"}
        wanted |= {"purchase_orders": {}, "received": {}}
    return wanted


def traffic(day: Day, made: Story, order: int, *, calm: bool) -> list[Told]:
    """When each event comes: in their order, or shuffled with doubles. Calm: one after the other."""
    rng = random.Random(f"traffic {day.seed} {order}")  # noqa: S311 - as above
    if calm or rng.random() < 0.4:
        events = [(f"{made.number}-{n}", event) for n, event in enumerate(made.events)]
    else:
        events = arrivals(made, day.seed * 10 + order)
    if calm:
        return [Told(2.0 * n, name, event) for n, (name, event) in enumerate(events)]
    whole = rng.choice((0.5, 20.0, TELLING)) * day.length
    moments = sorted(rng.uniform(0.0, whole) for _ in events)
    return [Told(at, name, event) for at, (name, event) in zip(moments, events, strict=True)]
