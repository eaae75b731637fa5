"""An order that was cancelled in Commerce after something was made of it (H3).

Owns what is asked of a person then, what the service can undo by itself, and when the order ends.
Pure; the undoing itself is `app/steps/cancel_products.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.choices import CANCEL_PRODUCTS, DONE_BY_HAND, names_of
from app.domain.codes import Code
from app.domain.json_values import digest
from app.domain.order import OrderView
from app.domain.records import ORDER

STEP = "create_products"  # owns our products, so it takes them back as well
FACT = "cancelled_products"


def something_made(view: OrderView) -> bool:
    """Whether ConnectWise may have records of the order. A step that stopped half-way counts, and
    so does a write without an answer; the opportunity that Commerce named alone does not."""
    return bool(
        view.in_doubt
        or view.outcomes
        or any(row.want is not None for row in view.ledger.values())
        or any(ref.kind != "opportunity" for ref in view.refs.values())
    )


def situation(view: OrderView) -> dict[str, Any]:
    """What a decision is about: just this cancellation, not one that comes later."""
    order = view.sales_order
    return {"cancelled": order.modified_date.isoformat() if order is not None else None}


def chosen(view: OrderView) -> str | None:
    """What a person decided about this cancellation, None: nothing yet."""
    found = view.decision(Code.CANCELLED_AFTER_START, ORDER)
    if found is None:
        return None
    if found.about:
        return found.choice if found.about == digest(situation(view)) else None
    row = view.row
    late = row.code is Code.CANCELLED_AFTER_START and row.since and found.at < row.since
    return None if late else found.choice


def wanted(view: OrderView) -> Mapping[str, Any] | None:
    """The want that takes our products back, None while nobody asked for it or nothing stands."""
    if chosen(view) != CANCEL_PRODUCTS.name or view.parent is None:
        return None
    return {**(view.applied(STEP, ORDER) or {}), "cancelled": True}


def taken_back(view: OrderView) -> bool:
    return (view.applied(STEP, ORDER) or {}).get("cancelled") is True


def finished(view: OrderView) -> str | None:
    """Why the order ends as cancelled, None while something stands that nobody decided about."""
    number = view.sales_order.order_number if view.sales_order is not None else view.row.name
    if not something_made(view):
        return f"{number} was cancelled in Commerce before anything was made of it."
    if chosen(view) == DONE_BY_HAND.name:
        return f"{number} was cancelled in Commerce, and what was made of it was undone by hand."
    orders = any(kind == "purchase_order" for kind, _ in view.refs)
    if taken_back(view) and wanted(view) is not None and not left(view) and not orders:
        return (
            f"{number} was cancelled in Commerce; its products on "
            f"{view.parent_named[:1].lower()}{view.parent_named[1:]} are cancelled."
        )
    return None


def left(view: OrderView) -> Mapping[str, str]:
    """Products that could not be taken back, with why."""
    fact = view.facts.get((FACT, ""))
    found: Mapping[str, str] = fact.body.get("left", {}) if fact is not None else {}
    return found


def sentence(view: OrderView) -> str:
    number = view.sales_order.order_number if view.sales_order is not None else view.row.name
    kinds = sorted({ref.kind.replace("_", " ") for ref in view.refs.values()})
    made = ", ".join(kinds) or "perhaps, an answer is missing"
    told = f"{number} was cancelled in Commerce after ConnectWise records were made: {made}."
    if not taken_back(view):
        return told
    stays = [f"{title} ({why})" for title, why in sorted(left(view).items())]
    stays += [
        f"purchase order {ref.external_id}"
        for (kind, _), ref in sorted(view.refs.items())
        if kind == "purchase_order"
    ]
    still = ", ".join(stays) or "nothing"
    return f"{told} Its products are cancelled where they could be; still standing: {still}."


def offered(view: OrderView) -> tuple[str, ...]:
    """The choices; taking products back only where there are some."""
    every = names_of(Code.CANCELLED_AFTER_START)
    if view.parent is not None and not taken_back(view):
        return every
    return tuple(name for name in every if name != CANCEL_PRODUCTS.name)
