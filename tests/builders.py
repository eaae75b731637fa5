"""Small builders: Commerce documents and events, ledger rows, and an order's view of them.

Owns readable defaults: order 1201 of Contoso with ten monitors. Whatever a test cares about is
named in its call; field names are Commerce's own. Asserts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain import events
from app.domain.codes import State
from app.domain.documents import Kind
from app.domain.json_values import dumps, loads
from app.domain.order import OrderView, build
from app.domain.records import Decision, Fact, Intent, LedgerRow, OrderRow, Other, Ref, Snapshot
from app.domain.versions import Stored, merge

Json = dict[str, Any]
START = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ORDER_ID = 1201
PHYSICAL, NON_PHYSICAL, SERVICE = 0, 1, 2
# The order row of a purchase order for stock.
STOCK_ROW = {"source_id": "stock:8891", "number": "PO10008891", "customer": None}
# The order row of a quote that was declined.
QUOTE_ROW = {"source_id": "quote:501", "number": "QO10000501"}
SETTINGS: Mapping[str, Any] = {
    "read_lag": 3,
    "hold_deadline": 96,
    "quote_wait": 15,
    "receipt_gap": 15,
    "poll_seconds": 60,
    "commerce_tax_basis": "unit",
    "connectwise_timeout": 20,
    "connectwise_freight_item": "FREIGHT",
    "connectwise_surcharge_item": "SURCHARGE",
    "connectwise_coupon_item": "COUPON",
    "raise_ticket": "chosen",  # tickets have stories of their own
}


def at(minute: float) -> str:
    """A moment so many minutes after the story began, as Commerce writes it."""
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


# --- documents ------------------------------------------------------------------------------------


def product(product_id: int, *, type: int = PHYSICAL, **more: Any) -> Json:  # noqa: A002 - Commerce's name
    return {
        "id": product_id,
        "productNumber": f"SKU-{product_id}",
        "manufacturerPartNumber": f"MPN-{product_id}",
        "type": type,
        "title": f"Product {product_id}",
        "isSerialized": False,
        **more,
    }


def line(line_id: int, product_id: int = 301, quantity: int = 10, **more: Any) -> Json:
    """A line of a sales order."""
    return {
        "id": line_id,
        "productID": product_id,
        "lineNumber": line_id,
        "title": f"Product {product_id}",
        "price": 100,
        "cost": 80,
        "tax": 0,
        "quantity": quantity,
        **more,
    }


def _products(lines: Iterable[Json], known: Iterable[Json]) -> list[Json]:
    found = {entry["id"]: entry for entry in known}
    wanted = dict.fromkeys(entry["productID"] for entry in lines)
    return [found.get(product_id, product(product_id)) for product_id in wanted]


def sales_order(
    lines: Iterable[Json] | None = None,
    *,
    minute: float = 0,
    products: Iterable[Json] = (),
    opportunity: int | None = 88,
    **more: Any,
) -> Json:
    """An approved sales order. Products that are not given are physical ones."""
    lines = [line(1)] if lines is None else list(lines)
    return {
        "id": ORDER_ID,
        "orderNumber": "ON10001201",
        "customerID": 77,
        "status": 2,
        "orderDate": at(0),
        "modifiedDate": at(minute),
        "lines": lines,
        "customer": {"id": 77, "name": "Contoso Ltd", "accountNumber": "CONTOSO"},
        "products": _products(lines, products),
        "connectwise": {"opportunityId": opportunity},
        **more,
    }


def offer(line_id: int, product_id: int, *, selected: bool = True, **more: Any) -> Json:
    """A line of a quote; one that is not selected was optional."""
    return {
        "id": line_id,
        "lineNumber": line_id,
        "title": f"Product {product_id}",
        "productID": product_id,
        "productNumber": f"SKU-{product_id}",
        "price": 100,
        "quantity": 10,
        "isOptional": not selected,
        "isSelected": selected,
        **more,
    }


def section(*lines: Json, **more: Any) -> Json:
    return {"id": 1, "isMultiChoice": False, "isSelected": True, "lines": list(lines), **more}


def quote(*sections: Json, minute: float = -1, opportunity: int | None = 88, **more: Any) -> Json:
    return {
        "id": 501,
        "quoteNumber": "QO10000501",
        "status": 3,
        "customerID": 77,
        "modifiedDate": at(minute),
        "sections": list(sections or (section(offer(1, 301)),)),
        "customer": {"id": 77, "name": "Contoso Ltd"},
        "connectwise": {"opportunityId": opportunity},
        **more,
    }


def po_line(
    line_id: int, product_id: int = 301, quantity: int = 10, received: int = 0, **more: Any
) -> Json:
    """A line of a purchase order."""
    return {
        "id": line_id,
        "productID": product_id,
        "lineNumber": line_id,
        "title": f"Product {product_id}",
        "price": 80,
        "quantity": quantity,
        "quantityReceived": received,
        **more,
    }


def purchase_order(
    po_id: int = 8891,
    lines: Iterable[Json] | None = None,
    *,
    minute: float = 10,
    order: int | None = ORDER_ID,
    **more: Any,
) -> Json:
    """An approved purchase order of the sales order `order`; None: for stock."""
    lines = [po_line(1)] if lines is None else list(lines)
    return {
        "id": po_id,
        "orderNumber": f"PO1000{po_id}",
        "supplierID": 9,
        "salesOrderID": order,
        "type": 0,
        "status": 1,
        "orderDate": at(10),
        "modifiedDate": at(minute),
        "lines": lines,
        "supplier": {"id": 9, "name": "Ingram Micro", "accountNumber": "INGRAM"},
        "products": _products(lines, ()),
        **more,
    }


def receipt(
    receipt_id: str,
    quantities: Mapping[int, int],
    *,
    po_id: int = 8891,
    minute: float = 100,
    serials: Mapping[int, list[str]] | None = None,
    **more: Any,
) -> Json:
    """Goods that came in, as quantity by purchase order line."""
    return {
        "id": receipt_id,
        "purchaseOrderID": po_id,
        "receivedDate": at(minute),
        "packingSlip": f"SLIP-{receipt_id}",
        "lines": [
            {
                "purchaseOrderLineID": line_id,
                "quantity": quantity,
                "serialNumbers": (serials or {}).get(line_id, []),
            }
            for line_id, quantity in quantities.items()
        ],
        **more,
    }


# --- events ---------------------------------------------------------------------------------------


def event(type_: str, **documents: Json) -> Json:
    return {"type": type_, "timestamp": at(0), "data": documents}


def ordered(document: Json | None = None, **more: Any) -> Json:
    return event("sales_order.approved", salesOrder=document or sales_order(**more))


def won(document: Json | None = None, **more: Any) -> Json:
    return event("quote.won", quote=document or quote(**more))


def issued(document: Json | None = None, **more: Any) -> Json:
    return event("purchase_order.approved", purchaseOrder=document or purchase_order(**more))


def received(purchase_order: Json, receipt: Json, type_: str = "purchase_order.receipted") -> Json:
    """A receipt with the purchase order as it stands after it."""
    return event(type_, purchaseOrder=purchase_order, receipt=receipt)


def came(
    purchase_order: Json, receipt_id: str, quantities: Mapping[int, int], **more: Any
) -> tuple[Json, Json]:
    """The purchase order after one more receipt, and the event that tells it."""
    minute = more.pop("minute", 100)
    lines = [
        {**entry, "quantityReceived": entry["quantityReceived"] + quantities.get(entry["id"], 0)}
        for entry in purchase_order["lines"]
    ]
    after = {**purchase_order, "lines": lines, "modifiedDate": at(minute)}
    slip = receipt(receipt_id, quantities, po_id=purchase_order["id"], minute=minute, **more)
    return after, received(after, slip)


# --- what the service keeps -----------------------------------------------------------------------


def as_kept(value: Any) -> Any:
    """A value as it comes back from the database."""
    return loads(dumps(value))


def merged(
    *delivered: Json, before: Mapping[tuple[Kind, str], Stored] | None = None
) -> dict[tuple[Kind, str], Stored]:
    """The documents of events, merged in the order in which they came in."""
    documents = dict(before or {})
    for one in delivered:
        _, carried = events.read(loads(dumps(one)))
        for part in carried:
            key = (part.stored.kind, part.stored.source_id)
            documents[key] = merge(documents.get(key), part.stored)
    return documents


def order_row(**more: Any) -> OrderRow:
    values: dict[str, Any] = {
        "id": 1,
        "tenant_id": 1,
        "connection": "commerce",
        "source_id": str(ORDER_ID),
        "number": "ON10001201",
        "customer": "Contoso Ltd",
        "scenario": None,
        "scenario_version": None,
        "behaviour": {},
        "state": State.RUNNING,
        "code": None,
        "sentence": None,
        "who": None,
        "since": None,
        "next_look": None,
        "created_at": NOW,
        "updated_at": NOW,
        "due_at": None,
        "wake_seq": 1,
    }
    return OrderRow(**{**values, **more})


def applied(step: str, subject: str, want: Any, **more: Any) -> LedgerRow:
    """A step's row once its want was made true, as it comes back from the database."""
    return LedgerRow(step, subject, State.DONE, want=as_kept(want), applied_at=NOW, **more)


def fact(kind: str, body: Mapping[str, Any], key: str = "", seen_at: datetime = NOW) -> Fact:
    return Fact(kind, key, body, seen_at)


def intent(step: str, subject: str, kind: str, key: str = "", **more: Any) -> Intent:
    """A write that was announced; without an outcome it is in doubt."""
    return Intent(1, 1, step, subject, kind, key, {}, NOW, **more)


def snapshot(
    documents: Mapping[tuple[Kind, str], Stored],
    *,
    now: datetime = NOW,
    row: OrderRow | None = None,
    ledger: Iterable[LedgerRow] = (),
    refs: Iterable[Ref] = (),
    facts: Iterable[Fact] = (),
    intents: Iterable[Intent] = (),
    settings: Mapping[str, Any] | None = None,
    shared: Mapping[tuple[str, str], tuple[str, ...]] | None = None,
    decisions: Iterable[Decision] = (),
    others: Iterable[Other] = (),
    siblings: Iterable[Stored] = (),
) -> Snapshot:
    return Snapshot(
        order=row or order_row(),
        documents=tuple(documents.values()),
        ledger=tuple(ledger),
        intents=tuple(intents),
        refs=tuple(refs),
        facts=tuple(facts),
        settings=settings or {},
        mappings={},
        shared=shared or {},
        paused={},
        now=now,
        decisions=tuple(decisions),
        others=tuple(others),
        siblings=tuple(siblings),
    )


def view(*delivered: Json, **more: Any) -> OrderView:
    """An order of whom these events came in. Everything of `snapshot` can be given; what is no
    part of it is a setting: `invoice_policy="shipped_only"`."""
    parts = (
        *("now", "row", "ledger", "refs", "facts", "intents", "shared", "decisions", "others"),
        "siblings",
    )
    kept = {name: more.pop(name) for name in parts if name in more}
    steps = more.pop("steps", ())  # of the scenario, where it matters
    settings = {**SETTINGS, **more}
    return build(snapshot(merged(*delivered), settings=settings, **kept), {}, steps)
