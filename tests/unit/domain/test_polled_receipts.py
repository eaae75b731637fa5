"""Receipts that nobody told, derived from what a purchase order says is received (G8, H2, H7)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import events
from app.domain.codes import Code
from app.domain.documents import Kind
from app.domain.gates_of_goods import earlier_receipts_received
from app.domain.json_values import dumps, loads
from app.domain.polled_receipts import polled_receipts
from app.domain.receipts import parts
from app.domain.versions import Stored, merge
from tests.builders import (
    NOW,
    Json,
    came,
    issued,
    ordered,
    po_line,
    purchase_order,
    receipt,
    view,
)
from tests.builders import received as told

LINE = 1


def standing(*received: int, minute: float = 20, **more: Any) -> Json:
    """The purchase order once so many of each line are received."""
    lines = [
        po_line(number, 300 + number, quantity=100, received=quantity, **more)
        for number, quantity in enumerate(received, 1)
    ]
    return purchase_order(lines=lines, minute=minute)


def merged(*delivered: Json) -> list[Stored]:
    """The receipts of these events as the store has them."""
    found: dict[str, Stored] = {}
    for event in delivered:
        for part in events.read(loads(dumps(event)))[1]:
            if part.stored.kind is Kind.RECEIPT:
                known = found.get(part.stored.source_id)
                found[part.stored.source_id] = merge(known, part.stored)
    return list(found.values())


def polled(state: Json, *before: Json) -> list[Json]:
    """The events of one look at the purchase order."""
    return [told(state, receipt) for receipt in polled_receipts(state, merged(*before))]


def laid_out(*delivered: Json) -> list[tuple[bool, int, int, int]]:
    """(polled, line, above, up to), in order."""
    found = view(*delivered)
    return [
        (part.receipt is not None and part.receipt.polled, i.po_line, i.start, i.end)
        for part in parts(found.purchase_orders[0], found.receipts)
        for i in part.intervals
    ]


def test_g8_h2_what_went_up_since_the_last_look_is_a_receipt():
    first = polled(standing(4, 0))
    assert laid_out(issued(standing(4, 0)), *first) == [(True, 1, 0, 4)]
    second = polled(standing(10, 3, minute=30), *first)
    both = [(True, 1, 0, 4), (True, 1, 4, 10), (True, 2, 0, 3)]
    assert sorted(laid_out(*first, *second)) == both
    assert polled(standing(10, 3, minute=30), *first, *second) == []


def test_g8_h1_the_same_state_is_the_same_receipt():
    assert polled(standing(4)) == polled(standing(4))
    assert polled(standing(0)) == []


def test_g8_h1_what_events_told_is_not_derived_and_a_gap_below_it_is():
    after, first = came(standing(0), "R-1", {1: 4})
    assert polled(after, first) == []
    _, second = came(standing(4), "R-2", {1: 6})
    (event,) = polled(standing(10, minute=30), second)
    assert laid_out(second, event) == [(True, 1, 0, 4), (False, 1, 4, 10)]


def test_g8_h1_a_receipt_that_is_told_later_takes_its_interval_over():
    (seen,) = polled(standing(10))
    after, first = came(standing(0), "R-1", {1: 4}, minute=10)
    _, second = came(after, "R-2", {1: 6}, minute=15)
    assert laid_out(seen, first) == [(False, 1, 0, 4), (True, 1, 4, 10)]
    assert laid_out(seen, first, second) == [(False, 1, 0, 4), (False, 1, 4, 10)]


def test_g8_h1_a_look_at_two_lines_never_waits_for_a_receipt_that_waits_for_it():
    """Cut by a receipt that was told later, it would lie below it on one line and above on the
    other: as one part neither could be received."""
    (seen,) = polled(standing(4, 3))
    cut = told(standing(4, 1, minute=15), receipt("R-1", {1: 2, 2: 1}))
    found = view(seen, cut)
    name = f"receipt:8891:{seen['data']['receipt']['id']}"
    assert {
        part.subject: [(i.po_line, i.start, i.end) for i in part.intervals]
        for part in parts(found.purchase_orders[0], found.receipts)
    } == {
        f"{name}:1:0-2": [(1, 0, 2)],
        "receipt:8891:R-1": [(1, 2, 4), (2, 0, 1)],
        f"{name}:2:1-3": [(2, 1, 3)],
    }


def test_h7_new_serial_numbers_of_a_line_are_its_receipts():
    def state(received: int, *serials: str, minute: float = 20) -> Json:
        listed = [{"serialNumber": serial} for serial in serials]
        return standing(received, minute=minute, serialNumbers=listed)

    first = polled(state(2, "A", "B"))
    assert first[0]["data"]["receipt"]["lines"][0]["serialNumbers"] == ["A", "B"]
    second = polled(state(4, "A", "B", "C", minute=30), *first)
    assert second[0]["data"]["receipt"]["lines"][0]["serialNumbers"] == ["C"]
    # The fourth one's number comes in later: the same receipt is told again, with it.
    third = polled(state(4, "A", "B", "C", "D", minute=40), *first, *second)
    assert [event["data"]["receipt"]["id"] for event in third] == [
        second[0]["data"]["receipt"]["id"]
    ]
    found = view(*first, *second, *third)
    last = parts(found.purchase_orders[0], found.receipts)[-1]
    assert (last.intervals[0].start, last.intervals[0].serials) == (2, ("C", "D"))
    assert polled(state(4, "A", "B", "C", "D", minute=40), *first, *second, *third) == []


def test_g8_what_the_poll_saw_waits_for_its_papers_where_events_bring_any():
    (seen,) = polled(standing(4))
    subject = f"receipt:8891:{seen['data']['receipt']['id']}"
    since = NOW - timedelta(minutes=14)
    found = view(ordered(), seen)
    answer = earlier_receipts_received(found, subject, since)
    assert answer is not None
    assert (answer.code, answer.until) == (Code.RECEIPT_GAP, NOW + timedelta(minutes=1))
    assert earlier_receipts_received(found, subject, NOW - timedelta(minutes=15)) is None
    alone = view(ordered(), seen, commerce_papers_come=False)
    assert earlier_receipts_received(alone, subject, since) is None


def test_g8_a_receipt_is_dated_by_the_header_once_all_is_there():
    lines = [po_line(1, quantity=4, received=4, modifiedDate="2026-11-20T08:00:00Z")]
    part = purchase_order(lines=lines, receivedDate="2026-11-20T09:00:00Z")
    (receipt,) = polled_receipts(part, [])
    assert receipt["receivedDate"] == "2026-11-20T08:00:00+00:00"
    (receipt,) = polled_receipts({**part, "status": 2}, [])
    assert receipt["receivedDate"] == "2026-11-20T09:00:00Z"


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_g8_h1_h2_looks_and_events_in_any_mix_and_order_cover_every_unit_once(
    amounts: list[int], chance: random.Random
):
    state, delivered = standing(0), [issued(standing(0))]
    for number, amount in enumerate(amounts):
        minute = 20.0 + number
        state, event = came(state, f"R-{number}", {LINE: amount}, minute=minute)
        if chance.random() < 0.6:
            # A look may not know yet what was delivered a moment ago.
            delivered += polled(state, *delivered[: chance.randint(0, len(delivered))])
        if chance.random() < 0.6:
            delivered.append(event)
    delivered += polled(state, *delivered)
    expected = laid_out(*delivered)
    at = 0
    for _, _, start, end in expected:
        assert start == at
        at = end
    assert at == sum(amounts)
    chance.shuffle(delivered)
    assert laid_out(*delivered) == expected


def test_h7_what_is_left_of_a_look_keeps_the_serial_numbers_that_no_receipt_told():
    serials = ["A", "B", "C", "D"]
    (seen,) = polled(standing(4, serialNumbers=[{"serialNumber": one} for one in serials]))
    own = {"serialNumbers": ["B"]}
    part = receipt("R-1", {1: 1})
    part["lines"][0] |= own
    cut = told(standing(1, minute=10), part)
    found = view(seen, cut)
    assert [
        (i.start, i.end, i.serials)
        for part in parts(found.purchase_orders[0], found.receipts)
        for i in part.intervals
    ] == [(0, 1, ("B",)), (1, 4, ("A", "C", "D"))]
    # Where they do not come out even, nobody can say whose they are.
    part["lines"][0]["serialNumbers"] = ["X"]
    found = view(seen, told(standing(1, minute=10), part))
    assert parts(found.purchase_orders[0], found.receipts)[-1].intervals[0].serials == ()
