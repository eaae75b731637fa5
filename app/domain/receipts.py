"""Receipts as cumulative intervals (from, to] of each purchase order line.

Owns the layout of overlapping, doubled and missing receipts (`design.md`, section 3; H2).
Quantities are whole units; pure, whatever the order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.documents import PurchaseOrder, PurchaseOrderLine, Receipt, ReceiptLine


@dataclass(frozen=True, slots=True)
class Interval:
    """Part of a line's received quantity: above `start`, up to and with `end`."""

    po_line: int
    product_id: int
    start: int
    end: int
    serials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What is received in one go: a receipt, or (receipt None) a gap that no receipt explains."""

    subject: str
    receipt: Receipt | None
    intervals: tuple[Interval, ...]


def parts(purchase_order: PurchaseOrder, receipts: tuple[Receipt, ...]) -> tuple[Part, ...]:
    """Everything received on a purchase order, in the order in which it has to be received."""
    by_receipt: dict[str, list[Interval]] = {}
    gaps: list[Part] = []
    own = [r for r in receipts if r.purchase_order_id == purchase_order.id]
    for line in purchase_order.lines:
        for receipt_id, interval in _laid_out(line, own):
            if receipt_id is not None:
                by_receipt.setdefault(receipt_id, []).append(interval)
                continue
            subject = f"gap:{purchase_order.id}:{line.id}:{interval.start}-{interval.end}"
            gaps.append(Part(subject, None, (interval,)))
    found = [
        Part(f"receipt:{purchase_order.id}:{r.id}", r, tuple(by_receipt[r.id]))
        for r in own
        if r.id in by_receipt
    ]
    return tuple(
        sorted(
            [*found, *gaps], key=lambda part: (min(i.start for i in part.intervals), part.subject)
        )
    )


def _laid_out(
    line: PurchaseOrderLine, receipts: list[Receipt]
) -> list[tuple[str | None, Interval]]:
    told: list[tuple[int, int, Receipt, ReceiptLine]] = []
    for receipt in receipts:
        for told_line in receipt.lines:
            if told_line.purchase_order_line_id == line.id:
                end = told_line.to if told_line.to is not None else told_line.quantity
                told.append((max(end - told_line.quantity, 0), end, receipt, told_line))
    told.sort(key=lambda item: (item[0], item[2].received_date, item[2].id))
    laid: list[tuple[str | None, Interval]] = []
    at = 0
    while told:
        cluster = [told.pop(0)]
        top = cluster[0][1]
        while told and told[0][0] < top:
            cluster.append(told.pop(0))
            top = max(top, cluster[-1][1])
        cluster.sort(key=lambda item: (item[2].received_date, item[2].id))
        start = max(min(item[0] for item in cluster), at)
        if start > at:
            laid.append((None, Interval(line.id, line.product_id, at, start)))
        at = start
        for index, (_, _, receipt, told_line) in enumerate(cluster):
            end = top if index == len(cluster) - 1 else min(at + told_line.quantity, top)
            end = min(end, at + told_line.quantity)
            if end > at:
                interval = Interval(line.id, line.product_id, at, end, told_line.serial_numbers)
                laid.append((receipt.id, interval))
                at = end
        if at < top:
            laid.append((None, Interval(line.id, line.product_id, at, top)))
            at = top
    if line.quantity_received > at:
        laid.append((None, Interval(line.id, line.product_id, at, line.quantity_received)))
    return laid
