"""How a reason to wait goes away, in thought: what others would do about it.

Owns, by reason code, the change that its person makes, as a change of what is known of the order. Where
a gate has several reasons, the next one then shows itself, as it would to the worker. Pure; which reason
is next, and what becomes of one that stands in no table here, is `course.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.domain import invoices, release, tickets
from app.domain.codes import Code, State
from app.domain.decide import Verdict
from app.domain.documents import Kind, PurchaseOrder, SalesOrderStatus
from app.domain.gates_of_goods import EARLIER_RECEIPT
from app.domain.order import OrderView
from app.domain.quantities import received_remotely
from app.domain.records import Decision, Fact, Snapshot

Opening = Callable[[OrderView, Verdict, Snapshot], Snapshot | None]
# These say only that something else comes first, which has a reason of its own.
FOLLOWING = frozenset(
    {
        Code.EARLIER_STEP,
        Code.TICKET_PRODUCTS_MISSING,
        Code.SURPLUS_LAST,
        Code.DEMAND_NOT_FREE,
    }
)
MAKES_SALES_ORDER = "create_sales_order"


def follows(verdict: Verdict) -> bool:
    """Whether the reason goes away with another one, so that nobody has to see to it. That the sales
    order is missing is its own step's affair, wherever else it is said; and where the service ships
    what comes, nobody's shipment is looked for."""
    missing = verdict.code is Code.SO_MISSING and verdict.step != MAKES_SALES_ORDER
    shipped = verdict.code is Code.GOODS_NOT_SHIPPED and not verdict.looks
    earlier = verdict.code is Code.RECEIPT_GAP and verdict.next_look == EARLIER_RECEIPT
    return missing or shipped or earlier or verdict.code in FOLLOWING


def opened(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """The order once the reason is gone; None: what is known of it has no say in that."""
    opening = _OPENINGS.get(verdict.code) if verdict.code is not None else None
    return opening(view, verdict, given) if opening is not None else None


def awaited(view: OrderView, subject: str) -> PurchaseOrder | None:
    """The purchase order that goods are waited for on."""
    if own := of(subject):
        return view.purchase_order(int(own))
    return next((po for po in view.open_purchase_orders if release.awaited(view, po)), None)


def of(subject: str) -> str:
    """The purchase order that a subject belongs to, empty for the order's own."""
    return subject.split(":")[1] if ":" in subject else ""


# --- goods ----------------------------------------------------------------------------------------


def _received(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """The purchase order comes in whole, in Commerce."""

    def whole(line: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"quantityReceived": max(line["quantity"], _came(line))}

    purchase_order = awaited(view, verdict.subject)
    return _bought(given, purchase_order.id, whole) if purchase_order is not None else None


def _from_stock(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """The lines that are on no purchase order are there, as if they came from stock."""
    missing = release.unordered(view)

    def stocked(line: Mapping[str, Any]) -> Mapping[str, Any]:
        much = missing.get(line["id"], 0)
        return {"quantityFromStock": int(line.get("quantityFromStock") or 0) + much} if much else {}

    return _sold(view, given, stocked)


def _shipped(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    sent = {str(line.id): line.quantity for line in view.sold_lines if view.physical(line)}
    return _seen(given, "shipping", {"shipped": sent})


def _above_order(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """The receipt of the line that the reason is about is corrected to what was ordered."""

    def ordered(line: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"quantityReceived": min(line["quantity"], _came(line))}

    return _line_of(verdict, given, ordered)


def _reduced(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """What ConnectWise has received of the line is there after all."""
    there = received_remotely(view, int(of(verdict.subject)))

    def restored(line: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"quantityReceived": max(there.get(line["id"], 0), _came(line))}

    return _line_of(verdict, given, restored)


def _back(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """The purchase order names this sales order again."""
    key = of(verdict.subject)
    kept = [one for one in given.facts if (one.kind, one.key) != ("purchase_order_moved", key)]
    return replace(given, facts=tuple(kept))


def _came(line: Mapping[str, Any]) -> int:
    return int(line.get("quantityReceived") or 0)


# --- what is sold ---------------------------------------------------------------------------------


def _approved(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    return _sold(view, given, lambda line: {}, status=int(SalesOrderStatus.APPROVED))


def _converted(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """A person made the sales order; where none is asked for, the reason is another's."""
    return _seen(given, "conversion", {"sales_orders": [-1]}) if verdict.looks else None


def _own_opportunity(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    return _decided(given, verdict, "create")


def _separate(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    return _decided(given, verdict, "separate")


def _ticket_open(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    now = {**tickets.read(view), "closed": False, "merged_into": None, "since": None}
    return _seen(given, tickets.FACT, now)


# --- what is invoiced -----------------------------------------------------------------------------


def _invoice_removed(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    return _seen(given, invoices.FACT, {**invoices.read(view), "invoiced": {}, "on": {}})


def _there_again(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    """The sales order that a person deleted; any other record has a step that makes it anew."""
    read = invoices.read(view)
    return _seen(given, invoices.FACT, {**read, "gone": False}) if read.get("gone") else None


def _others_ready(view: OrderView, verdict: Verdict, given: Snapshot) -> Snapshot | None:
    ready = tuple(replace(other, state=State.DONE) for other in given.others)
    return replace(given, others=ready)


_OPENINGS: Mapping[Code, Opening] = {
    Code.GOODS_NOT_RECEIVED: _received,
    Code.LINE_NOT_ORDERED: _from_stock,
    Code.GOODS_NOT_SHIPPED: _shipped,
    Code.RECEIPT_ABOVE_ORDER: _above_order,
    Code.RECEIPT_REDUCED: _reduced,
    Code.PURCHASE_ORDER_MOVED: _back,
    Code.ORDER_NOT_APPROVED: _approved,
    Code.SO_MISSING: _converted,
    Code.OPPORTUNITY_MISSING: _own_opportunity,
    Code.OPPORTUNITY_SHARED: _separate,
    Code.TICKET_CLOSED: _ticket_open,
    Code.TICKET_MERGED: _ticket_open,
    Code.INVOICED_TOO_EARLY: _invoice_removed,
    Code.PO_AFTER_INVOICE: _invoice_removed,
    Code.REMOTE_GONE: _there_again,
    Code.SHARED_NOT_READY: _others_ready,
}


# --- how it is written down -----------------------------------------------------------------------

Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Of a line: the fields that are other now."""


def _bought(given: Snapshot, purchase_order: int, change: Change) -> Snapshot:
    return _changed(given, Kind.PURCHASE_ORDER, str(purchase_order), change)


def _line_of(verdict: Verdict, given: Snapshot, change: Change) -> Snapshot:
    about = (verdict.about or {}).get("line")
    return _bought(
        given,
        int(of(verdict.subject)),
        lambda line: change(line) if line["id"] == about else {},
    )


def _sold(view: OrderView, given: Snapshot, change: Change, **header: Any) -> Snapshot:
    assert view.sales_order is not None  # noqa: S101 - the reason says something of it
    return _changed(given, Kind.SALES_ORDER, str(view.sales_order.id), change, **header)


def _changed(
    given: Snapshot, kind: Kind, source_id: str, change: Change, **header: Any
) -> Snapshot:
    """Each line as a whole: what only some events tell, as `quantityFromStock`, in it."""
    found = list(given.documents)
    for place, one in enumerate(found):
        if one.kind is kind and one.source_id == source_id:
            lines = [{**line, **change(line)} for line in one.body()["lines"]]
            rest = {path: v for path, v in one.extras.items() if not path.startswith("lines/")}
            found[place] = replace(one, own={**one.own, **header, "lines": lines}, extras=rest)
    return replace(given, documents=tuple(found))


def _seen(given: Snapshot, kind: str, body: Mapping[str, Any]) -> Snapshot:
    kept = [one for one in given.facts if (one.kind, one.key) != (kind, "")]
    return replace(given, facts=(*kept, Fact(kind, "", body, given.now)))


def _decided(given: Snapshot, verdict: Verdict, choice: str) -> Snapshot:
    """A person chooses it. It is not kept: nothing of a course is."""
    assert verdict.code is not None  # noqa: S101 - it stands in the table
    one = Decision(verdict.step, verdict.subject, verdict.code, choice, "", "", given.now)
    return replace(given, decisions=(*given.decisions, one))
