"""Whether a record that a setting names means there what the setting says: a name alone proves little.

Owns which flag of ConnectWise each status has to carry, and which may not be the same. An empty setting
is filled by these flags (`app/steps/resolve.py`), so only names that people set can be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from app.domain.checkup import Finding, Outcome
from app.domain.psa import SetupRecord

AREA = "connectwise"
_Fits = Callable[[SetupRecord], bool]
# By setting: whether the record fits, what it lacks, and what comes of it.
MEANS: Mapping[str, tuple[_Fits, str, str]] = {
    "connectwise_won_status": (
        lambda one: one.won,
        "does not win an opportunity: its Won flag is off",
        "Opportunities are given it and are not won by it.",
    ),
    "connectwise_lost_status": (
        lambda one: one.lost,
        "does not lose an opportunity: its Lost flag is off",
        "Opportunities of declined quotes are given it and are not lost by it.",
    ),
    "connectwise_open_status": (
        lambda one: not (one.won or one.lost or one.closed),
        "closes an opportunity",
        "New opportunities are given it, and a closed one takes no products.",
    ),
    "connectwise_purchase_order_status_open": (
        lambda one: not one.closed,
        "closes a purchase order",
        "Purchase orders are given it while their goods are still to come.",
    ),
    "connectwise_purchase_order_status_closed": (
        lambda one: one.closed,
        "does not close a purchase order: its Closed flag is off",
        "Purchase orders are given it when everything is received, and stay open.",
    ),
    "connectwise_purchase_order_status_cancelled": (
        lambda one: one.closed,
        "does not close a purchase order: its Closed flag is off",
        "Cancelled purchase orders are given it, and stay open.",
    ),
    "connectwise_sales_order_status_waiting": (
        lambda one: not one.closed,
        "closes a sales order",
        "Sales orders are given it while their goods are still to come.",
    ),
    "connectwise_ticket_status": (
        lambda one: not one.closed,
        "closes a ticket",
        "New tickets are given it, and products go on open tickets only.",
    ),
}


def meant(name: str, found: SetupRecord, proven_by: str) -> Finding | None:
    """The finding that the record does not mean what the setting says; None: it does."""
    known = MEANS.get(name)
    if known is None or known[0](found):
        return None
    _, lacks, cause = known
    return Finding(
        name,
        AREA,
        Outcome.FAILED,
        f"{name.upper()} is {found.name!r}, which {lacks}.",
        cause,
        "Name the status that does, or leave the setting empty where it may be.",
        proven_by,
    )


def same(values: Mapping[str, Any], first: str, second: str) -> list[Finding]:
    """Two settings whose difference is what people and ConnectWise go by."""
    one, other = (str(values.get(name) or "").strip() for name in (first, second))
    if not one or one.casefold() != other.casefold():
        return []
    return [
        Finding(
            second,
            AREA,
            Outcome.FAILED,
            f"{first.upper()} and {second.upper()} are both {one!r}.",
            "Nobody sees which of them are ready, and what waits is invoiced with them.",
            "Give what is ready a status of its own.",
            first.upper(),
        )
    ]
