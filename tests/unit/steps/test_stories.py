"""Whole stories of B1 in an ideal world: the decisions of the core, from the first event to done."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.codes import Code, State, Who
from app.domain.decide import Plan
from app.domain.records import Fact
from tests.builders import (
    SERVICE,
    Json,
    at,
    came,
    issued,
    line,
    offer,
    ordered,
    po_line,
    product,
    purchase_order,
    quote,
    receipt,
    received,
    sales_order,
    section,
    won,
)
from tests.ideal import World


def stands(plan: Plan) -> tuple[State, Code | None]:
    return plan.answer.state, plan.answer.code


DONE = (State.DONE, Code.RELEASED)
WAITS = (State.WAITING, Code.GOODS_NOT_RECEIVED)


def world(*events: Json, **settings: Any) -> World:
    made = World(settings)
    made.deliver(*events)
    return made


def whole(po: Json | None = None, **more: Any) -> Json:
    """Everything of a purchase order received at once."""
    po = po or purchase_order()
    return came(
        po,
        f"R-{po['id']}",
        {one["id"]: one["quantity"] for one in po["lines"] if one["quantity"]},
        **more,
    )[1]


def test_the_straight_story_runs_in_the_order_that_connectwise_accepts():
    """D-1."""
    told = world(won(), ordered(quoteID=501), issued(), whole())
    assert stands(told.settle()) == DONE
    assert told.steps_done() == [
        "create_products",
        "win_opportunity",
        "create_sales_order",
        "sync_purchase_order",
        "link_demand",
        "receive_purchase_order",  # the receipt
        "receive_purchase_order",  # the completion
        "release_invoice",
    ]


def test_a_done_order_stays_done_when_everything_comes_again():
    """H1."""
    events = [won(), ordered(quoteID=501), issued(), whole()]
    told = world(*events)
    told.settle()
    before = list(told.done)
    told.deliver(*events, *reversed(events))
    assert stands(told.wait(days=30)) == DONE
    assert told.done == before


def test_a_partial_receipt_and_its_rest():
    """B1.10, B1.11, H2."""
    after, first = came(purchase_order(), "R-1", {1: 4})
    told = world(ordered(), issued(), first)
    plan = told.settle()
    assert stands(plan) == WAITS
    assert plan.answer.sentence.startswith("6 of 10 Product 301")
    told.deliver(came(after, "R-2", {1: 6}, minute=200)[1])
    assert stands(told.settle()) == DONE


def test_a_receipt_before_its_order_waits_for_it_and_then_goes_on_by_itself():
    """H1: Commerce's own sales order is the unknown one."""
    told = world(whole())
    assert stands(told.settle()) == (State.WAITING, Code.SALES_ORDER_UNKNOWN)
    assert told.code("sync_purchase_order", "po:8891") == Code.SO_MISSING
    assert told.done == []
    told.deliver(ordered())
    assert stands(told.settle()) == DONE


def test_a_receipt_before_the_connectwise_sales_order_waits_for_the_person_who_makes_it():
    """B1.7, D-3."""
    told = world(ordered(), whole(), sales_order_creation="wait_for_person", poll_seconds=1800)
    plan = told.settle()
    assert (stands(plan), plan.answer.who) == ((State.WAITING, Code.SO_MISSING), Who.SALES)
    assert told.code("receive_purchase_order", "receipt:8891:R-8891") == Code.SO_MISSING
    plan = told.wait(hours=97)
    assert (stands(plan), plan.answer.who) == ((State.HELD, Code.SO_MISSING), Who.SALES)
    told.converted = True
    assert stands(told.wait(hours=1)) == DONE


def test_a_conversion_is_looked_for_even_after_the_deadline():
    told = world(ordered(), sales_order_creation="wait_for_person", poll_seconds=7200)
    told.wait(days=10)
    assert told.plan().due_at is not None


def test_without_an_opportunity_there_is_nothing_that_a_person_could_convert():
    """D-3, D-13."""
    settings = {
        "sales_order_creation": "wait_for_person",
        "opportunity_missing": "plain_sales_order",
    }
    told = world(ordered(opportunity=None), whole(), **settings)
    told.refs.clear()
    plan = told.plan()
    assert plan.run is not None
    assert told.code("create_sales_order") is not Code.SO_MISSING


# --- the quote ------------------------------------------------------------------------------------


def test_an_order_waits_for_its_quote_and_goes_on_without_it_when_the_time_is_over():
    """B1.5: the one wait that does not become held."""
    told = world(ordered(quoteID=501), whole())
    assert stands(told.settle()) == (State.WAITING, Code.QUOTE_MISSING)
    assert stands(told.wait(minutes=14, seconds=59)) == (State.WAITING, Code.QUOTE_MISSING)
    assert stands(told.wait(seconds=1)) == DONE


def test_the_wait_for_the_quote_is_not_started_anew_by_other_documents():
    told = world(ordered(quoteID=501))
    for minute in range(14):
        told.deliver(ordered(quoteID=501, minute=minute, reference=f"edit {minute}"))
        told.wait(minutes=1)
    told.wait(minutes=1)
    assert "create_products" in told.steps_done()


def test_a_quote_that_comes_in_time_says_what_was_not_chosen():
    told = world(ordered(quoteID=501))
    told.settle()
    told.deliver(won(quote(section(offer(1, 301), offer(2, 304, selected=False)))))
    told.settle()
    assert told.wants()["create_products", "order"]["not_chosen"] == {"SKU-304": 1}


def test_other_options_before_the_conversion_are_won_again_and_after_it_they_are_not():
    """B1.5."""
    told = world(ordered(), sales_order_creation="wait_for_person")
    told.settle()
    told.deliver(ordered(sales_order([line(1, quantity=7)], minute=5)))
    told.settle()
    assert told.steps_done() == ["create_products", "win_opportunity"] * 2
    told.converted = True
    told.wait(minutes=2)
    told.deliver(ordered(sales_order([line(1, quantity=8)], minute=6)))
    told.settle()
    assert told.steps_done()[4:] == ["create_sales_order", "create_products"]


# --- receipts and gaps ----------------------------------------------------------------------------


def test_a_receipt_above_a_gap_waits_for_the_earlier_one_which_then_comes_first():
    """H2, H1."""
    after, first = came(purchase_order(), "R-1", {1: 4})
    _, second = came(after, "R-2", {1: 6}, minute=200)
    told = world(ordered(), second)
    told.settle()
    assert told.code("receive_purchase_order", "receipt:8891:R-2") == Code.RECEIPT_GAP
    told.wait(minutes=14)
    told.deliver(first)
    assert stands(told.settle()) == DONE
    subjects = [subject for step, subject, _ in told.done if step == "receive_purchase_order"]
    assert subjects == ["receipt:8891:R-1", "receipt:8891:R-2", "po:8891"]


def test_a_gap_is_received_without_papers_and_its_receipt_is_adopted_when_it_comes_late():
    after, first = came(purchase_order(), "R-1", {1: 4})
    _, second = came(after, "R-2", {1: 6}, minute=200)
    told = world(ordered(), second)
    assert stands(told.wait(minutes=16)) == DONE
    subjects = [subject for step, subject, _ in told.done if step == "receive_purchase_order"]
    assert subjects == ["gap:8891:1:0-4", "receipt:8891:R-2", "po:8891"]
    told.deliver(first)
    assert stands(told.settle()) == DONE
    assert told.wants()["receive_purchase_order", "receipt:8891:R-1"]["packing_slip"] == "SLIP-R-1"


def test_goods_that_only_a_newer_purchase_order_tells_of_are_received_too():
    """The event of the receipt was lost."""
    told = world(ordered(), issued(lines=[po_line(1, received=10)], minute=300))
    told.settle()
    assert told.code("receive_purchase_order", "gap:8891:1:0-10") == Code.RECEIPT_GAP
    assert stands(told.wait(minutes=15)) == DONE


def test_a_supplier_invoice_that_comes_days_later_is_added_and_nothing_is_received_twice():
    """B1.8."""
    after, first = came(purchase_order(), "R-1", {1: 10})
    told = world(ordered(), first)
    told.settle()
    slip = receipt("R-1", {1: 10}, supplierInvoiceNumber="I-1", modifiedDate=at(500))
    told.deliver(received(after, slip, "purchase_order.invoiced"))
    assert stands(told.settle()) == DONE
    assert told.wants()["receive_purchase_order", "po:8891"]["invoice"] == "I-1"


def test_goods_taken_back_after_everything_was_done_are_for_a_person_and_end_by_themselves():
    """H2."""
    told = world(ordered(), whole())
    assert stands(told.settle()) == DONE
    told.deliver(issued(lines=[po_line(1, received=8)], minute=300))
    plan = told.settle()
    assert (stands(plan), plan.answer.who) == ((State.HELD, Code.RECEIPT_REDUCED), Who.PURCHASING)
    told.deliver(issued(lines=[po_line(1, received=10)], minute=400))
    assert stands(told.wait(hours=1)) == DONE


def test_more_than_was_ordered_is_never_received():
    """H2."""
    _, event = came(purchase_order(), "R-1", {1: 11})
    told = world(ordered(), event)
    assert stands(told.settle()) == (State.HELD, Code.RECEIPT_ABOVE_ORDER)
    assert "receive_purchase_order" not in told.steps_done()


# --- more than one purchase order -----------------------------------------------------------------


def test_two_suppliers_for_one_line_are_released_when_both_have_delivered():
    """B1.10, H4."""
    first = purchase_order(8891, [po_line(1, quantity=4)])
    second = purchase_order(8892, [po_line(1, quantity=6)])
    told = world(ordered(), issued(first), issued(second), whole(first))
    assert stands(told.settle()) == WAITS
    told.deliver(whole(second))
    assert stands(told.settle()) == DONE
    linked = [told.wants()["link_demand", f"po:{po}"]["shares"] for po in (8891, 8892)]
    assert [[share["quantity"] for share in shares] for shares in linked] == [[4], [6]]


def test_an_order_waits_for_what_is_on_no_purchase_order():
    """D-15."""
    told = world(ordered(), whole(purchase_order(lines=[po_line(1, quantity=4)])))
    plan = told.settle()
    assert (stands(plan)[1], plan.answer.sentence[:7]) == (Code.LINE_NOT_ORDERED, "6 of 10")
    told.deliver(whole(purchase_order(8892, [po_line(1, quantity=6)])))
    assert stands(told.settle()) == DONE


def test_a_mixed_order_of_stock_two_suppliers_drop_ship_and_service():
    """H4, D-15."""
    lines = [
        line(1, 301, 5),
        line(2, 302, 5),
        line(3, 303, 1),
        line(4, 304, 2, quantityFromStock=2),
    ]
    first = purchase_order(8891, [po_line(1, 301, 5)])
    second = purchase_order(8892, [po_line(1, 302, 5)], type=1)
    order = sales_order(lines, products=[product(303, type=SERVICE)])
    told = world(ordered(order), whole(first), whole(second))
    assert stands(told.settle()) == DONE
    assert told.wants()["ship_goods", "order"] == {"shipped": {"2": 5}}


def test_a_purchase_order_of_nothing_neither_is_mirrored_nor_holds_the_order():
    """H2."""
    told = world(ordered(), whole(), issued(purchase_order(8892, [po_line(1, quantity=0)])))
    assert stands(told.settle()) == DONE
    assert not any(subject == "po:8892" for _, subject, _ in told.done)


def test_a_cancelled_purchase_order_is_replaced_by_another_suppliers():
    """H3."""
    told = world(ordered(), issued())
    told.settle()
    told.deliver(issued(status=90, minute=20))
    assert stands(told.settle()) == (State.WAITING, Code.LINE_NOT_ORDERED)
    told.deliver(whole(purchase_order(8892)))
    assert stands(told.settle()) == DONE


def test_a_purchase_order_cancelled_after_it_reached_connectwise_is_for_a_person():
    """H3."""
    told = world(ordered(), issued(), purchase_order_timing="on_issue")
    told.settle()
    told.deliver(issued(status=90, minute=20))
    assert stands(told.settle()) == (State.HELD, Code.PURCHASE_ORDER_CANCELLED)


def test_a_purchase_order_that_changed_after_it_was_made_is_for_a_person():
    """D-11."""
    told = world(ordered(), issued(), purchase_order_timing="on_issue")
    told.settle()
    told.deliver(issued(lines=[po_line(1, quantity=7)], minute=20))
    assert stands(told.settle()) == (State.HELD, Code.CHANGED_AFTER_FREEZE)
    told.deliver(issued(minute=30))
    assert stands(told.wait(hours=1)) == WAITS


def test_surplus_is_received_and_holds_the_order_but_is_nobodys():
    """B1.9."""
    told = world(ordered(), issued(lines=[po_line(1, quantity=12)]))
    told.deliver(whole(purchase_order(lines=[po_line(1, quantity=12)])))
    assert stands(told.settle()) == DONE
    shares = told.wants()["sync_purchase_order", "po:8891"]["shares"]
    assert [(share["line"], share["quantity"]) for share in shares] == [("1", 10), (None, 2)]


def test_a_purchase_order_reaches_connectwise_when_issued_where_that_is_set():
    """D-2: it still waits for the sales order (D-4)."""
    told = world(issued(), purchase_order_timing="on_issue")
    told.settle()
    assert told.done == []
    told.deliver(ordered())
    assert stands(told.settle()) == WAITS
    assert "link_demand" in told.steps_done()


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


def test_a_line_added_after_the_release_is_added_to_the_sales_order_and_waited_for():
    """H3, D-6: an order is not done while a line of it is on no purchase order."""
    told = world(ordered(), whole())
    told.settle()
    told.deliver(ordered(sales_order([line(1), line(2, 302, 1)], minute=5)))
    assert stands(told.settle()) == (State.WAITING, Code.LINE_NOT_ORDERED)
    assert [entry["key"] for entry in told.wants()["create_products", "order"]["lines"]] == [
        "1",
        "2",
    ]
    told.deliver(whole(purchase_order(8892, [po_line(1, 302, 1)])))
    assert stands(told.settle()) == DONE


def test_a_received_purchase_order_that_names_another_order_is_held():
    """H3."""
    told = world(ordered(), whole())
    told.settle()
    told.facts["purchase_order_moved", "8891"] = Fact(
        "purchase_order_moved", "8891", {"order": "ON10001300"}, told.now
    )
    assert stands(told.settle()) == (State.HELD, Code.PURCHASE_ORDER_MOVED)
