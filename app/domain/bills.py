"""What receipts make the ledger owe: each bill, as it should stand (A7, C6, D-12).

Owns quantities, amounts and the number of each bill: one for each receipt, or one that grows with
every receipt of its purchase order (`BILL_PER`). Pure; which vendor and accounts it names in the
ledger is the step's part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.domain import money
from app.domain.choices import OWN_NUMBER
from app.domain.codes import Code
from app.domain.days import day
from app.domain.documents import PurchaseOrder, PurchaseOrderLine, Receipt
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.receipts import Interval, Part, parts

STEP = "post_bill"
SEALED = "bill_sealed"  # the fact, by subject, that a growing bill takes no more goods
Piece = tuple[int, int]  # of a line's received quantity: above the first, up to the second


def subjects(view: OrderView) -> list[str]:
    """The bills, also of a purchase order that was cancelled later: what came is owed. One whose
    receipt is told no more stays among them, so that it is not lost sight of."""
    return [about for one in view.purchase_orders for about in _of_purchase_order(view, one)]


def _of_purchase_order(view: OrderView, purchase_order: PurchaseOrder) -> list[str]:
    known = {subject for subject, _ in billed(view, purchase_order.id)}
    if view.behaviour.bill_per == "purchase_order":
        sealed = [one for one in known if (SEALED, one) in view.facts]
        growing = f"bill:{purchase_order.id}:{len(sealed) + 1}"
        told = [growing] if _growing_lines(view, purchase_order, growing) else []
    else:
        told = [part.subject for part in parts(purchase_order, view.receipts)]
    return [*told, *sorted(known - set(told))]


def wanted(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """The bill of a subject; None where all of it is on other bills."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    applied = view.applied(STEP, subject)
    if purchase_order is None:
        return applied
    if above_receipt(view, subject):
        return dict(billed(view, purchase_order.id))[subject]  # a person says what becomes of it
    every = parts(purchase_order, view.receipts)
    if subject.startswith("bill:"):
        return _growing(view, purchase_order, every, subject) or applied
    part = next((one for one in every if one.subject == subject), None)
    lines = _lines(view, purchase_order, part, subject) if part is not None else []
    if part is None or not lines:
        return applied
    receipt = part.receipt
    own = {receipt.id} if receipt is not None else set()
    freight = receipt.freight if receipt is not None and receipt.freight else None
    return _body(
        view,
        purchase_order,
        subject,
        number=_number(view, purchase_order, subject, part),
        on=_dated(view, [receipt] if receipt is not None else [], purchase_order),
        due=_due(view, [receipt] if receipt is not None else []),
        lines=lines,
        freight=None if own & _freight_elsewhere(view, purchase_order.id, subject) else freight,
    )


def _body(
    view: OrderView,
    purchase_order: PurchaseOrder,
    subject: str,
    *,
    on: date,
    due: date | None,
    **more: Any,
) -> Mapping[str, Any]:
    body: dict[str, Any] = canonical(
        {
            "subject": subject,
            "purchase_order": purchase_order.id,
            "supplier": purchase_order.supplier_id,
            "on": on.isoformat(),
            **({"due": due.isoformat()} if due is not None else {}),
            "currency": purchase_order.currency or view.names.get("commerce_currency", ""),
            "costs": costs(purchase_order) if _carries_costs(view, purchase_order, subject) else [],
            **more,
        }
    )
    return body


# The bill that grows ------------------------------------------------------------------------------


def grows(view: OrderView, want: Mapping[str, Any]) -> bool:
    """Whether a bill that stands gets goods, freight or costs that were not on it before."""
    every = dict(billed(view, int(want["purchase_order"]), doubtful=False))
    standing = every.get(str(want["subject"]))
    if standing is None or "freights" not in want:
        return False
    told = set(want["freights"]) - set(standing["freights"])
    return _units(want) > _units(standing) or bool(told)


def _growing(
    view: OrderView, purchase_order: PurchaseOrder, every: tuple[Part, ...], subject: str
) -> Mapping[str, Any] | None:
    """C6: everything received that stands on no other bill, with the freight of its receipts."""
    lines = _growing_lines(view, purchase_order, subject)
    if not lines:
        return None
    mine = [
        part.receipt
        for part in every
        if part.receipt is not None and any(_overlaps(part, line) for line in lines)
    ]
    standing = dict(billed(view, purchase_order.id)).get(subject)
    carried = set(standing["freights"]) if standing is not None else set()
    elsewhere = _freight_elsewhere(view, purchase_order.id, subject)
    freights = {
        receipt.id: receipt.freight
        for receipt in mine
        if receipt.freight and receipt.id not in elsewhere
        # A receipt across two bills: its freight is the later one's, where it is on none yet.
        if receipt.id in carried or not _sealed(view, subject) or _within(every, receipt.id, lines)
    }
    numbers = {one.supplier_invoice_number for one in mine if one.supplier_invoice_number}
    nth = subject.rpartition(":")[2]
    own = purchase_order.order_number + (f"/{nth}" if nth != "1" else "")
    return _body(
        view,
        purchase_order,
        subject,
        number=numbers.pop() if len(numbers) == 1 else own,
        on=_dated(view, mine, purchase_order),
        due=_due(view, mine),
        lines=lines,
        freight=sum(freights.values(), Decimal(0)) if freights else None,
        freights=freights,
    )


def _sealed(view: OrderView, subject: str) -> bool:
    """Whether a bill gets no more goods: as was found, or since the order's bills are others."""
    return (SEALED, subject) in view.facts or view.behaviour.bill_per != "purchase_order"


def _growing_lines(
    view: OrderView, purchase_order: PurchaseOrder, subject: str
) -> list[dict[str, Any]]:
    taken = _taken(view, purchase_order.id, subject)
    skus = {product.id: product.product_number for product in purchase_order.products}
    by_id = {line.id: line for line in purchase_order.lines}
    if _sealed(view, subject):
        standing = dict(billed(view, purchase_order.id)).get(subject)
        found = [
            (by_id[int(line["line"])], (int(line["from"]), int(line["to"])))
            for line in (standing["lines"] if standing is not None else ())
            if int(line["line"]) in by_id
        ]
    else:
        found = [
            (line, left)
            for line in sorted(purchase_order.lines, key=lambda line: line.id)
            for left in _left(
                Interval(line.id, line.product_id, 0, line.quantity_received),
                taken.get(line.id, []),
            )
        ]
    return [
        piece(view, line, skus.get(line.product_id, ""), start, end) for line, (start, end) in found
    ]


def _overlaps(part: Part, line: Mapping[str, Any]) -> bool:
    return any(
        one.po_line == line["line"] and one.start < line["to"] and line["from"] < one.end
        for one in part.intervals
    )


def _within(every: tuple[Part, ...], receipt: str, lines: list[dict[str, Any]]) -> bool:
    """Whether all that came with a receipt stands on these lines."""
    return all(
        any(
            one.po_line == line["line"] and line["from"] <= one.start and one.end <= line["to"]
            for line in lines
        )
        for part in every
        if part.receipt is not None and part.receipt.id == receipt
        for one in part.intervals
    )


def _units(want: Mapping[str, Any]) -> int:
    return sum(int(line["to"]) - int(line["from"]) for line in want["lines"])


def _freight_elsewhere(view: OrderView, purchase_order_id: int, subject: str) -> set[str]:
    """Receipts whose freight stands on another bill."""
    found: set[str] = set()
    for about, want in billed(view, purchase_order_id):
        if about != subject:
            found |= set(want.get("freights", ()))
            if about.startswith("receipt:") and want["freight"] is not None:
                found.add(about.split(":")[2])
    return found


# What stands --------------------------------------------------------------------------------------


def above_receipt(view: OrderView, subject: str) -> list[Mapping[str, Any]]:
    """H2: the lines of which more is billed than is received now, each with both."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None:
        return []
    told = {line.id: line.quantity_received for line in purchase_order.lines}
    return [
        {"line": line["line"], "billed": line["to"], "received": told.get(int(line["line"]), 0)}
        for about, want in billed(view, purchase_order.id)
        for line in (want["lines"] if about == subject else ())
        if int(line["to"]) > told.get(int(line["line"]), 0)
    ]


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(money.CENT, ROUND_HALF_UP)


def billed(
    view: OrderView, purchase_order_id: int, *, doubtful: bool = True
) -> list[tuple[str, Mapping[str, Any]]]:
    """The bills of a purchase order as they were sent: one that the step is not through with
    stands too, and one without an answer may (`doubtful`)."""
    sent: dict[str, Mapping[str, Any]] = {}

    def found(subject: str, want: Mapping[str, Any]) -> None:
        # A bill that grew was sent more than once: the most that was sent counts.
        grown = subject in sent and subject.startswith("bill:")
        if not grown or _units(want) >= _units(sent[subject]):
            sent[subject] = want

    for intent in view.unanswered if doubtful else ():
        if intent.step == STEP and intent.kind == "bill":
            found(intent.subject, intent.evidence["want"])
    for (step, subject, _), outcome in view.outcomes.items():
        if step == STEP and "want" in outcome:
            found(subject, outcome["want"])
    for (step, subject), row in view.ledger.items():
        if step == STEP and row.want is not None:
            found(subject, row.want)
    return [(s, want) for s, want in sent.items() if want["purchase_order"] == purchase_order_id]


def _taken(view: OrderView, purchase_order_id: int, subject: str) -> dict[int, list[Piece]]:
    """What of each line stands on other bills."""
    taken: dict[int, list[Piece]] = {}
    for about, want in billed(view, purchase_order_id):
        for line in want["lines"] if about != subject else ():
            taken.setdefault(int(line["line"]), []).append((int(line["from"]), int(line["to"])))
    return taken


def _lines(
    view: OrderView, purchase_order: PurchaseOrder, part: Part, subject: str
) -> list[dict[str, Any]]:
    taken = _taken(view, purchase_order.id, subject)
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


def _number(view: OrderView, purchase_order: PurchaseOrder, subject: str, part: Part) -> str:
    """C6: the supplier's, unless it is taken and a person says so; else the purchase order's with
    the receipt's."""
    receipt = part.receipt
    if receipt is not None:
        own = f"{purchase_order.order_number}/{receipt.packing_slip or receipt.id}"
        taken = view.decided(Code.REMOTE_EXISTS, subject) == OWN_NUMBER.name
        return own if taken else receipt.supplier_invoice_number or own
    first = part.intervals[0]
    return f"{purchase_order.order_number}/{first.po_line}-{first.start}-{first.end}"


def _dated(view: OrderView, receipts: Sequence[Receipt], purchase_order: PurchaseOrder) -> date:
    """The day of the supplier's invoice, else that on which the first of its goods came."""
    told = [day(one.invoiced_on or one.received_on, view.live.zone) for one in receipts]
    return min(told, default=day(purchase_order.ordered_on, view.live.zone))


def _due(view: OrderView, receipts: Sequence[Receipt]) -> date | None:
    """When the supplier wants to be paid, as far as the papers say: the first day that they name."""
    told = [day(one.due_on, view.live.zone) for one in receipts if one.due_on is not None]
    return min(told, default=None)


def _carries_costs(view: OrderView, purchase_order: PurchaseOrder, subject: str) -> bool:
    """D-12: costs go once, on the first bill that is made with them, and stay on it."""
    standing = dict(billed(view, purchase_order.id))
    carrying = [about for about, want in standing.items() if want["costs"]]
    if carrying:
        return subject in carrying
    every = _of_purchase_order(view, purchase_order)
    fresh = [about for about in every if about not in standing]
    return subject == (fresh or every)[0]
