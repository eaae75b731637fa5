"""Goods above the order: ConnectWise may link a plain line by itself, so they come last (B1.9)."""

from __future__ import annotations

from typing import Any

from app.domain.codes import Code, State
from app.domain.gates_of_buying import surplus_comes_last
from app.domain.gates_of_goods import surplus_stands
from app.domain.records import LedgerRow
from tests.builders import NOW, applied, came, issued, ordered, po_line, purchase_order, view
from tests.ideal import DONE, stands, whole, world

ABOVE = purchase_order(8892, [po_line(1, quantity=3)])


def linked(po_id: int) -> Any:
    return applied("link_demand", f"po:{po_id}", {})


def got(quantity: int) -> LedgerRow:
    lines = [{"line": 1, "to": quantity}]
    return applied(
        "receive_purchase_order", "receipt:8891:R", {"purchase_order": 8891, "lines": lines}
    )


def test_surplus_waits_until_the_demand_for_its_product_is_linked():
    before = view(ordered(), issued(), issued(ABOVE), ledger=[linked(8892)])
    shut = surplus_comes_last(before, "surplus:8892", NOW)
    assert shut is not None
    assert shut.code is Code.SURPLUS_LAST
    assert "until PO10008891 is linked" in shut.sentence
    after = view(ordered(), issued(), issued(ABOVE), ledger=[linked(8891), linked(8892)])
    assert surplus_comes_last(after, "surplus:8892", NOW) is None


def test_surplus_waits_for_its_own_purchase_order_too():
    found = view(ordered(), issued(lines=[po_line(1, quantity=12)]))
    assert surplus_comes_last(found, "surplus:8891", NOW) is not None


def test_surplus_does_not_wait_for_other_products():
    other = purchase_order(8892, [po_line(1, 999, 1)])
    found = view(ordered(), issued(), issued(other), ledger=[linked(8892)])
    assert surplus_comes_last(found, "surplus:8892", NOW) is None


def test_the_purchase_order_itself_never_waits_for_surplus():
    assert surplus_comes_last(view(ordered(), issued(ABOVE)), "po:8892", NOW) is None


def test_what_is_received_above_the_linked_quantity_needs_its_line_first():
    order = purchase_order(lines=[po_line(1, quantity=12)])
    after, first = came(order, "R-1", {1: 10})
    second = came(after, "R-2", {1: 2}, minute=200)[1]
    found = view(ordered(), first, second, ledger=[got(10)])
    assert surplus_stands(found, "receipt:8891:R-1", NOW) is None
    shut = surplus_stands(found, "receipt:8891:R-2", NOW)
    assert shut is not None
    assert shut.sentence.startswith("2 received on PO10008891")
    row = LedgerRow("sync_purchase_order", "surplus:8891", State.DONE, want={})
    there = view(ordered(), first, second, ledger=[got(10), row])
    assert surplus_stands(there, "receipt:8891:R-2", NOW) is None


def test_a_purchase_order_of_surplus_alone_goes_on_after_the_one_that_is_linked():
    late = world(ordered(), issued(), whole(ABOVE))
    late.settle()
    assert late.code("receive_purchase_order", "receipt:8892:R-8892") == Code.SURPLUS_LAST
    late.deliver(whole())
    assert stands(late.settle()) == DONE


def test_two_purchase_orders_above_the_order_do_not_wait_for_each_other():
    both = [whole(purchase_order(po, [po_line(1, quantity=12)])) for po in (8891, 8892)]
    assert stands(world(ordered(), *both).settle()) == DONE


def test_d11_a_surplus_that_grew_before_anything_came_is_brought_up_to_date():
    told = world(
        ordered(), issued(lines=[po_line(1, quantity=12)]), purchase_order_timing="on_issue"
    )
    told.settle()
    assert ("sync_purchase_order", "surplus:8891") in told.wants()
    told.deliver(issued(lines=[po_line(1, quantity=15)], minute=20))
    assert told.settle().answer.code is Code.GOODS_NOT_RECEIVED
    assert told.wants()["sync_purchase_order", "surplus:8891"]["shares"][0]["quantity"] == 5
    told.deliver(issued(lines=[po_line(1, quantity=10)], minute=30))
    told.settle()
    assert told.wants()["sync_purchase_order", "surplus:8891"]["shares"] == []
