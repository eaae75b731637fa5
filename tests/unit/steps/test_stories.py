"""Whole stories of B1 in an ideal world: the decisions of the core, from the first event to done."""

from __future__ import annotations

from app.domain.codes import Code, State, Who
from tests.builders import (
    SERVICE,
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
from tests.ideal import DONE, WAITS, stands, whole, world


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


def test_d11_a_purchase_order_that_changed_after_a_receipt_is_for_a_person():
    after, first = came(purchase_order(), "R-1", {1: 4})
    told = world(ordered(), first)
    told.settle()
    lines = [{**after["lines"][0], "quantity": 7}]
    told.deliver(issued({**after, "lines": lines, "modifiedDate": at(200)}))
    assert stands(told.settle()) == (State.HELD, Code.CHANGED_AFTER_FREEZE)
    told.deliver(issued({**after, "modifiedDate": at(300)}))
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


def test_h2_each_line_above_the_order_is_decided_once() -> None:
    """The choice about the second line of a receipt once undid the one about the first, for ever."""
    po = purchase_order(8891, [po_line(1, 301, 4), po_line(2, 302, 2)])
    told = world(ordered(sales_order([line(1, 301, 4), line(2, 302, 2)])), issued(po))
    told.deliver(came(po, "R1", {1: 5, 2: 3})[1])
    told.settle()
    for _ in range(2):
        assert told.code("receive_purchase_order", "receipt:8891:R1") is Code.RECEIPT_ABOVE_ORDER
        told.decide(Code.RECEIPT_ABOVE_ORDER, "receive_ordered", "receipt:8891:R1")
    assert stands(told.plan()) == DONE
