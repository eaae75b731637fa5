"""One line received in ConnectWise, exactly once, with its papers (B1.8, H7).

Owns the call and what is known of the lines after it. Which line, and how much, is
`receive_purchase_order.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.choices import GENERAL
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.documents import PurchaseOrder
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.options import sku_key
from app.steps.effects import Effects, Look, Outcome
from app.steps.links import read_lines

KIND = "receipt"  # as it is announced
FULL, CLONE, CANCEL = "FullyReceived", "PartiallyReceiveCloneRest", "PartiallyReceiveCancelRest"


async def receive_line(
    fx: Effects,
    want: Mapping[str, Any],
    document: PurchaseOrder,
    purchase_order: int,
    line: psa.PurchaseOrderLine,
    amount: Decimal,
    serials: Sequence[str],
) -> None:
    without = fx.view.decided_on(Code.SERIALS_INCOMPLETE, document.id) == "receive_without"
    short = len(set(serials)) != amount or len(serials) != amount
    if line.serialized and short and not without:
        raise Hold(
            Code.SERIALS_INCOMPLETE,
            f"{amount.normalize():f} of {line.sku} on {document.order_number} need as many "
            f"different serial numbers; the receipt has {len(set(serials))}.",
        )
    after = line.received + amount
    cancel = fx.view.behaviour.partial_receipt == "cancel_rest"
    status = FULL if after >= line.quantity else CANCEL if cancel else CLONE
    po_id = str(document.id)
    receiving = psa.Receiving(
        quantity=after,
        status=status,
        packing_slip=want["packing_slip"],
        serial_numbers=tuple(dict.fromkeys(serials)) if line.serialized else (),
        tracking_number=cut(str(want["tracking"]), 50) if want["tracking"] else None,
    )

    done = {"line": line.id, "received": str(after), "amount": str(amount)}

    async def send() -> Outcome:
        await fx.cw.receive_line(purchase_order, line.id, receiving)
        return done

    look = looking(fx, po_id, purchase_order)
    evidence = {"line": line.id, "before": str(line.received), "target": str(after)}
    try:
        await fx.once(KIND, f"{line.id}:{after.normalize():f}", evidence, send, look)
    except RemoteFailure as failure:
        if failure.kind is FailureKind.REJECTED and line.serialized and short:
            raise _needs_serials(document, line, failure) from failure
        raise
    _after(fx, po_id, line, after, status == FULL)


def looking(fx: Effects, po_id: str, purchase_order: int) -> Look:
    """How a receipt that was announced is found: its line shows as much."""

    async def look(known: Outcome) -> Outcome | None:
        target = Decimal(str(known["target"]))
        for found in await read_lines(fx, po_id, purchase_order):
            if found.id == int(known["line"]) and found.received >= target:
                amount = target - Decimal(str(known["before"]))
                return {"line": found.id, "received": str(target), "amount": str(amount)}
        return None

    return look


def _needs_serials(
    document: PurchaseOrder, line: psa.PurchaseOrderLine, failure: RemoteFailure
) -> Hold:
    """H7: a person would have received without them, and ConnectWise does not."""
    return Hold(
        Code.SERIALS_INCOMPLETE,
        f"ConnectWise does not receive {line.sku} on {document.order_number} without its serial "
        f"numbers: {failure.message} Complete them in Commerce, or receive line {line.id} by hand.",
        choices=GENERAL,
    )


def _after(
    fx: Effects, po_id: str, line: psa.PurchaseOrderLine, after: Decimal, full: bool
) -> None:
    """What is known of the lines without another read. A clone has an id that must be read,
    but the other products' lines stay as they are."""
    known: list[psa.PurchaseOrderLine] | None = fx.recent("lines", po_id)
    if known is None:
        return
    done = replace(line, received=after, quantity=line.quantity if full else after, closed=True)
    fx.keep("lines", [done if other.id == line.id else other for other in known], po_id)
    if not full:
        fx.keep("cloned", value=True, key=f"{po_id}:{sku_key(line.sku)}")
