"""The one version rule is a join: neither order of arrival nor repetition can matter (H1)."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.documents import Kind, PurchaseOrder, Receipt, SalesOrder, parse
from app.domain.json_values import dumps, loads
from app.domain.versions import Stored, incoming, merge
from tests.builders import (
    at,
    came,
    line,
    merged,
    ordered,
    po_line,
    purchase_order,
    receipt,
    received,
    sales_order,
)


def stored(kind: Kind, body: dict[str, Any]) -> Stored:
    return incoming(kind, str(body["id"]), loads(dumps(body)))


def join(*states: Stored) -> Stored:
    result: Stored | None = None
    for state in states:
        result = merge(result, state)
    assert result is not None
    return result


def typed(*states: Stored) -> Any:
    newest = join(*states)
    return parse(newest.kind, newest.body())


# Few values, so that ties in every part of the rank come up again and again.
minutes = st.integers(0, 2)
contact = st.sampled_from([None, {"email": "a@contoso.example"}, {"email": "b@contoso.example"}])
maybe_tax = st.sampled_from([None, 1, 2])


@st.composite
def sales_orders(draw: st.DrawFn) -> Stored:
    lines = [
        line(n, quantity=draw(st.integers(1, 2)), lineTax=draw(maybe_tax))
        for n in range(1, draw(st.integers(1, 3)))
    ]
    more: dict[str, Any] = {
        "contact": draw(contact),
        "total": draw(maybe_tax),
        "reference": draw(st.none()),
    }
    if draw(st.booleans()):
        more.pop("reference")  # null and absent are the same thing
    status = draw(st.sampled_from([2, 3, 90]))
    return stored(Kind.SALES_ORDER, sales_order(lines, minute=draw(minutes), status=status, **more))


@st.composite
def purchase_orders(draw: st.DrawFn) -> Stored:
    lines = [
        po_line(1, received=draw(st.integers(0, 2)), salesOrderLineID=draw(maybe_tax)),
        po_line(2, modifiedDate=draw(st.sampled_from([None, at(0), at(3)]))),
    ]
    body = purchase_order(lines=lines, minute=draw(minutes), status=draw(st.sampled_from([1, 90])))
    if draw(st.booleans()):
        body["costs"] = [{"id": 1, "description": "Freight", "amount": 1, "modifiedDate": at(1)}]
    return stored(Kind.PURCHASE_ORDER, body)


@st.composite
def receipts(draw: st.DrawFn) -> Stored:
    lines = [
        {
            "purchaseOrderLineID": 1,
            "quantity": draw(st.integers(1, 2)),
            "to": draw(st.integers(0, 3)),
            "serialNumbers": draw(st.sampled_from([[], ["A"], ["A", "B"]])),
        }
    ]
    papers = {"supplierInvoiceNumber": draw(st.sampled_from([None, "I-1", "I-2"]))}
    date = draw(st.sampled_from([None, at(200), at(201)]))
    body = {**receipt("R-1", {1: 1}), "lines": lines, "modifiedDate": date, **papers}
    return stored(Kind.RECEIPT, body)


families = st.one_of(
    st.lists(sales_orders(), min_size=1, max_size=4),
    st.lists(purchase_orders(), min_size=1, max_size=4),
    st.lists(receipts(), min_size=1, max_size=4),
)


@given(families)
def test_every_order_of_arrival_ends_in_the_same_document(states):
    ends = [join(*order) for order in itertools.permutations(states)]
    assert all(end == ends[0] for end in ends)


@given(families)
def test_a_document_that_comes_twice_changes_nothing(states):
    once = join(*states)
    assert join(*states, *states) == once
    assert merge(once, once) == once
    assert all(merge(once, state) == once for state in states)


@given(families, st.integers(0, 4))
def test_it_does_not_matter_which_states_were_merged_first(states, cut):
    left, right = states[: cut % len(states)], states[cut % len(states) :]
    assert merge(join(*left) if left else None, join(*right)) == join(*states)


@given(families)
def test_the_end_is_the_same_after_it_was_kept_in_between(states):
    def kept(state: Stored) -> Stored:
        back = loads(dumps([state.rank, state.own, state.extras]))
        return Stored(state.kind, state.source_id, *back)

    through = states[0]
    for state in states[1:]:
        through = merge(kept(through), state)
    assert kept(through) == kept(join(*states))
    assert dumps(through.body()) == dumps(join(*states).body())


def test_the_newer_version_wins_in_whatever_order_they_come():
    old = stored(Kind.SALES_ORDER, sales_order([line(1, quantity=1)], minute=1))
    new = stored(Kind.SALES_ORDER, sales_order([line(1, quantity=2)], minute=2))
    assert typed(old, new).lines[0].quantity == typed(new, old).lines[0].quantity == 2


def test_a_line_or_a_cost_that_changed_makes_the_document_newer():
    old = stored(Kind.PURCHASE_ORDER, purchase_order(minute=5))
    by_line = purchase_order(lines=[po_line(1, quantity=7, modifiedDate=at(6))], minute=0)
    by_cost = {
        **purchase_order(lines=[po_line(1, quantity=8)], minute=0),
        "costs": [{"id": 1, "description": "Freight", "amount": 5, "modifiedDate": at(7)}],
    }
    states = [old, stored(Kind.PURCHASE_ORDER, by_line), stored(Kind.PURCHASE_ORDER, by_cost)]
    assert typed(*states).lines[0].quantity == 8


def test_zones_are_compared_as_moments():
    early = {**sales_order([line(1, quantity=1)]), "modifiedDate": "2026-11-19T12:00:00+02:00"}
    late = {**sales_order([line(1, quantity=2)]), "modifiedDate": "2026-11-19T10:00:00.5Z"}
    states = stored(Kind.SALES_ORDER, early), stored(Kind.SALES_ORDER, late)
    assert typed(*states).lines[0].quantity == 2


def test_of_two_equally_new_ones_the_cancelled_wins():
    open_ = stored(Kind.SALES_ORDER, sales_order())
    cancelled = stored(Kind.SALES_ORDER, sales_order(status=90))
    assert typed(open_, cancelled).cancelled
    assert typed(cancelled, open_).cancelled


def test_of_two_equally_new_ones_the_one_with_more_received_wins():
    less = stored(Kind.PURCHASE_ORDER, purchase_order(lines=[po_line(1, received=4)]))
    more = stored(Kind.PURCHASE_ORDER, purchase_order(lines=[po_line(1, received=6)]))
    for states in ((less, more), (more, less)):
        found = typed(*states)
        assert isinstance(found, PurchaseOrder)
        assert found.lines[0].quantity_received == 6


def test_a_poll_without_the_ticket_choice_does_not_take_it_back():
    chosen = sales_order(minute=1, connectwise={"ticketId": 7, "opportunityId": 88})
    polled = sales_order([line(1, quantity=3)], minute=2)
    del polled["connectwise"]
    found = typed(stored(Kind.SALES_ORDER, chosen), stored(Kind.SALES_ORDER, polled))
    assert isinstance(found, SalesOrder)
    assert (found.connectwise.ticket_id, found.lines[0].quantity) == (7, 3)


def test_the_choice_of_the_newest_carrier_is_kept_when_the_oldest_comes_last():
    first = sales_order(minute=1, connectwise={"ticketId": 1})
    second = sales_order(minute=2, connectwise={"ticketId": 2})
    third = sales_order(minute=3)
    third["connectwise"] = None
    states = [stored(Kind.SALES_ORDER, body) for body in (first, second, third)]
    for order in itertools.permutations(states):
        assert typed(*order).connectwise.ticket_id == 2


def test_an_extra_of_a_line_that_is_gone_is_gone_with_it():
    old = sales_order([line(1), line(2, lineTax=5)], minute=1)
    new = sales_order([line(1)], minute=2)
    states = stored(Kind.SALES_ORDER, old), stored(Kind.SALES_ORDER, new)
    assert [one.id for one in typed(*states).lines] == [1]


def test_the_total_of_an_older_version_says_nothing_about_newer_lines():
    """D-12: held TOTAL_MISMATCH would be wrong: nobody stated that total for these lines."""
    told = stored(Kind.SALES_ORDER, sales_order([line(1, quantity=1)], minute=1, total=100))
    later = stored(Kind.SALES_ORDER, sales_order([line(1, quantity=5)], minute=2))
    assert typed(told).total == 100
    assert typed(told, later).total is None
    assert typed(later, told).total is None


def test_d12_the_tax_of_a_line_that_changed_since_is_not_shown():
    """Half of the goods would be billed with the tax of all of them."""
    told = purchase_order(lines=[po_line(1, quantity=10, tax=8, lineTax=80)], minute=1)
    fewer = purchase_order(lines=[po_line(1, quantity=5, tax=8)], minute=2)
    states = stored(Kind.PURCHASE_ORDER, told), stored(Kind.PURCHASE_ORDER, fewer)
    assert [typed(*each).lines[0].line_tax for each in (states, states[::-1])] == [None, None]
    came_in = purchase_order(lines=[po_line(1, quantity=10, tax=8, received=3)], minute=3)
    again = typed(*states, stored(Kind.PURCHASE_ORDER, came_in))
    assert again.lines[0].line_tax == 80, "the line says again what it was stated for"
    assert "lineTaxFor" not in join(*states).body()["lines"][0]


def test_d12_a_tax_that_was_kept_by_an_earlier_release_stays():
    told = stored(Kind.PURCHASE_ORDER, purchase_order(lines=[po_line(1, lineTax=80)], minute=1))
    bare = {path: one for path, one in told.extras.items() if not path.endswith("lineTaxFor")}
    kept = Stored(told.kind, told.source_id, told.rank, told.own, bare)
    later = stored(Kind.PURCHASE_ORDER, purchase_order(lines=[po_line(1, quantity=9)], minute=2))
    assert typed(kept, later).lines[0].line_tax == 80


def test_a_line_of_a_sales_order_may_carry_any_field_named_to():
    states = [stored(Kind.SALES_ORDER, sales_order([line(1, to=to)])) for to in ("x", 5, None)]
    assert join(*states) == join(*reversed(states))


def test_a_poll_that_spells_nulls_out_ties_with_the_webhook():
    spelt = stored(Kind.SALES_ORDER, sales_order(notes=None, quoteID=None))
    left_out = stored(Kind.SALES_ORDER, sales_order())
    assert merge(spelt, left_out) == merge(left_out, spelt) == left_out


def test_papers_of_a_receipt_that_come_later_are_added():
    """B1.8: the supplier's invoice usually comes days after the goods."""
    after, first = came(purchase_order(), "R-1", {1: 4})
    papers = receipt("R-1", {1: 4}, supplierInvoiceNumber="I-1")
    for events in ((first, received(after, papers)), (received(after, papers), first)):
        found = merged(*events)[Kind.RECEIPT, "R-1"]
        read = parse(Kind.RECEIPT, found.body())
        assert isinstance(read, Receipt)
        assert (read.supplier_invoice_number, read.packing_slip) == ("I-1", "SLIP-R-1")


def test_serial_numbers_that_come_later_are_added():
    """H7: the receipt is not newer, it only tells more."""
    bare, full = receipt("R-1", {1: 2}), receipt("R-1", {1: 2}, serials={1: ["A", "B"]})
    for bodies in ((bare, full), (full, bare)):
        read = typed(*(stored(Kind.RECEIPT, body) for body in bodies))
        assert read.lines[0].serial_numbers == ("A", "B")


def test_the_lowest_end_ever_told_is_the_receipts_own():
    """A receipt told again rides on a purchase order that has received more since."""
    after, first = came(purchase_order(), "R-1", {1: 4})
    later, second = came(after, "R-2", {1: 6}, minute=200)
    again = received(later, receipt("R-1", {1: 4}), "purchase_order.invoiced")
    for events in itertools.permutations((first, second, again)):
        documents = merged(*events)
        ends = {
            key: documents[Kind.RECEIPT, key].body()["lines"][0]["to"] for key in ("R-1", "R-2")
        }
        assert ends == {"R-1": 4, "R-2": 10}


def test_an_event_without_any_date_is_the_oldest():
    dated = stored(Kind.SALES_INVOICE, {"id": 1, "modifiedDate": at(0)})
    assert merge(stored(Kind.SALES_INVOICE, {"id": 1}), dated) == dated


def test_events_of_one_order_give_its_documents():
    assert set(merged(ordered())) == {(Kind.SALES_ORDER, "1201")}


def test_h1_the_same_state_has_one_hash_however_nulls_and_dates_are_spelled():
    def told(date: str, line: dict[str, Any]) -> Stored:
        body = {**sales_order(lines=[line]), "modifiedDate": date}
        return incoming(Kind.SALES_ORDER, "1201", body)

    event = told("2026-11-19T12:00:00+02:00", {**line(1), "taxRate": None})
    poll = told("2026-11-19T10:00:00Z", line(1))
    assert event.rank == poll.rank
    assert merge(event, poll) == event
    assert told("2026-11-19T10:00:00Z", line(1, quantity=9)).rank != poll.rank
