"""A day of traffic, drawn from a seed: orders, the events of each, when they come, what people do.

Owns the drawing only. The same seed with fewer orders is the same day without the others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from tests.e2e.generated import Story, arrivals, declined, invoiced, story
from tests.simulation import wide
from tests.simulation.wide import NARROW, A, C, D, Wide

B1 = "connectwise-procurement-opportunity"
B2 = "connectwise-procurement-ticket"
ROWS = {A: "A", B1: "B1", B2: "B2", C: "C", D: "D"}
# How often each configuration comes: what has the most rules of order, the most.
SCENARIOS = (B1, B1, B1, B2, B2, D)
FIRST_ORDER = 2000
# Seconds of a day in which events come, and in which things go wrong.
TELLING = 60.0
CALM = 110.0


@dataclass(frozen=True)
class Told:
    """An event on its way: when it is sent, under which id. `behind`: what came before it in
    Commerce and has to be taken in first. `heard`: where Commerce is polled, how long after it
    happened its webhooks come; it may be none."""

    at: float
    identity: str
    event: dict[str, Any]
    behind: frozenset[str] = frozenset()
    heard: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Day:
    """`stories`: the orders that are played. `settings` are the service's, `switches` the simulated
    ConnectWise's. `converts`: a person makes the sales orders. `strangers`: how many purchase
    orders of their own people make in ConnectWise meanwhile. `wide`: what only some days have."""

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
    wide: Wide = NARROW

    @property
    def row(self) -> str:
        """Of the matrix of who writes what (G9)."""
        return ROWS[self.scenario]

    @property
    def on_tickets(self) -> bool:
        """What is sold stands on tickets."""
        return self.scenario == B2 or self.settings.get("invoice_from") == "ticket"

    @property
    def drafts(self) -> bool:
        """The service keeps drafts of invoices until a person approves them (D-9)."""
        kept = self.wide.ledger == "quickbooks" and self.scenario == C
        return kept and self.settings.get("invoice_status") == "draft"

    @property
    def converts(self) -> bool:
        return self.settings.get("sales_order_creation") == "wait_for_person"

    def only(self, orders: tuple[int, ...]) -> Day:
        return replace(self, stories=orders)


def draw(seed: int) -> Day:
    """The day of a seed. What only some days have is drawn apart, so that the others stay."""
    day = usual(seed)
    drawn = wide.draw(seed, day.scenario)
    if drawn is None:
        return day
    other = drawn.scenario != day.scenario
    return replace(
        day,
        scenario=drawn.scenario,
        settings=drawn.settings if other else day.settings | drawn.settings,
        switches=day.switches | ({"plain_lines_link": False} if other else {}),
        strangers=0 if other else day.strangers,
        wide=drawn.wide,
    )


def usual(seed: int) -> Day:
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
    made = story(
        day.seed * 10 + order,
        FIRST_ORDER + order * 10,
        None if day.wide.polled else opportunity,
        corrections=day.wide.corrected,
        most=day.lines,
    )
    if day.wide.ledger:
        invoiced(made)  # in A it must go nowhere (A5)
    if day.wide.declined and opportunity is not None:
        declined(made)
    return made


def expected(day: Day, made: Story) -> dict[str, Any]:
    """How an order must end, whatever goes wrong meanwhile. Worked out from the story alone."""
    through = day.scenario in (C, D)  # there no goods gate the order
    wanted: dict[str, Any] = {"code": "RELEASED" if through else made.code, "ticket": None}
    wanted |= {"sales_order": None, **made.expected(day.row)}
    wanted["own tickets"] = 0 if made.ticket is not None else 1
    if day.scenario in (B1, B2):
        wanted["serials"] = serials(made)
    wanted |= dict.fromkeys(("twice", "purchase_orders_twice", "catalog_twice"), 0)
    if day.scenario in (B1, B2) and day.settings.get("purchase_order_timing") == "on_issue":
        issued = {str(one["orderNumber"]): "New" for one in made.order.purchase_orders.values()}
        wanted["purchase_orders"] = issued | made.purchase_orders
    if day.on_tickets and day.scenario != B2:
        ready = wanted["sales_order"] == "Ready to invoice"
        wanted |= {"sales_order": None, "ticket": "Ready to invoice" if ready else "New"}
        wanted["opportunity"] = "Won" if made.order.opportunity is not None else None
    if day.scenario == C:
        own = day.wide.ledger == "xero" and day.settings.get("invoice_status") == "draft"
        wanted["code"] = "RELEASED" if own else "INVOICED"  # Xero's own draft is approved there
    if day.wide.ledger:
        wanted |= wide.in_the_books(day.settings, made)
    return wanted


def serials(made: Story) -> list[str]:
    """All that came with receipts."""
    receipts = [event["data"]["receipt"] for event in made.events if "receipt" in event["data"]]
    lines = [line for receipt in receipts for line in receipt["lines"]]
    return sorted(number for line in lines for number in line["serialNumbers"])


def traffic(day: Day, made: Story, order: int, *, calm: bool) -> list[Told]:
    """When each event comes: in their order, or shuffled with doubles. Calm: one after the other."""
    rng = random.Random(f"traffic {day.seed} {order}")  # noqa: S311 - as above
    if day.wide.polled:
        return _happenings(rng, made, calm=calm)
    if calm or rng.random() < 0.4:
        events = [(f"{made.number}-{n}", event) for n, event in enumerate(made.events)]
    else:
        events = arrivals(made, day.seed * 10 + order)
    behind = frozenset[str]()
    if day.wide.corrected:
        # What is received freezes what it is received on (D-11), so every correction comes before.
        first = [one for one in events if not _freezes(one[1])]
        events = [*first, *(one for one in events if _freezes(one[1]))]
        behind = frozenset(name for name, _ in first)
    if calm:
        return [Told(2.0 * n, name, event) for n, (name, event) in enumerate(events)]
    whole = rng.choice((0.5, 20.0, TELLING)) * day.length
    moments = sorted(rng.uniform(0.0, whole) for _ in events)
    return [
        Told(at, name, event, behind if _freezes(event) else frozenset())
        for at, (name, event) in zip(moments, events, strict=True)
    ]


def _happenings(rng: random.Random, made: Story, *, calm: bool) -> list[Told]:
    """In their order in Commerce; their webhooks come late, twice or never. What no list of its API
    shows is told all the same."""
    whole = rng.choice((0.5, 20.0, TELLING))
    moments = sorted(rng.uniform(0.0, whole) for _ in made.events)
    told = []
    for number, event in enumerate(made.events):
        heard = tuple(rng.choice((0.1, 3.0, 25.0)) for _ in range(rng.choice((0, 0, 1, 1, 2))))
        if calm or ("salesInvoice" in event["data"] and not heard):
            heard = (0.1,)
        at = 2.0 * number if calm else moments[number]
        told.append(Told(at, f"{made.number}-{number}", event, heard=heard))
    return told


def _freezes(event: dict[str, Any]) -> bool:
    return "receipt" in event["data"] or "salesInvoice" in event["data"]
