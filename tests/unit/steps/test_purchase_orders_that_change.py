"""Purchase orders that change, are cancelled, replaced, or are for stock: the decisions, pure."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.codes import Code, State
from app.domain.linking import covered
from app.domain.records import Fact
from app.steps.revise import differences
from tests.builders import (
    STOCK_ROW,
    Json,
    at,
    came,
    issued,
    line,
    order_row,
    ordered,
    po_line,
    purchase_order,
    sales_order,
    view,
)
from tests.ideal import DONE, WAITS, World, stands, whole, world

PO = "po:8891"
ON_ISSUE: dict[str, Any] = {"purchase_order_timing": "on_issue"}


def linked(told: World, po_id: int = 8891) -> list[tuple[str | None, int]]:
    want = told.wants()["sync_purchase_order", f"po:{po_id}"]
    return [(share["line"], share["quantity"]) for share in want["shares"]]


def after_a_receipt(quantity: int) -> World:
    """10 ordered, 4 received, and then another quantity in Commerce."""
    after, first = came(purchase_order(), "R-1", {1: 4})
    told = world(ordered(), first)
    told.settle()
    lines = [{**after["lines"][0], "quantity": quantity}]
    told.deliver(issued({**after, "lines": lines, "modifiedDate": at(200)}))
    assert stands(told.settle()) == (State.HELD, Code.CHANGED_AFTER_FREEZE)
    return told


# --- D-11 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["done_by_hand", "keep_connectwise"])
def test_d11_a_choice_about_one_change_does_not_answer_for_the_next(choice: str):
    told = after_a_receipt(8)
    told.decide(Code.CHANGED_AFTER_FREEZE, choice, PO)
    assert stands(told.settle())[0] is not State.HELD
    more = purchase_order(lines=[po_line(1, quantity=7, received=4)], minute=300)
    told.deliver(issued(more))
    assert stands(told.settle()) == (State.HELD, Code.CHANGED_AFTER_FREEZE)


def test_d11_what_connectwise_keeps_is_still_known_as_what_stands_there():
    told = after_a_receipt(8)
    told.decide(Code.CHANGED_AFTER_FREEZE, "keep_connectwise", PO)
    want = told.wants()["sync_purchase_order", PO]
    assert [share["quantity"] for share in want["stands"]] == [10]
    assert [s["quantity"] for s in told.wants()["link_demand", PO]["shares"]] == [10]
    told.deliver(issued(lines=[po_line(1, quantity=10, received=4)], minute=300))
    assert stands(told.settle()) == WAITS
    assert "stands" not in told.wants()["sync_purchase_order", PO]


def test_d11_a_change_by_hand_counts_as_made_and_is_read_back():
    told = after_a_receipt(8)
    told.decide(Code.CHANGED_AFTER_FREEZE, "done_by_hand", PO)
    assert linked(told) == [("1", 8)]
    assert [s["quantity"] for s in told.wants()["link_demand", PO]["shares"]] == [8]


def test_d11_another_product_on_the_same_purchase_order_is_not_frozen():
    lines = [po_line(1, 301, 10), po_line(2, 302, 3)]
    order = sales_order([line(1, 301, 10), line(2, 302, 3)])
    after, first = came(purchase_order(lines=lines), "R-1", {1: 4})
    told = world(ordered(order), first)
    told.settle()
    changed = [after["lines"][0], {**after["lines"][1], "quantity": 2}]
    told.deliver(issued({**after, "lines": changed, "modifiedDate": at(200)}))
    assert stands(told.settle()) == WAITS
    assert linked(told) == [("1", 10), ("2", 2)]


def test_d11_a_supplier_cannot_be_exchanged_on_a_purchase_order_that_stands():
    told = world(ordered(), issued(), **ON_ISSUE)
    told.settle()
    supplier = {"id": 10, "name": "TD Synnex", "accountNumber": "SYNNEX"}
    told.deliver(issued(minute=20, supplierID=10, supplier=supplier))
    assert stands(told.settle()) == (State.HELD, Code.CHANGED_AFTER_FREEZE)


def test_d11_the_difference_names_quantities_prices_and_links():
    found = view(ordered(), issued())
    document = found.purchase_orders[0]

    def share(line: str | None, quantity: int, cost: int = 80) -> Json:
        return {"po_line": 1, "product": 301, "line": line, "quantity": quantity, "cost": cost}

    def told(before: list[Json], after: list[Json]) -> list[str]:
        return list(differences(found, document, before, after).values())

    assert told([share("1", 10)], [share("1", 8)]) == ["10 to 8 Product 301"]
    assert told([share("1", 10)], [share("1", 10, 75)]) == ["Product 301: price 80 to 75"]
    assert told([share("1", 10)], [share("1", 8), share(None, 2)]) == [
        "Product 301: 10 to 8 of 10 for the order"
    ]
    assert told([share("1", 10)], [share("1", 10)]) == []


# --- what the order sells changes -----------------------------------------------------------------


def test_b1_9_what_the_order_no_longer_sells_becomes_surplus_of_what_stands():
    told = world(ordered(), issued(), **ON_ISSUE)
    told.settle()
    told.deliver(ordered(sales_order([line(1, quantity=8)], minute=20)))
    told.settle()
    assert linked(told) == [("1", 8), (None, 2)]
    surplus = told.wants()["sync_purchase_order", "surplus:8891"]
    assert [share["quantity"] for share in surplus["shares"]] == [2]
    told.deliver(ordered(sales_order([line(1, quantity=10)], minute=30)))
    told.settle()
    assert linked(told) == [("1", 10)]
    assert told.wants()["sync_purchase_order", "surplus:8891"]["shares"] == []


def test_d11_what_was_received_on_its_link_stays_linked_when_the_order_sells_less():
    told = world(ordered(), whole())
    told.settle()
    told.deliver(ordered(sales_order([line(1, quantity=8)], minute=200)))
    told.settle()
    assert linked(told) == [("1", 10)]


# --- H3: cancelled and replaced -------------------------------------------------------------------


def test_h3_the_new_suppliers_purchase_order_waits_for_the_demand_of_the_cancelled_one():
    told = world(ordered(), issued(), **ON_ISSUE)
    told.settle()
    told.deliver(issued(status=90, minute=20), issued(purchase_order(8892)))
    assert stands(told.settle()) == (State.HELD, Code.PURCHASE_ORDER_CANCELLED)
    assert told.code("sync_purchase_order", "po:8892") == Code.DEMAND_NOT_FREE
    told.decide(Code.PURCHASE_ORDER_CANCELLED, "cancel_in_connectwise", PO)
    assert stands(told.settle()) == WAITS
    assert (linked(told), linked(told, 8892)) == ([], [("1", 10)])
    told.deliver(whole(purchase_order(8892)))
    assert stands(told.settle()) == DONE


def test_h3_surplus_of_the_new_supplier_is_linked_once_the_old_one_is_cancelled():
    """The new purchase order came while the old one still stood."""
    told = world(ordered(), issued(), issued(purchase_order(8892)), **ON_ISSUE)
    told.settle()
    assert linked(told, 8892) == [(None, 10)]
    told.deliver(issued(status=90, minute=20))
    told.settle()
    told.decide(Code.PURCHASE_ORDER_CANCELLED, "done_by_hand", PO)
    assert linked(told, 8892) == [("1", 10)]


def test_h3_what_came_on_a_cancelled_purchase_order_still_covers_the_order():
    after, first = came(purchase_order(), "R-1", {1: 4})
    told = world(ordered(), first)
    told.settle()
    told.deliver(issued({**after, "status": 90, "modifiedDate": at(200)}))
    told.settle()
    told.decide(Code.PURCHASE_ORDER_CANCELLED, "cancel_in_connectwise", PO)
    assert covered(told.view()) == {1: 4}
    assert stands(told.settle()) == (State.WAITING, Code.LINE_NOT_ORDERED)
    told.deliver(whole(purchase_order(8892, [po_line(1, quantity=6)], minute=300)))
    assert stands(told.settle()) == DONE


def test_h3_a_purchase_order_that_stands_again_after_its_cancellation_is_for_a_person():
    told = world(ordered(), issued(), **ON_ISSUE)
    told.settle()
    told.deliver(issued(status=90, minute=20))
    told.settle()
    told.decide(Code.PURCHASE_ORDER_CANCELLED, "cancel_in_connectwise", PO)
    told.deliver(issued(minute=30))
    assert stands(told.settle()) == (State.HELD, Code.CHANGED_AFTER_FREEZE)


def test_d8_lines_that_are_named_otherwise_later_keep_the_links_that_stand():
    order = sales_order([line(1, quantity=5), line(2, quantity=5)])
    one = purchase_order(8891, [po_line(1, quantity=5, salesOrderLineID=1)])
    two = purchase_order(8892, [po_line(1, quantity=5, salesOrderLineID=2)])
    told = world(ordered(order), issued(one), issued(two), **ON_ISSUE)
    told.settle()
    assert (linked(told), linked(told, 8892)) == ([("1", 5)], [("2", 5)])
    told.deliver(
        issued(purchase_order(8891, [po_line(1, quantity=5, salesOrderLineID=2)], minute=20)),
        issued(purchase_order(8892, [po_line(1, quantity=5, salesOrderLineID=1)], minute=20)),
    )
    assert stands(told.settle()) == WAITS
    assert (linked(told), linked(told, 8892)) == ([("1", 5)], [("2", 5)])


def test_h3_a_moved_purchase_order_stays_here_when_a_person_says_so():
    told = world(ordered(), whole())
    told.settle()
    moved = Fact("purchase_order_moved", "8891", {"order": "ON10001300"}, told.now)
    told.facts["purchase_order_moved", "8891"] = moved
    assert stands(told.settle()) == (State.HELD, Code.PURCHASE_ORDER_MOVED)
    told.decide(Code.PURCHASE_ORDER_MOVED, "keep_here", PO)
    assert stands(told.settle()) == DONE


# --- H4: for stock --------------------------------------------------------------------------------


def stock_world(*events: Json, **settings: Any) -> World:
    made = World(settings, row=order_row(**STOCK_ROW))
    made.deliver(*events)
    return made


def test_h4_a_purchase_order_for_stock_is_surplus_as_a_whole_and_is_completed():
    told = stock_world(issued(order=None))
    assert stands(told.settle()) == WAITS
    told.deliver(whole(purchase_order(order=None)))
    assert stands(told.settle()) == (State.DONE, Code.STOCK_RECEIVED)
    assert told.steps_done() == [
        "sync_purchase_order",  # the header
        "sync_purchase_order",  # its lines, linked to nobody
        "receive_purchase_order",
        "receive_purchase_order",  # the completion
    ]


def test_h4_a_purchase_order_for_stock_that_is_ignored_is_done_and_says_why():
    told = stock_world(whole(purchase_order(order=None)), stock_purchase_orders="ignore")
    assert stands(told.settle()) == (State.DONE, Code.STOCK_IGNORED)
    assert told.done == []


def test_h4_a_draft_for_stock_waits_and_a_cancelled_one_ends():
    told = stock_world(issued(order=None, status=0))
    assert stands(told.settle()) == (State.WAITING, Code.ORDER_NOT_APPROVED)
    told.deliver(issued(order=None, status=90, minute=20))
    assert stands(told.settle()) == (State.CANCELLED, Code.CANCELLED)


def test_h4_a_purchase_order_for_stock_that_stands_and_is_cancelled_is_for_a_person():
    told = stock_world(issued(order=None), **ON_ISSUE)
    told.settle()
    told.deliver(issued(order=None, status=90, minute=20))
    assert stands(told.settle()) == (State.HELD, Code.PURCHASE_ORDER_CANCELLED)
    told.decide(Code.PURCHASE_ORDER_CANCELLED, "cancel_in_connectwise", PO)
    assert stands(told.settle()) == (State.CANCELLED, Code.CANCELLED)


def test_h4_nothing_is_left_of_a_stock_order_whose_purchase_order_moved_away():
    assert stands(stock_world().settle()) == (State.CANCELLED, Code.CANCELLED)
