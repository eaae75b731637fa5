"""Amounts of a Commerce order, exact to the last digit (D-12).

Owns line totals, tax and the check against the stated total. Decimal throughout; nothing is
rounded here but for comparison, in the order's own currency.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from app.domain.documents import Line, PurchaseOrderLine, SalesOrder, SalesOrderLine

PERCENT = 0  # discountMethod of the vendor's API: 0 percentage, 1 fixed value
HUNDRED = Decimal(100)
CENT = Decimal("0.01")
PRICE_PLACES = Decimal("0.0001")  # Xero takes four (commerce.md 3.7), ConnectWise keeps a double


def told(amount: Decimal) -> str:
    """An amount as people write it: with cents, and with every digit that it has beyond them."""
    plain = amount.normalize()
    return f"{plain:.2f}" if plain == round(plain, 2) else f"{plain:f}"


def net(line: Line, quantity: Decimal) -> Decimal:
    """The line's amount before tax, after its discount. A fixed discount is for the whole line
    (the vendor does not say; a stated total that disagrees holds the order)."""
    gross = line.price * quantity
    if not line.discount_value:
        return gross
    if line.discount_method == PERCENT:
        return gross * (HUNDRED - line.discount_value) / HUNDRED
    return gross - line.discount_value


def unit_price(line: SalesOrderLine | PurchaseOrderLine) -> Decimal:
    """Price of one unit after discount, as ConnectWise's product carries it."""
    if not line.quantity or not line.discount_value:
        return line.price
    return net(line, Decimal(line.quantity)) / line.quantity


def mirrored_price(line: SalesOrderLine) -> Decimal:
    """That price with as many places as ConnectWise's ledgers take."""
    return unit_price(line).quantize(PRICE_PLACES)


def places_lost(lines: Iterable[SalesOrderLine]) -> Decimal:
    """What the lines come to less what their mirrored prices make of them, in whole cents: four
    places of a price times a thousand pieces are off by cents."""
    return sum(
        (
            net(line, Decimal(line.quantity)).quantize(CENT, ROUND_HALF_UP)
            - (mirrored_price(line) * line.quantity).quantize(CENT, ROUND_HALF_UP)
            for line in lines
        ),
        Decimal(0),
    )


def tax(line: SalesOrderLine | PurchaseOrderLine, basis: str) -> Decimal:
    """Tax of the whole line: lineTax where given, else `tax` read by the connection's basis."""
    if line.line_tax is not None:
        return line.line_tax
    return line.tax * line.quantity if basis == "unit" else line.tax


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """An amount of the order's header that becomes a line of its own (A2)."""

    key: str
    title: str
    setting: str
    amount: Decimal


def header_lines(order: SalesOrder) -> tuple[HeaderLine, ...]:
    """Delivery, surcharge and coupon, as far as the order has them."""
    every = (
        HeaderLine("delivery", "Delivery", "connectwise_freight_item", order.delivery_amount),
        HeaderLine(
            "surcharge", "Payment surcharge", "connectwise_surcharge_item", order.surcharge_amount
        ),
        HeaderLine(
            "coupon", "Coupon discount", "connectwise_coupon_item", -abs(order.coupon_discount)
        ),
    )
    return tuple(line for line in every if line.amount)


def total(order: SalesOrder, basis: str) -> Decimal:
    """What the order's lines and header amounts add up to, with tax."""
    lines = sum((net(line, Decimal(line.quantity)) for line in order.lines), Decimal(0))
    taxes = sum((tax(line, basis) for line in order.lines), Decimal(0))
    header = sum((line.amount for line in header_lines(order)), Decimal(0))
    return lines + taxes + header + order.delivery_tax + order.surcharge_tax


def rounding(order: SalesOrder, basis: str) -> Decimal:
    """The gap in whole cents, which gets a line of its own (D-12); 0 where there is none."""
    return gap(order, basis).quantize(CENT, ROUND_HALF_UP)


def gap(order: SalesOrder, basis: str) -> Decimal:
    """Stated total less computed total; 0 where the order states none."""
    return order.total - total(order, basis) if order.total is not None else Decimal(0)
