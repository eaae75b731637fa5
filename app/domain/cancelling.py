"""An order that was cancelled in Commerce after something was made of it (H3).

Owns what is asked of a person then, what the service can undo by itself, and when the order ends.
Pure; the undoing itself is `app/steps/cancel_products.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from app.domain.choices import CANCEL_PRODUCTS, DONE_BY_HAND, names_of
from app.domain.codes import Code
from app.domain.json_values import digest
from app.domain.order import OrderView
from app.domain.quantities import RECEIVE, received, received_remotely
from app.domain.records import ORDER

STEP = "create_products"  # owns our products, so it takes them back as well
FACT = "cancelled_products"
# What the ledger is told of purchases goes on: whatever became of the sale, what came is owed (C6).
RECORDS = {"post_purchase_order": "ledger_purchase_order", "post_bill": "bill"}
OWED = tuple(RECORDS)
INVOICE = "post_invoice"


def something_made(view: OrderView, *, but: Collection[str] = ()) -> bool:
    """Whether there may be records of the order, `but` for those of some steps. A step that stopped
    half-way counts, and so does a write without an answer; the opportunity that Commerce named alone
    does not."""
    refs = {"opportunity", *(RECORDS[step] for step in but)}
    return bool(
        any(step not in but for step, _ in view.in_doubt)
        or any(step not in but for step, _, _ in view.outcomes)
        or any(row.want is not None and step not in but for (step, _), row in view.ledger.items())
        or any(ref.kind not in refs for ref in view.refs.values())
    )


def situation(view: OrderView) -> dict[str, Any]:
    """What a decision is about: just this cancellation, not one that comes later, nor goods or an
    invoice that come after it."""
    order = view.sales_order
    told: dict[str, Any] = {"cancelled": order.modified_date.isoformat() if order else None}
    if came := unreceived(view):
        told["came"] = came
    if issued := _unposted(view):
        told["invoices"] = issued
    return told


def unreceived(view: OrderView) -> dict[str, int]:
    """Goods that came in Commerce and are not received in ConnectWise, where its purchase orders
    are, by purchase order and line id: nothing receives them any more."""
    if RECEIVE not in view.steps:
        return {}
    result: dict[str, int] = {}
    for purchase_order in view.purchase_orders:
        done = received_remotely(view, purchase_order.id)
        for line, quantity in received(view, purchase_order).items():
            if quantity > done.get(line, 0):
                result[f"{purchase_order.id}:{line}"] = quantity - done.get(line, 0)
    return result


def _unposted(view: OrderView) -> list[str]:
    """Invoices that Commerce issued and that the ledger does not have: nothing posts them."""
    posts = INVOICE in view.steps
    return [
        one.invoice_number
        for one in view.sales_invoices
        if posts and not view.finished(INVOICE, f"invoice:{one.id}")
    ]


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
    left_over = unreceived(view) or _unposted(view)
    if not something_made(view, but=OWED) and not left_over:
        return f"{number} was cancelled in Commerce before anything was made of it."
    if chosen(view) == DONE_BY_HAND.name:
        return f"{number} was cancelled in Commerce, and what was made of it was undone by hand."
    orders = any(kind == "purchase_order" for kind, _ in view.refs)
    undone = taken_back(view) and wanted(view) is not None
    if undone and not left(view) and not orders and not left_over:
        return (
            f"{number} was cancelled in Commerce; its products on {view.parent_told} are cancelled."
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
    if not something_made(view, but=OWED):
        told = f"{number} was cancelled in Commerce."
    told = " ".join([told, *_left_over(view)])
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


def _left_over(view: OrderView) -> list[str]:
    """What came of the order and goes nowhere by itself, as sentences."""
    told: list[str] = []
    for key, quantity in unreceived(view).items():
        po_id, line_id = map(int, key.split(":"))
        purchase_order = view.purchase_order(po_id)
        lines = purchase_order.lines if purchase_order is not None else ()
        title = next((line.title for line in lines if line.id == line_id), f"line {line_id}")
        told.append(
            f"{quantity} {title} came on {view.label(f'po:{po_id}')} and are not received in "
            "ConnectWise."
        )
    told += [f"Its invoice {number} is not in the ledger." for number in _unposted(view)]
    return told


def offered(view: OrderView) -> tuple[str, ...]:
    """The choices; taking products back only where there are some."""
    every = names_of(Code.CANCELLED_AFTER_START)
    if view.parent is not None and not taken_back(view):
        return every
    return tuple(name for name in every if name != CANCEL_PRODUCTS.name)
