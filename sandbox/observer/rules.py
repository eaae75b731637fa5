"""The rules of order, each asked at every write of the service.

Owns one function a rule; each gives (rule id, Commerce order or None, sentence) for what it sees
broken. Rules of BEFORE are asked with the state just before the write, those of AFTER just after.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.observer.matrix import NOT_RECEIVED_THERE, Rows
from sandbox.observer.mirror import Mirror, Row, line_of, order_of, placed, wanted
from sandbox.observer.told import Told, physical_lines
from sandbox.observer.whose import Broken, of_others, purchase_order_of, told_of

OPPORTUNITY = re.compile(r"^/sales/opportunities/(\d+)(/.*)?$")
CONVERT = "/convertToSalesOrder"
STATUS_ONLY = {"status", "closedDate", "closedBy", "_info", "pipelineChangeDate", "probability"}


class Before:
    """The rows that a write touches, as they were before it, while the mirror moves on."""

    def __init__(self, mirror: Mirror, changed: Iterable[Mapping[str, Any]]) -> None:
        self._rows = {
            (change["table"], int(change["id"])): mirror.get(change["table"], change["id"])
            for change in changed
        }

    def get(self, table: str, number: Any) -> Row | None:
        """The row as it was, None where the write made it."""
        return self._rows.get((table, int(number)))


@dataclass(frozen=True)
class Write:
    """One write of the service that took effect."""

    entry: Mapping[str, Any]
    before: Before
    after: Mirror  # as before the write while rules of BEFORE are asked
    changed: Iterable[Mapping[str, Any]]
    told: Told
    moment: datetime
    matrix: Rows
    ready: str
    lost_on_decline: bool = False

    @property
    def path(self) -> str:
        return str(self.entry["path"])

    def rows(self, table: str) -> Iterator[tuple[Row | None, Row]]:
        """(before, after) of the rows of a table that the write made or changed."""
        for change in self.changed:
            if change["table"] == table and change["row"] is not None:
                yield self.before.get(table, change["id"]), change["row"]


PARENTS = {"order": "salesOrder", "ticket": "ticket"}  # what is invoiced: table, field
Rule = Callable[[Write], Iterable[Broken]]


# --- with the state before ----------------------------------------------------------------------


def won_before_conversion(write: Write) -> Iterator[Broken]:
    """B1.4 before B1.6: only a won opportunity is converted."""
    found = OPPORTUNITY.match(write.path)
    if found is None or found[2] != CONVERT:
        return
    opportunity = write.after.get("opportunity", found[1])
    status = write.after.status("opportunityStatus", (opportunity or {}).get("status"))
    if not status.get("wonFlag"):
        yield "B1.4", None, f"Opportunity {found[1]} was converted before it was won."


def frozen_opportunity(write: Write) -> Iterator[Broken]:
    """D-1: a closed opportunity is frozen, save for its status."""
    for table, field in (("opportunity", "id"), ("forecastItem", "opportunity")):
        for old, new in write.rows(table):
            opportunity = write.after.get("opportunity", new[field])
            status = write.after.status("opportunityStatus", (opportunity or {}).get("status"))
            if not status.get("closedFlag") or old is None:
                continue
            if table == "opportunity" and write.path.endswith(CONVERT):
                continue  # what the conversion itself leaves there
            names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
            if not names <= STATUS_ONLY:
                told = ", ".join(sorted(names - STATUS_ONLY))
                sentence = f"{told} of {table} {new['id']} changed while opportunity"
                yield "D-1", None, f"{sentence} {new[field]} was closed."
    if not write.path.startswith("/procurement/products"):
        return  # an opportunity's status shows on its products too
    for old, new in write.rows("product"):
        opportunity = write.after.get("opportunity", new.get("opportunity"))
        status = write.after.status("opportunityStatus", (opportunity or {}).get("status"))
        kept = (old or new).get("salesOrder") is not None
        if status.get("closedFlag") and not kept:
            order = order_of(new.get("integrationXRef"))
            sentence = f"Product {new['id']} was written while opportunity {new['opportunity']}"
            yield "D-1", order, f"{sentence} was closed."


def linked_after_sales_order(write: Write) -> Iterator[Broken]:
    """B1.7, B1.12: demand is linked for products that stand on a sales order and no invoice."""
    for old, new in write.rows("link"):
        if old is not None and float(old["quantity"]) >= float(new["quantity"]):
            continue
        product = write.after.get("product", new["product"])
        if product is None:
            continue
        order = order_of(product.get("integrationXRef"))
        if not placed(product):
            yield "B1.7", order, f"Product {product['id']} was linked before its sales order stood."
        if product.get("invoice") is not None:
            sentence = f"Product {product['id']} was linked behind invoice {product['invoice']}."
            yield "D-7", order, sentence


def received_linked(write: Write) -> Iterator[Broken]:
    """B1.7, B1.9, B1.12: what is received is linked, on a sales order, and not invoiced."""
    for old, new in write.rows("line"):
        grown = _received(new) - (_received(old) if old is not None else 0)
        if grown <= 0 or (old is None and not _touches_received(write)):
            continue
        links = write.after.links_of_line(int(new["id"]))
        for link in links:
            product = write.after.get("product", link["product"])
            if product is None:
                continue
            order = order_of(product.get("integrationXRef"))
            if not placed(product):
                sentence = f"Line {new['id']} was received before product {product['id']}"
                yield "B1.7", order, f"{sentence} stood on a sales order."
            if product.get("invoice") is not None:
                sentence = f"Line {new['id']} was received behind invoice {product['invoice']}."
                yield "D-7", order, sentence
            yield from of_others(write.after, write.told, write.moment, link, "received")
        if not links:
            yield from _should_be_linked(write, new)


def _touches_received(write: Write) -> bool:
    body = write.entry.get("body")
    return "receivedQuantity" in str(body)


def _should_be_linked(write: Write, line: Row) -> Iterator[Broken]:
    """A line without a link is surplus or stock, unless the order still has open demand for it."""
    body = told_of(write.after, write.told, write.moment, line)
    order = body.get("salesOrderID") if body is not None else None
    if order is None:
        return
    for product in write.after.marked("dl:"):
        same = product["catalogItem"] == line["product"]
        ours = same and order_of(product["integrationXRef"]) == int(order)
        if ours and write.after.open_demand(product) > 0:
            sentence = f"Line {line['id']} was received unlinked while product"
            yield "B1.9", int(order), f"{sentence} {product['id']} has open demand."
            return


def released_with_its_goods(write: Write) -> Iterator[Broken]:
    """B1.11, D-15: a sales order is released once its goods are there, or some are shipped."""
    known = (write.after, write.told, write.moment, write.matrix)
    for old, new in write.rows("order"):
        status = write.after.status("orderStatus", new["status"])
        was = old["status"] if old is not None else None
        if status.get("name") == write.ready and was != new["status"]:
            yield from short_of_goods(*known, new)
    for old, new in write.rows("ticket"):
        status = write.after.status("boardStatus", new["status"])
        was = old["status"] if old is not None else None
        if status.get("name") == write.ready and was != new["status"]:
            yield from short_of_goods(*known, new, "ticket")
    for before, invoice in write.rows("invoice"):
        for table, field in PARENTS.items():
            parent = write.after.get(table, invoice.get(field))
            if before is None and parent is not None:
                yield from short_of_goods(*known, parent, field)


def short_of_goods(
    mirror: Mirror,
    told: Told,
    moment: datetime,
    matrix: Rows,
    parent: Row,
    field: str = "salesOrder",
) -> Iterator[Broken]:
    """What of the orders on a sales order or ticket is neither received nor shipped as its policy
    asks."""
    on = [row for row in mirror.marked("dl:") if row.get(field) == parent["id"]]
    named = f"{'Ticket' if field == 'ticket' else 'Sales order'} {parent['id']}"
    by_order: dict[int, dict[str, Row]] = {}
    for product in on:
        order = order_of(product["integrationXRef"])
        if order is not None:
            by_order.setdefault(order, {})[line_of(product["integrationXRef"])] = product
    for order, products in by_order.items():
        document = told.orders.get(order)
        body = document.at(moment) if document is not None else None
        if body is None or body.get("fulfillmentStatus") == 1:
            continue
        needed = {key: n for key, n in physical_lines(body).items() if n > 0}
        if parent.get("billShippedFlag"):
            some = any(mirror.shipped(product["id"]) for product in products.values())
            if needed and not some:
                yield "B1.11", order, f"{named} was released unshipped."
            continue
        if matrix.of(order) in NOT_RECEIVED_THERE:
            continue
        for key, quantity in needed.items():
            own = products.get(key)
            got = mirror.received(own["id"]) if own is not None else 0.0
            if got < quantity:
                sentence = f"{named} was released with {got:g} of"
                yield "B1.11", order, f"{sentence} {quantity} of line {key} received."


# --- with the state after -----------------------------------------------------------------------


def received_as_told(write: Write) -> Iterator[Broken]:
    """H2: never more is received than Commerce said by then, and never more than is ordered."""
    for old, new in write.rows("line"):
        if _received(new) <= (_received(old) if old is not None else 0):
            continue
        if _received(new) > float(new["quantity"]):
            sentence = f"Line {new['id']} has {_received(new):g} of {new['quantity']:g} received."
            yield "H2", None, sentence
        purchase = purchase_order_of(write.after, write.told, new)
        if purchase is None:
            continue
        item = write.after.get("catalog", new["product"]) or {}
        sku, part = write.after.sku(new["product"]), item.get("manufacturerPartNumber")
        there = sum(
            _received(line)
            for line in write.after.rows("line")
            if line["purchaseOrderId"] == new["purchaseOrderId"]
            and line["product"] == new["product"]
        )
        most = write.told.received(purchase, write.moment, sku, part)
        if there > most:
            sentence = f"{there:g} {sku} are received on purchase order {new['purchaseOrderId']};"
            yield "H2", None, f"{sentence} Commerce had told {most}."


def nothing_twice(write: Write) -> Iterator[Broken]:
    """H1, H9: one record of each kind."""
    for table, field, what in (
        ("catalog", "identifier", "catalog items"),
        ("purchaseOrder", "poNumber", "purchase orders"),
    ):
        for old, new in write.rows(table):
            if old is not None and old.get(field) == new.get(field):
                continue
            same = [row["id"] for row in write.after.rows(table) if row[field] == new[field]]
            if len(same) > 1:
                yield "H1", None, f"{what} {same} have the same {field} {new[field]}."
    for old, new in write.rows("product"):
        mark = new.get("integrationXRef")
        if order_of(mark) is None or (old is not None and old.get("integrationXRef") == mark):
            continue
        yield from _marked_twice(write.after, str(mark))
    for old, new in write.rows("invoice"):
        if old is None:
            same = [
                row["id"]
                for row in write.after.rows("invoice")
                if all(row.get(field) == new.get(field) for field in PARENTS.values())
                and row.get("reference") == new.get("reference")
            ]
            if len(same) > 1:
                yield "H1", None, f"Invoices {same} have the same reference {new['reference']}."
    yield from _one_sales_order(write)


def _marked_twice(mirror: Mirror, mark: str) -> Iterator[Broken]:
    """A conversion that copies leaves the marked product on the opportunity: another parent."""
    on = Counter(
        "sales order"
        if row.get("salesOrder") is not None
        else "ticket"
        if row.get("ticket") is not None
        else "opportunity"
        for row in mirror.marked(mark)
        if row["integrationXRef"] == mark
    )
    for parent, times in on.items():
        if times > 1:
            yield "H1", order_of(mark), f"{times} products on a {parent} carry the mark {mark}."


def _one_sales_order(write: Write) -> Iterator[Broken]:
    for old, new in write.rows("order"):
        if old is not None:
            continue
        orders = {
            order_of(row["integrationXRef"])
            for row in write.after.marked("dl:")
            if row.get("salesOrder") == new["id"]
        }
        for order in orders - {None}:
            on = {
                row["salesOrder"]
                for row in write.after.marked("dl:")
                if order_of(row["integrationXRef"]) == order and row.get("salesOrder") is not None
            }
            if len(on) > 1:
                yield "H1", order, f"Products of one order stand on sales orders {sorted(on)}."


def linked_within_demand(write: Write) -> Iterator[Broken]:
    """B1.9: never more is linked than the product is sold."""
    for _, new in write.rows("link"):
        product = write.after.get("product", new["product"])
        if product is None:
            continue
        links = write.after.links_of_product(product["id"])
        linked = sum(float(link["quantity"]) for link in links)
        if linked > wanted(product):
            sentence = f"Product {product['id']} has {linked:g} linked of {wanted(product):g}."
            yield "B1.9", order_of(product.get("integrationXRef")), sentence


def shipped_within_order(write: Write) -> Iterator[Broken]:
    """D-14: never more is shipped than is sold."""
    for _, new in write.rows("shipping"):
        product = write.after.get("product", new["productItem"])
        if product is not None and write.after.shipped(product["id"]) > wanted(product):
            sentence = f"{write.after.shipped(product['id']):g} of product {product['id']} are"
            order = order_of(product.get("integrationXRef"))
            yield "D-14", order, f"{sentence} shipped, {wanted(product):g} are sold."


def _received(line: Row) -> float:
    return float(line.get("receivedQuantity") or 0)


BEFORE: tuple[Rule, ...] = (
    won_before_conversion,
    frozen_opportunity,
    linked_after_sales_order,
    received_linked,
    released_with_its_goods,
)
AFTER: tuple[Rule, ...] = (
    received_as_told,
    nothing_twice,
    linked_within_demand,
    shipped_within_order,
)
