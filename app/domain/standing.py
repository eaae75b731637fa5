"""What the ledger says of a purchase order in ConnectWise: received, linked, frozen.

Owns the readings that allocation, gates and steps share. Pure, never what Commerce says now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.documents import PurchaseOrder
from app.domain.order import OrderView

SYNC = "sync_purchase_order"
RECEIVE = "receive_purchase_order"


def received_remotely(view: OrderView, purchase_order_id: int) -> dict[int, int]:
    """What the ledger says is received in ConnectWise, by purchase order line id."""
    result: dict[int, int] = {}
    for (step, _), row in view.ledger.items():
        if step != RECEIVE or row.want is None or row.want["purchase_order"] != purchase_order_id:
            continue
        for line in row.want["lines"]:
            key = int(line["line"])
            result[key] = max(result.get(key, 0), int(line["to"]))
    return result


def receiving_in_doubt(view: OrderView, purchase_order_id: int) -> bool:
    """Whether a receipt was sent and never answered: it may have come."""
    return any(
        step == RECEIVE and subject.split(":")[1:2] == [str(purchase_order_id)]
        for step, subject in view.in_doubt
    )


def frozen_products(view: OrderView, purchase_order: PurchaseOrder) -> set[int]:
    """Products of it of which goods were received in ConnectWise, or may have been (D-11). Lines
    of one product are received as one."""
    shares = standing_shares(view, purchase_order.id)
    of_line = {int(share["po_line"]): int(share["product"]) for share in shares}
    of_line.update((line.id, line.product_id) for line in purchase_order.lines)
    if receiving_in_doubt(view, purchase_order.id):
        return set(of_line.values())
    got = received_remotely(view, purchase_order.id)
    return {product for line, product in of_line.items() if got.get(line, 0)}


def stands(view: OrderView, purchase_order_id: int) -> Mapping[str, Any] | None:
    """The want of the purchase order that was last made true, whatever became of it since."""
    return view.applied(SYNC, f"po:{purchase_order_id}")


def standing_shares(view: OrderView, purchase_order_id: int) -> list[Mapping[str, Any]]:
    """The shares as they stand in ConnectWise: what was kept there against Commerce rules over
    what was wanted (D-11). Empty for another order's, and for what was never made."""
    want = stands(view, purchase_order_id)
    if want is None or want.get("order") != view.row.source_id:
        return []
    return list(want.get("stands", want.get("shares", ())))


def came(view: OrderView, purchase_order_id: int) -> list[dict[str, Any]]:
    """The part of the standing shares that was received: linked ones are filled first."""
    rest = dict(received_remotely(view, purchase_order_id))
    result: list[dict[str, Any]] = []
    shares = standing_shares(view, purchase_order_id)
    for share in sorted(shares, key=lambda share: share["line"] is None):
        key = int(share["po_line"])
        part = min(int(share["quantity"]), rest.get(key, 0))
        if part > 0:
            rest[key] -= part
            result.append({**share, "quantity": part})
    return result
