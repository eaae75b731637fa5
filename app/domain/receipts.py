"""Receipts as cumulative intervals (from, to] of each purchase order line.

Owns the layout of overlapping, doubled and missing receipts (`design.md`, section 3; H2).
Quantities are whole units; pure, whatever the order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

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
    if not receipts and not any(line.quantity_received for line in purchase_order.lines):
        return ()  # as most are most of the time
    by_receipt: dict[str, list[Interval]] = {}
    gaps: list[Part] = []
    own = [r for r in receipts if r.purchase_order_id == purchase_order.id]
    told = _told(r for r in own if not r.polled)
    seen = _told(r for r in own if r.polled)
    for line in purchase_order.lines:
        laid = _laid_out(line, told.get(line.id, []))
        for receipt_id, interval in _filled(line, laid, seen.get(line.id, [])):
            if receipt_id is not None:
                by_receipt.setdefault(receipt_id, []).append(interval)
                continue
            subject = f"gap:{purchase_order.id}:{line.id}:{interval.start}-{interval.end}"
            gaps.append(Part(subject, None, (interval,)))
    found = [
        part for r in own if r.id in by_receipt for part in _of_receipt(r, tuple(by_receipt[r.id]))
    ]
    return tuple(
        sorted(
            [*found, *gaps], key=lambda part: (min(i.start for i in part.intervals), part.subject)
        )
    )


def _of_receipt(receipt: Receipt, intervals: tuple[Interval, ...]) -> list[Part]:
    """A receipt is received in one go. One that the poll saw may be cut by receipts that were
    told later; its pieces then go each on its own, or two receipts could wait for each other."""
    subject = f"receipt:{receipt.purchase_order_id}:{receipt.id}"
    whole = {
        (line.purchase_order_line_id, line.to - line.quantity, line.to)
        for line in receipt.lines
        if line.to is not None
    }
    if not receipt.polled or whole == {(i.po_line, i.start, i.end) for i in intervals}:
        return [Part(subject, receipt, intervals)]
    return [Part(f"{subject}:{i.po_line}:{i.start}-{i.end}", receipt, (i,)) for i in intervals]


def _laid_out(line: PurchaseOrderLine, receipts: list[_Told]) -> list[tuple[str | None, Interval]]:
    """A line's intervals from 0 up to what Commerce says is received: each told receipt, and
    gaps (None) that none explains. More than that was told before Commerce took some back."""
    told = list(receipts)
    laid: list[tuple[str | None, int, int, tuple[str, ...]]] = []
    at = 0
    while told:
        cluster = [told.pop(0)]
        top = cluster[0].end
        while told and told[0].start < top:
            cluster.append(told.pop(0))
            top = max(top, cluster[-1].end)
        cluster.sort(key=lambda one: (one.receipt.received_date, one.receipt.id))
        # Receipts that overlap rode on a purchase order that had received them all: only the top
        # is told, and together they reach down from it.
        start = max(top - sum(one.line.quantity for one in cluster), at)
        if start > at:
            laid.append((None, at, start, ()))
        at = start
        for one in cluster:
            end = min(at + one.line.quantity, top)
            if end > at:
                laid.append((one.receipt.id, at, end, one.serials(end - at)))
            at = end
    if line.quantity_received > at:
        laid.append((None, at, line.quantity_received, ()))
    return [
        (receipt, Interval(line.id, line.product_id, start, min(end, line.quantity_received), sn))
        for receipt, start, end, sn in laid
        if start < line.quantity_received
    ]


def _filled(
    line: PurchaseOrderLine, laid: list[tuple[str | None, Interval]], seen: list[_Told]
) -> list[tuple[str | None, Interval]]:
    """The gaps filled with what the poll saw there. A receipt that is told later takes its
    interval over, so that the same goods are never two receipts."""
    if not seen:
        return laid
    told = [interval for receipt_id, interval in laid if receipt_id is not None]
    rest = {one.receipt.id: _rest(one, told) for one in seen}
    found: list[tuple[str | None, Interval]] = []
    for receipt_id, interval in laid:
        if receipt_id is not None:
            found.append((receipt_id, interval))
            continue
        at = interval.start
        for one in seen:
            start, end = max(one.start, at), min(one.end, interval.end)
            if end <= start:
                continue
            if start > at:
                found.append((None, replace(interval, start=at, end=start)))
            serials = _next(rest[one.receipt.id], end - start)
            if not serials and start == one.start:
                serials = one.serials(end - start)
            found.append((one.receipt.id, replace(interval, start=start, end=end, serials=serials)))
            at = end
        if at < interval.end:
            found.append((None, replace(interval, start=at)))
    return found


def _rest(one: _Told, told: list[Interval]) -> list[str]:
    """The serial numbers of what the poll saw that are left beside those of the receipts that were
    told for a part of it (H7). None where numbers and units do not come out even."""
    scanned = {serial for interval in told for serial in interval.serials}
    left = [serial for serial in one.line.serial_numbers if serial not in scanned]
    covered = sum(
        max(0, min(one.end, interval.end) - max(one.start, interval.start)) for interval in told
    )
    return left if len(left) == one.end - one.start - covered else []


def _next(serials: list[str], quantity: int) -> tuple[str, ...]:
    taken = tuple(serials[:quantity])
    del serials[:quantity]
    return taken


@dataclass(frozen=True, slots=True)
class _Told:
    """A line of a receipt, with where its event says that it ends."""

    start: int
    end: int
    receipt: Receipt
    line: ReceiptLine

    def serials(self, quantity: int) -> tuple[str, ...]:
        """Those of the first `quantity` units; all of them where they do not fit anyway (H7)."""
        known = self.line.serial_numbers
        return known[:quantity] if len(known) == self.line.quantity else known


def _told(receipts: Iterable[Receipt]) -> dict[int, list[_Told]]:
    """What the receipts tell, by purchase order line, from the bottom up."""
    told: dict[int, list[_Told]] = {}
    for receipt in receipts:
        for own in receipt.lines:
            end = own.to if own.to is not None else own.quantity
            if end > 0:
                one = _Told(max(end - own.quantity, 0), end, receipt, own)
                told.setdefault(own.purchase_order_line_id, []).append(one)
    for each in told.values():
        each.sort(key=lambda one: (one.start, one.receipt.received_date, one.receipt.id))
    return told
