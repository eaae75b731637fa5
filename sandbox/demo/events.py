"""Commerce events for stories: who sells what to whom, written down once and for reading.

Owns the form of the events (`commerce-events.schema.json`): a `Sale` gives the quote's and the
sales order's, a `Purchase` those of one supplier's purchase order. A document is always whole, so
each event can be posted twice, late, or in any order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sandbox.demo.goods import SERVICE, Goods, Party

Event = dict[str, Any]
TAX = Decimal("0.1")
CENT = Decimal("0.01")
HUNDRED = Decimal(100)
CANCELLED = 90
DECLINED = 90
PERCENT = 0  # a discount's method

Lines = Sequence[tuple[Goods, int]]
Options = Sequence[tuple[Goods, int, bool]]

# Each document is dated after the ones before it, as Commerce would date them.
_seconds = count(1)
_morning = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)


def _now() -> str:
    moment = _morning + timedelta(seconds=next(_seconds))
    return moment.isoformat().replace("+00:00", "Z")


def _event(kind: str, when: str, **data: Any) -> Event:
    return {"type": kind, "timestamp": when, "data": data}


def _number(value: Decimal) -> float | int:
    """As JSON carries money: 23.9, never 23.90 as text."""
    return int(value) if value == value.to_integral_value() else float(value)


@dataclass(frozen=True)
class Sale:
    """One order of a customer, and the quote it came from.

    `options` are the quote's lines that could be chosen, each with whether it was. `opportunity`
    is the ConnectWise deal that the quote was written for; without one the service makes it.
    """

    id: int
    customer: Party
    lines: Lines
    quote: int | None = None
    options: Options = ()
    opportunity: int | None = None
    title: str = ""
    delivery: str = "25.00"
    misstated: str = "0"  # what the stated total is wrong by
    recurring: tuple[Goods, ...] = ()  # billed by an agreement, never once
    surcharge: str = "0"
    coupon: str = "0"
    discounts: Mapping[int, str] = field(default_factory=dict)  # percent, by line
    from_stock: Mapping[int, int] = field(default_factory=dict)  # taken from the shelf, by line
    status: int = 2

    @property
    def number(self) -> str:
        return f"ON1000{self.id}"

    @property
    def quote_number(self) -> str:
        return f"QO10000{self.quote}"

    @property
    def numbered(self) -> list[tuple[int, Goods, int]]:
        """The lines with their ids. The same goods may be on two of them."""
        return [(number, *line) for number, line in enumerate(self.lines, start=1)]

    def won(self) -> Event:
        """quote.won: the customer accepted, with these options."""
        when = _now()
        every: Options = [
            *self.options,
            *((goods, quantity, True) for goods, quantity in self._not_optional),
        ]
        lines = [
            {
                "id": number * 11,
                "quoteSectionID": 1 if number <= len(self.options) else 2,
                "lineNumber": number,
                "title": goods.title,
                "productID": goods.id,
                "productNumber": goods.number,
                "price": _number(Decimal(goods.price)),
                "quantity": quantity,
                "isOptional": number <= len(self.options),
                "isSelected": chosen,
            }
            for number, (goods, quantity, chosen) in enumerate(every, start=1)
        ]
        sections = [
            self._section(1, "Choose one", lines[: len(self.options)], multi=True),
            self._section(2, "Included", lines[len(self.options) :], multi=False),
        ]
        quote = {
            "id": self.quote,
            "quoteNumber": self.quote_number,
            "salesOrderId": self.id,
            "title": self.title,
            "status": 3,
            "customerID": self.customer.id,
            "expiryDate": None,
            "modifiedDate": when,
            "customer": self.customer.document(),
            "products": [goods.product() for goods, _, _ in every],
            "connectwise": {"opportunityId": self.opportunity},
            "sections": [section for section in sections if section["lines"]],
        }
        return _event("quote.won", when, quote=quote)

    def declined(self) -> Event:
        """quote.declined: the customer does not want it, and there is no order."""
        event = self.won()
        event["data"]["quote"].update(status=DECLINED, salesOrderId=None)
        return {**event, "type": "quote.declined"}

    @property
    def _not_optional(self) -> Lines:
        optional = {goods.id for goods, _, _ in self.options}
        return [(goods, quantity) for goods, quantity in self.lines if goods.id not in optional]

    def _section(
        self, number: int, title: str, lines: list[dict[str, Any]], *, multi: bool
    ) -> dict[str, Any]:
        return {
            "id": number,
            "quoteID": self.quote,
            "type": 0,
            "lineNumber": number,
            "isMultiChoice": multi,
            "isSelected": True,
            "title": title,
            "lines": lines,
        }

    def cancelled(self) -> Event:
        """sales_order.cancelled."""
        return replace(self, status=CANCELLED).approved("sales_order.cancelled")

    def changed(self, lines: Lines, options: Options = ()) -> tuple[Sale, Event]:
        """sales_order.updated: the same order with other lines."""
        other = replace(self, lines=lines, options=options)
        return other, other.approved("sales_order.updated")

    def approved(self, kind: str = "sales_order.approved") -> Event:
        """sales_order.approved: the order stands in Commerce."""
        when = _now()
        delivery, surcharge = Decimal(self.delivery), Decimal(self.surcharge)
        order = {
            "id": self.id,
            "orderNumber": self.number,
            "reference": f"PO-{self.id}",
            "customerID": self.customer.id,
            "quoteID": self.quote,
            "status": self.status,
            "fulfillmentStatus": 0,
            "entryType": 1,
            "notes": None,
            "deliveryAmount": _number(delivery),
            "deliveryTax": _number(delivery * TAX),
            "paymentSurchargeAmount": _number(surcharge),
            "paymentSurchargeTax": _number(surcharge * TAX),
            "couponDiscount": _number(Decimal(self.coupon)),
            "currency": "USD",
            "orderDate": when,
            "createdDate": when,
            "modifiedDate": when,
            "lines": [self._line(*line) for line in self.numbered],
            "customer": self.customer.document(),
            "products": [goods.product() for goods in dict(self.lines)],
            "connectwise": {
                "ticketId": None,
                "ticketChoice": "none",
                "opportunityId": self.opportunity,
                "companyIdentifier": None,
            },
            "contact": {"email": self.customer.email},
            "ownerEmail": "sales@msp.example",
            "total": _number(self.total + Decimal(self.misstated)),
        }
        return _event(kind, when, salesOrder=order)

    def invoiced(self) -> Event:
        """sales_invoice.issued: Commerce invoices the whole order."""
        when = _now()
        header = (
            ("freight", "Delivery", Decimal(self.delivery), TAX),
            ("discount", "Coupon", Decimal(self.coupon), Decimal(0)),
        )
        lines = [
            {
                "id": number,
                "kind": "service" if goods.type == SERVICE else "product",
                "title": goods.title,
                "quantity": quantity,
                "price": _number(Decimal(goods.price)),
                "tax": _number(Decimal(goods.price) * TAX),
            }
            for number, goods, quantity in self.numbered
        ]
        lines += [
            {
                "id": 100 + n,
                "kind": kind,
                "title": title,
                "quantity": 1,
                "price": _number(amount),
                "tax": _number(amount * rate),
            }
            for n, (kind, title, amount, rate) in enumerate(header)
            if amount
        ]
        invoice = {
            "id": self.id,
            "invoiceNumber": f"IN1000{self.id}",
            "salesOrderID": self.id,
            "customerID": self.customer.id,
            "issueDate": when,
            "modifiedDate": when,
            "currency": "USD",
            "customer": self.customer.document(),
            "lines": lines,
        }
        return _event("sales_invoice.issued", when, salesInvoice=invoice)

    @property
    def total(self) -> Decimal:
        """With tax, delivery and surcharge; the coupon is not taxed."""
        goods = sum(
            (self.net(*line) + self._tax(*line) for line in self.numbered), start=Decimal(0)
        )
        header = (Decimal(self.delivery) + Decimal(self.surcharge)) * (1 + TAX)
        return (goods + header - Decimal(self.coupon)).quantize(CENT)

    @property
    def billed(self) -> Decimal:
        """What ConnectWise bills once, before tax: without what an agreement bills."""
        once = [line for line in self.numbered if line[1] not in self.recurring]
        goods = sum((self.net(*line) for line in once), start=Decimal(0))
        return goods + Decimal(self.delivery) + Decimal(self.surcharge) - Decimal(self.coupon)

    def net(self, line: int, goods: Goods, quantity: int) -> Decimal:
        """The line's amount after its discount, before tax."""
        off = Decimal(self.discounts.get(line, "0"))
        return Decimal(goods.price) * quantity * (HUNDRED - off) / HUNDRED

    def _tax(self, line: int, goods: Goods, quantity: int) -> Decimal:
        return (self.net(line, goods, quantity) * TAX).quantize(CENT)

    def _line(self, line: int, goods: Goods, quantity: int) -> dict[str, Any]:
        price = Decimal(goods.price)
        document = {
            "id": line,
            "salesOrderID": self.id,
            "productID": goods.id,
            "lineNumber": line,
            "cost": _number(Decimal(goods.cost)),
            "price": _number(price),
            "tax": _number(price * TAX),
            "taxRate": _number(TAX),
            "quantity": quantity,
            "title": goods.title,
            "description": None,
            "isRecurring": goods in self.recurring,
            "lineTax": _number(self._tax(line, goods, quantity)),
        }
        if line in self.discounts:
            discount = _number(Decimal(self.discounts[line]))
            document |= {"discountMethod": PERCENT, "discountValue": discount}
        if line in self.from_stock:
            document["quantityFromStock"] = self.from_stock[line]
        return document


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
        when = _now()
        return _event("purchase_order.approved", when, purchaseOrder=self._document(when))

    def cancelled(self) -> Event:
        """purchase_order.cancelled: it will not come."""
        when = _now()
        document = {**self._document(when), "status": CANCELLED}
        return _event("purchase_order.cancelled", when, purchaseOrder=document)

    def corrected(self, goods: Goods, arrived: int) -> Event:
        """purchase_order.updated: fewer have arrived than was said before."""
        self.arrived[goods.id] = arrived
        when = _now()
        return _event("purchase_order.updated", when, purchaseOrder=self._document(when))

    def told_again(self, event: Event) -> Event:
        """The same receipt with its serial numbers, later."""
        when = _now()
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
        return _event("purchase_order.receipted", when, receipt=receipt, purchaseOrder=document)

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
        when = _now()
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
        return _event("purchase_order.receipted", when, receipt=receipt, purchaseOrder=document)

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
                "price": _number(Decimal(goods.cost)),
                "tax": _number(Decimal(goods.cost) * TAX) if self.taxed else 0,
                "taxRate": _number(TAX) if self.taxed else None,
                "landedCost": _number(Decimal(goods.cost)),
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
        freight = _number(Decimal(self.freight))
        tax = _number(Decimal(self.freight) * TAX) if self.taxed else 0
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
