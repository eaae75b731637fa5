"""Gates of the invoice: what has to come before goods may be invoiced, and invoices in the way.

Owns these reasons with their sentences and who acts; the quantities are `release.py`'s. Gates of
purchase orders and receipts are `gates_of_goods.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from app.domain import gone
from app.domain.choices import GENERAL
from app.domain.codes import Code, Who
from app.domain.invoices import accepted_unlinked, invoiced_lines, on_invoices, read
from app.domain.linking import allocate, covered
from app.domain.order import OrderView
from app.domain.quantities import arrived, received, received_remotely
from app.domain.receipts import parts
from app.domain.records import ORDER
from app.domain.release import (
    STEP,
    awaited,
    overridden,
    something_shipped,
    too_early,
    unordered,
    unshipped,
    wanted_release,
    within,
)
from app.domain.shut import Shut

LOOK = ("invoicing",)


def goods_complete(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.11, D-14, D-15: when the sales order may be invoiced."""
    if view.sales_order is None:
        return None
    if shut := sales_order_gone(view) or invoiced_early(view):
        return shut
    wanted = wanted_release(view) or {}
    if "despite" in wanted:
        shut = None if overridden(view, wanted) else _short(view)
        return shut or others_complete(view)
    if view.behaviour.invoice_policy == "shipped_only":
        shut = None if something_shipped(view) else not_shipped(view)
        return shut or others_complete(view)
    if wanted.get("released") is False:
        return None  # taken back (D-6): for that no goods are needed
    return goods_missing(view) or others_complete(view)


def _short(view: OrderView) -> Shut | None:
    if view.behaviour.invoice_policy == "shipped_only":
        return not_shipped(view)
    return goods_missing(view)


def release_outstanding(view: OrderView) -> Shut | None:
    """What is still to come although the release stands: later shipments, goods that came after
    it (D-6), an invoice that is gone."""
    if shut := sales_order_gone(view) or invoiced_early(view):
        return shut
    want = view.applied(STEP, ORDER) or {}
    if "despite" in want and within(
        (wanted_release(view) or {}).get("despite", {}), want["despite"]
    ):
        return invoice_gone(view)
    return _short(view) or invoice_gone(view)


def invoiced_early(view: OrderView) -> Shut | None:
    """B1.12, D-7: a person invoiced goods whose demand is open. Never decided by the machine."""
    early = too_early(view)
    if not early:
        return None
    titles = {str(line.id): line for line in view.sold_lines}
    rest = ", ".join(f"{quantity} of {titles[key].title}" for key, quantity in early.items())
    return Shut(
        Code.INVOICED_TOO_EARLY,
        f"{on_invoices(view, list(early))} before its goods came: {rest} still to be received. "
        "Invoiced goods cannot be linked to a purchase order.",
        looks=LOOK,
        next_look="when ConnectWise shows that the invoice is removed",
    )


def order_not_invoiced(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.12, D-6, D-7: no purchase order is made of goods that stand on an invoice. Where only
    some do, the others are linked first, and the step names the rest (B1.13)."""
    if subject.startswith("surplus:") or view.finished("sync_purchase_order", subject):
        return None
    po_id = int(subject.split(":")[1])
    linked = {share.line for share in allocate(view).get(po_id, ()) if share.line is not None}
    if linked - invoiced_lines(view).keys():
        return None
    return _invoiced(view, po_id, None)


def link_not_invoiced(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """The same before the link is made or read back; without a purchase order there is none."""
    if not view.finished("sync_purchase_order", subject):
        return None
    return _invoiced(view, int(subject.split(":")[1]), None)


def receipt_not_invoiced(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """The same before goods are received; what is received already may get its papers."""
    if subject.startswith("po:"):
        return None
    po_id = int(subject.split(":")[1])
    purchase_order = view.purchase_order(po_id)
    if purchase_order is None:
        return None
    done = received_remotely(view, po_id)
    intervals = [
        interval
        for part in parts(purchase_order, view.receipts)
        if part.subject == subject
        for interval in part.intervals
    ]
    return _invoiced(view, po_id, {i.po_line for i in intervals if i.end > done.get(i.po_line, 0)})


def _invoiced(view: OrderView, po_id: int, po_lines: Collection[int] | None) -> Shut | None:
    """Which of the order's lines behind these purchase order lines (None: all) are invoiced."""
    purchase_order = view.purchase_order(po_id)
    if purchase_order is None or purchase_order.cancelled:
        return None
    billed, settled = invoiced_lines(view), accepted_unlinked(view)
    hit = [
        share.line
        for share in allocate(view).get(po_id, ())
        if share.line is not None and (po_lines is None or share.po_line in po_lines)
        if share.line in billed and share.line not in settled
    ]
    if not hit:
        return None
    after = view.applied(STEP, ORDER) is not None  # once, also if taken back
    return Shut(
        Code.PO_AFTER_INVOICE if after else Code.INVOICED_TOO_EARLY,
        f"{purchase_order.order_number} cannot be linked or received: "
        f"{on_invoices(view, list(dict.fromkeys(hit)))} in ConnectWise already.",
        looks=LOOK,
        next_look="when ConnectWise shows that the invoice is removed",
    )


def others_complete(view: OrderView) -> Shut | None:
    """D-13: a shared sales order is released only when every order on it is complete."""
    same = [other for other in view.others if other.shares == view.parent_kind]
    waiting = [other.name for other in same if not other.ready]
    if not waiting:
        return None
    return Shut(
        Code.SHARED_NOT_READY,
        f"{view.parent_named} carries {', '.join(waiting)} too, which cannot be "
        f"invoiced yet; {view.row.name} itself is complete.",
        until=view.now + view.live.poll,  # nothing is called for it: the database knows
        next_look=f"when {waiting[0]} is complete",
        never_held=True,
    )


def sales_order_gone(view: OrderView) -> Shut | None:
    """A person deleted the sales order: it is never made again by itself."""
    if not read(view).get("gone"):
        return None
    sentence = f"{view.parent_named} of {view.row.name} {gone.PARENT_GONE}"
    return Shut(
        Code.REMOTE_GONE,
        sentence,
        who=Who.SALES,
        looks=LOOK,
        next_look="when ConnectWise shows it again",
        choices=gone.ways(view, ORDER, sentence),
    )


def invoice_gone(view: OrderView) -> Shut | None:
    """A person removed an invoice that the service made: it is never made again by itself."""
    on = read(view).get("on")
    if on is None:
        return None
    for ref in view.refs.values():
        carried = ref.kind == "invoice" and ref.data.get("lines")
        if carried and int(ref.external_id) not in on.values():
            return Shut(
                Code.REMOTE_GONE,
                f"Invoice {ref.external_id}, which the service made for {ref.key}, carries none of "
                "its products any more.",
                who=Who.ACCOUNTING,
                looks=LOOK,
                next_look="when ConnectWise shows it again",
                choices=GENERAL,
            )
    return None


# Goods ----------------------------------------------------------------------------------------


def goods_missing(view: OrderView) -> Shut | None:
    """What has to come before all goods of the order are there (D-15), None: nothing. Where what
    is bought is ConnectWise's alone, nobody here knows of it (D2)."""
    if view.sales_order is None or view.suggests:
        return None
    for told in not_ordered(view):
        return Shut(Code.LINE_NOT_ORDERED, told, next_look="when a purchase order comes in")
    for purchase_order in view.open_purchase_orders:
        if shut := not_received(view, purchase_order.id):
            return shut
    return None


def not_ordered(view: OrderView) -> list[str]:
    """A sentence for each line of which something is on no purchase order."""
    lines = {line.id: line for line in view.sold_lines}
    return [
        f"{missing} of {lines[line_id].quantity} {lines[line_id].title} are on no purchase order."
        for line_id, missing in unordered(view).items()
    ]


def not_received(view: OrderView, purchase_order_id: int) -> Shut | None:
    """What of a purchase order is still to be received, None when nothing is."""
    purchase_order = view.purchase_order(purchase_order_id)
    if purchase_order is None:
        return None
    done = arrived(view, purchase_order.id)
    told = received(view, purchase_order)
    for line, rest in awaited(view, purchase_order):
        on_the_way = told.get(line.id, 0) - done.get(line.id, 0)
        if on_the_way > 0:
            return Shut(
                Code.EARLIER_STEP,
                f"{on_the_way} of {line.quantity} {line.title} on {purchase_order.order_number} are "
                "received in Commerce and not yet in ConnectWise.",
                who=Who.NOBODY,
            )
        return Shut(
            Code.GOODS_NOT_RECEIVED,
            f"{rest} of {line.quantity} {line.title} are still to be received on "
            f"{purchase_order.order_number}.",
            next_look="on the next receipt",
        )
    return None


def not_shipped(view: OrderView) -> Shut | None:
    """What of a `shipped_only` order is not shipped yet, None when all is."""
    short, ordered = unshipped(view), covered(view)
    if not short:
        return None
    lines = {line.id: line for line in view.sold_lines}
    # Even with on_receipt a person ships what no purchase order brings: goods from stock.
    by_person = view.behaviour.mark_shipped != "on_receipt" or any(
        lines[line].quantity > ordered.get(line, 0) for line in short
    )
    line_id, rest = next(iter(short.items()))
    return Shut(
        Code.GOODS_NOT_SHIPPED,
        f"{rest} of {lines[line_id].quantity} {lines[line_id].title} are not shipped, and only "
        "shipped goods are invoiced.",
        looks=("shipping",) if by_person else (),
        next_look="when ConnectWise shows the shipment" if by_person else "on the next receipt",
    )
