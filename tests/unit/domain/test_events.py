"""From a verified delivery to documents: what is taken, where it belongs, what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.domain.documents import Kind
from app.domain.events import NotValid, known, read
from tests import builders
from tests.builders import (
    came,
    event,
    issued,
    ordered,
    po_line,
    purchase_order,
    receipt,
    received,
    sales_order,
    won,
)


def test_a_sales_order_names_its_quote_and_its_number():
    _, (carried,) = read(ordered(quoteID=501))
    assert (carried.order, carried.order_number, carried.quote) == ("1201", "ON10001201", "501")


def test_a_quote_is_found_by_the_orders_that_name_it():
    _, (carried,) = read(won())
    assert (carried.stored.kind, carried.order) == (Kind.QUOTE, None)


def test_a_purchase_order_belongs_to_the_sales_order_that_it_names():
    _, (carried,) = read(issued())
    assert (carried.stored.kind, carried.order) == (Kind.PURCHASE_ORDER, "1201")


def test_a_stock_purchase_order_belongs_to_none():
    _, (carried,) = read(issued(order=None))
    assert carried.order is None


def test_a_receipt_brings_its_purchase_order_along():
    """H1: so the receipt can be placed although no other event of its order has come in."""
    _, told = came(purchase_order(lines=[po_line(1, received=3)]), "R-1", {1: 4})
    _, (order, slip) = read(told)
    assert (order.stored.kind, order.order) == (Kind.PURCHASE_ORDER, "1201")
    assert (slip.stored.kind, slip.purchase_order) == (Kind.RECEIPT, "8891")
    assert slip.stored.body()["lines"][0]["to"] == 7


def test_two_boxes_of_one_line_on_one_slip_are_one_interval():
    slip = receipt("R-1", {1: 2}, serials={1: ["A", "B"]})
    slip["lines"].append(
        {"purchaseOrderLineID": 1, "quantity": 3, "serialNumbers": ["C", "D", "E"]}
    )
    after = purchase_order(lines=[po_line(1, received=9)])
    _, (_, found) = read(received(after, slip))
    (only,) = found.stored.body()["lines"]
    assert (only["quantity"], only["to"]) == (5, 9)
    assert only["serialNumbers"] == ["A", "B", "C", "D", "E"]


def test_the_newest_date_of_a_delivery_is_told():
    _, (carried,) = read(ordered(minute=30))
    assert carried.newest == datetime(2026, 11, 19, 10, 30, tzinfo=UTC)


def test_an_unlisted_type_carries_nothing_and_is_no_fault():
    assert not known("stock.counted")
    assert read({"type": "stock.counted", "timestamp": "2026-11-19T10:00:00Z", "data": {}})[1] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "quote.won"}, "data"),
        (event("sales_order.approved"), "data/salesOrder"),
        (event("quote.won", quote=sales_order()), "data/quote"),
        (ordered({**sales_order(), "orderNumber": ""}), "data/salesOrder/orderNumber"),
        (ordered({**sales_order(), "orderNumber": "a\x00b"}), "data/salesOrder/orderNumber"),
        ({**ordered(), "data": {"salesOrder": []}}, "data/salesOrder"),
        (issued(lines=[po_line(1, quantity=-1)]), "data/purchaseOrder/lines/0/quantity"),
        (received(purchase_order(), receipt("R-1", {2: 1})), "data/receipt/lines"),
        (
            received(purchase_order(), receipt("R-1", {1: 1}, po_id=1)),
            "data/receipt/purchaseOrderID",
        ),
        (received(purchase_order(), receipt("R-1", {1: 0})), "data/receipt/lines/0/quantity"),
        (received(purchase_order(), receipt("R-1", {})), "data/receipt/lines"),
    ],
)
def test_a_body_that_breaks_the_contract_is_refused_and_the_field_is_named(body, field):
    with pytest.raises(NotValid, match=field):
        read(body)


def test_a_refusal_names_fields_and_never_their_values():
    secret = {**sales_order(), "customer": {"id": "Dana Lee", "name": 5}}
    with pytest.raises(NotValid) as refused:
        read(ordered(secret))
    assert "customer/id" in str(refused.value)
    assert "Dana" not in str(refused.value)


def test_at_most_eight_wrong_fields_are_named():
    with pytest.raises(NotValid, match=r"and \d+ more"):
        read(ordered(dict.fromkeys(sales_order())))


@pytest.mark.parametrize(
    "told",
    [
        ordered(orderNumber="9" * 201),
        ordered(sales_order(products=[{**builders.product(301), "productNumber": "9" * 201}])),
        came(purchase_order(), "9" * 201, {1: 4})[1],
    ],
)
def test_what_a_key_would_cut_is_refused_at_the_door(told: builders.Json) -> None:
    """A key that is cut is found no more: its step would be done again in each round."""
    with pytest.raises(NotValid, match="at most 200 characters"):
        read(builders.as_kept(told))
