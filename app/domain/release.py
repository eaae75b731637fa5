"""The release for invoicing as it should be: what is released, what is missing, what was decided.

Owns the want of `release_invoice` and the quantities that may be invoiced (B1.11, D-5, D-6, D-15).
Pure; the gates that say it in sentences are `gates_of_invoice.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.choices import RELEASE_ANYWAY
from app.domain.codes import Code
from app.domain.documents import PurchaseOrder, PurchaseOrderLine
from app.domain.freeze import received_lines
from app.domain.invoices import accepted_unlinked, invoiced_lines
from app.domain.linking import covered
from app.domain.once import once
from app.domain.order import OrderView
from app.domain.quantities import arrived, shipped
from app.domain.records import ORDER

STEP = "release_invoice"
OVERRIDABLE = (Code.LINE_NOT_ORDERED, Code.GOODS_NOT_RECEIVED, Code.GOODS_NOT_SHIPPED)


def wanted_release(view: OrderView) -> dict[str, Any] | None:
    """The want of release_invoice. `despite` is what was missing when a person released anyway:
    as a part of the want it binds the decision to the situation."""
    if view.sells_nothing and (view.by_ticket or not view.products_stand):
        return None
    before = view.applied(STEP, ORDER)
    by_shipping = view.behaviour.invoice_policy == "shipped_only"
    invoice = view.behaviour.invoice_action == "create_invoice"
    # Another ticket (E7) is released anew.
    of = {"ticket": view.ref("ticket")} if view.by_ticket else {}
    wanted: dict[str, Any] = {"bill_shipped": by_shipping, "invoice": invoice, **of}
    if by_shipping:
        sent = {str(line): quantity for line, quantity in sorted(shipped(view).items()) if quantity}
        wanted["shipped"] = sent
    missing = missing_goods(view)
    despite = (before or {}).get("despite")
    if before is not None and despite is not None and within(missing, despite):
        return dict(before)  # a person's override is never undone by the machine
    if not missing:
        return wanted
    anyway = {"bill_shipped": False, "invoice": invoice, **of, "despite": missing}
    if overridden(view, anyway) or despite is not None:
        return anyway
    if before is None:
        return wanted if by_shipping and something_shipped(view) else anyway
    if not by_shipping:
        wanted["released"] = False  # D-6: a purchase order or a line came after the release
    return wanted


def overridden(view: OrderView, wanted: Mapping[str, Any]) -> bool:
    """Whether a person released anyway, in just this situation: it shows as the want to come, or,
    where a part is released or the release was taken back, as the one that stands."""
    if any(view.decided(code, ORDER, wanted) == RELEASE_ANYWAY.name for code in OVERRIDABLE):
        return True
    row = view.ledger.get((STEP, ORDER))
    if row is None or row.want is None or row.applied_at is None or "despite" in row.want:
        return False
    # The same want may have stood before, and been decided about then.
    found = [view.decision(code, ORDER, row.want) for code in OVERRIDABLE]
    return any(
        one is not None and one.choice == RELEASE_ANYWAY.name and one.at >= row.applied_at
        for one in found
    )


def within(missing: Mapping[str, int], accepted: Mapping[str, Any]) -> bool:
    """Whether no more is missing than was accepted."""
    return all(quantity <= int(accepted.get(key, 0)) for key, quantity in missing.items())


def released(view: OrderView) -> bool:
    """Whether the sales order stands released, and not taken back (D-6)."""
    want = view.applied(STEP, ORDER)
    return want is not None and want.get("released", True) is True


def invoiceable(view: OrderView) -> dict[int, int]:
    """What may be invoiced by sales order line id, as it was released (`contracts/http.md`)."""
    want = view.applied(STEP, ORDER)
    if want is None or not released(view):
        return {}
    sent = want.get("shipped")
    return {
        line.id: int(sent.get(str(line.id), 0))
        if sent is not None and view.physical(line)
        else line.quantity
        for line in view.sold_lines
    }


# What is missing ------------------------------------------------------------------------------


@once
def missing_goods(view: OrderView) -> Mapping[str, int]:
    """What keeps the goods from being complete, in whole units: by line (not ordered), by
    purchase order line (not received), or by line with `shipped_only` (not shipped)."""
    if view.behaviour.invoice_policy == "shipped_only":
        return {f"ship:{line}": quantity for line, quantity in unshipped(view).items()}
    if view.suggests:
        return {}  # when its goods come is ConnectWise's (docs/decisions/0024)
    missing = {str(line): quantity for line, quantity in unordered(view).items()}
    for purchase_order in view.open_purchase_orders:
        for po_line, rest in awaited(view, purchase_order):
            missing[f"po:{purchase_order.id}:{po_line.id}"] = rest
    return missing


@once
def unordered(view: OrderView) -> Mapping[int, int]:
    """Physical quantity on no purchase order and not from stock, by line id (D-15)."""
    order, on_order, settled = view.sales_order, covered(view), accepted_unlinked(view)
    if order is None or order.fulfillment_status == 1:
        return {}
    rest = {
        line.id: line.quantity - (line.quantity_from_stock or 0) - on_order.get(line.id, 0)
        for line in view.sold_lines
        if view.physical(line) and str(line.id) not in settled
    }
    return {line: quantity for line, quantity in rest.items() if quantity > 0}


def awaited(view: OrderView, purchase_order: PurchaseOrder) -> list[tuple[PurchaseOrderLine, int]]:
    """Lines of a purchase order with what of them the order still waits for.
    Goods of lines whose invoice was accepted come for nobody's invoice (D-7)."""
    done, settled = arrived(view, purchase_order.id), accepted_unlinked(view)
    needed = {line.product_id for line in view.sold_lines if str(line.id) not in settled}
    spared = {line.product_id for line in view.sold_lines if str(line.id) in settled} - needed
    rest = [
        (line, line.quantity - done.get(line.id, 0))
        for line in purchase_order.lines
        if line.product_id not in spared
    ]
    return [(line, quantity) for line, quantity in rest if quantity > 0]


def unshipped(view: OrderView) -> dict[int, int]:
    """Physical quantity that is not shipped, by line id (D-14)."""
    order, sent, settled = view.sales_order, shipped(view), accepted_unlinked(view)
    if order is None or order.fulfillment_status == 1:
        return {}
    rest = {
        line.id: line.quantity - sent.get(line.id, 0)
        for line in view.sold_lines
        if view.physical(line) and str(line.id) not in settled
    }
    return {line: quantity for line, quantity in rest.items() if quantity > 0}


def something_shipped(view: OrderView) -> bool:
    """Whether `shipped_only` has something to release: shipped goods, or no goods at all."""
    order = view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    goods = any(view.physical(line) for line in view.sold_lines)
    return not goods or order.fulfillment_status == 1 or any(shipped(view).values())


def too_early(view: OrderView) -> dict[str, int]:
    """Lines that are invoiced although their demand is open: by key, how much is still to come
    (B1.12, D-7). Not what was released, nor what a person accepted."""
    order = view.sales_order
    if order is None or order.fulfillment_status == 1:
        return {}
    if view.suggests or view.bought_by_commerce:
        return {}  # there is no demand that an invoice could close
    billed, came = invoiced_lines(view), received_lines(view)
    settled, free = accepted_unlinked(view), invoiceable(view)
    result: dict[str, int] = {}
    for line in view.sold_lines:
        key = str(line.id)
        if key not in billed or key in settled or free.get(line.id) or not view.physical(line):
            continue
        rest = line.quantity - (line.quantity_from_stock or 0) - came.get(key, 0)
        if rest > 0:
            result[key] = rest
    return result
