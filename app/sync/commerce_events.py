"""From a document of Commerce's API to deliveries of the inbox, the same as a webhook's.

Owns the event around a polled document and the id by which it counts once. Pure but for hashing;
whether it is sent at all is `commerce_poll`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from app.connectors import wire_json
from app.domain.documents import Kind, PurchaseOrderStatus, QuoteStatus, SalesOrderStatus
from app.domain.polled_receipts import polled_receipts
from app.domain.records import Delivery
from app.domain.versions import Stored, incoming, merge, newest_date
from app.sync import inbox

HEADERS = {"user-agent": "demandlink poll"}
NAMES = {
    Kind.QUOTE: "quote",
    Kind.SALES_ORDER: "salesOrder",
    Kind.PURCHASE_ORDER: "purchaseOrder",
}
DRAFTS = {
    Kind.SALES_ORDER: SalesOrderStatus.DRAFT,
    Kind.PURCHASE_ORDER: PurchaseOrderStatus.DRAFT,
}
Body = Mapping[str, Any]


def concerns_nobody(kind: Kind, body: Body) -> bool:
    """A state that no event tells of: a draft, or a quote that is neither won nor declined. It is
    taken only where the document is known already."""
    status = body.get("status")
    if kind is Kind.QUOTE:
        return status not in (QuoteStatus.WON, QuoteStatus.DECLINED)
    return status == DRAFTS[kind]


def deliveries(
    connection: str, kind: Kind, body: Body, known: Stored | None, receipts: Iterable[Stored] = ()
) -> list[Delivery]:
    """What the inbox does not know yet. `known` and `receipts` are what is merged; a state that
    merges to what stands there is no change, whichever way it came first."""
    parts = _receipts(body, receipts) if kind is Kind.PURCHASE_ORDER else []
    if parts:
        told = [{NAMES[kind]: body, "receipt": receipt} for receipt in parts]
        return [_delivery(connection, kind, "purchase_order.receipted", data) for data in told]
    if known is not None and _adds_nothing(known, body):
        return []
    return [_delivery(connection, kind, _type(kind, body), {NAMES[kind]: body})]


def _adds_nothing(known: Stored, body: Body) -> bool:
    try:
        return merge(known, incoming(known.kind, known.source_id, body)) == known
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        return False  # the door says what is wrong with it


def _receipts(body: Body, receipts: Iterable[Stored]) -> list[dict[str, Any]]:
    try:
        return polled_receipts(body, receipts)
    except (ValidationError, AttributeError, KeyError, TypeError, ValueError):
        return []  # the door says what is wrong with it


def _type(kind: Kind, body: Body) -> str:
    """The type is only a hint, so it follows from the state alone: the same state is one event."""
    status = body.get("status")
    if kind is Kind.QUOTE:
        return "quote.declined" if status == QuoteStatus.DECLINED else "quote.won"
    if kind is Kind.SALES_ORDER:
        cancelled = status == SalesOrderStatus.CANCELLED
        return "sales_order.cancelled" if cancelled else "sales_order.updated"
    cancelled = status == PurchaseOrderStatus.CANCELLED
    return "purchase_order.cancelled" if cancelled else "purchase_order.updated"


def _delivery(connection: str, kind: Kind, type_: str, data: Mapping[str, Any]) -> Delivery:
    body = data[NAMES[kind]]
    event = {
        "type": type_,
        # Of the state, not of the look: what is read twice is the same event.
        "timestamp": newest_date(kind, body).isoformat(),
        "data": dict(data),
    }
    encoded = wire_json.encode(event)
    name = hashlib.sha256(encoded).hexdigest()[:32]
    external_id = f"poll:{kind.value}:{body.get('id')}:{name}"
    return inbox.read_commerce(connection, external_id, HEADERS, encoded)
