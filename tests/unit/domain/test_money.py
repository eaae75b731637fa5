"""Amounts are exact to the last digit, and add up to what Commerce states (D-12, A2, H6)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.documents import Kind, SalesOrder, parse
from app.domain.json_values import dumps, loads
from tests.builders import line, sales_order


def order(lines: list[dict[str, Any]] | None = None, **more: Any) -> SalesOrder:
    read = parse(Kind.SALES_ORDER, loads(dumps(sales_order(lines, **more))))
    assert isinstance(read, SalesOrder)
    return read


def test_the_example_order_adds_up_to_its_stated_total():
    """A2: 10 x 239 + 3 x 319 + 450, 10 % tax, delivery 25 + 2.50."""
    lines = [
        line(1, quantity=10, price=239, tax=Decimal("23.9"), lineTax=239),
        line(2, quantity=3, price=319, tax=Decimal("31.9"), lineTax=Decimal("95.7")),
        line(3, quantity=1, price=450, tax=45, lineTax=45),
    ]
    header = {"deliveryAmount": 25, "deliveryTax": Decimal("2.5"), "total": Decimal("4204.2")}
    example = order(lines, **header)
    assert money.total(example, "unit") == example.total == Decimal("4204.2")
    assert money.gap(example, "unit") == 0


def test_without_line_tax_the_connection_says_whether_tax_is_for_one_unit():
    sold = order([line(1, quantity=3, price=100, tax=10)])
    assert money.total(sold, "unit") == 330
    assert money.total(sold, "line") == 310


def test_line_tax_decides_where_it_is_given():
    sold = order([line(1, quantity=3, price=100, tax=10, lineTax=Decimal("29.99"))])
    assert money.total(sold, "unit") == money.total(sold, "line") == Decimal("329.99")


def test_a_percentage_and_a_fixed_discount_are_taken_off_the_line():
    by_percent = order([line(1, quantity=4, price=100, discountMethod=0, discountValue=5)])
    fixed = order([line(1, quantity=4, price=100, discountMethod=1, discountValue=5)])
    assert money.total(by_percent, "unit") == 380
    assert money.total(fixed, "unit") == 395
    assert money.unit_price(by_percent.lines[0]) == 95
    assert money.unit_price(fixed.lines[0]) == Decimal("98.75")


def test_a_line_of_nothing_has_no_unit_price_of_its_own():
    empty = order([line(1, quantity=0, price=100, discountMethod=1, discountValue=5)])
    assert money.unit_price(empty.lines[0]) == 100


def test_header_amounts_become_lines_and_the_coupon_takes_off():
    """A2, H6. A coupon may be written with or without its sign."""
    amounts = {"deliveryAmount": 25, "paymentSurchargeAmount": 3}
    for coupon in (10, -10):
        sold = order([line(1, quantity=1, price=100)], couponDiscount=coupon, **amounts)
        found = {header.key: header.amount for header in money.header_lines(sold)}
        assert found == {"delivery": 25, "surcharge": 3, "coupon": -10}
        assert money.total(sold, "unit") == 118


def test_what_the_header_does_not_have_is_no_line():
    assert money.header_lines(order(deliveryAmount=0, couponDiscount=None)) == ()


def test_taxes_of_delivery_and_surcharge_count():
    sold = order([line(1, quantity=1)], deliveryTax=Decimal("2.5"), paymentSurchargeTax=1)
    assert money.total(sold, "unit") == Decimal("103.5")


def test_an_order_that_states_no_total_has_no_gap():
    assert money.gap(order(), "unit") == 0
    assert money.gap(order(total=999), "unit") == -1


cents = st.decimals(min_value=0, max_value=10**6, places=4)


@given(
    st.lists(st.tuples(cents, st.integers(0, 1000), cents), max_size=5),
    st.tuples(cents, cents, cents),
)
def test_no_digit_is_lost_in_a_sum(rows, header):
    """D-12: compared with exact fractions."""
    lines = [
        line(n, quantity=quantity, price=price, lineTax=tax)
        for n, (price, quantity, tax) in enumerate(rows, start=1)
    ]
    delivery, delivery_tax, coupon = header
    sold = order(lines, deliveryAmount=delivery, deliveryTax=delivery_tax, couponDiscount=coupon)
    exact = sum(
        (Fraction(price) * quantity + Fraction(tax) for price, quantity, tax in rows), Fraction(0)
    )
    exact += Fraction(delivery) + Fraction(delivery_tax) - Fraction(coupon)
    assert Fraction(money.total(sold, "unit")) == exact


@pytest.mark.parametrize("price", ["0.1", "0.2", "19.99", "1234567.8901"])
def test_a_price_is_what_was_sent_and_never_a_float(price):
    sold = order([line(1, quantity=3, price=Decimal(price))])
    assert money.total(sold, "unit") == Decimal(price) * 3
    assert isinstance(sold.lines[0].price, Decimal)


@pytest.mark.parametrize(
    ("amount", "told"),
    [("242", "242.00"), ("1E+3", "1000.00"), ("0.5", "0.50"), ("12.345", "12.345"), ("0", "0.00")],
)
def test_an_amount_is_told_with_its_cents(amount: str, told: str) -> None:
    assert money.told(Decimal(amount)) == told
