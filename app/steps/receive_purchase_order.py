"""receive_purchase_order: goods received in Commerce are received in ConnectWise (B1.8, H2).

Owns receiving by receipt interval. Receives by the cumulative target of each product, so a receipt
can never count twice. What follows when nothing is open is `completion.py`, what papers are
corrected afterwards is `papers.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from app.domain import psa
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.documents import PurchaseOrder, PurchaseOrderLine
from app.domain.errors import Hold
from app.domain.gates_of_buying import decision_on
from app.domain.gates_of_goods import receipt_consistent
from app.domain.json_values import canonical, digest
from app.domain.linking import allocate
from app.domain.options import alike, sku_key
from app.domain.order import OrderView
from app.domain.quantities import received_remotely
from app.domain.receipts import parts
from app.domain.shut import Shut
from app.steps import announced, completion, missing_line, noted, papers
from app.steps.demand import agreed_lines, not_linked, refuse_invoiced
from app.steps.effects import Effects
from app.steps.identifiers import bought_as
from app.steps.links import is_linked, read_lines
from app.steps.receive_line import KIND as RECEIPT
from app.steps.receive_line import looking, receive_line
from app.steps.taken import refuse_taken

name = "receive_purchase_order"
version = 1
RECEIVED_ABOVE = "received above"  # a fact: what ConnectWise showed, by purchase order
ACCEPT_CONNECTWISE = "accept_connectwise"


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
        return completion.wanted(view, purchase_order)
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
                "packing_slip": cut(receipt.packing_slip or receipt.id, 50) if receipt else None,
                "tracking": receipt.tracking_number if receipt else None,
                "received_at": receipt.received_date.isoformat() if receipt else None,
            }
        )
        return result
    return None


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """H2: what Commerce takes back after everything was received is for a person."""
    return receipt_consistent(view, subject, view.now) if subject.startswith("po:") else None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    number = view.label(f"po:{want['purchase_order']}")
    if want.get("closed"):
        return [f"close purchase order {number}"]
    done = received_remotely(view, int(want["purchase_order"]))
    return [
        f"receive {quantity} on line {line['line']} of {number}"
        for line in want["lines"]
        for quantity in _pieces(view, want, line, done.get(line["line"], 0))
    ]


def _pieces(
    view: OrderView, want: Mapping[str, Any], line: Mapping[str, Any], done: int
) -> list[int]:
    """What of a line is received by a write of its own: in ConnectWise a line stands for each line of
    the order that it is linked to, and one for the surplus, which comes last."""
    shares = allocate(view).get(int(want["purchase_order"]), ())
    own = [share for share in shares if share.po_line == line["line"]]
    at, start, found = 0, max(line["from"], done), list[int]()
    for share in sorted(own, key=lambda share: share.line is None):
        found.append(min(line["to"], at + share.quantity) - max(start, at))
        at += share.quantity
    found.append(line["to"] - max(start, at))  # what no share tells of
    return [quantity for quantity in found if quantity > 0]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    po_id = str(want["purchase_order"])
    purchase_order = fx.ref("purchase_order", po_id)
    assert purchase_order is not None  # noqa: S101 - link_demand came before
    if want.get("closed"):
        await completion.complete(fx, want, purchase_order)
        return
    document = fx.view.purchase_order(int(po_id))
    assert document is not None  # noqa: S101 - want() found it
    before = received_remotely(fx.view, document.id)
    if all(line["to"] <= before.get(line["line"], 0) for line in want["lines"]):
        # Only its papers changed, or a gap was received before its receipt came.
        await papers.correct(fx, want, document, purchase_order, _subject(fx.view, want))
        return
    coming = {line["line"] for line in want["lines"] if line["to"] > before.get(line["line"], 0)}
    await _refuse_invoiced(fx, document, coming)
    await announced.settle(fx, RECEIPT, looking(fx, po_id, purchase_order))
    for sku, products in _by_sku(fx, want, document).items():
        await _receive_product(fx, want, document, purchase_order, sku, products, before)
    slip = want["packing_slip"] or "no papers"
    fx.journal("GOODS_RECEIVED", f"Received on {document.order_number}: {slip}.")


def _subject(view: OrderView, wanted: Mapping[str, Any]) -> str:
    """Whose want this is."""
    document = view.purchase_order(int(wanted["purchase_order"]))
    found = parts(document, view.receipts) if document is not None else ()
    return next(
        (part.subject for part in found if digest(want(view, part.subject)) == digest(wanted)), ""
    )


async def _refuse_invoiced(fx: Effects, document: PurchaseOrder, coming: Collection[int]) -> None:
    """What came earlier on the same purchase order may be invoiced by now, as it should."""
    products = [
        product
        for share in allocate(fx.view).get(document.id, ())
        if share.po_line in coming
        if share.line is not None and (product := fx.ref("product", share.line)) is not None
    ]
    if products:
        await refuse_invoiced(fx, sorted(set(products)), document.order_number)


async def _receive_product(
    fx: Effects,
    want: Mapping[str, Any],
    document: PurchaseOrder,
    purchase_order: int,
    sku: str,
    products: Sequence[int],
    before: Mapping[int, int],
) -> None:
    """Bring the received sum of one catalog item, over its lines and their clones, to its target.
    `products` are those of Commerce that go by it."""
    po_id = str(document.id)
    own = [line for line in document.lines if line.product_id in products]
    start = sum(before.get(line.id, 0) for line in own)
    told = {line["line"]: line for line in want["lines"] if line["product"] in products}
    target = sum(
        max(int(told[line.id]["to"]) if line.id in told else 0, before.get(line.id, 0))
        for line in own
    )

    def told_of(line: PurchaseOrderLine) -> int:
        """What was taken back after it was received is asked for elsewhere (H2)."""
        return max(line.quantity_received, before.get(line.id, 0))

    serials = [serial for line in told.values() for serial in line["serials"]]
    to_link = _to_link(fx, document, products)
    sent: set[tuple[int, Decimal]] = set()
    read_anew = False
    while True:
        known = await _lines(fx, po_id, purchase_order, sku)
        lines = [line for line in known if alike(line.sku, sku) and not line.cancelled]
        done = sum((line.received for line in lines), Decimal(0))
        _refuse_above(fx, document, sku, done, sum(told_of(line) for line in own))
        if done >= target:
            return
        line = _next_line(fx, lines)
        if line is not None and _accepted(fx, document):
            start = min(start, int(done))
        if (done < start or line is None) and not read_anew:
            # What is remembered may have been read before a line showed that was just made.
            read_anew = True
            fx.forget("lines", po_id)
            continue
        if done < start or line is None:
            sentence = (
                f"ConnectWise shows {done.normalize():f} of {sku} received on "
                f"{document.order_number} and {'an' if line else 'no'} open line; {start} were "
                f"received by the service, {target} have to be."
            )
            fx.forget("lines", po_id)
            if wait := await fx.lagging(_last_write(fx, document.id), sentence):
                raise wait
            if line is not None:
                raise Hold(Code.RECEIPT_UNCERTAIN, sentence)
            fx.keep("lines", known, po_id)
            coming = next(line["product"] for line in told.values())
            args = (document, purchase_order, coming, sku, done, target)
            if await missing_line.settled(fx, *args):
                return
            continue
        await _refuse_unlinked(fx, document, line, lines, to_link, target)
        await refuse_taken(fx, want, purchase_order, [line])
        amount = min(target - done, line.quantity - line.received)
        if (line.id, line.received + amount) in sent:
            await _wait_for_clone(fx, document, sku)
        sent.add((line.id, line.received + amount))
        taken = int(done) - start
        part = serials[taken : taken + int(amount)]
        await receive_line(fx, want, document, purchase_order, line, amount, part)
        if done + amount >= target:
            return  # no read only to see what was just done


def _refuse_above(fx: Effects, document: PurchaseOrder, sku: str, done: Decimal, told: int) -> None:
    """H2: somebody received more in ConnectWise than Commerce says: named, unless a person took it
    as it is. It is right by itself once Commerce says as much."""
    if done <= told:
        return
    entry = f"{sku}:{done.normalize():f}"
    seen = noted.since(fx, RECEIVED_ABOVE, str(document.id), [entry])
    decision = decision_on(fx.view, Code.RECEIPT_UNCERTAIN, document.id)
    if noted.covers(decision, ACCEPT_CONNECTWISE, seen.values()):
        return
    fx.forget("lines", str(document.id))
    raise Hold(
        Code.RECEIPT_UNCERTAIN,
        f"ConnectWise shows {done.normalize():f} of {sku} received on {document.order_number}, "
        f"more than the {told} that Commerce says.",
    )


def _accepted(fx: Effects, document: PurchaseOrder) -> bool:
    """Whether a person said that what ConnectWise shows as received is right."""
    return fx.view.decided_on(Code.RECEIPT_UNCERTAIN, document.id) == ACCEPT_CONNECTWISE


def _to_link(fx: Effects, document: PurchaseOrder, products: Sequence[int]) -> dict[str, int]:
    """How much of these products has to be received on linked lines, by line of the order: what is not
    surplus, and what no person let go unlinked."""
    agreed, result = agreed_lines(fx.view, document.id), dict[str, int]()
    for share in allocate(fx.view).get(document.id, ()):
        if share.line is not None and share.product_id in products and share.line not in agreed:
            result[share.line] = result.get(share.line, 0) + share.quantity
    return result


async def _refuse_unlinked(
    fx: Effects,
    document: PurchaseOrder,
    line: psa.PurchaseOrderLine,
    lines: Sequence[psa.PurchaseOrderLine],
    to_link: Mapping[str, int],
    target: int,
) -> None:
    """B1.9: a line that should be linked is not received unlinked. ConnectWise may have taken the
    link from the line of a rest when it split it [OPEN]."""
    if is_linked(fx, line):
        return
    there = sum((x.received for x in lines if is_linked(fx, x)), Decimal(0))
    linked = min(sum(to_link.values()), target)
    if there >= linked or missing_line.added_unlinked(fx.view, document):
        return
    sentence = (
        f"Line {line.id} of {document.order_number} in ConnectWise, {line.quantity.normalize():f} "
        f"{line.sku}, is not linked to the {fx.view.parent_kind.replace('_', ' ')}; received so, it "
        "would go to stock."
    )
    fx.forget("lines", str(document.id))  # the line of a rest may show before its link does
    if wait := await fx.lagging(None, sentence):
        raise wait
    raise not_linked(fx, document.id, sentence, to_link)


async def _wait_for_clone(fx: Effects, document: PurchaseOrder, sku: str) -> NoReturn:
    """What was received a moment ago does not show yet, nor the line that the rest went to.
    Asking on at once would only ask the same."""
    sentence = (
        f"ConnectWise does not show yet what of {sku} was received on {document.order_number}."
    )
    fx.forget("lines", str(document.id))
    if wait := await fx.lagging(None, sentence):
        raise wait
    raise Hold(Code.RECEIPT_UNCERTAIN, sentence)


def _by_sku(
    fx: Effects, want: Mapping[str, Any], document: PurchaseOrder
) -> dict[str, Sequence[int]]:
    """The products of a receipt by the identifier that ConnectWise knows them under, with all
    products of the purchase order that go by it: two product numbers may be one item (A3)."""
    names = bought_as(fx, document)
    coming = {sku_key(names[line["product"]]): names[line["product"]] for line in want["lines"]}
    return {
        sku: [product for product, name in names.items() if sku_key(name) == key]
        for key, sku in coming.items()
    }


def _next_line(fx: Effects, lines: Sequence[psa.PurchaseOrderLine]) -> psa.PurchaseOrderLine | None:
    """The open line to receive next: linked ones before surplus, in line order."""
    usable = [line for line in lines if not line.closed and line.received < line.quantity]
    usable.sort(key=lambda x: (not is_linked(fx, x), x.line_number, x.id))
    return usable[0] if usable else None


async def _lines(
    fx: Effects, po_id: str, purchase_order: int, sku: str
) -> Sequence[psa.PurchaseOrderLine]:
    """The purchase order's lines, read again where a clone of this product is not known yet."""
    known: list[psa.PurchaseOrderLine] | None = fx.recent("lines", po_id)
    if known is not None and not fx.recent("cloned", f"{po_id}:{sku_key(sku)}"):
        return known
    lines = await read_lines(fx, po_id, purchase_order)
    for line in lines:
        fx.forget("cloned", f"{po_id}:{sku_key(line.sku)}")
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
