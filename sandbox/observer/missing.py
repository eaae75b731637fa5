"""What was accepted and does not stand in ConnectWise, or in the ledger, in the end: the lost.

For a service that had the time to finish, with orders of configurations B1 and C. Owns the law from a
Commerce document to its record; whether anything stands twice or too early is `judge`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.observer.judge import Case
from sandbox.observer.matrix import Rows
from sandbox.observer.mirror import Mirror, line_of, order_of, wanted
from sandbox.observer.of_ledgers import ROUNDING, standing
from sandbox.observer.told import CANCELLED, Json, Told, physical_lines

END = datetime.max.replace(tzinfo=UTC)


def missing(case: Case) -> list[str]:
    """A sentence for each record that should stand by what was accepted, and does not."""
    told, mirror, rows = Told(case.accepted), Mirror(case.first), Rows(case.scenario, case.bound)
    for entry in case.log:
        mirror.apply(entry.get("changed") or ())
    return [
        *_sold(told, mirror, rows),
        *_received(told, mirror, rows),
        *_released(told, mirror, rows, case.ready),
        *_posted(told, case, rows),
    ]


def _placed(told: Told, rows: Rows, row: str) -> Iterator[tuple[int, Json]]:
    """The orders of a configuration as they were told last, without those that were cancelled."""
    for number, document in told.orders.items():
        body = document.at(END)
        if body is not None and body["status"] != CANCELLED and rows.of(number) == row:
            yield number, body


def _sold(told: Told, mirror: Mirror, rows: Rows) -> Iterator[str]:
    """Every line of an order stands on a sales order, in the quantity that was told."""
    there: Counter[tuple[int | None, str]] = Counter()
    for row in mirror.marked("dl:"):
        if row.get("salesOrder") is not None:
            mark = row["integrationXRef"]
            there[order_of(mark), line_of(mark)] += int(wanted(row))
    for number, body in _placed(told, rows, "B1"):
        for line in body["lines"]:
            got, sold = there[number, str(line["id"])], int(line["quantity"])
            if got != sold:
                yield f"Order {number}, line {line['id']}: {sold} sold, {got} on a sales order."


def _received(told: Told, mirror: Mirror, rows: Rows) -> Iterator[str]:
    """What Commerce said to be received stands as received on the purchase order of its number."""
    by_number: dict[str, Counter[str]] = {}
    for record in mirror.rows("purchaseOrder"):
        got = by_number.setdefault(str(record["poNumber"]), Counter())
        for line in mirror.rows("line"):
            if line["purchaseOrderId"] == record["id"]:
                got[mirror.sku(line["product"])] += int(line.get("receivedQuantity") or 0)
    for document in told.purchase_orders.values():
        body = document.at(END)
        if body is None or body["status"] == CANCELLED or rows.of(body["salesOrderID"]) != "B1":
            continue
        names = {product["id"]: str(product["productNumber"]) for product in body["products"]}
        said: Counter[str] = Counter()
        for line in body["lines"]:
            said[names[line["productID"]]] += int(line.get("quantityReceived") or 0)
        number = str(body["orderNumber"])[:50]
        for sku, quantity in (+said).items():
            there = by_number[number][sku] if number in by_number else 0
            if there != quantity:
                yield f"Purchase order {number}: {quantity} {sku} received, {there} there."


def _released(told: Told, mirror: Mirror, rows: Rows, ready: str) -> Iterator[str]:
    """An order whose goods are all received stands ready to invoice."""
    got: Counter[int] = Counter()
    for document in told.purchase_orders.values():
        body = document.at(END)
        if body is not None and body["status"] != CANCELLED and body["salesOrderID"] is not None:
            received = (int(line.get("quantityReceived") or 0) for line in body["lines"])
            got[int(body["salesOrderID"])] += sum(received)
    released = {
        order_of(row["integrationXRef"])
        for row in mirror.marked("dl:")
        if (order := mirror.get("order", row.get("salesOrder"))) is not None
        and mirror.status("orderStatus", order["status"]).get("name") == ready
    }
    for number, body in _placed(told, rows, "B1"):
        if number not in released and got[number] >= sum(physical_lines(body).values()):
            yield f"Order {number} has all its goods and is not released."


def _posted(told: Told, case: Case, rows: Rows) -> Iterator[str]:
    """In C, what was received is billed whole, and what Commerce issued is invoiced whole."""
    documents = standing(case.books)
    for number, _ in _placed(told, rows, "C"):
        bills = [one.total for one in documents if (one.kind, one.order) == ("bill", number)]
        owed, billed = told.owed(number, END), sum(bills, Decimal(0))
        if abs(owed - billed) > ROUNDING * len(bills):
            yield f"Order {number}: goods for {owed} received, bills of {billed} in the ledger."
        invoices = (one.total for one in documents if (one.kind, one.order) == ("invoice", number))
        issued, invoiced = told.issued(number, END), sum(invoices, Decimal(0))
        if issued != invoiced:
            yield f"Order {number}: {issued} invoiced by Commerce, {invoiced} in the ledger."
