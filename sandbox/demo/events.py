"""Commerce events for stories: who sells what to whom, written down once and for reading.

Owns the form of the events (`commerce-events.schema.json`) of a `Sale`: its quote's, its order's and
its invoice's; those of supplier purchase orders are in `purchases.py`. A document is always whole,
so each event can be posted twice, late, or in any order.
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


def moment() -> str:
    moment = _morning + timedelta(seconds=next(_seconds))
    return moment.isoformat().replace("+00:00", "Z")


def message(kind: str, when: str, **data: Any) -> Event:
    return {"type": kind, "timestamp": when, "data": data}


def json_number(value: Decimal) -> float | int:
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
        when = moment()
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
                "price": json_number(Decimal(goods.price)),
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
        return message("quote.won", when, quote=quote)

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
        when = moment()
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
            "deliveryAmount": json_number(delivery),
            "deliveryTax": json_number(delivery * TAX),
            "paymentSurchargeAmount": json_number(surcharge),
            "paymentSurchargeTax": json_number(surcharge * TAX),
            "couponDiscount": json_number(Decimal(self.coupon)),
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
            "total": json_number(self.total + Decimal(self.misstated)),
        }
        return message(kind, when, salesOrder=order)

    def invoiced(self) -> Event:
        """sales_invoice.issued: Commerce invoices the whole order."""
        when = moment()
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
                "price": json_number(Decimal(goods.price)),
                "tax": json_number(Decimal(goods.price) * TAX),
            }
            for number, goods, quantity in self.numbered
        ]
        lines += [
            {
                "id": 100 + n,
                "kind": kind,
                "title": title,
                "quantity": 1,
                "price": json_number(amount),
                "tax": json_number(amount * rate),
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
        return message("sales_invoice.issued", when, salesInvoice=invoice)

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
            "cost": json_number(Decimal(goods.cost)),
            "price": json_number(price),
            "tax": json_number(price * TAX),
            "taxRate": json_number(TAX),
            "quantity": quantity,
            "title": goods.title,
            "description": None,
            "isRecurring": goods in self.recurring,
            "lineTax": json_number(self._tax(line, goods, quantity)),
        }
        if line in self.discounts:
            discount = json_number(Decimal(self.discounts[line]))
            document |= {"discountMethod": PERCENT, "discountValue": discount}
        if line in self.from_stock:
            document["quantityFromStock"] = self.from_stock[line]
        return document
