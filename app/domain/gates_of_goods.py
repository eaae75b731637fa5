"""Gates of purchase orders and receipts: the way of the goods.

Owns every wait for goods with its code, sentence and who acts. What is sold is `gates.py`, which
has the table of all gates too; what is invoiced is `gates_of_invoice.py`.
"""

from __future__ import annotations

from datetime import datetime

from app.domain.codes import Code
from app.domain.gates_of_invoice import not_received
from app.domain.linking import allocate
from app.domain.order import OrderView
from app.domain.quantities import received, received_remotely
from app.domain.receipts import parts
from app.domain.shut import Shut
from app.domain.standing import SYNC

EARLIER_RECEIPT = "when the earlier receipt is received"


def receipt_consistent(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H2: more than ordered, or less than was received before, is for a person."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None:
        return None
    in_connectwise = received_remotely(view, purchase_order.id)
    in_commerce = received(view, purchase_order)
    for line in purchase_order.lines:
        remote = in_connectwise.get(line.id, 0)
        reduced = {"line": line.id, "told": line.quantity_received, "received": remote}
        choice = view.decided_on(Code.RECEIPT_REDUCED, purchase_order.id, reduced)
        if line.quantity_received < remote and choice != "keep_connectwise":
            return Shut(
                Code.RECEIPT_REDUCED,
                f"Commerce says {line.quantity_received} of {line.title} on "
                f"{purchase_order.order_number} are received, but {remote} are in ConnectWise.",
                about=reduced,
            )
        told = in_commerce.get(line.id, 0)
        above = {"line": line.id, "told": told, "ordered": line.quantity}
        choice = view.decided_on(Code.RECEIPT_ABOVE_ORDER, purchase_order.id, above)
        if told > line.quantity and choice != "receive_ordered":
            return Shut(
                Code.RECEIPT_ABOVE_ORDER,
                f"{told} of {line.title} are received on {purchase_order.order_number}, "
                f"but only {line.quantity} are ordered.",
                about=above,
            )
    return None


def earlier_receipts_received(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """Receipts of a line are received from the bottom up; a gap waits for RECEIPT_GAP."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None:
        return None
    if subject.startswith("po:"):  # completing the purchase order: everything has to be there
        return not_received(view, purchase_order.id)
    known = {part.subject: part for part in parts(purchase_order, view.receipts)}
    part = known.get(subject)
    if part is None:
        return None
    until = since + view.live.receipt_gap
    row = view.ledger.get(("receive_purchase_order", subject))
    tried = row is not None and row.attempts > 0  # the wait is over once and for all
    # What the poll saw before its event came has no papers either; where no events come, it is
    # all that there will be.
    bare = part.receipt is None or (part.receipt.polled and view.live.papers_come)
    if bare and not tried and view.now < until:
        interval = part.intervals[0]
        return Shut(
            Code.RECEIPT_GAP,
            f"{interval.end - interval.start} received on {purchase_order.order_number} have no "
            "receipt yet; they are received without papers if none comes.",
            until=until,
            next_look="when the receipt comes in",
            never_held=True,
        )
    done = received_remotely(view, purchase_order.id)
    ordered = {line.id: line.quantity for line in purchase_order.lines}
    for interval in part.intervals:
        # What is above the order is never received, so nothing waits for it.
        start = min(interval.start, ordered.get(interval.po_line, interval.start))
        if start > done.get(interval.po_line, 0):
            return Shut(
                Code.RECEIPT_GAP,
                f"An earlier receipt on {purchase_order.order_number} comes first.",
                next_look=EARLIER_RECEIPT,
            )
    return None


def surplus_stands(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.9: what is received above the linked quantity needs its unlinked line first."""
    kind, po_id = subject.split(":")[:2]
    if kind == "po":
        return None
    if _gave_back(view, f"po:{po_id}"):
        return Shut(
            Code.SURPLUS_LAST,
            f"Goods on {view.label(f'po:{po_id}')} gave back demand that was not the order's and "
            "stand on no line yet.",
            next_look="when they do",
        )
    above = f"surplus:{po_id}"
    if view.finished(SYNC, above) and not _gave_back(view, above):
        return None
    purchase_order = view.purchase_order(int(po_id))
    shares = allocate(view).get(int(po_id), ())
    if purchase_order is None or all(share.line is not None for share in shares):
        return None
    done = received_remotely(view, int(po_id))
    part = next(p for p in parts(purchase_order, view.receipts) if p.subject == subject)
    ends = {interval.po_line: interval.end for interval in part.intervals}
    for product_id in {interval.product_id for interval in part.intervals}:
        own = [line.id for line in purchase_order.lines if line.product_id == product_id]
        target = sum(max(ends.get(line, 0), done.get(line, 0)) for line in own)
        linked = sum(
            s.quantity for s in shares if s.line is not None and s.product_id == product_id
        )
        if target > linked:
            return Shut(
                Code.SURPLUS_LAST,
                f"{target - linked} received on {purchase_order.order_number} are above the order "
                "and wait until the order's own demand is linked.",
                next_look="when it is linked",
            )
    return None


def _gave_back(view: OrderView, subject: str) -> bool:
    """B1.9: plain lines that took demand of others are cancelled, and do not stand again yet."""
    row = view.ledger.get((SYNC, subject))
    return row is not None and row.code is Code.DEMAND_TAKEN
