"""Commerce events of one order, for the tests of the whole service.

Owns small whole documents that can be revised: a quote with options, a sales order, purchase
orders and receipts. The products are those that the sandbox's opportunity 88 knows, or new ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
START = datetime(2026, 11, 19, 10, 0, tzinfo=UTC)

MONITOR, MONITOR_BIG, DOCK, INSTALL, CABLE = 301, 304, 302, 303, 901
STAND, BAG = 902, 903
PRODUCTS: dict[int, Json] = {
    MONITOR: {"productNumber": "DELL-P2425H", "type": 0, "isSerialized": True, "price": 239},
    MONITOR_BIG: {"productNumber": "DELL-U2725QE", "type": 0, "isSerialized": True, "price": 619},
    DOCK: {"productNumber": "DELL-WD22TB4", "type": 0, "isSerialized": True, "price": 319},
    INSTALL: {"productNumber": "INSTALL-HALFDAY", "type": 2, "isSerialized": False, "price": 450},
    CABLE: {"productNumber": "CABLE-2M", "type": 0, "isSerialized": False, "price": 12.5},
    STAND: {"productNumber": "STAND-ARM", "type": 0, "isSerialized": False, "price": 89},
    BAG: {"productNumber": "BAG-15", "type": 0, "isSerialized": False, "price": 39},
}
INGRAM: Json = {"id": 9, "accountNumber": "INGRAM", "name": "Ingram Micro"}
SYNNEX: Json = {"id": 10, "accountNumber": "SYNNEX", "name": "TD Synnex"}
CONTOSO: Json = {"id": 77, "accountNumber": "CONTOSO", "name": "Contoso Ltd"}


def product(product_id: int) -> Json:
    known = PRODUCTS[product_id]
    number = known["productNumber"]
    return {
        "id": product_id,
        "productNumber": number,
        "manufacturerPartNumber": number,
        "type": known["type"],
        "title": f"Product {number}",
        "isSerialized": known["isSerialized"],
        "isRecurring": False,
    }


@dataclass
class Order:
    """One order's documents. `lines`: (product, quantity). Every revision is a minute later."""

    id: int = 1201
    lines: list[tuple[int, int]] = field(
        default_factory=lambda: [(MONITOR, 10), (DOCK, 3), (INSTALL, 1)]
    )
    opportunity: int | None = 88
    quote_id: int | None = 501
    not_chosen: tuple[int, ...] = (MONITOR_BIG,)
    customer: Json = field(default_factory=lambda: dict(CONTOSO))
    company: str | None = "Contoso"
    header: Json = field(default_factory=dict)
    minute: int = 0
    received: dict[tuple[int, int], int] = field(default_factory=dict)
    purchase_orders: dict[int, Json] = field(default_factory=dict)

    @property
    def number(self) -> str:
        return f"ON1000{self.id}"

    def _moment(self) -> str:
        self.minute += 1
        return (START + timedelta(minutes=self.minute)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _event(self, type_: str, **data: Any) -> Json:
        return {"type": type_, "timestamp": self._moment(), "data": data}

    def quote(self) -> Json:
        chosen = [(p, q, True) for p, q in self.lines]
        offered = [*chosen, *((p, 10, False) for p in self.not_chosen)]
        lines = [
            {
                "id": index,
                "lineNumber": index,
                "title": product(p)["title"],
                "productID": p,
                "productNumber": PRODUCTS[p]["productNumber"],
                "price": PRODUCTS[p]["price"],
                "quantity": quantity,
                "isOptional": not selected,
                "isSelected": selected,
            }
            for index, (p, quantity, selected) in enumerate(offered, start=1)
        ]
        section = {"id": 1, "isMultiChoice": False, "isSelected": True, "lines": lines}
        return self._event(
            "quote.won",
            quote={
                "id": self.quote_id,
                "quoteNumber": f"QO1000{self.quote_id}",
                "salesOrderId": self.id,
                "title": "Desk refresh",
                "status": 3,
                "customerID": self.customer["id"],
                "modifiedDate": self._moment(),
                "customer": self.customer,
                "products": [product(p) for p, _, _ in offered],
                "connectwise": {"opportunityId": self.opportunity},
                "sections": [section],
            },
        )

    def declined(self) -> Json:
        """The quote as the customer declined it: no order was placed on it."""
        return self.quoted(90, "quote.declined")

    def quoted(self, status: int, type_: str = "quote.won") -> Json:
        """The quote at another status. The type is only a hint: there is none for an open one."""
        event = self.quote()
        event["type"] = type_
        event["data"]["quote"].update(status=status, salesOrderId=None)
        return event

    def approved(self, type_: str = "sales_order.approved", status: int = 2) -> Json:
        lines = [
            {
                "id": index,
                "salesOrderID": self.id,
                "productID": p,
                "lineNumber": index,
                "cost": 100,
                "price": PRODUCTS[p]["price"],
                "tax": 0,
                "quantity": quantity,
                "title": product(p)["title"],
                "isRecurring": False,
            }
            for index, (p, quantity) in enumerate(self.lines, start=1)
        ]
        return self._event(
            type_,
            salesOrder={
                "id": self.id,
                "orderNumber": self.number,
                "reference": f"REF-{self.id}",
                "customerID": self.customer["id"],
                "quoteID": self.quote_id,
                "status": status,
                "orderDate": "2026-11-19T10:02:00Z",
                "modifiedDate": self._moment(),
                "lines": lines,
                "customer": self.customer,
                "products": [product(p) for p, _ in self.lines],
                "connectwise": {
                    "ticketChoice": "none",
                    "opportunityId": self.opportunity,
                    "companyIdentifier": self.company,
                },
                "contact": {"email": "dana.lee@contoso.example"},
                "ownerEmail": "sales@msp.example",
                **self.header,
            },
        )

    def ordered(self, po: int, lines: list[tuple[int, int]], supplier: Json | None = None) -> Json:
        """Issue a purchase order of (product, quantity)."""
        self.purchase_orders[po] = {
            "id": po,
            "orderNumber": f"PO1000{po}",
            "supplierID": (supplier or INGRAM)["id"],
            "salesOrderID": self.id,
            "type": 0,
            "status": 1,
            "orderDate": "2026-11-19T10:05:00Z",
            "supplier": supplier or INGRAM,
            "products": [product(p) for p, _ in lines],
            "lines": [
                {
                    "id": index,
                    "purchaseOrderID": po,
                    "productID": p,
                    "lineNumber": index,
                    "title": product(p)["title"],
                    "price": 100,
                    "quantity": quantity,
                    "quantityReceived": 0,
                }
                for index, (p, quantity) in enumerate(lines, start=1)
            ],
        }
        return self._event("purchase_order.approved", purchaseOrder=self._purchase_order(po))

    def ordered_again(self, po: int) -> Json:
        """The purchase order as it stands now, changed by hand in `purchase_orders`."""
        return self._event("purchase_order.updated", purchaseOrder=self._purchase_order(po))

    def _purchase_order(self, po: int) -> Json:
        document = self.purchase_orders[po]
        lines = [
            {**line, "quantityReceived": self.received.get((po, line["id"]), 0)}
            for line in document["lines"]
        ]
        return {**document, "lines": lines, "modifiedDate": self._moment()}

    def receipted(self, po: int, quantities: dict[int, int] | None = None) -> Json:
        """Receive (by line id), everything still open by default, with serial numbers."""
        document = self.purchase_orders[po]
        open_ones = {
            line["id"]: line["quantity"] - self.received.get((po, line["id"]), 0)
            for line in document["lines"]
        }
        taken = quantities or {line: quantity for line, quantity in open_ones.items() if quantity}
        lines = []
        for line in document["lines"]:
            quantity = taken.get(line["id"], 0)
            if not quantity:
                continue
            before = self.received.get((po, line["id"]), 0)
            self.received[po, line["id"]] = before + quantity
            serials = [f"SN-{po}-{line['id']}-{n}" for n in range(before, before + quantity)]
            serialized = PRODUCTS[line["productID"]]["isSerialized"]
            lines.append(
                {
                    "purchaseOrderLineID": line["id"],
                    "quantity": quantity,
                    "serialNumbers": serials if serialized else [],
                }
            )
        count = sum(1 for key in self.received if key[0] == po) + self.minute
        when = self._moment()
        return self._event(
            "purchase_order.receipted",
            receipt={
                "id": f"{po}-{count}",
                "purchaseOrderID": po,
                "receivedDate": when,
                "packingSlip": f"SLIP-{po}-{count}",
                "supplierInvoiceNumber": f"INV-{po}-{count}",
                "supplierInvoiceDate": when,
                "lines": lines,
            },
            purchaseOrder=self._purchase_order(po),
        )
