"""What only some days have: the configurations with a ledger, tickets that are chosen, corrections,
people who decide, a Commerce that is polled.

Owns the drawing of it, from a stream of its own: the days of all other seeds stay as they are. Pure.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from tests.e2e.generated import Story

A = "connectwise-invoicing"
C = "commerce-invoicing"
D = "connectwise-managed"
LAST_DIGITS = (3, 4, 8)  # of the seeds that have such a day
LEDGERS = ("quickbooks", "xero")
EACH = Decimal(100)  # what suppliers ask for a piece


@dataclass(frozen=True)
class Wide:
    """`ledger`: the one that stands beside, else empty. `expiries`: how often every access token
    is refused before its time. `corrected`: orders and purchase orders were told otherwise before.
    `holds`, `pauses`, `retries`: how often people hold an order, pause a connection, or have a step
    tried again. `ticket`: each order is for an open ticket. `declined`: each opportunity has another
    quote, which is declined, and may be marked lost by it. `polled`: Commerce is polled, and events
    are lost."""

    ledger: str = ""
    expiries: int = 0
    corrected: bool = False
    holds: int = 0
    pauses: int = 0
    retries: int = 0
    ticket: bool = False
    declined: bool = False
    polled: bool = False

    @property
    def acts(self) -> bool:
        """People act at the service."""
        return bool(self.holds or self.pauses or self.retries)


NARROW = Wide()


@dataclass(frozen=True)
class Drawn:
    """A wide day. `settings` stand in place of the day's where it plays another scenario."""

    scenario: str
    settings: dict[str, Any]
    wide: Wide


def draw(seed: int, scenario: str) -> Drawn | None:
    """None: this seed's day has nothing of it."""
    if seed % 10 not in LAST_DIGITS:
        return None
    rng = random.Random(f"wide {seed}")  # noqa: S311 - a made-up day, no secret
    settings: dict[str, Any] = {}
    wide = NARROW
    if rng.random() < 0.6:
        scenario = rng.choice((A, C))
        settings = _of_ledger(rng, scenario)
        wide = Wide(rng.choice(LEDGERS), rng.choice((0, 0, 1, 3)))
    elif scenario == D and rng.random() < 0.5:
        settings["invoice_from"] = "ticket"
    if rng.random() < 0.5:
        wide = replace(wide, corrected=True)
        if scenario not in (A, C):
            # One that stands in ConnectWise and is cancelled is for a person to end.
            settings["purchase_order_timing"] = "on_receipt"
    if rng.random() < 0.5:
        few = (0, 1, 1, 2)
        wide = replace(
            wide, holds=rng.choice(few), pauses=rng.choice(few), retries=rng.choice((0, 2, 5))
        )
    if rng.random() < 0.25:
        # What only events tell cannot be lost: no deal, no ticket; nor may a correction be.
        return Drawn(scenario, settings, replace(wide, polled=True, corrected=False))
    if rng.random() < 0.3:
        wide = replace(wide, ticket=True)
    if rng.random() < 0.25:
        wide = replace(wide, declined=True)
        settings["lost_on_decline"] = "true"
    return Drawn(scenario, settings, wide)


def _of_ledger(rng: random.Random, scenario: str) -> dict[str, Any]:
    settings: dict[str, Any] = {"bill_per": rng.choice(("receipt", "receipt", "purchase_order"))}
    if rng.random() < 0.3:
        settings["purchase_order_timing"] = "on_issue"
    if scenario == C:
        settings["invoice_status"] = rng.choice(("approved", "approved", "draft"))
    elif rng.random() < 0.3:
        settings["invoice_from"] = "ticket"
    return settings


def in_the_books(settings: dict[str, Any], made: Story) -> dict[str, Any]:
    """What an order's ledger must hold, from the story alone."""
    issued = settings.get("purchase_order_timing") == "on_issue"
    ordered, standing = Decimal(0), []
    for one in made.order.purchase_orders.values():
        got = [made.order.received.get((one["id"], line["id"]), 0) for line in one["lines"]]
        if not any(got) and not issued:
            continue
        wanted = [line["quantity"] for line in one["lines"]]
        ordered += EACH * sum(wanted)
        standing.append("closed" if got == wanted else "open")
    return {"ordered": ordered, "ordered statuses": sorted(standing)}
