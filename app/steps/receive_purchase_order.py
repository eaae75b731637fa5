"""receive_purchase_order: goods received in Commerce are received in ConnectWise (B1.8, H2).

Owns receiving by receipt interval, and the completion of a purchase order once nothing is open.
Receives by the cumulative target of each product, so a receipt can never count twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NoReturn

from app.domain import psa
from app.domain.choices import LOOK_AGAIN, SKIP, names_of
from app.domain.codes import Code
from app.domain.documents import PurchaseOrder
from app.domain.errors import Hold
from app.domain.gates_of_goods import receipt_consistent
from app.domain.json_values import canonical
from app.domain.linking import allocate
from app.domain.order import OrderView
from app.domain.quantities import received_remotely
from app.domain.receipts import parts
from app.domain.shut import Shut
from app.steps.demand import accepted, refuse_invoiced
from app.steps.effects import Effects, Outcome
from app.steps.links import is_linked, read_lines
from app.steps.resolve import setting

name = "receive_purchase_order"
version = 1
FULL, CLONE, CANCEL = "FullyReceived", "PartiallyReceiveCloneRest", "PartiallyReceiveCancelRest"


def subjects(view: OrderView) -> Sequence[str]:
    found: list[str] = []
    for purchase_order in view.open_purchase_orders:
        found += [part.subject for part in parts(purchase_order, view.receipts)]
        found.append(f"po:{purchase_order.id}")
    return found


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None:
        return None
    if subject.startswith("po:"):
        return _completion(view, purchase_order)
    for part in parts(purchase_order, view.receipts):
        if part.subject != subject:
            continue
        ordered = {line.id: line.quantity for line in purchase_order.lines}
        lines = [
            {
                "line": interval.po_line,
                "product": interval.product_id,
                # What is above the order is never received: the gate asks a person (H2).
                "from": min(interval.start, ordered[interval.po_line]),
                "to": min(interval.end, ordered[interval.po_line]),
                "serials": list(interval.serials),
            }
            for interval in part.intervals
        ]
        receipt = part.receipt
        result: dict[str, Any] = canonical(
            {
                "purchase_order": purchase_order.id,
                "lines": lines,
                "packing_slip": (receipt.packing_slip or receipt.id)[:50] if receipt else None,
                "tracking": receipt.tracking_number if receipt else None,
                "received_at": receipt.received_date.isoformat() if receipt else None,
            }
        )
        return result
    return None


def _completion(view: OrderView, purchase_order: PurchaseOrder) -> Mapping[str, Any] | None:
    """The header once everything is received: closed, with the newest supplier invoice."""
    synced = view.applied("sync_purchase_order", f"po:{purchase_order.id}")
    if synced is None and not any(line.quantity for line in purchase_order.lines):
        return None
    receipts = [r for r in view.receipts if r.purchase_order_id == purchase_order.id]
    billed = [r for r in receipts if r.supplier_invoice_number]
    own = [receipt.freight for receipt in receipts if receipt.freight is not None]
    # D-12: the receipts' own freight where one tells any, else the purchase order's costs, once.
    freight = sum(own or [cost.amount for cost in purchase_order.costs], Decimal(0))
    last = billed[-1] if billed else None
    result: dict[str, Any] = canonical(
        {
            "purchase_order": purchase_order.id,
            "lines": [],
            "closed": True,
            "invoice": last.supplier_invoice_number if last else None,
            "invoice_date": last.supplier_invoice_date.isoformat()
            if last and last.supplier_invoice_date
            else None,
            "freight": freight or None,
        }
    )
    return result


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """H2: what Commerce takes back after everything was received is for a person."""
    return receipt_consistent(view, subject, view.now) if subject.startswith("po:") else None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    number = view.label(f"po:{want['purchase_order']}")
    if want.get("closed"):
        return [f"close purchase order {number}"]
    done = received_remotely(view, int(want["purchase_order"]))
    return [
        f"receive {line['to'] - max(line['from'], done.get(line['line'], 0))} on line "
        f"{line['line']} of {number}"
        for line in want["lines"]
        if done.get(line["line"], 0) < line["to"]
    ]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    po_id = str(want["purchase_order"])
    purchase_order = fx.ref("purchase_order", po_id)
    assert purchase_order is not None  # noqa: S101 - link_demand came before
    if want.get("closed"):
        await _complete(fx, want, purchase_order)
        return
    document = fx.view.purchase_order(int(po_id))
    assert document is not None  # noqa: S101 - want() found it
    before = received_remotely(fx.view, document.id)
    if all(line["to"] <= before.get(line["line"], 0) for line in want["lines"]):
        return  # only its papers changed, or a gap was received before its receipt came
    coming = {line["line"] for line in want["lines"] if line["to"] > before.get(line["line"], 0)}
    await _refuse_invoiced(fx, document, coming)
    for product_id in dict.fromkeys(line["product"] for line in want["lines"]):
        await _receive_product(fx, want, document, purchase_order, product_id, before)
    slip = want["packing_slip"] or "no papers"
    fx.journal("GOODS_RECEIVED", f"Received on {document.order_number}: {slip}.")


async def _refuse_invoiced(fx: Effects, document: PurchaseOrder, coming: Collection[int]) -> None:
    """What came earlier on the same purchase order may be invoiced by now, as it should."""
    products = [
        product
        for share in allocate(fx.view).get(document.id, ())
        if share.po_line in coming
        if share.line is not None and (product := fx.ref("product", share.line)) is not None
    ]
    if products:
        await refuse_invoiced(fx, sorted(set(products)), document.order_number, document.id)


async def _receive_product(
    fx: Effects,
    want: Mapping[str, Any],
    document: PurchaseOrder,
    purchase_order: int,
    product_id: int,
    before: Mapping[int, int],
) -> None:
    """Bring the received sum of one product, over its lines and their clones, to its target."""
    po_id = str(document.id)
    own = [line for line in document.lines if line.product_id == product_id]
    start = sum(before.get(line.id, 0) for line in own)
    told = {line["line"]: line for line in want["lines"] if line["product"] == product_id}
    target = sum(
        max(int(told[line.id]["to"]) if line.id in told else 0, before.get(line.id, 0))
        for line in own
    )
    serials = [serial for line in told.values() for serial in line["serials"]]
    sku = _sku(fx, document, product_id)
    linked = _linked_target(fx, document, product_id, target)
    sent: set[tuple[int, Decimal]] = set()
    while True:
        known = await _lines(fx, po_id, purchase_order, sku)
        lines = [line for line in known if line.sku == sku and not line.cancelled]
        done = sum((line.received for line in lines), Decimal(0))
        if done >= target:
            return
        line = _next_line(fx, lines)
        if line is not None and _accepted(fx, document):
            start = min(start, int(done))
        if done < start or line is None:
            sentence = (
                f"ConnectWise shows {done.normalize():f} of {sku} received on "
                f"{document.order_number} and {'an' if line else 'no'} open line; {start} were "
                f"received by the service, {target} have to be."
            )
            fx.forget("lines", po_id)
            if wait := await fx.lagging(_last_write(fx, document.id), sentence):
                raise wait
            # Without an open line nothing can be received, so there is nothing to accept.
            ways = names_of(Code.RECEIPT_UNCERTAIN)
            choices = ways if line is not None else (LOOK_AGAIN.name, SKIP.name)
            raise Hold(Code.RECEIPT_UNCERTAIN, sentence, choices=choices)
        _refuse_unlinked(fx, document, line, lines, linked)
        amount = min(target - done, line.quantity - line.received)
        if (line.id, line.received + amount) in sent:
            await _wait_for_clone(fx, document, sku)
        sent.add((line.id, line.received + amount))
        taken = int(done) - start
        part = serials[taken : taken + int(amount)]
        await _receive_line(fx, want, document, purchase_order, line, amount, part)
        if done + amount >= target:
            return  # no read only to see what was just done


def _accepted(fx: Effects, document: PurchaseOrder) -> bool:
    """Whether a person said that what ConnectWise shows as received is right."""
    return fx.view.decided_on(Code.RECEIPT_UNCERTAIN, document.id) == "accept_connectwise"


def _linked_target(fx: Effects, document: PurchaseOrder, product_id: int, target: int) -> int:
    """How much of a product's target has to be received on linked lines: what is not surplus."""
    shares = allocate(fx.view).get(document.id, ())
    linked = sum(s.quantity for s in shares if s.line is not None and s.product_id == product_id)
    return min(linked, target)


def _refuse_unlinked(
    fx: Effects,
    document: PurchaseOrder,
    line: psa.PurchaseOrderLine,
    lines: Sequence[psa.PurchaseOrderLine],
    linked: int,
) -> None:
    """B1.9: a line that should be linked is not received unlinked. ConnectWise may have taken the
    link from the line of a rest when it split it [OPEN]."""
    if is_linked(fx, line):
        return
    there = sum((x.received for x in lines if is_linked(fx, x)), Decimal(0))
    if there >= linked or accepted(fx.view, document.id):
        return
    raise Hold(
        Code.DEMAND_NOT_LINKED,
        f"Line {line.id} of {document.order_number} in ConnectWise, {line.quantity.normalize():f} "
        f"{line.sku}, is not linked to the {fx.view.parent_kind.replace('_', ' ')}; received so, it "
        "would go to stock.",
    )


async def _wait_for_clone(fx: Effects, document: PurchaseOrder, sku: str) -> NoReturn:
    """What was received a moment ago does not show yet, nor the line that the rest went to.
    Asking on at once would only ask the same."""
    sentence = (
        f"ConnectWise does not show yet what of {sku} was received on {document.order_number}."
    )
    fx.forget("lines", str(document.id))
    waiting = [
        row.since
        for (step, subject), row in fx.view.ledger.items()
        if step == name and subject.split(":")[1:2] == [str(document.id)]
        if row.code is Code.READ_LAG and row.since is not None
    ]
    if wait := await fx.lagging(min(waiting, default=None), sentence):
        raise wait
    raise Hold(Code.RECEIPT_UNCERTAIN, sentence)


def _sku(fx: Effects, document: PurchaseOrder, product_id: int) -> str:
    """The identifier under which ConnectWise knows the product: the one its demand stands on."""
    for share in allocate(fx.view).get(document.id, ()):
        ref = fx.view.refs.get(("product", share.line or ""))
        if share.product_id == product_id and ref is not None:
            return str(ref.data["sku"])
    for product in document.products:
        if product.id == product_id:
            return product.product_number[:75]
    return f"COMMERCE-{product_id}"


def _next_line(fx: Effects, lines: Sequence[psa.PurchaseOrderLine]) -> psa.PurchaseOrderLine | None:
    """The open line to receive next: linked ones before surplus, in line order."""
    usable = [line for line in lines if not line.closed and line.received < line.quantity]
    usable.sort(key=lambda x: (not is_linked(fx, x), x.line_number, x.id))
    return usable[0] if usable else None


async def _receive_line(
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
        tracking_number=(str(want["tracking"])[:50] if want["tracking"] else None),
    )

    async def send() -> Outcome:
        await fx.cw.receive_line(purchase_order, line.id, receiving)
        return {"line": line.id, "received": str(after)}

    async def look(known: Outcome) -> Outcome | None:
        for found in await read_lines(fx, po_id, purchase_order):
            if found.id == line.id and found.received >= after:
                return {"line": line.id, "received": str(after)}
        return None

    evidence = {"line": line.id, "before": str(line.received), "target": str(after)}
    await fx.once("receipt", f"{line.id}:{after.normalize():f}", evidence, send, look)
    _after(fx, po_id, line, after, status == FULL)


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
        fx.keep("cloned", value=True, key=f"{po_id}:{line.sku}")


async def _lines(
    fx: Effects, po_id: str, purchase_order: int, sku: str
) -> Sequence[psa.PurchaseOrderLine]:
    """The purchase order's lines, read again where a clone of this product is not known yet."""
    known: list[psa.PurchaseOrderLine] | None = fx.recent("lines", po_id)
    if known is not None and not fx.recent("cloned", f"{po_id}:{sku}"):
        return known
    lines = await read_lines(fx, po_id, purchase_order)
    for line in lines:
        fx.forget("cloned", f"{po_id}:{line.sku}")
    return lines


def _last_write(fx: Effects, purchase_order_id: int) -> datetime | None:
    """When a step last wrote to the purchase order: the anchor of patience with lagging reads."""
    moments = [
        row.applied_at
        for (step, _), row in fx.view.ledger.items()
        if row.applied_at is not None
        and row.want is not None
        and step in (name, "link_demand", "sync_purchase_order")
        and row.want.get("purchase_order") == purchase_order_id
    ]
    return max(moments, default=None)


async def _complete(fx: Effects, want: Mapping[str, Any], purchase_order: int) -> None:
    """B1.8: closed by status, when no line is open."""
    closed = await setting(fx, "connectwise_purchase_order_status_closed")
    invoice_date = want.get("invoice_date")
    change = psa.PurchaseOrderChange(
        status_id=closed.id,
        vendor_invoice_number=(str(want["invoice"])[:50] if want.get("invoice") else None),
        vendor_invoice_date=_moment(invoice_date),
        freight=Decimal(str(want["freight"])) if want.get("freight") else None,
    )
    await fx.guard()
    await fx.cw.change_purchase_order(purchase_order, change)
    number = fx.view.label(f"po:{want['purchase_order']}")
    fx.journal("PURCHASE_ORDER_COMPLETED", f"{number} is received in full and closed.")


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
