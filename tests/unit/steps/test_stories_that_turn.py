"""Stories of B1 where little is bought, where only shipped goods are invoiced, where things change."""

from __future__ import annotations

import pytest

from app.domain.codes import Code, State
from app.domain.records import Fact
from tests.builders import (
    SERVICE,
    Json,
    came,
    issued,
    line,
    ordered,
    po_line,
    product,
    purchase_order,
    sales_order,
)
from tests.ideal import DONE, WAITS, World, stands, whole, world

# --- orders without goods -------------------------------------------------------------------------


def test_an_order_of_services_alone_is_released_at_once():
    """D-15."""
    order = sales_order([line(1, 303)], products=[product(303, type=SERVICE)])
    for policy in ("all_goods", "shipped_only"):
        told = world(ordered(order), invoice_policy=policy)
        assert stands(told.settle()) == DONE


def test_an_order_of_agreements_alone_is_done_without_a_sales_order():
    """H5."""
    told = world(ordered(sales_order([line(1, isRecurring=True)])))
    plan = told.settle()
    assert plan.answer.state is State.DONE
    assert told.steps_done() == ["create_products", "win_opportunity"]


def test_a_licence_of_an_agreement_that_was_bought_is_received_as_surplus():
    """H5: relevant to procurement is what appears on a purchase order."""
    told = world(ordered(sales_order([line(1, isRecurring=True)])), whole())
    assert told.settle().answer.state is State.DONE
    assert "receive_purchase_order" in told.steps_done()


# --- only shipped goods ---------------------------------------------------------------------------


def released(told: World) -> list[Json]:
    return [want["shipped"] for step, _, want in told.done if step == "release_invoice"]


def test_with_on_receipt_every_receipt_is_shipped_and_released():
    """B1.11, D-14."""
    after, first = came(purchase_order(), "R-1", {1: 4})
    told = world(ordered(), first, invoice_policy="shipped_only", mark_shipped="on_receipt")
    assert stands(told.settle()) == WAITS
    assert told.code("release_invoice") == Code.GOODS_NOT_SHIPPED
    told.deliver(came(after, "R-2", {1: 6}, minute=200)[1])
    assert stands(told.settle()) == DONE
    assert released(told) == [{"1": 4}, {"1": 10}]


@pytest.mark.parametrize("mark", ["never", "drop_ship_only"])
def test_goods_that_a_person_ships_are_released_as_connectwise_shows_them(mark):
    """D-14: receiving is not shipping."""
    told = world(ordered(), whole(), invoice_policy="shipped_only", mark_shipped=mark)
    assert stands(told.settle()) == (State.WAITING, Code.GOODS_NOT_SHIPPED)
    told.shipped = {"1": 3}
    assert stands(told.wait(minutes=2)) == (State.WAITING, Code.GOODS_NOT_SHIPPED)
    told.shipped = {"1": 10}
    assert stands(told.wait(minutes=2)) == DONE
    assert released(told) == [{"1": 3}, {"1": 10}]


def test_drop_shipped_goods_are_shipped_with_their_receipt():
    """D-14."""
    told = world(ordered(), whole(purchase_order(type=1)), invoice_policy="shipped_only")
    assert stands(told.settle()) == DONE
    assert released(told) == [{"1": 10}]


def test_with_on_receipt_goods_from_stock_are_released_when_a_person_ships_them():
    """D-14, D-15."""
    lines = [line(1, 301, 10), line(2, 302, 5, quantityFromStock=5)]
    settings = {"invoice_policy": "shipped_only", "mark_shipped": "on_receipt"}
    told = world(ordered(sales_order(lines)), issued(), **settings)
    told.settle()
    told.shipped = {"2": 5}
    told.wait(minutes=2)
    told.deliver(whole())
    assert stands(told.settle()) == DONE
    assert released(told) == [{"2": 5}, {"1": 10, "2": 5}]


# --- orders that change ---------------------------------------------------------------------------


def test_a_cancelled_order_does_nothing_more():
    """H3."""
    told = world(ordered(quoteID=501))
    told.settle()
    told.deliver(ordered(status=90, minute=5))
    assert told.settle().answer.state is State.CANCELLED
    later = world(ordered())
    later.settle()
    later.deliver(ordered(status=90, minute=5), whole())
    assert stands(later.settle()) == (State.HELD, Code.CANCELLED_AFTER_START)
    assert "sync_purchase_order" not in later.steps_done()


def test_a_line_added_after_the_release_takes_the_release_back_until_it_came():
    """D-6, H3."""
    told = world(ordered(), whole())
    told.settle()
    told.deliver(ordered(sales_order([line(1), line(2, 302, 1)], minute=5)))
    assert stands(told.settle()) == (State.WAITING, Code.LINE_NOT_ORDERED)
    assert [entry["key"] for entry in told.wants()["create_products", "order"]["lines"]] == [
        "1",
        "2",
    ]
    assert told.wants()["release_invoice", "order"]["released"] is False
    told.deliver(whole(purchase_order(8892, [po_line(1, 302, 1)])))
    assert stands(told.settle()) == DONE
    assert told.steps_done().count("release_invoice") == 3
    assert "released" not in told.wants()["release_invoice", "order"]


def test_a_purchase_order_that_comes_after_the_release_takes_it_back_once():
    """D-6: quantities that change meanwhile are no further writes."""
    order = sales_order([line(1), line(2, 303, 4)], products=[product(303, type=SERVICE)])
    told = world(ordered(order), whole())
    assert stands(told.settle()) == DONE
    late = purchase_order(8892, [po_line(1, 303, 4)])
    told.deliver(issued(late))
    assert stands(told.settle()) == WAITS
    after, first = came(late, "R-9", {1: 1})
    told.deliver(first)
    assert stands(told.settle()) == WAITS
    assert told.steps_done().count("release_invoice") == 2
    told.deliver(came(after, "R-10", {1: 3}, minute=200)[1])
    assert stands(told.settle()) == DONE


def test_with_shipped_only_a_later_purchase_order_takes_nothing_back():
    """D-6: it is a further release."""
    told = world(
        ordered(sales_order([line(1), line(2, 302, 1)])),
        whole(),
        invoice_policy="shipped_only",
        mark_shipped="on_receipt",
    )
    told.settle()
    told.deliver(whole(purchase_order(8892, [po_line(1, 302, 1)])))
    assert stands(told.settle()) == DONE
    assert released(told) == [{"1": 10}, {"1": 10, "2": 1}]


def test_a_received_purchase_order_that_names_another_order_is_held():
    """H3."""
    told = world(ordered(), whole())
    told.settle()
    told.facts["purchase_order_moved", "8891"] = Fact(
        "purchase_order_moved", "8891", {"order": "ON10001300"}, told.now
    )
    assert stands(told.settle()) == (State.HELD, Code.PURCHASE_ORDER_MOVED)
