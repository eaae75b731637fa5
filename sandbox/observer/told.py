"""What Commerce had told at a moment: the accepted events, as documents with their time.

Owns reading them and nothing else. The newest version of a document is the one with the latest
`modifiedDate` among those accepted by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Json = Mapping[str, Any]
CANCELLED = 90
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
        self.numbers: dict[str, int] = {}  # purchase order number to its Commerce id
        for when, event in accepted:
            data = event.get("data") or {}
            order, purchase = data.get("salesOrder"), data.get("purchaseOrder")
            quote = data.get("quote")
            if quote:
                self.quotes.setdefault(int(quote["id"]), Document()).versions.append((when, quote))
            if order:
                self.orders.setdefault(int(order["id"]), Document()).versions.append((when, order))
            if purchase:
                known = self.purchase_orders.setdefault(int(purchase["id"]), Document())
                known.versions.append((when, purchase))
                self.numbers[str(purchase["orderNumber"])[:50]] = int(purchase["id"])

    def sales_order(self, purchase_order: int | None) -> int | None:
        """The order that a purchase order was last told for."""
        known = self.purchase_orders.get(purchase_order or 0)
        body = known.at(datetime.max.replace(tzinfo=UTC)) if known is not None else None
        return int(body["salesOrderID"]) if body and body.get("salesOrderID") else None

    def received(self, purchase_order: int, moment: datetime) -> dict[str, int]:
        """The most that was ever said to be received by then, by product number in small letters:
        ConnectWise compares identifiers without regard to case."""
        most: dict[int, int] = {}
        skus: dict[int, str] = {}
        known = self.purchase_orders.get(purchase_order)
        for body in known.ever(moment) if known is not None else ():
            numbers = {product["id"]: product["productNumber"] for product in body["products"]}
            for line in body["lines"]:
                product = line["productID"]
                skus[line["id"]] = str(numbers.get(product, f"COMMERCE-{product}")).casefold()
                got = int(line.get("quantityReceived") or 0)
                most[line["id"]] = max(most.get(line["id"], 0), got)
        result: dict[str, int] = {}
        for line_id, quantity in most.items():
            result[skus[line_id]] = result.get(skus[line_id], 0) + quantity
        return result


def physical_lines(order: Json) -> dict[str, int]:
    """Quantity that has to come from suppliers, by line id: physical, sold once, not from stock."""
    kinds = {product["id"]: product.get("type", 0) for product in order["products"]}
    return {
        str(line["id"]): int(line["quantity"]) - int(line.get("quantityFromStock") or 0)
        for line in order["lines"]
        if not line.get("isRecurring") and kinds.get(line["productID"], 0) in PHYSICAL
    }
