"""What a receipt makes the ledger owe: the bill, as it should stand (A7, C6, D-12).

Owns quantities, amounts and the number of each bill. Pure; which vendor and accounts it names in
the ledger is the step's part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.domain import money
from app.domain.documents import PurchaseOrder, PurchaseOrderLine
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.receipts import Interval, Part, parts

STEP = "post_bill"
Piece = tuple[int, int]  # of a line's received quantity: above the first, up to the second


def subjects(view: OrderView) -> list[str]:
    """Every receipt, also of a purchase order that was cancelled later: what came is owed. A bill
    whose receipt is told no more stays among them, so that it is not lost sight of."""
    found: list[str] = []
    for purchase_order in view.purchase_orders:
        told = [part.subject for part in parts(purchase_order, view.receipts)]
        known = {subject for subject, _ in billed(view, purchase_order.id)}
        found += [*told, *sorted(known - set(told))]
    return found


def wanted(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """The bill of a receipt; None where all of it is on other bills."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    applied = view.applied(STEP, subject)
    if purchase_order is None:
        return applied
    if above_receipt(view, subject) is not None:
        return dict(billed(view, purchase_order.id))[subject]  # a person says what becomes of it
    every = parts(purchase_order, view.receipts)
    part = next((one for one in every if one.subject == subject), None)
    lines = _lines(view, purchase_order, part, subject) if part is not None else []
    if part is None or not lines:
        return applied
    receipt = part.receipt
    on = purchase_order.order_date
    if receipt is not None:
        on = receipt.supplier_invoice_date or receipt.received_date
    body: dict[str, Any] = canonical(
        {
            "subject": subject,
            "purchase_order": purchase_order.id,
            "supplier": purchase_order.supplier_id,
            "number": _number(purchase_order, part),
            "on": on.date().isoformat(),
            "currency": purchase_order.currency or view.names.get("commerce_currency", ""),
            "lines": lines,
            "freight": receipt.freight if receipt is not None and receipt.freight else None,
            "costs": costs(purchase_order)
            if _carries_costs(view, purchase_order.id, every, subject)
            else [],
        }
    )
    return body


def above_receipt(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """H2: a line of which more is billed than is received now; None: there is none."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None:
        return None
    told = {line.id: line.quantity_received for line in purchase_order.lines}
    for about, want in billed(view, purchase_order.id):
        for line in want["lines"] if about == subject else ():
            now = told.get(int(line["line"]), 0)
            if int(line["to"]) > now:
                return {"line": line["line"], "billed": line["to"], "received": now}
    return None


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(money.CENT, ROUND_HALF_UP)


def billed(view: OrderView, purchase_order_id: int) -> list[tuple[str, Mapping[str, Any]]]:
    """The bills of a purchase order as they were sent: one without an answer may stand too, and so
    does one that the step is not through with."""
    sent: dict[str, Mapping[str, Any]] = {
        intent.subject: intent.evidence["want"]
        for intent in view.unanswered
        if intent.step == STEP and intent.kind == "bill"
    }
    for (step, subject, _), outcome in view.outcomes.items():
        if step == STEP and "want" in outcome:
            sent[subject] = outcome["want"]
    for (step, subject), row in view.ledger.items():
        if step == STEP and row.want is not None:
            sent[subject] = row.want
    return [(s, want) for s, want in sent.items() if want["purchase_order"] == purchase_order_id]


def _lines(
    view: OrderView, purchase_order: PurchaseOrder, part: Part, subject: str
) -> list[dict[str, Any]]:
    taken: dict[int, list[Piece]] = {}
    for about, want in billed(view, purchase_order.id):
        for line in want["lines"] if about != subject else ():
            taken.setdefault(int(line["line"]), []).append((int(line["from"]), int(line["to"])))
    by_id = {line.id: line for line in purchase_order.lines}
    skus = {product.id: product.product_number for product in purchase_order.products}
    return [
        piece(view, line, skus.get(line.product_id, ""), start, end)
        for interval in part.intervals
        if (line := by_id.get(interval.po_line)) is not None
        for start, end in _left(interval, taken.get(interval.po_line, []))
    ]


def piece(
    view: OrderView, line: PurchaseOrderLine, sku: str, start: int, end: int
) -> dict[str, Any]:
    """A part of a purchase order's line, as a line of a ledger's document."""
    return {
        "line": line.id,
        "from": start,
        "to": end,
        "title": line.title,
        "sku": sku,
        "price": line.price,
        "amount": _share(money.net(line, Decimal(line.quantity)), line, start, end),
        "tax": _share(money.tax(line, view.live.tax_basis), line, start, end),
    }


def costs(purchase_order: PurchaseOrder) -> list[dict[str, Any]]:
    """Its costs beside the goods."""
    return [
        {"title": one.description, "amount": cents(one.amount), "tax": cents(one.tax)}
        for one in purchase_order.costs
        if one.amount or one.tax
    ]


def billed_quantities(view: OrderView, purchase_order_id: int) -> dict[int, int]:
    """The quantity of each line that stands on bills, in whatever order they were posted: a later
    receipt's may come first. One in doubt does not count."""
    stood: dict[int, list[Piece]] = {}
    for (step, _), row in view.ledger.items():
        if step != STEP or row.want is None or row.want["purchase_order"] != purchase_order_id:
            continue
        for line in row.want["lines"]:
            stood.setdefault(int(line["line"]), []).append((int(line["from"]), int(line["to"])))
    result: dict[int, int] = {}
    for key, pieces in stood.items():
        top = 0
        for start, end in sorted(pieces):
            result[key] = result.get(key, 0) + max(end - max(start, top), 0)
            top = max(top, end)
    return result


def _left(interval: Interval, taken: list[Piece]) -> Iterator[Piece]:
    """The parts of an interval that stand on no other bill, so that goods are never owed twice,
    however receipts were told and told again."""
    at = interval.start
    for start, end in sorted(taken):
        if start > at and at < interval.end:
            yield at, min(start, interval.end)
        at = max(at, end)
    if at < interval.end:
        yield at, interval.end


def _share(whole: Decimal, line: PurchaseOrderLine, start: int, end: int) -> Decimal:
    """Of a line's amount, as the difference of two rounded sums: partial bills then add up to the
    line to the cent."""
    if not line.quantity:
        return cents(whole * 0)

    def up_to(quantity: int) -> Decimal:
        return cents(whole * quantity / line.quantity)

    return up_to(end) - up_to(start)


def _number(purchase_order: PurchaseOrder, part: Part) -> str:
    """C6: the supplier's, else the purchase order's with the receipt's."""
    receipt = part.receipt
    if receipt is not None:
        own = receipt.packing_slip or receipt.id
        return receipt.supplier_invoice_number or f"{purchase_order.order_number}/{own}"
    first = part.intervals[0]
    return f"{purchase_order.order_number}/{first.po_line}-{first.start}-{first.end}"


def _carries_costs(
    view: OrderView, purchase_order_id: int, every: tuple[Part, ...], subject: str
) -> bool:
    """D-12: costs go once, on the first bill that is made with them, and stay on it."""
    standing = dict(billed(view, purchase_order_id))
    carrying = [about for about, want in standing.items() if want["costs"]]
    if carrying:
        return subject in carrying
    fresh = [part.subject for part in every if part.subject not in standing]
    return subject == (fresh or [every[0].subject])[0]
