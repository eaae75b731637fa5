"""What Commerce had told at a moment: the accepted events, as documents with their time.

Owns reading them and nothing else. The newest version of a document is the one with the latest
`modifiedDate` among those accepted by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Json = Mapping[str, Any]
CANCELLED = 90
CENT = Decimal("0.01")
DECLINED = 90
PHYSICAL = (0, 3)  # physical goods and bundles have to come before they are invoiced


@dataclass
class Document:
    """Every accepted version of one document, with when it was accepted."""

    versions: list[tuple[datetime, Json]] = field(default_factory=list)

    def at(self, moment: datetime) -> Json | None:
        """The newest version of those accepted by then."""
        known = [body for when, body in self.versions if when <= moment]
        return max(known, key=lambda body: str(body.get("modifiedDate", "")), default=None)

    def ever(self, moment: datetime) -> list[Json]:
        return [body for when, body in self.versions if when <= moment]

    def opportunity(self, moment: datetime) -> int | None:
        """The opportunity that it names: a version that carries none does not take it back."""
        named = [
            (str(body.get("modifiedDate", "")), number)
            for body in self.ever(moment)
            if (number := (body.get("connectwise") or {}).get("opportunityId")) is not None
        ]
        return int(max(named)[1]) if named else None


class Told:
    """The accepted events, each with when it was sent: the service cannot have known it before."""

    def __init__(self, accepted: Iterable[tuple[datetime, Json]]) -> None:
        self.orders: dict[int, Document] = {}
        self.purchase_orders: dict[int, Document] = {}
        self.quotes: dict[int, Document] = {}
        self.receipts: dict[str, Document] = {}
        self.invoices: dict[int, Document] = {}  # sales invoices
        self.numbers: dict[str, int] = {}  # purchase order number to its Commerce id
        # Which purchase orders were ever told of an order, and which receipts of a purchase order:
        # a long log has hundreds of each.
        self._bought: dict[int | None, set[int]] = {}
        self._receipts_of: dict[int, set[str]] = {}
        for when, event in accepted:
            self.take(when, event)

    def take(self, when: datetime, event: Json) -> None:
        """One more event that was accepted."""
        data = event.get("data") or {}
        order, purchase = data.get("salesOrder"), data.get("purchaseOrder")
        quote, receipt = data.get("quote"), data.get("receipt")
        if invoice := data.get("salesInvoice"):
            known = self.invoices.setdefault(int(invoice["id"]), Document())
            known.versions.append((when, invoice))
        if receipt:
            known = self.receipts.setdefault(str(receipt["id"]), Document())
            known.versions.append((when, receipt))
            self._receipts_of.setdefault(receipt["purchaseOrderID"], set()).add(str(receipt["id"]))
        if quote:
            self.quotes.setdefault(int(quote["id"]), Document()).versions.append((when, quote))
        if order:
            self.orders.setdefault(int(order["id"]), Document()).versions.append((when, order))
        if purchase:
            known = self.purchase_orders.setdefault(int(purchase["id"]), Document())
            known.versions.append((when, purchase))
            self._bought.setdefault(purchase.get("salesOrderID"), set()).add(int(purchase["id"]))
            self.numbers[str(purchase["orderNumber"])[:50]] = int(purchase["id"])

    def received(
        self, purchase_order: int, moment: datetime, identifier: str, part: str | None
    ) -> int:
        """The most that was ever said to be received by then of what may stand on a catalog item:
        of products with its identifier or its part number (A3), in any case, as ConnectWise
        compares."""
        most: dict[int, int] = {}
        called: dict[int, set[str]] = {}
        known = self.purchase_orders.get(purchase_order)
        for body in known.ever(moment) if known is not None else ():
            products = {product["id"]: product for product in body["products"]}
            for line in body["lines"]:
                product = products.get(line["productID"]) or {}
                number = product.get("productNumber") or f"COMMERCE-{line['productID']}"
                names = (f"id {number}", f"part {product.get('manufacturerPartNumber')}")
                called[line["id"]] = {name.casefold() for name in names}
                got = int(line.get("quantityReceived") or 0)
                most[line["id"]] = max(most.get(line["id"], 0), got)
        item = {f"id {identifier}".casefold(), f"part {part or '?'}".casefold()}
        return sum(quantity for line, quantity in most.items() if called[line] & item)

    def owed(self, order: int | None, moment: datetime, stock: int | None = None) -> Decimal:
        """The most that suppliers can ask for by then: what was ever said to be received, at its
        price and tax for a piece, with costs and freight. `stock`: a purchase order for stock,
        where there is no order."""
        total = Decimal(0)
        for number in sorted(self._bought.get(order, ())):
            if order is None and number != stock:
                continue
            document = self.purchase_orders[number]
            most: dict[int, Decimal] = {}
            costs = Decimal(0)
            for body in document.ever(moment):
                if body.get("salesOrderID") != order:
                    continue
                for line in body["lines"]:
                    got = int(line.get("quantityReceived") or 0)
                    each = _money(line, "price") + _money(line, "tax")
                    most[line["id"]] = max(most.get(line["id"], Decimal(0)), got * each)
                every = body.get("costs") or ()
                costs = max(costs, _costs(every))
            freights = [
                max(_money(body, "freight") for body in known)
                for receipt in sorted(self._receipts_of.get(number, ()))
                if (known := self.receipts[receipt].ever(moment))
                and known[0]["purchaseOrderID"] == number
            ]
            if any(most.values()):
                total += sum(most.values(), costs) + sum(freights, Decimal(0))
        return total

    def issued(self, order: int, moment: datetime) -> Decimal:
        """The most that Commerce's sales invoices of an order came to by then, with tax told for a
        piece."""
        return sum(
            (
                max(_invoiced(body) for body in known)
                for document in self.invoices.values()
                if (known := document.ever(moment)) and known[0]["salesOrderID"] == order
            ),
            Decimal(0),
        )


def _money(body: Json, name: str) -> Decimal:
    return Decimal(str(body.get(name) or 0))


def _costs(costs: Iterable[Json]) -> Decimal:
    return sum((_money(one, "amount") + _money(one, "tax") for one in costs), Decimal(0))


def _invoiced(invoice: Json) -> Decimal:
    """Each line rounded to cents, as it is invoiced; a discount takes off, whatever its sign."""
    total = Decimal(0)
    for line in invoice["lines"]:
        quantity = _money(line, "quantity")
        for name in ("price", "tax"):
            amount = (_money(line, name) * quantity).quantize(CENT, ROUND_HALF_UP)
            total += -abs(amount) if line.get("kind") == "discount" else amount
    return total


def physical_lines(order: Json) -> dict[str, int]:
    """Quantity that has to come from suppliers, by line id: physical, sold once, not from stock."""
    kinds = {product["id"]: product.get("type", 0) for product in order["products"]}
    return {
        str(line["id"]): int(line["quantity"]) - int(line.get("quantityFromStock") or 0)
        for line in order["lines"]
        if not line.get("isRecurring") and kinds.get(line["productID"], 0) in PHYSICAL
    }
