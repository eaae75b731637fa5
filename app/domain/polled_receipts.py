"""Receipts that nobody told: derived from `quantityReceived` going up on a purchase order.

Owns what a receipt without papers looks like. The API has no receipts (commerce.md, section 0), so
what no merged receipt explains is one, with the serial numbers that are new on its lines. Pure:
the same state gives the same receipts under the same ids, however often it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.domain.documents import Kind, PurchaseOrder, PurchaseOrderStatus, Receipt
from app.domain.json_values import digest
from app.domain.receipts import Interval, parts
from app.domain.versions import Stored, newest_date

Body = dict[str, Any]


def polled_receipts(body: Mapping[str, Any], known: Iterable[Stored]) -> list[Body]:
    """What the purchase order's state adds to its merged receipts: one receipt for what none of
    them explains, and earlier ones of ours again whose serial numbers came later (H7).

    `body` is a purchase order as the API gives it. Raises pydantic.ValidationError.
    """
    purchase_order = PurchaseOrder.model_validate(body)
    merged = [stored.body() for stored in known]
    receipts = tuple(Receipt.model_validate(one) for one in merged)
    told = _serials_told(merged)
    fresh = {
        int(line["id"]): [serial for serial in _serials(line) if serial not in told]
        for line in body["lines"]
    }
    version = newest_date(Kind.PURCHASE_ORDER, body).isoformat()
    found = [
        again
        for one in sorted(merged, key=lambda one: str(one["id"]))
        if one.get("polled") and (again := _with_serials(one, fresh, version)) is not None
    ]
    receipts_parts = parts(purchase_order, receipts)
    gaps = [gap for part in receipts_parts if part.receipt is None for gap in part.intervals]
    new = [
        _receipt(purchase_order, group, fresh, body, version)
        for group in _apart(gaps, purchase_order)
    ]
    return [*found, *new]


def _serials(line: Mapping[str, Any]) -> list[str]:
    listed = (str(one.get("serialNumber") or "") for one in line.get("serialNumbers") or ())
    return [serial for serial in dict.fromkeys(listed) if serial]


def _serials_told(receipts: Iterable[Mapping[str, Any]]) -> set[str]:
    return {s for one in receipts for line in one["lines"] for s in line.get("serialNumbers") or ()}


def _with_serials(receipt: Body, fresh: Mapping[int, list[str]], version: str) -> Body | None:
    """A receipt of ours with serial numbers that it lacks, None when there are none for it."""
    lines, changed = [], False
    for line in receipt["lines"]:
        have = list(line.get("serialNumbers") or ())
        more = _take(fresh, int(line["purchaseOrderLineID"]), int(line["quantity"]) - len(have))
        changed = changed or bool(more)
        lines.append({**line, "serialNumbers": [*have, *more]})
    return {**receipt, "lines": lines, "modifiedDate": version} if changed else None


def _take(fresh: Mapping[int, list[str]], line: int, quantity: int) -> list[str]:
    """The next serial numbers of a line, taken out of `fresh`."""
    listed = fresh.get(line, [])
    taken = listed[: max(quantity, 0)]
    del listed[: len(taken)]
    return taken


def _apart(gaps: Sequence[Interval], purchase_order: PurchaseOrder) -> list[list[Interval]]:
    """What came in on top is one receipt. A gap below one that was told is a receipt of its own,
    so that no two receipts can each have a part below the other's."""
    received = {line.id: line.quantity_received for line in purchase_order.lines}
    on_top = [gap for gap in gaps if gap.end == received[gap.po_line]]
    below = [[gap] for gap in gaps if gap.end != received[gap.po_line]]
    return [*below, on_top] if on_top else below


def _receipt(
    purchase_order: PurchaseOrder,
    gaps: list[Interval],
    fresh: Mapping[int, list[str]],
    body: Mapping[str, Any],
    version: str,
) -> Body:
    name = digest([[gap.po_line, gap.start, gap.end] for gap in gaps])[:8]
    return {
        "id": f"polled-{purchase_order.id}-{name}",
        "purchaseOrderID": purchase_order.id,
        "receivedDate": _received(purchase_order, gaps, body, version),
        "modifiedDate": version,
        "polled": True,
        "lines": [
            {
                "purchaseOrderLineID": gap.po_line,
                "quantity": gap.end - gap.start,
                "to": gap.end,
                "serialNumbers": _take(fresh, gap.po_line, gap.end - gap.start),
            }
            for gap in gaps
        ],
    }


def _received(
    purchase_order: PurchaseOrder, gaps: list[Interval], body: Mapping[str, Any], version: str
) -> str:
    """When the goods came: the header's date once all are there, before that the newest change of
    their lines. What `receivedDate` holds for a part is not documented."""
    if purchase_order.status == PurchaseOrderStatus.RECEIVED and body.get("receivedDate"):
        return str(body["receivedDate"])
    lines = {gap.po_line for gap in gaps}
    changed = [line.modified_date for line in purchase_order.lines if line.id in lines]
    known = [moment for moment in changed if moment is not None]
    return max(known).isoformat() if known else version
