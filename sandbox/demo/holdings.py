"""Which system holds what of an order, and whether its amounts agree to the cent.

Owns the reading of what stands in ConnectWise and in the ledger for one order, by what the records
themselves say: marks, numbers, references. Each configuration has its row of what there must be (G9).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.demo.clients import Bookkeeper, Office
from sandbox.demo.ending import Ending, Stock
from sandbox.demo.events import Sale
from sandbox.demo.purchases import Purchase

Record = dict[str, Any]
KINDS = (
    "ticket", "opportunity", "products", "sales order", "purchase order", "suggestion",
    "invoice", "ledger order", "bill",
)  # fmt: skip
# G9: what there is of an order that has gone all the way. What is of ConnectWise's kinds stands
# there, invoice and bill in the ledger.
MATRIX: Mapping[str, frozenset[str]] = {
    "A": frozenset({"ticket", "opportunity", "products", "sales order", "ledger order", "bill"}),
    "B1": frozenset({"ticket", "opportunity", "products", "sales order", "purchase order"}),
    "B2": frozenset({"ticket", "products", "purchase order"}),
    "C": frozenset({"ticket", "opportunity", "invoice", "ledger order", "bill"}),
    "D": frozenset({"ticket", "opportunity", "products", "sales order", "suggestion"}),
}
IN_LEDGER = ("invoice", "ledger order", "bill")


@dataclass
class Holding:
    """What stands of one order. `addresses` by kind, of each record; amounts as the systems say
    them, None: the system bills or owes nothing of it."""

    ending: Ending
    sale: Sale
    records: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    billed: Decimal | None = None  # ConnectWise's products, before tax
    ordered: Decimal | None = None  # ConnectWise's purchase orders, before tax
    invoiced: Decimal | None = None  # the ledger's invoices, with tax
    owed: Decimal | None = None  # the ledger's bills, with tax

    def hold(self, kind: str, number: Any, address: str) -> None:
        self.records.setdefault(kind, []).append(str(number))
        self.addresses.setdefault(kind, []).append(address)

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        return self.ending.purchases

    def faults(self) -> Iterator[str]:
        """Records that are too many, missing or of a wrong amount, each as a sentence."""
        number, way = self.ending.sale.number, self.ending.way
        there, there_must_be = set(self.records), MATRIX[way]
        for kind in KINDS:
            if (kind in there) != (kind in there_must_be):
                has = "has" if kind in there else "lacks"
                yield f"{number} {has} a record of {kind}, which configuration {way} decides (G9)."
        for what, told, stands in self.amounts():
            if told != stands:
                yield f"{number}: {what} should be {told}, and is {stands}."

    def amounts(self) -> list[tuple[str, Decimal, Decimal]]:
        """What, as Commerce tells it, as the other system says it."""
        sale = self.sale
        found: list[tuple[str, Decimal, Decimal]] = []
        if self.billed is not None:
            found.append(("sold, before tax", sale.billed, self.billed))
        if self.invoiced is not None:
            found.append(("sold, with tax", sale.total, self.invoiced))
        net = sum((one.ordered for one in self.purchases), Decimal(0))
        owed = sum((one.owed for one in self.purchases), Decimal(0))
        if self.ordered is not None:
            found.append(("bought, before tax", net, self.ordered))
        if self.owed is not None:
            found.append(("bought, with tax", owed, self.owed))
        return found


def of(endings: Sequence[Ending], office: Office, bookkeeper: Bookkeeper) -> list[Holding]:
    """What stands of each order that has gone all the way."""
    records = _Records(office, bookkeeper)
    return [
        records.of(ending)
        for ending in endings
        if ending.state == "done" and not ending.guest and not isinstance(ending.sale, Stock)
    ]


class _Records:
    """Everything that stands in both, read once."""

    def __init__(self, office: Office, bookkeeper: Bookkeeper) -> None:
        self._office, self._books = office, bookkeeper
        self._tickets = office.rows("/service/tickets")
        self._products = office.rows("/procurement/products")
        self._opportunities = {row["id"]: row for row in office.rows("/sales/opportunities")}
        self._sales_orders = {row["id"]: row for row in office.rows("/sales/orders")}
        self._purchase_orders = office.rows("/procurement/purchaseorders")
        self._documents = bookkeeper.documents()
        self._ledger_orders = bookkeeper.purchase_orders()

    def of(self, ending: Ending) -> Holding:
        assert isinstance(ending.sale, Sale)  # noqa: S101 - `of` leaves the others out
        sale, held = ending.sale, Holding(ending, ending.sale)
        self._sold(sale, held)
        for row in self._purchase_orders:
            if row["poNumber"] in {purchase.number for purchase in ending.purchases}:
                held.hold("purchase order", row["id"], self._at("procurement/purchaseorders", row))
                held.ordered = (held.ordered or Decimal(0)) + self._ordered(row)
        for row in self._ledger_orders:
            if row["PurchaseOrderNumber"] in {purchase.number for purchase in ending.purchases}:
                address = self._books.address_of_order(row)
                held.hold("ledger order", row["PurchaseOrderNumber"], address)
        invoices = {f"INV-{p.id}-{n}" for p in ending.purchases for n in range(1, p.receipts + 1)}
        for document in self._documents:
            own = Decimal(str(document["Total"]))
            address = self._books.address(document)
            refers = str(document.get("Reference") or "").partition(" ")[0]
            if document["Type"] == "ACCREC" and refers == sale.number:
                held.hold("invoice", document["InvoiceNumber"], address)
                held.invoiced = (held.invoiced or Decimal(0)) + own
            if document["Type"] == "ACCPAY" and document["InvoiceNumber"] in invoices:
                held.hold("bill", document["InvoiceNumber"], address)
                held.owed = (held.owed or Decimal(0)) + own
        return held

    def _sold(self, sale: Sale, held: Holding) -> None:
        """What stands in ConnectWise of the sale: by our marks, or by the order's number."""
        mark = f"dl:default:{sale.id}:"
        ours = [p for p in self._products if str(p.get("integrationXRef")).startswith(mark)]
        for ticket in self._tickets:
            if ticket.get("externalXRef") == f"{mark}ticket":
                held.hold("ticket", ticket["id"], self._at("service/tickets", ticket))
                notes = self._office.rows(f"/service/tickets/{ticket['id']}/notes")
                for note in notes:
                    if "suggest" in str(note.get("text")).lower():
                        address = f"{self._at('service/tickets', ticket)}/notes/{note['id']}"
                        held.hold("suggestion", note["id"], address)
        sold_on = {p["salesOrder"]["id"] for p in ours if p.get("salesOrder")}
        deals = {p["opportunity"]["id"] for p in ours if p.get("opportunity")}
        for row in (self._sales_orders[number] for number in sorted(sold_on)):
            held.hold("sales order", row["id"], self._at("sales/orders", row))
            deals |= {row["opportunity"]["id"]} if row.get("opportunity") else set()
        deals |= {
            n for n, row in self._opportunities.items() if str(row["name"]).startswith(sale.number)
        }
        for number in sorted(deals):
            deal = self._opportunities[number]
            if deal["status"]["name"] == "Won":
                held.hold("opportunity", number, self._at("sales/opportunities", deal))
        for product in ours:
            held.hold("products", product["id"], self._at("procurement/products", product))
        if ours:
            left = [(p, Decimal(str(p["quantity"]))) for p in ours]
            held.billed = sum(
                (
                    Decimal(str(p["price"])) * (n - Decimal(str(p.get("quantityCancelled") or 0)))
                    for p, n in left
                ),
                Decimal(0),
            )

    def _ordered(self, row: Record) -> Decimal:
        lines = self._office.rows(f"/procurement/purchaseorders/{row['id']}/lineitems")
        goods = sum(
            (
                Decimal(str(line["unitCost"])) * Decimal(str(line["quantity"]))
                for line in lines
                if not line.get("canceledFlag")
            ),
            Decimal(0),
        )
        return goods + Decimal(str(row.get("freightCost") or 0))

    def _at(self, path: str, row: Record) -> str:
        return f"{self._office.url}/{path}/{row['id']}"


def strangers(holdings: Sequence[Holding], bookkeeper: Bookkeeper) -> list[str]:
    """Documents of the ledger that belong to no order of the day, or to one a second time."""
    known = [one for held in holdings for kind in IN_LEDGER for one in held.addresses.get(kind, [])]
    there = [bookkeeper.address(document) for document in bookkeeper.documents()]
    there += [bookkeeper.address_of_order(row) for row in bookkeeper.purchase_orders()]
    return [f"{one} in the ledger is of no order." for one in there if known.count(one) != 1]


def table(holdings: Sequence[Holding]) -> list[tuple[str, ...]]:
    """One row for each order: a cell for each kind."""
    rows = []
    for held in holdings:
        cells = []
        for kind in KINDS:
            numbers = held.records.get(kind, [])
            cells.append(numbers[0] if len(numbers) == 1 else str(len(numbers) or ""))
        rows.append((f"{held.ending.way} {held.ending.sale.number}", *cells))
    return rows


def totals(holdings: Sequence[Holding]) -> list[tuple[str, ...]]:
    """One row for each order and amount: as Commerce tells it, as the others say it."""
    return [
        (
            f"{held.ending.way} {held.ending.sale.number}",
            what,
            f"{wants:.2f}",
            f"{has:.2f}",
            f"{has - wants:.2f}",
        )
        for held in holdings
        for what, wants, has in held.amounts()
    ]


def links(held: Holding) -> list[tuple[str, ...]]:
    """The address of the first record of each kind."""
    return [
        (f"{held.ending.way} {kind} {held.records[kind][0]}", held.addresses[kind][0])
        for kind in KINDS
        if kind in held.records
    ]
