"""Gates: named pure functions that say whether a step may run now, and if not, why.

Owns every wait of B1 with its code, sentence and who acts. The worker, the API and the command
line ask the same functions, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.domain import money
from app.domain.codes import Code, Who
from app.domain.linking import allocate, covered
from app.domain.order import OrderView
from app.domain.quantities import received, received_remotely, shipped
from app.domain.receipts import parts


@dataclass(frozen=True, slots=True)
class Shut:
    """Why a gate is shut. `until`: when it opens by itself or has to be asked again.
    `looks`: what has to be read in ConnectWise meanwhile (conversion, shipping)."""

    code: Code
    sentence: str
    who: Who | None = None
    until: datetime | None = None
    looks: tuple[str, ...] = ()
    next_look: str | None = None
    never_held: bool = False


Gate = Callable[[OrderView, str, datetime], Shut | None]
"""(order, subject, since when this gate's step stands at its present code) -> shut or None."""


def sales_order_known(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H1: documents may come before the sales order that they belong to."""
    if view.sales_order is not None:
        return None
    kinds = sorted(
        {"purchase order" for _ in view.purchase_orders}
        | {"receipt" for _ in view.receipts}
        | {"quote" for _ in (view.quote,) if view.quote}
    )
    what = " and ".join(kinds) or "document"
    return Shut(
        Code.SALES_ORDER_UNKNOWN,
        f"A {what} came in for sales order {view.row.name}, which Commerce has not sent yet.",
        next_look="when the sales order comes in",
    )


def sales_order_approved(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """A draft is never mirrored."""
    order = view.sales_order
    if order is None or not order.draft:
        return None
    return Shut(
        Code.ORDER_NOT_APPROVED,
        f"Sales order {order.order_number} is a draft in Commerce.",
        next_look="when it is approved",
    )


def quote_known(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.5: an order that names a quote waits for it, for QUOTE_WAIT, then goes on."""
    order = view.sales_order
    if order is None or order.quote_id is None or view.quote is not None:
        return None
    # Counted from when the sales order itself came in: `since` starts anew with every reason.
    seen = view.facts.get(("sales_order_seen", ""))
    until = (seen.seen_at if seen is not None else view.now) + view.live.quote_wait
    if view.now >= until:
        return None
    return Shut(
        Code.QUOTE_MISSING,
        f"Quote {order.quote_id} of {order.order_number} has not come in; "
        "its options decide which products are sold.",
        until=until,
        next_look="when the quote comes in",
        never_held=True,
    )


def total_agrees(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-12: lines and header have to add up to the stated total."""
    order = view.sales_order
    if order is None:
        return None
    gap = money.gap(order, view.live.tax_basis)
    if abs(gap) <= view.behaviour.rounding_limit:
        return None
    computed = money.total(order, view.live.tax_basis)
    return Shut(
        Code.TOTAL_MISMATCH,
        f"Lines and header amounts of {order.order_number} add up to {computed.normalize():f}, "
        f"but Commerce states {order.total.normalize() if order.total is not None else 0:f}.",
    )


def opportunity_free(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-13: an opportunity that carries another Commerce order is not taken by itself."""
    opportunity = view.opportunity_id
    if opportunity is None:
        if view.behaviour.opportunity_missing == "hold" and view.ref("opportunity") is None:
            return Shut(
                Code.OPPORTUNITY_MISSING,
                f"{view.row.name} names no opportunity, and orders without one are held.",
            )
        return None
    if view.ref("opportunity") == opportunity:
        return None
    others = view.shared.get(("opportunity", str(opportunity)), ())
    if not others:
        return None
    return Shut(
        Code.OPPORTUNITY_SHARED,
        f"Opportunity {opportunity} already carries {', '.join(others)}.",
    )


def sales_order_wanted(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-3, B1.7: where a person converts, the service waits until the conversion shows."""
    if view.behaviour.sales_order_creation == "automatic" or view.ref("sales_order") is not None:
        return None
    opportunity = view.ref("opportunity")
    if opportunity is None or not view.finished("win_opportunity", "order"):
        return None  # nothing to convert yet, or ever (D-13 plain_sales_order)
    fact = view.facts.get(("conversion", ""))
    if fact is not None and fact.body.get("sales_orders"):
        return None
    return Shut(
        Code.SO_MISSING,
        f"Opportunity {opportunity} has to be converted to a sales order in ConnectWise; "
        "goods cannot be received before it stands.",
        who=Who.SALES,
        looks=("conversion",),
        next_look="when ConnectWise shows the conversion",
    )


def sales_order_stands(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.7: nothing is ordered, linked or received before the sales order's products stand."""
    if view.finished("create_sales_order", "order") or view.sells_nothing:
        return None
    person = view.behaviour.sales_order_creation != "automatic"
    return Shut(
        Code.SO_MISSING,
        f"The ConnectWise sales order of {view.row.name} does not stand yet, so nothing can be "
        "linked to it or received for it.",
        who=Who.SALES if person else Who.NOBODY,
        next_look="when the sales order stands",
    )


def purchase_order_stays(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H3: a purchase order that was received here and names another sales order now."""
    purchase_order_id = subject.split(":")[1]
    moved = view.facts.get(("purchase_order_moved", purchase_order_id))
    if moved is None:
        return None
    return Shut(
        Code.PURCHASE_ORDER_MOVED,
        f"{view.label(f'po:{purchase_order_id}')} names {moved.body.get('order')} in Commerce now, "
        f"after it was made in ConnectWise for {view.row.name}.",
    )


def goods_arrived_or_issued(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """D-2: by default a purchase order reaches ConnectWise with its first receipt."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None or view.behaviour.purchase_order_timing == "on_issue":
        return None
    if parts(purchase_order, view.receipts):
        return None
    return Shut(
        Code.GOODS_NOT_RECEIVED,
        f"Nothing has been received on {purchase_order.order_number} yet; it reaches ConnectWise "
        "with its first receipt.",
        next_look="on the first receipt",
    )


def receipt_consistent(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H2: more than ordered, or less than was received before, is for a person."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None:
        return None
    for line in purchase_order.lines:
        remote = received_remotely(view, purchase_order.id).get(line.id, 0)
        if line.quantity_received < remote:
            return Shut(
                Code.RECEIPT_REDUCED,
                f"Commerce says {line.quantity_received} of {line.title} on "
                f"{purchase_order.order_number} are received, but {remote} are in ConnectWise.",
            )
        told = received(view, purchase_order).get(line.id, 0)
        if told > line.quantity:
            return Shut(
                Code.RECEIPT_ABOVE_ORDER,
                f"{told} of {line.title} are received on {purchase_order.order_number}, "
                f"but only {line.quantity} are ordered.",
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
    if part.receipt is None and not tried and view.now < until:
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
    for interval in part.intervals:
        if interval.start > done.get(interval.po_line, 0):
            return Shut(
                Code.RECEIPT_GAP,
                f"An earlier receipt on {purchase_order.order_number} comes first.",
                next_look="when the earlier receipt is received",
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
        if needed and not view.finished("link_demand", f"po:{other}"):
            return Shut(
                Code.SURPLUS_LAST,
                f"Goods on {view.label(f'po:{po_id}')} above the order wait until "
                f"{view.label(f'po:{other}')} is linked.",
                next_look="when it is linked",
            )
    return None


def surplus_stands(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.9: what is received above the linked quantity needs its unlinked line first."""
    kind, po_id = subject.split(":")[:2]
    if kind == "po" or view.finished("sync_purchase_order", f"surplus:{po_id}"):
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


def goods_complete(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B1.11, D-14, D-15: when the sales order may be invoiced."""
    if view.sales_order is None:
        return None
    if view.behaviour.invoice_policy == "shipped_only":
        return _something_shipped(view)
    on_order = covered(view)
    for line in view.sold_lines:
        if not view.physical(line) or view.sales_order.fulfillment_status == 1:
            continue
        from_stock = line.quantity_from_stock or 0
        missing = line.quantity - from_stock - on_order.get(line.id, 0)
        if missing > 0:
            return Shut(
                Code.LINE_NOT_ORDERED,
                f"{missing} of {line.quantity} {line.title} are on no purchase order.",
                next_look="when a purchase order comes in",
            )
    for purchase_order in view.open_purchase_orders:
        done = received_remotely(view, purchase_order.id)
        for po_line in purchase_order.lines:
            rest = po_line.quantity - done.get(po_line.id, 0)
            if rest > 0:
                return not_received(view, purchase_order.id)
    return None


def not_received(view: OrderView, purchase_order_id: int) -> Shut | None:
    """What of a purchase order is still to be received, None when nothing is."""
    purchase_order = view.purchase_order(purchase_order_id)
    if purchase_order is None:
        return None
    done = received_remotely(view, purchase_order.id)
    told = received(view, purchase_order)
    for line in purchase_order.lines:
        rest = line.quantity - done.get(line.id, 0)
        if rest <= 0:
            continue
        arrived = told.get(line.id, 0) - done.get(line.id, 0)
        if arrived > 0:
            return Shut(
                Code.EARLIER_STEP,
                f"{arrived} of {line.quantity} {line.title} on {purchase_order.order_number} are "
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


def _something_shipped(view: OrderView) -> Shut | None:
    order = view.sales_order
    assert order is not None  # noqa: S101 - asked by goods_complete
    if not any(view.physical(line) for line in view.sold_lines) or order.fulfillment_status == 1:
        return None
    if any(shipped(view).values()):
        return None
    return not_shipped(view)


def not_shipped(view: OrderView) -> Shut | None:
    """What of a `shipped_only` order is not shipped yet, None when all is."""
    order = view.sales_order
    if order is None or order.fulfillment_status == 1:
        return None
    sent, ordered = shipped(view), covered(view)
    short = [
        (line, line.quantity - sent.get(line.id, 0))
        for line in view.sold_lines
        if view.physical(line) and line.quantity > sent.get(line.id, 0)
    ]
    if not short:
        return None
    # Even with on_receipt a person ships what no purchase order brings: goods from stock.
    by_person = view.behaviour.mark_shipped != "on_receipt" or any(
        line.quantity > ordered.get(line.id, 0) for line, _ in short
    )
    line, rest = short[0]
    return Shut(
        Code.GOODS_NOT_SHIPPED,
        f"{rest} of {line.quantity} {line.title} are not shipped, and only shipped goods are "
        "invoiced.",
        looks=("shipping",) if by_person else (),
        next_look="when ConnectWise shows the shipment" if by_person else "on the next receipt",
    )


GATES: dict[str, Gate] = {
    gate.__name__: gate
    for gate in (
        sales_order_known,
        sales_order_approved,
        quote_known,
        total_agrees,
        opportunity_free,
        sales_order_wanted,
        sales_order_stands,
        purchase_order_stays,
        goods_arrived_or_issued,
        receipt_consistent,
        earlier_receipts_received,
        surplus_comes_last,
        surplus_stands,
        goods_complete,
    )
}
