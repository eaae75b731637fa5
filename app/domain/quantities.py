"""How much of each line is received, shipped and released, by document and by ledger.

Owns the sums that gates, steps and the line matrix share, so that they cannot differ.
Whole units throughout.
"""

from __future__ import annotations

from app.domain.documents import PurchaseOrder
from app.domain.linking import allocate
from app.domain.order import OrderView
from app.domain.receipts import parts
from app.domain.standing import RECEIVE, received_remotely

__all__ = [
    "RECEIVE",
    "SHIP",
    "arrived",
    "received",
    "received_by_order",
    "received_for_lines",
    "received_remotely",
    "shipped",
]
SHIP = "ship_goods"


def received(view: OrderView, purchase_order: PurchaseOrder) -> dict[int, int]:
    """What Commerce says is received, by purchase order line id."""
    result: dict[int, int] = {}
    for part in parts(purchase_order, view.receipts):
        for interval in part.intervals:
            result[interval.po_line] = max(result.get(interval.po_line, 0), interval.end)
    return result


def arrived(view: OrderView, purchase_order_id: int) -> dict[int, int]:
    """What came as far as the order's invoice is concerned, by purchase order line id: received in
    ConnectWise, or, where nothing is received there, in Commerce (docs/decisions/0025)."""
    purchase_order = view.purchase_order(purchase_order_id)
    if view.bought_by_commerce and purchase_order is not None:
        return received(view, purchase_order)
    return received_remotely(view, purchase_order_id)


def received_for_lines(view: OrderView, *, drop_ship_only: bool = False) -> dict[int, int]:
    """Received by sales order line id, over all purchase orders."""
    result: dict[int, int] = {}
    for shares in received_by_order(view, drop_ship_only=drop_ship_only).values():
        for line, quantity in shares.items():
            result[line] = result.get(line, 0) + quantity
    return result


def received_by_order(
    view: OrderView, *, drop_ship_only: bool = False
) -> dict[int, dict[int, int]]:
    """Received in ConnectWise by purchase order id and sales order line id: shares of a purchase
    order line are filled in their order, surplus last. What is not mirrored is as Commerce recorded
    it (C6, D2)."""
    result: dict[int, dict[int, int]] = {}
    for purchase_order_id, shares in allocate(view).items():
        purchase_order = view.purchase_order(purchase_order_id)
        if drop_ship_only and not (purchase_order and purchase_order.drop_ship):
            continue
        if (view.suggests or view.by_commerce) and purchase_order is not None:
            rest = received(view, purchase_order)
        else:
            rest = arrived(view, purchase_order_id)
        own = result.setdefault(purchase_order_id, {})
        for share in sorted(shares, key=lambda share: share.line is None):
            part = min(share.quantity, rest.get(share.po_line, 0))
            if part and share.line is not None:
                own[int(share.line)] = own.get(int(share.line), 0) + part
            rest[share.po_line] = rest.get(share.po_line, 0) - part
    return result


def to_ship(view: OrderView) -> dict[int, int]:
    """What the service itself has to mark as shipped, by sales order line id (D-14)."""
    if view.behaviour.mark_shipped == "never":
        return {}
    only_drop = view.behaviour.mark_shipped == "drop_ship_only"
    return {k: v for k, v in received_for_lines(view, drop_ship_only=only_drop).items() if v}


def shipped(view: OrderView) -> dict[int, int]:
    """Shipped by sales order line id: by our own step, or as last read in ConnectWise."""
    result: dict[int, int] = {}
    want = view.applied(SHIP, "order")
    for line, quantity in (want or {}).get("shipped", {}).items():
        result[int(line)] = int(quantity)
    fact = view.facts.get(("shipping", ""))
    for line, quantity in (fact.body.get("shipped", {}) if fact else {}).items():
        result[int(line)] = max(result.get(int(line), 0), int(quantity))
    return result
