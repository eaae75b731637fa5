"""H12: what Commerce's API has is held against the documents that came in, without any system."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.domain import drift_commerce
from app.domain.codes import Code
from app.domain.commerce import Change, Listing
from app.domain.documents import Kind
from app.domain.drift import Drift, InCommerce, Sweep, Way
from app.domain.polling import OVERDUE, Pace, PollState, Waiting
from tests.builders import (
    NOW,
    at,
    came,
    issued,
    line,
    merged,
    ordered,
    po_line,
    purchase_order,
    sales_order,
)

SO, PO = (Kind.SALES_ORDER, "1201"), (Kind.PURCHASE_ORDER, "8891")
BOTH = [Way.ADOPT, Way.FIX, Way.IGNORE]
ALONE = [Way.ADOPT, Way.IGNORE]
KNOWN = (sales_order(minute=50), purchase_order(minute=50))


def found(read: dict[Any, Any], *events: Any) -> list[Drift]:
    so, po = KNOWN
    kept = merged(ordered(so), issued(po), *events)
    return list(drift_commerce.found(list(kept.values()), read))


def newer(body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**body, "modifiedDate": at(60), **more}


# What stands in Commerce, and what is found: code, what it is about, says, stands, ways.
TABLE: list[tuple[str, dict[Any, Any], list[tuple[Any, ...]]]] = [
    ("the same", {SO: KNOWN[0], PO: KNOWN[1]}, []),
    ("nothing was read", {}, []),
    ("the sales order is gone", {SO: None},
     [(Code.DRIFT_MISSING, "", "known", "gone", ALONE)]),
    ("the purchase order is gone", {PO: None},
     [(Code.DRIFT_MISSING, "", "known", "gone", ALONE)]),
    ("a quantity, newer", {SO: newer(sales_order([line(1, quantity=7)]))},
     [(Code.DRIFT_DIFFERENT, "quantity/1", "10", "7", BOTH)]),
    ("a quantity, not newer", {SO: {**sales_order([line(1, quantity=7)]), "modifiedDate": at(40)}},
     [(Code.DRIFT_DIFFERENT, "quantity/1", "10", "7", ALONE)]),
    ("a line more", {SO: newer(sales_order([line(1), line(2, 302, 3)]))},
     [(Code.DRIFT_DIFFERENT, "quantity/2", "no line", "3", BOTH)]),
    ("a line less", {SO: {**sales_order([]), "modifiedDate": at(40)}},
     [(Code.DRIFT_DIFFERENT, "quantity/1", "10", "no line", ALONE)]),
    ("a price by a cent", {SO: newer(sales_order([line(1, price=100.01)]))},
     [(Code.DRIFT_DIFFERENT, "amount", "1000.00", "1000.10", BOTH)]),
    ("a price by less than a cent in all", {SO: {**sales_order([line(1, price=100.0001)]),
                                                "modifiedDate": at(40)}}, []),
    ("freight of the order", {SO: newer(sales_order(), deliveryAmount=15)},
     [(Code.DRIFT_DIFFERENT, "amount", "1000.00", "1015.00", BOTH)]),
    ("cancelled", {SO: newer(sales_order(), status=90)},
     [(Code.DRIFT_DIFFERENT, "status", "approved", "cancelled", BOTH)]),
    ("only a note", {SO: newer(sales_order(), notes="call first")},
     [(Code.DRIFT_DIFFERENT, "version", "2026-11-19T10:50:00+00:00", "2026-11-19T11:00:00+00:00", BOTH)]),
    ("an older state of it that says the same", {SO: {**sales_order(), "modifiedDate": at(40)}}, []),
    ("what breaks the contract", {SO: newer(sales_order([line(1, quantity=-1)]))},
     [(Code.DRIFT_DIFFERENT, "contract", "2026-11-19T10:50:00+00:00",
       "lines.0.quantity: Input should be greater than or equal to 0", ALONE)]),
    ("goods that came", {PO: newer(purchase_order(lines=[po_line(1, quantityReceived=4)]))},
     [(Code.DRIFT_DIFFERENT, "received/1", "0 received", "4 received", BOTH)]),
    ("goods that came, not newer",
     {PO: {**purchase_order(lines=[po_line(1, quantityReceived=4)]), "modifiedDate": at(40)}},
     [(Code.DRIFT_DIFFERENT, "received/1", "0 received", "4 received", ALONE)]),
    ("a cost of the purchase order",
     {PO: newer(purchase_order(costs=[{"id": 1, "description": "Freight", "amount": 9.5}]))},
     [(Code.DRIFT_DIFFERENT, "amount", "800.00", "809.50", BOTH)]),
]  # fmt: skip


@pytest.mark.parametrize(("read", "wanted"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_h12_each_difference_of_commerce_is_named(
    read: dict[Any, Any], wanted: list[tuple[Any, ...]]
) -> None:
    drifts = found(read)
    assert [(d.code, d.about, d.says, d.stands, list(d.ways)) for d in drifts] == wanted
    assert all(d.system == "commerce" and d.sentence.endswith(".") for d in drifts)
    by_hand = [d for d in drifts if list(d.ways) == ALONE and d.code is Code.DRIFT_DIFFERENT]
    assert all("save it there once more" in d.sentence for d in by_hand)


def test_h12_a_receipt_that_was_lost_while_its_purchase_order_came_is_taken_in() -> None:
    after, _ = came(KNOWN[1], "R1", {1: 4})
    (drift,) = found({PO: after}, issued(after))
    assert (drift.about, drift.stands, list(drift.ways)) == ("receipts", "4 received", BOTH)
    _, told = came(KNOWN[1], "R1", {1: 4})
    assert found({PO: after}, told) == []


def test_h12_what_was_cancelled_here_is_not_missed_in_commerce() -> None:
    assert found({PO: None}, issued(newer(purchase_order(), status=90))) == []


def test_h12_a_document_that_never_came_in_is_named_by_its_list() -> None:
    header = {"id": 8892, "orderNumber": "PO10008892", "status": 1}
    drift = drift_commerce.untold(Kind.PURCHASE_ORDER, header)
    assert (drift.code, drift.says, drift.stands) == (Code.DRIFT_MISSING, "not known", "approved")
    assert list(drift.ways) == BOTH
    odd = drift_commerce.untold(Kind.QUOTE, {"id": 5, "status": 7})
    assert odd.sentence == "Quote id:5 is of status 7 in Commerce and never came in."


# What the poll brings by itself ---------------------------------------------------------------------


def test_h12_what_the_poll_will_bring_is_no_drift() -> None:
    pace = Pace(90, timedelta(minutes=5), 9000)
    state, _ = PollState().started(NOW - timedelta(days=1), None)
    assert not state.brings(SO, NOW, NOW)  # it has not looked yet
    change = Change("1201", "1201", NOW - timedelta(minutes=2))
    looked = state.looked_at({Listing.SALES_ORDERS: [change]}, pace, NOW, history=True)
    assert looked.brings(SO, NOW - timedelta(minutes=1), NOW)  # changed after the last look
    assert not looked.brings(SO, NOW - timedelta(minutes=3), NOW)  # the lists are past it
    assert not looked.brings(SO, NOW - timedelta(minutes=1), NOW + OVERDUE + timedelta(minutes=1))
    waits = Waiting(kind=Kind.SALES_ORDER, id="1201", since=NOW - timedelta(minutes=5))
    pending = looked.model_copy(update={"waiting": (waits,)})
    assert pending.brings(SO, NOW - timedelta(minutes=3), NOW)
    stuck = waits.model_copy(update={"since": NOW - OVERDUE - timedelta(minutes=1)})
    failing = looked.model_copy(update={"waiting": (stuck,)})
    assert not failing.brings(SO, NOW - timedelta(minutes=3), NOW)


def test_h12_a_round_in_commerce_goes_on_in_the_next_sweep_until_it_is_whole() -> None:
    part = InCommerce(after=17, looked=True, orders=9, left=4, trouble="spent")
    assert part.ended().next() == InCommerce(after=17)
    whole = InCommerce(after=21, looked=True, orders=4)
    assert whole.ended().next() == InCommerce()
    kept = Sweep(after=3, commerce=part)
    assert Sweep.of(kept.kept(), kept.commerce.kept()) == kept
    assert Sweep.of({**kept.kept(), "of_a_later_release": 1}) == Sweep(after=3)
