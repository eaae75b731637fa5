"""Whether the day ended as the script says: asked of the service, and of ConnectWise itself.

Owns the comparison. Each deviation is one sentence; none of them stops the others from being
found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from sandbox.demo.clients import Office, Service
from sandbox.demo.ending import Ending, Stock
from sandbox.demo.events import Sale
from sandbox.demo.purchases import Purchase

Record = dict[str, Any]
ON_A_TICKET = 0
BOUGHT_THERE = ("B1", "B2")  # whose purchase orders stand in ConnectWise


@dataclass(frozen=True)
class Books:
    """Everything in ConnectWise that orders leave behind."""

    products: list[Record]
    sales_orders: list[Record]
    purchase_orders: list[Record]
    invoices: list[Record]
    catalog: list[Record]
    opportunities: list[Record]
    lines: Mapping[int, list[Record]]  # of each purchase order
    shipped: Mapping[int, int]  # of each product on a sales order

    @property
    def won(self) -> set[int]:
        """Opportunities that are won."""
        return {row["id"] for row in self.opportunities if row["status"]["name"] == "Won"}


def read(office: Office) -> Books:
    purchase_orders = office.rows("/procurement/purchaseorders")
    products = office.rows("/procurement/products")
    return Books(
        products,
        office.rows("/sales/orders"),
        purchase_orders,
        office.rows("/finance/invoices"),
        office.rows("/procurement/catalog"),
        office.rows("/sales/opportunities"),
        {
            row["id"]: office.rows(f"/procurement/purchaseorders/{row['id']}/lineitems")
            for row in purchase_orders
        },
        {row["id"]: _shipped(office, row["id"]) for row in products if row.get("salesOrder")},
    )


def _shipped(office: Office, product: int) -> int:
    details = office.rows(f"/procurement/products/{product}/pickingShippingDetails")
    return sum(int(detail.get("shippedQuantity") or 0) for detail in details)


def planted(endings: Sequence[Ending], other: Mapping[str, str]) -> list[Ending]:
    """The endings with other states expected of some, to see that a wrong one is found."""
    return [
        replace(ending, state=other.get(ending.sale.number, ending.state)) for ending in endings
    ]


def deviations(endings: Sequence[Ending], orders: Mapping[str, Record], books: Books) -> list[str]:
    """Everything that is not as the script says. `orders` is what the service says, by number."""
    wrong: list[str] = []
    for ending in endings:
        wrong += _order(ending, orders[ending.sale.number])
        wrong += _records(ending, books)
    wrong += _nothing_else(endings, books)
    return wrong


def _order(ending: Ending, order: Record) -> list[str]:
    number, answer = ending.sale.number, order["answer"]
    wrong = []
    if order["state"] != ending.state:
        wrong.append(
            f"{number} is {order['state']}, and should be {ending.state}: {answer['sentence']}"
        )
    if answer["code"] != ending.code:
        wrong.append(f"{number} stands at {answer['code']}, and should at {ending.code}.")
    if ending.sentence not in answer["sentence"]:
        wrong.append(f"{number} says {answer['sentence']!r}, without {ending.sentence!r}.")
    return wrong


def _records(ending: Ending, books: Books) -> list[str]:
    """Exactly one record of each kind, or none at all."""
    sale = ending.sale
    if isinstance(sale, Stock):
        return [fault for one in ending.purchases for fault in _purchase(one, None, books)]
    mark = f"dl:default:{sale.id}:"
    ours = [row for row in books.products if str(row.get("integrationXRef", "")).startswith(mark)]
    if ending.way == "B2":
        return _amounts(ending, sale, ours) + [
            fault for one in ending.purchases for fault in _purchase(one, ON_A_TICKET, books)
        ]
    if ending.status is None:
        return [f"{sale.number} left {len(ours)} products in ConnectWise."] if ours else []
    wrong = []
    marks = Counter(row["integrationXRef"] for row in ours)
    if twice := sorted(one for one, times in marks.items() if times > 1):
        wrong.append(f"{sale.number} has products twice: {', '.join(twice)}.")
    wrong += _amounts(ending, sale, ours) + _shipments(ending, sale, ours, books)
    on = {row["salesOrder"]["id"] for row in ours if row.get("salesOrder")}
    if len(on) != 1:
        return [*wrong, f"{sale.number} stands on the sales orders {sorted(on)}, not on one."]
    order = next(row for row in books.sales_orders if row["id"] in on)
    if order["status"]["name"] != ending.status:
        status = order["status"]["name"]
        wrong.append(
            f"Sales order {order['id']} of {sale.number} is {status}, and should be {ending.status}."
        )
    if order["opportunity"]["id"] not in books.won:
        wrong.append(f"Opportunity {order['opportunity']['id']} of {sale.number} is not won.")
    for purchase in ending.purchases if ending.way in BOUGHT_THERE else ():
        wrong += _purchase(purchase, int(order["id"]), books)
    return wrong


def _sold(sale: Sale) -> dict[str, int]:
    """Quantity by what the mark of a product ends with: the line's id, or the header's amount."""
    lines = {
        str(n): quantity for n, goods, quantity in sale.numbered if goods not in sale.recurring
    }
    header = {"delivery": sale.delivery, "surcharge": sale.surcharge, "coupon": sale.coupon}
    return lines | {key: 1 for key, amount in header.items() if Decimal(amount)}


def _left(product: Record) -> Decimal:
    cancelled = Decimal(str(product.get("quantityCancelled") or 0))
    return Decimal(str(product["quantity"])) - cancelled


def _amounts(ending: Ending, sale: Sale, ours: Sequence[Record]) -> list[str]:
    """Line by line, and to the cent together. Of a cancelled order nothing is sold, nor is what
    was deselected: such products stay, with nothing left of their quantity."""
    stands = ending.state != "cancelled"
    there = {row["integrationXRef"].rpartition(":")[2]: int(_left(row)) for row in ours}
    there = {key: left for key, left in there.items() if left}
    wanted = _sold(sale) if stands else {}
    wrong = []
    if there != wanted:
        wrong.append(f"{sale.number} sells {there} in ConnectWise, and should sell {wanted}.")
    billed = sum((Decimal(str(row["price"])) * _left(row) for row in ours), Decimal(0))
    due = sale.billed if stands else Decimal(0)
    if billed != due:
        wrong.append(f"{sale.number} bills {billed} in ConnectWise, and should bill {due}.")
    return wrong


def _shipments(ending: Ending, sale: Sale, ours: Sequence[Record], books: Books) -> list[str]:
    """What suppliers sent straight to the customer is shipped; what came to the warehouse is not
    (D-14)."""
    wanted: Counter[str] = Counter()
    for purchase in ending.purchases:
        skus = {goods.id: goods.number for goods, _ in purchase.lines}
        if purchase.drop_ship:
            wanted.update({skus[goods]: n for goods, n in purchase.arrived.items()})
    there: Counter[str] = Counter()
    for row in ours:
        there[row["catalogItem"]["identifier"]] += books.shipped.get(row["id"], 0)
    if +there != +wanted:
        return [f"{sale.number} has {dict(+there)} shipped, and should have {dict(+wanted)}."]
    return []


def _purchase(purchase: Purchase, sales_order: int | None, books: Books) -> list[str]:
    """The purchase order stands once, every line linked, with what arrived and nothing more. For
    stock (None) no line is linked to anything."""
    found = [row for row in books.purchase_orders if row["poNumber"] == purchase.number]
    if len(found) != 1:
        return [f"{purchase.number} stands {len(found)} times in ConnectWise, not once."]
    wrong = []
    if bool(found[0].get("closedFlag")) is bool(purchase.missing):
        should = "be open" if purchase.missing else "be closed"
        wrong.append(f"{purchase.number} should {should} in ConnectWise.")
    lines = [line for line in books.lines[int(found[0]["id"])] if not line.get("canceledFlag")]
    unlinked = [line["id"] for line in lines if sales_order not in _sales_orders(line)]
    if sales_order == ON_A_TICKET:  # its lines show no sales order; the observer sees the links
        unlinked = []
    if sales_order is None:
        unlinked = [line["id"] for line in lines if _sales_orders(line)]
    if unlinked:
        wrong.append(f"Lines {unlinked} of {purchase.number} are not linked to {sales_order}.")
    received = sum(int(line.get("receivedQuantity") or 0) for line in lines)
    arrived = sum(purchase.arrived.values())
    if received != arrived:
        wrong.append(f"{received} are received on {purchase.number}, and should be {arrived}.")
    ordered = sum(int(line["quantity"]) for line in lines)
    wanted = sum(quantity for _, quantity in purchase.lines)
    if ordered != wanted:
        wrong.append(f"{ordered} are ordered on {purchase.number}, and should be {wanted}.")
    return wrong + _papers(purchase, found[0], lines)


def _papers(purchase: Purchase, header: Record, lines: Sequence[Record]) -> list[str]:
    """Every serial number on its product's lines, once; the freight once, on the whole."""
    wrong = []
    serials: dict[str, list[str]] = {}
    for line in lines:
        told = [one for one in (line.get("serialNumbers") or "").split(",") if one]
        if told:
            serials.setdefault(line["product"]["identifier"], []).extend(told)
    wanted = {sku: sorted(numbers) for sku, numbers in purchase.serials.items()}
    if {sku: sorted(numbers) for sku, numbers in serials.items()} != wanted:
        wrong.append(f"{purchase.number} has the serial numbers {serials}, not {wanted}.")
    freight = Decimal(str(header.get("freightCost") or 0))
    due = Decimal(0) if purchase.missing else Decimal(purchase.freight)
    if freight != due:
        wrong.append(f"{purchase.number} has a freight of {freight}, and should have {due}.")
    return wrong


def _sales_orders(line: Record) -> set[int]:
    return {int(order["id"]) for order in line.get("salesOrder") or []}


def _nothing_else(endings: Sequence[Ending], books: Books) -> list[str]:
    """No record beyond those of the script: a duplicate may carry no mark at all."""
    sold = [ending for ending in endings if ending.status is not None and not ending.guest]
    made = [ending for ending in sold if ending.way != "B2"]
    deals = [ending for ending in endings if ending in made or ending.way == "C"]
    purchases = sum(len(one.purchases) for one in endings if one.way in BOUGHT_THERE)
    invoices = sum(ending.invoices for ending in endings)
    repeated = [
        sku
        for sku, times in Counter(row["identifier"] for row in books.catalog).items()
        if times > 1
    ]
    found = (
        ("sales orders", len(books.sales_orders), len(made)),
        ("opportunities", len(books.opportunities), len(deals)),
        ("purchase orders", len(books.purchase_orders), purchases),
        ("invoices", len(books.invoices), invoices),
    )
    wrong = [
        f"ConnectWise has {there} {what}, and should have {wanted}."
        for what, there, wanted in found
        if there != wanted
    ]
    if repeated:
        wrong.append(f"Catalog items stand twice: {', '.join(repeated)}.")
    return wrong


def orders(endings: Sequence[Ending], service: Service) -> dict[str, Record]:
    """What the service says of each order now."""
    found: dict[str, Record] = {}
    for ending in endings:
        order = service.order(ending.sale.number)
        nobody = {"code": None, "sentence": "nobody knows it", "who": "nobody"}
        found[ending.sale.number] = order or {"state": "unknown", "answer": nobody}
    return found
