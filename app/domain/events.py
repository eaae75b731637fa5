"""From a verified Commerce delivery to the documents that it carries.

Owns the list of event types and the checks of their bodies. Routing is by what the documents
say; the type is only a hint (`commerce-events.schema.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.domain import documents
from app.domain.documents import Kind
from app.domain.versions import Stored, incoming, newest_date

MAX_CAUSES = 8  # wrong fields that one sentence names

PARTS: dict[str, tuple[tuple[str, Kind], ...]] = {
    "quote.won": (("quote", Kind.QUOTE),),
    "quote.declined": (("quote", Kind.QUOTE),),
    "sales_order.approved": (("salesOrder", Kind.SALES_ORDER),),
    "sales_order.updated": (("salesOrder", Kind.SALES_ORDER),),
    "sales_order.cancelled": (("salesOrder", Kind.SALES_ORDER),),
    "purchase_order.approved": (("purchaseOrder", Kind.PURCHASE_ORDER),),
    "purchase_order.updated": (("purchaseOrder", Kind.PURCHASE_ORDER),),
    "purchase_order.cancelled": (("purchaseOrder", Kind.PURCHASE_ORDER),),
    "purchase_order.receipted": (
        ("purchaseOrder", Kind.PURCHASE_ORDER),
        ("receipt", Kind.RECEIPT),
    ),
    "purchase_order.invoiced": (
        ("purchaseOrder", Kind.PURCHASE_ORDER),
        ("receipt", Kind.RECEIPT),
    ),
    "sales_invoice.issued": (("salesInvoice", Kind.SALES_INVOICE),),
}


class Envelope(BaseModel):
    """What every Commerce event has around its data."""

    model_config = ConfigDict(extra="allow")
    type: str
    timestamp: datetime
    data: dict[str, Any]
    id: str | None = None
    schema_version: int = Field(1, alias="schemaVersion")


class NotValid(ValueError):
    """The body breaks the contract. The text names each wrong field, never its value."""


@dataclass(frozen=True, slots=True)
class Carried:
    """One document of a delivery, with what it says about where it belongs.

    `order` is the source id of the sales order it names, None for a stock purchase order and
    for a receipt (it follows its purchase order). `quote` is the quote a sales order names.
    """

    stored: Stored
    order: str | None
    order_number: str | None = None
    quote: str | None = None
    purchase_order: str | None = None
    newest: datetime | None = None


def causes(error: ValidationError) -> str:
    """The wrong fields as one sentence. Values stay out: they may be personal data."""
    found = [
        f"{'/'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in error.errors()
    ]
    more = f" and {len(found) - MAX_CAUSES} more" if len(found) > MAX_CAUSES else ""
    return "; ".join(found[:MAX_CAUSES]) + more


def known(event_type: str) -> bool:
    return event_type in PARTS


def read(body: Mapping[str, Any]) -> tuple[Envelope, list[Carried]]:
    """The envelope and the documents. No documents: the type is not one of ours.

    Raises NotValid.
    """
    try:
        envelope = TypeAdapter(Envelope).validate_python(body)
    except ValidationError as cause:
        raise NotValid(causes(cause)) from cause
    carried: list[Carried] = []
    for name, kind in PARTS.get(envelope.type, ()):
        part = envelope.data.get(name)
        if not isinstance(part, dict):
            raise NotValid(f"data/{name}: is required for {envelope.type} and must be an object")
        try:
            document = documents.parse(kind, part)
        except ValidationError as cause:
            raise NotValid(f"data/{name}/{causes(cause)}") from cause
        carried.append(_carried(kind, document, part, envelope.data))
    return envelope, carried


def _carried(
    kind: Kind,
    document: documents.Document,
    body: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Carried:
    newest = newest_date(kind, body)
    match document:
        case documents.Quote():
            return Carried(incoming(kind, str(document.id), body), None, newest=newest)
        case documents.SalesOrder():
            quote = str(document.quote_id) if document.quote_id is not None else None
            stored = incoming(kind, str(document.id), body)
            return Carried(stored, str(document.id), document.order_number, quote, newest=newest)
        case documents.PurchaseOrder():
            order = str(document.sales_order_id) if document.sales_order_id is not None else None
            return Carried(incoming(kind, str(document.id), body), order, newest=newest)
        case documents.Receipt():
            return _receipt(document, body, data, newest)
        case documents.SalesInvoice():
            stored = incoming(kind, str(document.id), body)
            return Carried(stored, str(document.sales_order_id), newest=newest)
    raise TypeError(f"no routing for {kind}")


def _receipt(
    receipt: documents.Receipt,
    body: Mapping[str, Any],
    data: Mapping[str, Any],
    newest: datetime,
) -> Carried:
    purchase_order = documents.PurchaseOrder.model_validate(data["purchaseOrder"])
    if purchase_order.id != receipt.purchase_order_id:
        raise NotValid("data/receipt/purchaseOrderID: is not the id of data/purchaseOrder")
    received = {line.id: line.quantity_received for line in purchase_order.lines}
    lines: dict[int, dict[str, Any]] = {}
    for line, raw in zip(receipt.lines, body["lines"], strict=True):
        key = line.purchase_order_line_id
        if key not in received:
            raise NotValid(f"data/receipt/lines: line {key} is not on the purchase order")
        if key not in lines:
            # What the poll saw has its own end: a gap may lie below what is received by now.
            own_end = line.to if receipt.polled else None
            lines[key] = {**raw, "to": received[key] if own_end is None else own_end}
            continue
        # Two boxes of one line on one slip are one interval: only their sum ends at `to`.
        known = lines[key]
        known["quantity"] += line.quantity
        known["serialNumbers"] = [*(known.get("serialNumbers") or ()), *line.serial_numbers]
    stored = incoming(Kind.RECEIPT, receipt.id, {**body, "lines": list(lines.values())})
    purchase_order_id = str(purchase_order.id)
    return Carried(stored, None, purchase_order=purchase_order_id, newest=newest)
