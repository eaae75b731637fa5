"""A supplier purchase order of the demo, and its receipts, as Commerce would tell them.

Owns the form of purchase order and receipt; what arrived is counted here, so that a story says only
what comes next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.demo.events import (
    CANCELLED,
    CENT,
    TAX,
    Event,
    Lines,
    Sale,
    json_number,
    message,
    moment,
)
from sandbox.demo.goods import Goods, Party


@dataclass
class Purchase:
    """A purchase order of a sale to one supplier, or for stock without one. `receive` counts what
    has arrived, so build the events in the order of the day and post them as you like."""

    id: int
    sale: Sale | None
    supplier: Party
    lines: Lines
    drop_ship: bool = False
    freight: str = "0"  # what the supplier takes for the transport, once
    taxed: bool = False  # by the supplier, freight included
    arrived: dict[int, int] = field(default_factory=dict)
    serials: dict[str, set[str]] = field(default_factory=dict)  # told so far, by product number
    receipts: int = 0

    @property
    def number(self) -> str:
        return f"PO1000{self.id}"

    def approved(self) -> Event:
        """purchase_order.approved: ordered at the supplier."""
        when = moment()
        return message("purchase_order.approved", when, purchaseOrder=self._document(when))

    def cancelled(self) -> Event:
        """purchase_order.cancelled: it will not come."""
        when = moment()
        document = {**self._document(when), "status": CANCELLED}
        return message("purchase_order.cancelled", when, purchaseOrder=document)

    def corrected(self, goods: Goods, arrived: int) -> Event:
        """purchase_order.updated: fewer have arrived than was said before."""
        self.arrived[goods.id] = arrived
        when = moment()
        return message("purchase_order.updated", when, purchaseOrder=self._document(when))

    def told_again(self, event: Event) -> Event:
        """The same receipt with its serial numbers, later."""
        when = moment()
        goods = [ordered for ordered, _ in self.lines]
        receipt = {**event["data"]["receipt"], "receivedDate": when}
        receipt["lines"] = [
            {
                **line,
                "serialNumbers": self._serials(
                    goods[line["purchaseOrderLineID"] - 1], 0, line["quantity"]
                ),
            }
            for line in receipt["lines"]
        ]
        document = self._document(when)
        return message("purchase_order.receipted", when, receipt=receipt, purchaseOrder=document)

    def _serials(self, goods: Goods, before: int, quantity: int) -> list[str]:
        if not goods.serialized:
            return []
        found = [f"{self.id}-{goods.id}-{before + n:03}" for n in range(1, quantity + 1)]
        self.serials.setdefault(goods.number, set()).update(found)
        return found

    def receive(
        self, goods: Mapping[Goods, int] | None = None, *, with_serials: bool = True
    ) -> Event:
        """purchase_order.receipted: these quantities came; by default all that is missing."""
        came = dict(goods) if goods is not None else self.missing
        self.receipts += 1
        lines = []
        for sold, quantity in came.items():
            before = self.arrived.get(sold.id, 0)
            self.arrived[sold.id] = before + quantity
            lines.append(
                {
                    "purchaseOrderLineID": self._line_id(sold),
                    "quantity": quantity,
                    "serialNumbers": self._serials(sold, before, quantity) if with_serials else [],
                }
            )
        when = moment()
        receipt = {
            "id": f"{self.id}-{self.receipts}",
            "purchaseOrderID": self.id,
            "receivedDate": when,
            "packingSlip": f"SLIP-{self.id}-{self.receipts}",
            "supplierInvoiceNumber": f"INV-{self.id}-{self.receipts}",
            "supplierInvoiceDate": when,
            "dueDate": None,
            "trackingNumber": None,
            "freight": None,
            "lines": lines,
        }
        document = self._document(when)
        return message("purchase_order.receipted", when, receipt=receipt, purchaseOrder=document)

    @property
    def missing(self) -> dict[Goods, int]:
        left = {goods: quantity - self.arrived.get(goods.id, 0) for goods, quantity in self.lines}
        return {goods: quantity for goods, quantity in left.items() if quantity > 0}

    def _line_id(self, goods: Goods) -> int:
        return 1 + [ordered for ordered, _ in self.lines].index(goods)

    def _document(self, when: str) -> dict[str, Any]:
        lines = [
            {
                "id": self._line_id(goods),
                "purchaseOrderID": self.id,
                "productID": goods.id,
                "lineNumber": self._line_id(goods),
                "title": goods.title,
                "description": None,
                "price": json_number(Decimal(goods.cost)),
                "tax": json_number(Decimal(goods.cost) * TAX) if self.taxed else 0,
                "taxRate": json_number(TAX) if self.taxed else None,
                "landedCost": json_number(Decimal(goods.cost)),
                "quantity": quantity,
                "quantityReceived": self.arrived.get(goods.id, 0),
                "salesOrderLineID": None,
            }
            for goods, quantity in self.lines
        ]
        complete = not self.missing
        return {
            "id": self.id,
            "orderNumber": self.number,
            "reference": self.sale.number if self.sale is not None else None,
            "supplierID": self.supplier.id,
            "warehouseID": 1,
            "salesOrderID": self.sale.id if self.sale is not None else None,
            "type": int(self.drop_ship),
            "status": 2 if complete else 1,
            "note": None,
            "dueDate": None,
            "currency": "USD",
            "orderDate": when,
            "receivedDate": when if complete else None,
            "modifiedDate": when,
            "lines": lines,
            "costs": self._costs(),
            "supplier": {**self.supplier.document(), "email": self.supplier.email},
            "products": [goods.product() for goods, _ in self.lines],
        }

    def _costs(self) -> list[dict[str, Any]]:
        freight = json_number(Decimal(self.freight))
        tax = json_number(Decimal(self.freight) * TAX) if self.taxed else 0
        return (
            [{"id": 1, "description": "Freight", "amount": freight, "tax": tax}] if freight else []
        )

    @property
    def ordered(self) -> Decimal:
        """What is ordered, with freight, before tax."""
        goods = sum((Decimal(goods.cost) * n for goods, n in self.lines), Decimal(0))
        return goods + Decimal(self.freight)

    @property
    def owed(self) -> Decimal:
        """What is owed to the supplier for what has arrived, with freight and tax."""
        costs = {goods.id: Decimal(goods.cost) for goods, _ in self.lines}
        goods = sum((costs[key] * n for key, n in self.arrived.items()), Decimal(0))
        net = goods + Decimal(self.freight)
        return (net * (1 + TAX) if self.taxed else net).quantize(CENT)
