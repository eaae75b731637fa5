"""The papers of a receipt, told or corrected after its goods were received (H7, G5).

Owns which of ConnectWise's lines belong to a receipt, and what of them may still be changed: packing
slip, tracking and serial numbers, never a quantity. What accounting took over is named, not touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.documents import PurchaseOrder
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.options import alike
from app.domain.order import OrderView
from app.domain.standing import RECEIVE
from app.steps.effects import Effects
from app.steps.identifiers import bought_as
from app.steps.links import read_lines

Want = Mapping[str, Any]
Change = psa.PurchaseOrderLineChange
TRACKING = 50  # characters that ConnectWise keeps


async def correct(
    fx: Effects, want: Want, document: PurchaseOrder, record: int, subject: str
) -> None:
    """Bring the papers of lines that are received to what Commerce says now. Raises Hold."""
    before = fx.view.applied(RECEIVE, subject)
    lines = lines_of(fx.view, want, subject)
    header = _header(before, want)
    products = _serials_changed(before, want)
    if not lines or (header.empty and not products):
        return
    if fx.view.decided_on(Code.CHANGED_AFTER_FREEZE, document.id, want) is not None:
        fx.journal("PAPERS_LEFT", f"The papers of {document.order_number} are left as they are.")
        return
    there = [line for line in await read_lines(fx, str(document.id), record) if line.id in lines]
    names = bought_as(fx, document)
    for line in there:
        change = header
        for product in products:
            if line.serialized and alike(names.get(product, ""), line.sku):
                own = [one for one in there if one.sku == line.sku]
                numbers = _of_line(want, product, own, lines, line.id)
                change = replace(change, serial_numbers=numbers) if numbers else change
                if not numbers and before is not None:
                    raise _incomplete(document, line, lines, want, product)
        if not change.empty:
            await _send(fx, document, record, line, change)
    fx.forget("lines", str(document.id))
    slip = want["packing_slip"] or "no packing slip"
    fx.journal("PAPERS_CORRECTED", f"The papers of {document.order_number} are {slip} now.")


def lines_of(view: OrderView, want: Want, subject: str) -> dict[int, Decimal]:
    """ConnectWise's lines that a receipt was received on, with how much of each, in that order. A
    gap that was received before its receipt came is the receipt's."""
    intervals = {int(x["line"]): (int(x["from"]), int(x["to"])) for x in want["lines"]}
    found: dict[int, Decimal] = {}
    for (step, about, _), outcome in view.outcomes.items():
        if step == RECEIVE and (about == subject or _within(about, want, intervals)):
            amount = Decimal(str(outcome.get("amount", outcome["received"])))
            found[int(outcome["line"])] = found.get(int(outcome["line"]), Decimal(0)) + amount
    return found


def _within(about: str, want: Want, intervals: Mapping[int, tuple[int, int]]) -> bool:
    kind, *rest = about.split(":")
    if kind != "gap" or rest[0] != str(want["purchase_order"]):
        return False
    start, _, end = rest[2].partition("-")
    low, high = intervals.get(int(rest[1]), (0, 0))
    return low <= int(start) and int(end) <= high


def _header(before: Want | None, want: Want) -> Change:
    """What is the same for all lines, as far as it is told and another than it was."""
    slip, tracking = want["packing_slip"], want["tracking"]
    old = before or {}
    return Change(
        packing_slip=slip if slip and slip != old.get("packing_slip") else None,
        tracking_number=cut(tracking, TRACKING)
        if tracking and tracking != old.get("tracking")
        else None,
    )


def _serials_changed(before: Want | None, want: Want) -> list[int]:
    """Products whose serial numbers are others than they were."""
    products = dict.fromkeys(int(line["product"]) for line in want["lines"])
    return [p for p in products if _serials(want, p) and _serials(want, p) != _serials(before, p)]


def _serials(want: Want | None, product: int) -> list[str]:
    lines: Iterable[Mapping[str, Any]] = want["lines"] if want is not None else ()
    return [number for line in lines if line["product"] == product for number in line["serials"]]


def _of_line(
    want: Want,
    product: int,
    own: Sequence[psa.PurchaseOrderLine],
    lines: Mapping[int, Decimal],
    line_id: int,
) -> tuple[str, ...] | None:
    """The line's part of the product's serial numbers, laid on its lines in the order in which
    they were received. None: they do not fit what was received (H7)."""
    numbers, at = _serials(want, product), 0
    ids = {line.id for line in own}
    total = sum((amount for line, amount in lines.items() if line in ids), Decimal(0))
    if len(set(numbers)) != len(numbers) or len(numbers) != total:
        return None
    for line, amount in lines.items():
        if line == line_id:
            return tuple(numbers[at : at + int(amount)])
        at += int(amount) if line in ids else 0
    return None


def _incomplete(
    document: PurchaseOrder,
    line: psa.PurchaseOrderLine,
    lines: Mapping[int, Decimal],
    want: Want,
    product: int,
) -> Hold:
    return Hold(
        Code.CHANGED_AFTER_FREEZE,
        f"Serial numbers of {line.sku} on {document.order_number} were changed in Commerce after "
        f"they were received: {len(set(_serials(want, product)))} do not fit the "
        f"{sum(lines.values(), Decimal(0)).normalize():f} pieces.",
        who="purchasing",
    )


async def _send(
    fx: Effects,
    document: PurchaseOrder,
    record: int,
    line: psa.PurchaseOrderLine,
    change: Change,
) -> None:
    what = [
        name
        for name, value in (
            ("packing slip", change.packing_slip),
            ("tracking number", change.tracking_number),
            ("serial numbers", change.serial_numbers),
        )
        if value
    ]
    sentence = (
        f"The {' and '.join(what)} of {line.sku} on line {line.id} of {document.order_number} "
        "changed in Commerce after"
    )
    if line.batched:
        raise _frozen(f"{sentence} accounting took the line over.")
    await fx.guard()
    try:
        await fx.cw.change_purchase_order_line(record, line.id, change)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.REJECTED:
            raise
        raise _frozen(f"{sentence} it was received. ConnectWise: {failure.message}") from failure


def _frozen(sentence: str) -> Hold:
    return Hold(Code.CHANGED_AFTER_FREEZE, sentence, who="purchasing")
