"""What of an order is frozen: a receipt or an invoice stands on it in ConnectWise (D-11).

Owns the one reading of "frozen" that products, purchase orders and the cancelled order share.
Pure: ledger and last reading of the invoices, never what Commerce says now.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.invoices import invoiced_lines
from app.domain.order import OrderView
from app.domain.quantities import RECEIVE, received_remotely


@dataclass(frozen=True, slots=True)
class Frozen:
    """What froze a line, in whole units. `in_doubt`: a receipt was sent and not answered."""

    received: int = 0
    invoiced: int = 0
    in_doubt: bool = False

    @property
    def by(self) -> str:
        """The cause as a sentence names it."""
        if self.invoiced:
            return f"an invoice of {self.invoiced}"
        return f"a receipt of {self.received}" if self.received else "a receipt without an answer"


def frozen_lines(view: OrderView) -> dict[str, Frozen]:
    """What froze each line, by its key as products have it (`12`, `delivery`).

    A line that is not named is free. Lines that left the order count, and so do purchase orders
    that were cancelled in Commerce: what came of them stands in ConnectWise.
    """
    goods, doubtful = received_lines(view), _doubtful(view)
    billed = invoiced_lines(view)
    keys = {key for key, quantity in goods.items() if quantity} | doubtful | billed.keys()
    return {
        key: Frozen(goods.get(key, 0), billed.get(key, 0), key in doubtful) for key in sorted(keys)
    }


def received_lines(view: OrderView) -> dict[str, int]:
    """Received in ConnectWise by line key, by the links as they were made."""
    result: dict[str, int] = {}
    for purchase_order in view.purchase_orders:
        rest = received_remotely(view, purchase_order.id)
        for po_line, line, quantity in _linked(view, purchase_order.id):
            part = min(quantity, rest.get(po_line, 0))
            rest[po_line] = rest.get(po_line, 0) - part
            result[line] = result.get(line, 0) + part
    return result


def _linked(view: OrderView, purchase_order_id: int) -> list[tuple[int, str, int]]:
    want = view.applied("sync_purchase_order", f"po:{purchase_order_id}") or {}
    return [
        (int(share["po_line"]), str(share["line"]), int(share["quantity"]))
        for share in want.get("shares", ())
        if share["line"] is not None
    ]


def _doubtful(view: OrderView) -> set[str]:
    """Lines of purchase orders on which a receipt was sent and never answered."""
    return {
        line
        for step, subject in view.in_doubt
        if step == RECEIVE
        for _, line, _ in _linked(view, int(subject.split(":")[1]))
    }
