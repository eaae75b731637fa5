"""Which purchase order covers which line: nothing is lost, nothing is linked twice (B1.9, D-8)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.linking import Share, allocate, covered
from app.domain.order import OrderView
from app.steps import sync_purchase_order
from tests.builders import (
    Json,
    applied,
    issued,
    line,
    order_row,
    ordered,
    po_line,
    purchase_order,
    sales_order,
    view,
)


def shares(found: OrderView, po_id: int = 8891) -> list[tuple[int, str | None, int]]:
    return [(share.po_line, share.line, share.quantity) for share in allocate(found)[po_id]]


def synced(found: OrderView, po_id: int) -> Any:
    """The ledger row of a purchase order as its sync would leave it now."""
    subject = f"po:{po_id}"
    return applied("sync_purchase_order", subject, sync_purchase_order.want(found, subject))


def test_the_order_of_the_story_is_covered_by_its_one_purchase_order():
    assert shares(view(ordered(), issued())) == [(1, "1", 10)]


def test_what_is_above_the_order_is_surplus_on_the_same_purchase_order():
    """B1.9: else the supplier's bill never matches."""
    found = view(ordered(sales_order([line(1, quantity=6)])), issued())
    assert shares(found) == [(1, "1", 6), (1, None, 4)]
    assert covered(found) == {1: 6}


def test_a_product_that_was_not_sold_is_surplus():
    found = view(ordered(), issued(lines=[po_line(1, 999, 3)]))
    assert shares(found) == [(1, None, 3)]


def test_the_named_line_is_served_first():
    """D-8: two lines of one product."""
    order = ordered(sales_order([line(1, quantity=5), line(2, quantity=5)]))
    named = issued(lines=[po_line(1, quantity=5, salesOrderLineID=2)])
    assert shares(view(order, named)) == [(1, "2", 5)]


def test_an_unnamed_line_cannot_take_what_a_later_purchase_order_names():
    """D-8: over all purchase orders."""
    order = ordered(sales_order([line(1, quantity=5), line(2, quantity=5)]))
    unnamed = issued(purchase_order(8891, [po_line(1, quantity=5)]))
    named = issued(purchase_order(8892, [po_line(1, quantity=5, salesOrderLineID=1)]))
    found = view(order, unnamed, named)
    assert (shares(found, 8891), shares(found, 8892)) == ([(1, "2", 5)], [(1, "1", 5)])


def test_a_named_line_of_another_product_is_not_believed():
    order = ordered(sales_order([line(1, 301, 5), line(2, 302, 5)]))
    found = view(order, issued(lines=[po_line(1, 301, 5, salesOrderLineID=2)]))
    assert shares(found) == [(1, "1", 5)]


def test_a_line_from_stock_needs_no_purchase_order_for_that_part():
    """D-15, H4."""
    order = ordered(sales_order([line(1, quantity=10, quantityFromStock=7)]))
    assert shares(view(order, issued())) == [(1, "1", 3), (1, None, 7)]


def test_recurring_lines_and_lines_of_nothing_take_no_goods():
    """H5, H2."""
    order = ordered(sales_order([line(1, isRecurring=True), line(2, quantity=0), line(3)]))
    assert shares(view(order, issued())) == [(1, "3", 10)]


def test_two_suppliers_can_share_one_line():
    """B1.10, H4."""
    found = view(
        ordered(),
        issued(purchase_order(8891, [po_line(1, quantity=4)])),
        issued(purchase_order(8892, [po_line(1, quantity=7)])),
    )
    assert shares(found, 8891) == [(1, "1", 4)]
    assert shares(found, 8892) == [(1, "1", 6), (1, None, 1)]


def test_drafts_and_cancelled_purchase_orders_cover_nothing():
    """H3: a draft is never mirrored."""
    for status in (0, 90):
        assert covered(view(ordered(), issued(status=status))) == {}


def test_nothing_is_covered_before_the_sales_order_is_known():
    assert allocate(view(issued())) == {}


def test_what_was_applied_stays_as_applied_when_an_earlier_purchase_order_comes_late():
    order, second = ordered(), issued(purchase_order(8892))
    before = view(order, second)
    ledger = [synced(before, 8892)]
    found = view(order, second, issued(purchase_order(8891)), ledger=ledger)
    assert shares(found, 8892) == [(1, "1", 10)]
    assert shares(found, 8891) == [(1, None, 10)]


def test_b19_goods_that_came_keep_their_link_before_those_of_another_purchase_order():
    """Ten fewer are sold after the second one was received: the first gives its demand back, so
    that no more is linked than is sold."""
    twenty = ordered(sales_order([line(1, quantity=20)]))
    first, second = issued(purchase_order(8891)), issued(purchase_order(8892))
    before = view(twenty, first, second)
    want = {
        "purchase_order": 8892,
        "lines": [{"line": 1, "product": 301, "from": 0, "to": 10, "serials": []}],
    }
    ledger = [
        synced(before, 8891),
        synced(before, 8892),
        applied("receive_purchase_order", "receipt:8892:R", want),
    ]
    ten = ordered(sales_order([line(1, quantity=10)], minute=30))
    found = view(twenty, first, second, ten, ledger=ledger)
    assert shares(found, 8892) == [(1, "1", 10)]
    assert shares(found, 8891) == [(1, None, 10)]
    assert covered(found) == {1: 10}


def test_a_line_of_nothing_does_not_unsettle_what_was_applied():
    """H2: the purchase order has a second line of quantity 0."""
    order = ordered()
    second = issued(purchase_order(8892, [po_line(1), po_line(2, 302, 0)]))
    ledger = [synced(view(order, second), 8892)]
    found = view(order, second, issued(purchase_order(8891)), ledger=ledger)
    assert shares(found, 8892) == [(1, "1", 10)]


def test_another_product_on_the_same_line_is_another_purchase_order():
    """H3: the supplier was changed to one that has another model."""
    order = ordered(sales_order([line(1, 301), line(2, 302)]))
    ledger = [synced(view(order, issued()), 8891)]
    changed = purchase_order(lines=[po_line(1, 302)], minute=20)
    found = view(order, issued(), issued(changed), ledger=ledger)
    assert shares(found) == [(1, "2", 10)]
    want = sync_purchase_order.want(found, "po:8891")
    assert want is not None
    assert want["shares"] != ledger[0].want["shares"]


def test_shares_of_another_order_are_not_taken_for_ours_when_a_purchase_order_moves():
    """H3: line ids are small numbers that every order has."""
    before = view(
        ordered(sales_order([line(1), line(2)])), issued(), row=order_row(source_id="1200")
    )
    moved = view(ordered(sales_order([line(2)])), issued(), ledger=[synced(before, 8891)])
    assert shares(moved) == [(1, "2", 10)]


# --- whatever is sold and ordered -----------------------------------------------------------------

products = st.integers(301, 303)


@st.composite
def stories(draw: st.DrawFn) -> tuple[Json, list[Json]]:
    sold = [
        line(
            n,
            draw(products),
            draw(st.integers(0, 9)),
            quantityFromStock=draw(st.sampled_from([None, None, 2])),
            isRecurring=draw(st.sampled_from([False, False, False, True])),
        )
        for n in range(1, draw(st.integers(1, 4)) + 1)
    ]
    bought = [
        purchase_order(
            8891 + index,
            [
                po_line(
                    n,
                    draw(products),
                    draw(st.integers(0, 9)),
                    salesOrderLineID=draw(st.none() | st.integers(1, 5)),
                )
                for n in range(1, draw(st.integers(1, 3)) + 1)
            ],
        )
        for index in range(draw(st.integers(1, 3)))
    ]
    return ordered(sales_order(sold)), [issued(one) for one in bought]


def by_line(found: Mapping[int, tuple[Share, ...]]) -> dict[tuple[int, int], int]:
    sums: dict[tuple[int, int], int] = {}
    for po_id, parts in found.items():
        for part in parts:
            sums[po_id, part.po_line] = sums.get((po_id, part.po_line), 0) + part.quantity
    return sums


@given(stories())
def test_the_shares_of_a_purchase_order_line_are_its_quantity(story):
    found = view(story[0], *story[1])
    ordered_quantities = {
        (po.id, one.id): one.quantity
        for po in found.purchase_orders
        for one in po.lines
        if one.quantity
    }
    assert by_line(allocate(found)) == ordered_quantities
    assert all(part.quantity > 0 for parts in allocate(found).values() for part in parts)


@given(stories())
def test_no_line_is_covered_above_what_is_open_of_it(story):
    """B1.9, D-8: never above a line's open quantity, and only by its own product."""
    found = view(story[0], *story[1])
    sold = {one.id: one for one in found.sold_lines}
    for key, quantity in covered(found).items():
        assert quantity <= max(sold[key].quantity - (sold[key].quantity_from_stock or 0), 0)
    for parts in allocate(found).values():
        for part in parts:
            assert part.line is None or sold[int(part.line)].product_id == part.product_id


@given(stories())
def test_goods_are_surplus_only_where_no_line_is_open(story):
    found = view(story[0], *story[1])
    on_order = covered(found)
    surplus = {p.product_id for parts in allocate(found).values() for p in parts if p.line is None}
    for one in found.sold_lines:
        open_quantity = one.quantity - (one.quantity_from_stock or 0)
        assert one.product_id not in surplus or on_order.get(one.id, 0) >= open_quantity


@given(stories(), st.randoms(use_true_random=False))
def test_the_links_do_not_depend_on_the_order_of_arrival(story, chance: random.Random):
    """H1: also when every event comes twice."""
    first = allocate(view(story[0], *story[1]))
    events = [story[0], *story[1]] * 2
    chance.shuffle(events)
    assert allocate(view(*events)) == first


@given(stories())
def test_what_was_applied_is_found_again_in_the_same_documents(story):
    found = view(story[0], *story[1])
    rows = [
        synced(found, po.id)
        for po in found.purchase_orders
        if sync_purchase_order.want(found, f"po:{po.id}") is not None
    ]
    assert allocate(view(story[0], *story[1], ledger=rows)) == allocate(found)
