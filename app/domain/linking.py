"""Which purchase order quantity covers which sales order line.

Owns the allocation (B1.9, D-8): by the named sales order line first, then in line order, never
above a line's open quantity; what is left over is surplus. A pure function of the documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.domain.documents import PurchaseOrder, PurchaseOrderLine
from app.domain.invoices import accepted_unlinked
from app.domain.order import OrderView


@dataclass(frozen=True, slots=True)
class Share:
    """Part of a purchase order line. `line` is the sales order line's key, None: surplus."""

    po_line: int
    product_id: int
    line: str | None
    quantity: int
    cost: Decimal


def allocate(view: OrderView) -> dict[int, tuple[Share, ...]]:
    """Shares of every purchase order that counts, by purchase order id.

    Purchase orders are served in id order whatever the order in which they came in, so that
    late, doubled and reordered events end in the same links. What was applied stays as applied.
    """
    if view.sales_order is None:
        return {}
    settled = accepted_unlinked(view)  # invoiced, and a person said that it stays unlinked (D-7)
    open_quantity = {
        line.id: line.quantity - (line.quantity_from_stock or 0)
        for line in view.sold_lines
        if str(line.id) not in settled
    }
    of_product = {line.id: line.product_id for line in view.sold_lines}
    order = [line.id for line in view.sold_lines]
    result: dict[int, tuple[Share, ...]] = {}
    waiting: list[PurchaseOrder] = []
    for purchase_order in view.open_purchase_orders:
        fixed = _applied(view, purchase_order)
        if fixed is None:
            waiting.append(purchase_order)
            continue
        result[purchase_order.id] = fixed
        for share in fixed:
            if share.line is not None and int(share.line) in open_quantity:
                open_quantity[int(share.line)] -= share.quantity
    # Named lines first, over all purchase orders, so that an unnamed line cannot take the
    # quantity that a later purchase order names.
    named = {
        (purchase_order.id, line.id): _take(
            open_quantity, [line.sales_order_line_id], line.quantity
        )
        for purchase_order in waiting
        for line in _in_order(purchase_order)
        if line.sales_order_line_id is not None
        and of_product.get(line.sales_order_line_id) == line.product_id
    }
    for purchase_order in waiting:
        shares: list[Share] = []
        for line in _in_order(purchase_order):
            taken = dict(named.get((purchase_order.id, line.id), {}))
            rest = line.quantity - sum(taken.values())
            candidates = [key for key in order if of_product[key] == line.product_id]
            for key, quantity in _take(open_quantity, candidates, rest).items():
                taken[key] = taken.get(key, 0) + quantity
            shares.extend(_shares(line, taken))
        result[purchase_order.id] = tuple(shares)
    return result


def _in_order(purchase_order: PurchaseOrder) -> list[PurchaseOrderLine]:
    return sorted(purchase_order.lines, key=lambda line: (line.line_number, line.id))


def _take(open_quantity: dict[int, int], keys: list[int], wanted: int) -> dict[int, int]:
    taken: dict[int, int] = {}
    for key in keys:
        quantity = min(wanted, max(open_quantity.get(key, 0), 0))
        if quantity > 0:
            open_quantity[key] -= quantity
            taken[key] = quantity
            wanted -= quantity
    return taken


def _shares(line: PurchaseOrderLine, taken: dict[int, int]) -> list[Share]:
    cost = line.price
    shares = [
        Share(line.id, line.product_id, str(key), quantity, cost) for key, quantity in taken.items()
    ]
    surplus = line.quantity - sum(taken.values())
    if surplus > 0:
        shares.append(Share(line.id, line.product_id, None, surplus, cost))
    return shares


def _applied(view: OrderView, purchase_order: PurchaseOrder) -> tuple[Share, ...] | None:
    """The shares as they were applied, None where the purchase order or its order is another."""
    want = view.applied("sync_purchase_order", f"po:{purchase_order.id}")
    if want is None or want.get("order") != view.row.source_id:
        return None
    shares = tuple(
        Share(
            int(share["po_line"]),
            int(share["product"]),
            share["line"],
            int(share["quantity"]),
            Decimal(str(share["cost"])),
        )
        for share in want["shares"]
    )
    lines = {(x.id, x.product_id): x.quantity for x in purchase_order.lines if x.quantity}
    applied: dict[tuple[int, int], int] = {}
    for share in shares:
        key = (share.po_line, share.product_id)
        applied[key] = applied.get(key, 0) + share.quantity
    return shares if applied == lines else None


def covered(view: OrderView) -> dict[int, int]:
    """Linked purchase order quantity by sales order line id."""
    result: dict[int, int] = {}
    for shares in allocate(view).values():
        for share in shares:
            if share.line is not None:
                result[int(share.line)] = result.get(int(share.line), 0) + share.quantity
    return result
