"""Gates of purchase orders on their way into ConnectWise: issued, moved, demand free, surplus last.

Owns every wait before a purchase order is made, changed or linked. Its goods are
`gates_of_goods.py`, which the receiving steps ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from app.domain.codes import Code, State
from app.domain.linking import Share, allocate
from app.domain.order import OrderView
from app.domain.receipts import parts
from app.domain.records import Decision
from app.domain.shut import Shut
from app.domain.standing import SYNC, standing_shares, stands

LINK_AGAIN = "link_again"


def decision_on(view: OrderView, code: Code, purchase_order_id: int | str) -> Decision | None:
    """The newest decision about a code of a purchase order, at whichever of its subjects (itself,
    a receipt, its surplus) the person met it."""
    found = [
        decision
        for (about, subject), decision in view.decisions.items()
        if about is code and subject.split(":")[1:2] == [str(purchase_order_id)]
    ]
    return max(found, key=lambda decision: decision.at, default=None)


def chosen_on(view: OrderView, code: Code, purchase_order_id: int | str) -> str | None:
    """Its choice, None: nothing was decided."""
    decision = decision_on(view, code, purchase_order_id)
    return decision.choice if decision is not None else None


def purchase_order_stays(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H3: a purchase order that was received here and names another sales order now."""
    purchase_order_id = subject.split(":")[1]
    moved = view.facts.get(("purchase_order_moved", purchase_order_id))
    if moved is None:
        return None
    decision = decision_on(view, Code.PURCHASE_ORDER_MOVED, purchase_order_id)
    # A choice about one other order says nothing of the next one.
    if decision is not None and decision.choice == "keep_here" and decision.at >= moved.seen_at:
        return None
    return Shut(
        Code.PURCHASE_ORDER_MOVED,
        f"{view.label(f'po:{purchase_order_id}')} names {moved.body.get('order')} in Commerce now, "
        f"after goods came on it for {view.row.name}.",
    )


def goods_arrived_or_issued(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-2: by default a purchase order reaches ConnectWise with its first receipt. Once it stands
    there, every change does."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None or view.behaviour.purchase_order_timing == "on_issue":
        return None
    if stands(view, purchase_order.id) or (SYNC, f"po:{purchase_order.id}") in view.in_doubt:
        return None
    if parts(purchase_order, view.receipts):
        return None
    return Shut(
        Code.GOODS_NOT_RECEIVED,
        f"Nothing has been received on {purchase_order.order_number} yet; it reaches ConnectWise "
        "with its first receipt.",
        next_look="on the first receipt",
    )


def demand_free(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H3, B1.9: demand that another purchase order still holds in ConnectWise, and gives back, is
    linked after it did: a supplier was replaced, or quantities went from one to the other."""
    kind, po_id = subject.split(":")[:2]
    if kind != "po":
        return None
    own = int(po_id)
    every = allocate(view)
    target = {key: _by_line(shares) for key, shares in every.items()}
    standing = {
        po.id: _by_line(standing_shares(view, po.id))
        for po in view.purchase_orders
        if not _left_out(view, po.id)
    }
    needed = {line.id: line.quantity - (line.quantity_from_stock or 0) for line in view.sold_lines}
    mine = standing.get(own, {})
    for line, quantity in target.get(own, {}).items():
        if quantity <= mine.get(line, 0):
            continue
        for other in sorted(standing.keys() - {own}):
            there, then = standing[other], target.get(other, {})
            gives = there.get(line, 0) > then.get(line, 0)
            # Two that give and take at once would wait for each other for ever.
            takes = any(part > there.get(key, 0) for key, part in then.items())
            held = sum(lines.get(line, 0) for key, lines in standing.items() if key != own)
            if gives and not takes and held + quantity > needed.get(int(line), 0):
                return Shut(
                    Code.DEMAND_NOT_FREE,
                    f"{view.label(subject)} waits until {view.label(f'po:{other}')} gives its "
                    "demand back in ConnectWise.",
                    next_look="when it did",
                )
    return None


def surplus_comes_last(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.9: ConnectWise may link a plain line by itself, so surplus must not stand while demand
    is open that another purchase order of this order is meant for."""
    kind, po_id = subject.split(":")[:2]
    if kind != "surplus":
        return None
    every = allocate(view)
    products = {s.product_id for s in every.get(int(po_id), ()) if s.line is None}
    for other, shares in every.items():
        meant = any(s.line is not None and s.product_id in products for s in shares)
        needed = meant or other == int(po_id)
        if needed and not _linked(view, other, shares):
            return Shut(
                Code.SURPLUS_LAST,
                f"Goods on {view.label(f'po:{po_id}')} above the order wait until "
                f"{view.label(f'po:{other}')} "
                f"{'stands in ConnectWise' if view.stock else 'is linked'}.",
                next_look="when it does" if view.stock else "when it is linked",
            )
    return None


def _linked(view: OrderView, purchase_order_id: int, shares: Iterable[Share]) -> bool:
    """Whether a purchase order stands as it is wanted now, linked and read back."""
    subject = f"po:{purchase_order_id}"
    if view.stock:
        return view.finished(SYNC, subject)
    if not view.finished("link_demand", subject):
        return False
    want = stands(view, purchase_order_id)
    purchase_order = view.purchase_order(purchase_order_id)
    if want is None or "shares" not in want or _left_out(view, purchase_order_id):
        return True
    if purchase_order is not None and purchase_order.cancelled:
        return True
    target = _by_line(shares)
    read_back = view.applied("link_demand", subject) or {}
    if "shares" in read_back and "stands" not in want and _by_line(read_back["shares"]) != target:
        return False  # its demand grew and is not linked yet
    return _by_line(want["shares"]) == target


def _left_out(view: OrderView, purchase_order_id: int) -> bool:
    """A person does its part by hand: what the ledger says of it no longer counts."""
    row = view.ledger.get((SYNC, f"po:{purchase_order_id}"))
    return row is not None and row.state is State.SKIPPED


def _by_line(shares: Iterable[Share | Mapping[str, Any]]) -> dict[str, int]:
    """Linked quantity by sales order line."""
    result: dict[str, int] = {}
    for share in shares:
        line, quantity = (
            (share.line, share.quantity)
            if isinstance(share, Share)
            else (share["line"], int(share["quantity"]))
        )
        if line is not None:
            result[line] = result.get(line, 0) + quantity
    return result
