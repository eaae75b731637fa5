"""Receipts as cumulative intervals: whatever comes in, whenever, every unit counts once (H2)."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from app.domain.quantities import received
from app.domain.receipts import Interval, parts
from tests.builders import (
    Json,
    at,
    came,
    issued,
    po_line,
    purchase_order,
    receipt,
    view,
)
from tests.builders import received as told


def laid_out(*events: Json) -> dict[str, list[tuple[int, int, int]]]:
    """(line, above, up to) by subject, in the order in which they have to be received."""
    found = view(*events)
    (document,) = found.purchase_orders
    return {
        part.subject: [(i.po_line, i.start, i.end) for i in part.intervals]
        for part in parts(document, found.receipts)
    }


def standing(quantity: int, minute: float = 100) -> Json:
    """The purchase order once so many units of its one line are received."""
    return purchase_order(lines=[po_line(1, quantity=100, received=quantity)], minute=minute)


def test_a_receipt_ends_where_its_purchase_order_stood():
    _, event = came(purchase_order(lines=[po_line(1, received=3)]), "R-1", {1: 4})
    assert laid_out(event)["receipt:8891:R-1"] == [(1, 3, 7)]


def test_two_receipts_follow_each_other_whichever_comes_first():
    after, first = came(purchase_order(), "R-1", {1: 4})
    _, second = came(after, "R-2", {1: 6}, minute=200)
    expected = {"receipt:8891:R-1": [(1, 0, 4)], "receipt:8891:R-2": [(1, 4, 10)]}
    assert laid_out(first, second) == laid_out(second, first) == expected


def test_a_receipt_of_several_lines_is_received_in_one_go():
    order = purchase_order(lines=[po_line(1), po_line(2, 302, 3)])
    _, event = came(order, "R-1", {1: 10, 2: 3})
    assert laid_out(event) == {"receipt:8891:R-1": [(1, 0, 10), (2, 0, 3)]}


def test_a_gap_below_a_receipt_is_named():
    assert laid_out(told(standing(10), receipt("R-2", {1: 6}))) == {
        "gap:8891:1:0-4": [(1, 0, 4)],
        "receipt:8891:R-2": [(1, 4, 10)],
    }


def test_a_purchase_order_that_has_received_more_than_its_receipts_tell_has_a_gap_above():
    _, first = came(standing(0), "R-1", {1: 4})
    assert laid_out(first, issued(standing(9, minute=300))) == {
        "receipt:8891:R-1": [(1, 0, 4)],
        "gap:8891:1:4-9": [(1, 4, 9)],
    }


def test_receipts_that_were_told_together_reach_down_from_the_top_they_share():
    """Both events carry the purchase order as it stood after both: together they are all of it."""
    first = told(standing(10), receipt("R-1", {1: 4}, minute=90))
    second = told(standing(10), receipt("R-2", {1: 6}, minute=95))
    expected = {"receipt:8891:R-1": [(1, 0, 4)], "receipt:8891:R-2": [(1, 4, 10)]}
    assert laid_out(first, second) == laid_out(second, first) == expected


def test_overlapping_receipts_are_laid_end_to_end_by_date_and_then_by_id():
    events = [
        told(standing(6), receipt("B", {1: 2}, minute=90)),
        told(standing(6), receipt("A", {1: 3}, minute=95)),
        told(standing(6), receipt("C", {1: 1}, minute=90)),
    ]
    assert laid_out(*events) == {
        "receipt:8891:B": [(1, 0, 2)],
        "receipt:8891:C": [(1, 2, 3)],
        "receipt:8891:A": [(1, 3, 6)],
    }


def test_receipts_never_reach_below_those_that_were_told_before():
    _, first = came(standing(0), "R-1", {1: 4}, minute=50)
    both = [told(standing(9), receipt(name, {1: 3}, minute=90)) for name in ("R-2", "R-3")]
    assert laid_out(first, *both) == {
        "receipt:8891:R-1": [(1, 0, 4)],
        "receipt:8891:R-2": [(1, 4, 7)],
        "receipt:8891:R-3": [(1, 7, 9)],
    }


def test_only_the_highest_end_is_received_when_receipts_say_more():
    """One delivery written down twice."""
    events = [told(standing(4), receipt(name, {1: 4})) for name in ("R-1", "R-2")]
    assert laid_out(*events) == {"receipt:8891:R-1": [(1, 0, 4)]}


def test_what_commerce_took_back_is_no_longer_to_be_received():
    """H2: a negative correction before the goods were received in ConnectWise."""
    _, first = came(standing(0), "R-1", {1: 10})
    corrected = issued(standing(8, minute=300))
    assert laid_out(first, corrected) == {"receipt:8891:R-1": [(1, 0, 8)]}
    assert laid_out(first, issued(standing(0, minute=300))) == {}


def test_a_receipt_is_of_its_own_purchase_order_only():
    _, other = came(purchase_order(8892), "R-9", {1: 10})
    found = view(issued(), other)
    assert [parts(one, found.receipts) != () for one in found.purchase_orders] == [False, True]


def test_serial_numbers_stay_with_the_units_they_were_scanned_with():
    """H7."""
    slip = receipt("R-1", {1: 3}, serials={1: ["A", "B", "C"]})
    found = view(told(standing(3), slip))
    (part,) = parts(found.purchase_orders[0], found.receipts)
    assert part.intervals == (Interval(1, 301, 0, 3, ("A", "B", "C")),)


# --- whatever comes in ----------------------------------------------------------------------------


@st.composite
def deliveries(draw: st.DrawFn) -> list[Json]:
    """Receipts of two lines. Each event's purchase order may have been read late, after later
    receipts, and some receipts never come in."""
    count = draw(st.integers(1, 5))
    brought = st.fixed_dictionaries({1: st.integers(0, 4), 2: st.integers(0, 2)})
    steps = [{n: q for n, q in draw(brought).items() if q} for _ in range(count)]
    totals: list[dict[int, int]] = []
    sofar = {1: 0, 2: 0}
    for step in steps:
        sofar = {n: sofar[n] + step.get(n, 0) for n in sofar}
        totals.append(sofar)
    events = []
    for index, step in enumerate(steps):
        read = draw(st.integers(index, count - 1))
        lines = [po_line(n, 300 + n, 99, totals[read][n]) for n in (1, 2)]
        order = purchase_order(lines=lines, minute=100 + read)
        slip = receipt(f"R-{index}", step, minute=100 + draw(st.integers(0, 3)))
        lost = draw(st.integers(0, 5)) == 0
        if step and not lost:
            events.append(told(order, slip))
    return [*events, issued(purchase_order(lines=[po_line(1, 301, 99), po_line(2, 302, 99)]))]


@given(deliveries())
def test_the_intervals_are_disjoint_and_cover_everything_received(events):
    found = view(*events)
    (document,) = found.purchase_orders
    for one in document.lines:
        intervals = [
            (interval.start, interval.end)
            for part in parts(document, found.receipts)
            for interval in part.intervals
            if interval.po_line == one.id
        ]
        at_unit = 0
        for start, end in sorted(intervals):
            assert (start, end > start) == (at_unit, True)
            at_unit = end
        assert at_unit == one.quantity_received == received(found, document).get(one.id, 0)


@given(deliveries(), st.randoms(use_true_random=False))
def test_the_intervals_do_not_depend_on_the_order_of_delivery(events, chance: random.Random):
    """H1: also when every event comes twice."""
    first = laid_out(*events)
    shuffled = events * 2
    chance.shuffle(shuffled)
    assert laid_out(*shuffled) == first


@given(deliveries())
def test_no_receipt_is_given_more_than_it_brought(events):
    found = view(*events)
    (document,) = found.purchase_orders
    brought = {
        (one.id, entry.purchase_order_line_id): entry.quantity
        for one in found.receipts
        for entry in one.lines
    }
    for part in parts(document, found.receipts):
        for interval in part.intervals:
            if part.receipt is not None:
                assert interval.end - interval.start <= brought[part.receipt.id, interval.po_line]


def test_moments_of_receipts_are_compared_as_moments():
    late = {**receipt("A", {1: 2}), "receivedDate": "2026-11-19T13:00:00+00:00"}
    early = {**receipt("B", {1: 2}), "receivedDate": "2026-11-19T13:30:00+02:00"}
    assert list(laid_out(told(standing(4), late), told(standing(4), early))) == [
        "receipt:8891:B",
        "receipt:8891:A",
    ]
    assert at(0) == "2026-11-19T10:00:00Z"
