"""G9: who writes what, asked of each write by the row of the order that it is for.

Owns the way from a write in ConnectWise to the Commerce orders that it is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.observer import of_suggestions
from sandbox.observer.matrix import MATRIX
from sandbox.observer.mirror import Row, order_of
from sandbox.observer.rules import PARENTS, Write
from sandbox.observer.whose import Broken, told_of

TICKET_MARK = re.compile(r"^dl:[^:]+:(\d+)\b")


def allowed_write(write: Write) -> Iterator[Broken]:
    """G9: exactly one poster. A write that no row has by which its orders go."""
    method = str(write.entry["method"])
    orders = orders_of(write)
    rows = write.matrix.of_any(orders)
    for row in rows:
        for methods, path in MATRIX[row]:
            if method in methods.split("|") and re.fullmatch(path, write.path.rstrip("/")):
                return
    named = ", ".join(sorted(rows))
    order = min(orders) if len(orders) == 1 else None
    yield "G9", order, f"{method} {write.path} is no write of configuration {named}."


def orders_of(write: Write) -> set[int]:
    """The Commerce orders that the write is for; none where it is for none in particular."""
    found: set[int | None] = set()
    for _, product in write.rows("product"):
        found.add(order_of(product.get("integrationXRef")))
    for table, parent in PARENTS.items():
        for _, row in write.rows(table):
            found |= _on(write, parent, row["id"])
    for table, field in (("opportunity", "id"), ("forecastItem", "opportunity")):
        for _, row in write.rows(table):
            found |= _on(write, "opportunity", row[field])
            found |= _of_opportunity(write, int(row[field]))
    found |= _of_marks(write)
    for _, invoice in write.rows("invoice"):
        for parent in PARENTS.values():
            if invoice.get(parent) is not None:
                found |= _on(write, parent, invoice[parent])
    for table, field in (("link", "product"), ("shipping", "productItem")):
        for _, row in write.rows(table):
            sold = write.after.get("product", row[field])
            found.add(order_of((sold or {}).get("integrationXRef")))
    for _, line in write.rows("line"):
        told = told_of(write.after, write.told, write.moment, line)
        found.add((told or {}).get("salesOrderID"))
    return {int(order) for order in found if order is not None}


def _of_marks(write: Write) -> set[int | None]:
    """What tickets and notes say themselves."""
    found: set[int | None] = set()
    for table, field, mark in (
        ("ticket", "externalXRef", TICKET_MARK),
        ("ticketNote", "text", of_suggestions.MARK),
    ):
        for _, row in write.rows(table):
            marked = mark.search(str(row.get(field) or ""))
            found.add(int(marked[1]) if marked else None)
    return found


def _on(write: Write, field: str, number: object) -> set[int | None]:
    products: list[Row] = [row for row in write.after.marked("dl:") if row.get(field) == number]
    return {order_of(row["integrationXRef"]) for row in products}


def _of_opportunity(write: Write, opportunity: int) -> set[int | None]:
    quotes = {
        number
        for number, document in write.told.quotes.items()
        if document.opportunity(write.moment) == opportunity
    }
    found: set[int | None] = set()
    for order, document in write.told.orders.items():
        body = document.at(write.moment) or {}
        if document.opportunity(write.moment) == opportunity or body.get("quoteID") in quotes:
            found.add(order)
    return found
