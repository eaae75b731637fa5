"""Whose goods stand on a purchase order: what Commerce says, against what ConnectWise linked.

Owns the way from a line to Commerce's purchase order, by our mark in the notes or by its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sandbox.observer.mirror import Mirror, Row, order_of, wanted
from sandbox.observer.told import Told

Broken = tuple[str, int | None, str]


def of_others(
    mirror: Mirror, told: Told, moment: datetime, link: Row, what: str
) -> Iterator[Broken]:
    """B1.9: a purchase order is linked to the demand of its own sales order; one for stock to
    none. ConnectWise may link a plain line by itself: then a person decides."""
    line, product = mirror.get("line", link["line"]), mirror.get("product", link["product"])
    body = told_of(mirror, told, moment, line) if line is not None else None
    if line is None or product is None or body is None or not wanted(product):
        return
    order, whose = body.get("salesOrderID"), order_of(product.get("integrationXRef"))
    if whose is None or whose != order:
        own = int(order) if order is not None else None
        place = f"product {product['id']} of {f'order {whose}' if whose else 'somebody else'}"
        yield "B1.9", own, f"Line {line['id']} of {body['orderNumber']} was {what} for {place}."


def told_of(mirror: Mirror, told: Told, moment: datetime, line: Row) -> Mapping[str, Any] | None:
    """What Commerce had said by then of the purchase order behind a line."""
    document = told.purchase_orders.get(purchase_order_of(mirror, told, line) or 0)
    return document.at(moment) if document is not None else None


def purchase_order_of(mirror: Mirror, told: Told, line: Row) -> int | None:
    """The Commerce purchase order behind a line, by our mark in the notes or by its number."""
    header = mirror.get("purchaseOrder", line["purchaseOrderId"])
    if header is None:
        return None
    marked = re.search(
        r"\[demandlink purchase order [^/\]]+/\w*/(\d+)\]", str(header.get("internalNotes"))
    )
    if marked is not None:
        return int(marked[1])
    return told.numbers.get(str(header.get("poNumber")))
