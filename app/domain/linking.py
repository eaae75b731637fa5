"""Which purchase order quantity covers which sales order line.

Owns the allocation (B1.9, D-8): by the named sales order line first, then in line order, never
above a line's open quantity; what is left over is surplus. A pure function of documents and
ledger: what stands in ConnectWise stays as it stands, but for what the order no longer sells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.domain.documents import PurchaseOrder, PurchaseOrderLine
from app.domain.invoices import accepted_unlinked
from app.domain.once import once
from app.domain.order import OrderView
from app.domain.standing import came, frozen_products, stands


@dataclass(frozen=True, slots=True)
class Share:
    """Part of a purchase order line. `line` is the sales order line's key, None: surplus."""

    po_line: int
    product_id: int
    line: str | None
    quantity: int
    cost: Decimal


@once
def allocate(view: OrderView) -> Mapping[int, tuple[Share, ...]]:
    """Shares of every purchase order that counts, by purchase order id.

    Purchase orders are served in id order whatever the order in which they came in, so that
    late, doubled and reordered events end in the same links. What was applied stays as applied,
    until the order sells less, or sells more and takes in what was surplus. A cancelled purchase
    order counts with what was received on it (H3). For stock everything is surplus (H4).
    """
    if view.stock:
        return {po.id: tuple(_all_surplus(po)) for po in view.open_purchase_orders}
    if view.sales_order is None:
        return {}
    lines = _OpenLines(view)
    result: dict[int, tuple[Share, ...]] = {}
    waiting: list[PurchaseOrder] = []
    standing: list[tuple[PurchaseOrder, tuple[Share, ...]]] = []
    for purchase_order in view.purchase_orders:
        if purchase_order.cancelled:
            if received := _received(view, purchase_order):
                products = {share.product_id for share in received}
                result[purchase_order.id] = lines.hold(received, products)
            continue
        if purchase_order.draft:
            continue
        fixed = _applied(view, purchase_order)
        if fixed is None:
            waiting.append(purchase_order)
        else:
            standing.append((purchase_order, fixed))
    result.update(_held(view, lines, standing))
    result.update(lines.serve(waiting))
    for purchase_order in view.open_purchase_orders:
        if purchase_order not in waiting:
            frozen = frozen_products(view, purchase_order)
            shares = result[purchase_order.id]
            result[purchase_order.id] = lines.take_in(purchase_order, shares, frozen)
    return {key: result[key] for key in sorted(result)}


def _held(
    view: OrderView,
    lines: _OpenLines,
    standing: Sequence[tuple[PurchaseOrder, Sequence[Share]]],
) -> dict[int, tuple[Share, ...]]:
    """What was received on a link stays with it, even if the line is gone (D-11). So all that came
    is held first: what is not received yet gives way, on whichever purchase order."""
    held: dict[int, list[Share]] = {}
    for frozen_ones in (True, False):
        for purchase_order, fixed in standing:
            frozen = frozen_products(view, purchase_order)
            part = [share for share in fixed if (share.product_id in frozen) is frozen_ones]
            held.setdefault(purchase_order.id, []).extend(lines.hold(part, frozen))
    result: dict[int, tuple[Share, ...]] = {}
    for purchase_order, fixed in standing:
        places = {po_line: n for n, po_line in enumerate(dict.fromkeys(x.po_line for x in fixed))}
        own = sorted(held[purchase_order.id], key=lambda share: places[share.po_line])
        result[purchase_order.id] = _merged(own)
    return result


class _OpenLines:
    """What of each sales order line is still open while purchase orders are served."""

    def __init__(self, view: OrderView) -> None:
        sold = view.sold_lines
        settled = accepted_unlinked(view)  # invoiced, and a person said it stays unlinked (D-7)
        self._open = {
            line.id: line.quantity - (line.quantity_from_stock or 0)
            for line in sold
            if str(line.id) not in settled
        }
        self._product = {line.id: line.product_id for line in sold}
        self._order = [line.id for line in sold]

    def hold(self, shares: Iterable[Share], frozen: set[int]) -> tuple[Share, ...]:
        """Shares as they stand; of products that are not frozen, what the lines no longer need
        becomes surplus."""
        held: list[Share] = []
        for share in shares:
            key = int(share.line) if share.line is not None else None
            if key is None:
                held.append(share)
                continue
            room = max(self._open.get(key, 0), 0)
            keep = share.product_id in frozen
            part = share.quantity if keep else min(share.quantity, room)
            if key in self._open:
                self._open[key] -= part
            if part:
                held.append(replace(share, quantity=part))
            if part < share.quantity:
                held.append(replace(share, line=None, quantity=share.quantity - part))
        return _merged(held)

    def serve(self, purchase_orders: list[PurchaseOrder]) -> dict[int, tuple[Share, ...]]:
        """Named lines first, over all purchase orders, so that an unnamed line cannot take the
        quantity that a later purchase order names (D-8)."""
        taken: dict[tuple[int, int], dict[int, int]] = {}
        for purchase_order in purchase_orders:
            for line in _in_order(purchase_order):
                taken[purchase_order.id, line.id] = self._take(self._named(line), line.quantity)
        result: dict[int, tuple[Share, ...]] = {}
        for purchase_order in purchase_orders:
            shares: list[Share] = []
            for line in _in_order(purchase_order):
                own = taken[purchase_order.id, line.id]
                rest = line.quantity - sum(own.values())
                for key, quantity in self._take(self._alike(line.product_id), rest).items():
                    own[key] = own.get(key, 0) + quantity
                shares.extend(_shares(line, own))
            result[purchase_order.id] = tuple(shares)
        return result

    def take_in(
        self, purchase_order: PurchaseOrder, shares: Iterable[Share], frozen: set[int]
    ) -> tuple[Share, ...]:
        """Surplus that stands and is wanted now becomes linked: demand was freed, or more sold."""
        lines = {line.id: line for line in purchase_order.lines}
        result: list[Share] = []
        for share in shares:
            line = lines.get(share.po_line)
            if share.line is not None or line is None or share.product_id in frozen:
                result.append(share)
                continue
            taken = self._take([*self._named(line), *self._alike(share.product_id)], share.quantity)
            result.extend(replace(share, line=str(k), quantity=q) for k, q in taken.items())
            if rest := share.quantity - sum(taken.values()):
                result.append(replace(share, quantity=rest))
        return _merged(result)

    def _named(self, line: PurchaseOrderLine) -> list[int]:
        key = line.sales_order_line_id
        return [key] if key is not None and self._product.get(key) == line.product_id else []

    def _alike(self, product_id: int) -> list[int]:
        return [key for key in self._order if self._product[key] == product_id]

    def _take(self, keys: Iterable[int], wanted: int) -> dict[int, int]:
        taken: dict[int, int] = {}
        for key in keys:
            if wanted <= 0:
                break
            quantity = min(wanted, max(self._open.get(key, 0), 0))
            if quantity > 0:
                self._open[key] -= quantity
                taken[key] = taken.get(key, 0) + quantity
                wanted -= quantity
        return taken


def _in_order(purchase_order: PurchaseOrder) -> list[PurchaseOrderLine]:
    return sorted(purchase_order.lines, key=lambda line: (line.line_number, line.id))


def _shares(line: PurchaseOrderLine, taken: Mapping[int, int]) -> list[Share]:
    cost = line.price
    shares = [
        Share(line.id, line.product_id, str(key), quantity, cost) for key, quantity in taken.items()
    ]
    surplus = line.quantity - sum(taken.values())
    if surplus > 0:
        shares.append(Share(line.id, line.product_id, None, surplus, cost))
    return shares


def _all_surplus(purchase_order: PurchaseOrder) -> list[Share]:
    return [share for line in _in_order(purchase_order) for share in _shares(line, {})]


def _merged(shares: Sequence[Share]) -> tuple[Share, ...]:
    """One share for each purchase order line and sales order line; surplus after the rest."""
    places = {po_line: n for n, po_line in enumerate(dict.fromkeys(x.po_line for x in shares))}
    found: dict[tuple[int, str | None], Share] = {}
    for share in shares:
        key = (share.po_line, share.line)
        known = found.get(key)
        found[key] = (
            share if known is None else replace(known, quantity=known.quantity + share.quantity)
        )
    return tuple(
        sorted(found.values(), key=lambda share: (places[share.po_line], share.line is None))
    )


def _applied(view: OrderView, purchase_order: PurchaseOrder) -> tuple[Share, ...] | None:
    """The shares as they were applied, with the costs that hold now; None where the purchase
    order or its order is another one."""
    want = stands(view, purchase_order.id)
    if want is None or want.get("order") != view.row.source_id or want.get("cancelled"):
        return None
    shares = tuple(_share(share) for share in want["shares"])
    lines = {(x.id, x.product_id): x.quantity for x in purchase_order.lines if x.quantity}
    applied: dict[tuple[int, int], int] = {}
    for share in shares:
        key = (share.po_line, share.product_id)
        applied[key] = applied.get(key, 0) + share.quantity
    if applied != lines:
        return None
    costs = {line.id: line.price for line in purchase_order.lines}
    return tuple(replace(share, cost=costs[share.po_line]) for share in shares)


def _received(view: OrderView, purchase_order: PurchaseOrder) -> list[Share]:
    """Of a cancelled purchase order only what came on its links."""
    return [_share(share) for share in came(view, purchase_order.id) if share["line"] is not None]


def _share(share: Mapping[str, Any]) -> Share:
    return Share(
        int(share["po_line"]),
        int(share["product"]),
        share["line"],
        int(share["quantity"]),
        Decimal(str(share["cost"])),
    )


@once
def covered(view: OrderView) -> Mapping[int, int]:
    """Linked purchase order quantity by sales order line id."""
    result: dict[int, int] = {}
    for shares in allocate(view).values():
        for share in shares:
            if share.line is not None:
                result[int(share.line)] = result.get(int(share.line), 0) + share.quantity
    return result
