"""Windows, history and budget of the poll of Commerce (G8): arithmetic, tested as such."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.commerce import Change, Listing
from app.domain.documents import Kind
from app.domain.polling import FIRST_LOOK, Pace, PollState, Window, is_history

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
PACE = Pace(seconds=90, overlap=timedelta(minutes=5), calls_a_day=9000)
ORDERS, LINES = Listing.SALES_ORDERS, Listing.SALES_ORDER_LINES


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def order(number: int, when: datetime) -> Change:
    return Change(str(number), str(number), when)


def begun() -> PollState:
    return PollState().started(NOW, None)[0]


def test_g8_a_first_look_takes_nothing_and_starts_further_back_than_any_zone():
    state, first = PollState().started(NOW, None)
    assert first
    assert {window.at for window in state.windows.values()} == {NOW - FIRST_LOOK}
    assert timedelta(hours=24) < FIRST_LOOK
    state = state.looked_at({ORDERS: [order(1, ago(1))]}, PACE, NOW, history=True)
    assert state.pending == ()
    again = state.looked_at({ORDERS: [order(1, ago(1))]}, PACE, NOW, history=False)
    assert again.pending == (), "what stood there at the first look stays history"
    changed = again.looked_at({ORDERS: [order(1, NOW)]}, PACE, NOW, history=False)
    assert changed.pending == ((Kind.SALES_ORDER, "1"),)


def test_g8_a_date_asks_for_history_and_an_earlier_one_asks_again():
    date = ago(60 * 24 * 30)
    state, first = PollState().started(NOW, date)
    assert (first, state.since) == (False, date)
    assert state.windows[ORDERS].at == date
    state = state.looked_at({ORDERS: [order(1, ago(5))]}, PACE, NOW, history=False)
    assert state.pending
    same, _ = state.started(NOW, date)
    assert same == state
    later, _ = state.started(NOW, ago(10))
    assert later == state, "what was read is not unread"
    earlier, first = state.started(NOW, date - timedelta(days=1))
    assert (first, earlier.since) == (False, date - timedelta(days=1))
    assert earlier.windows[ORDERS] == Window(at=date - timedelta(days=1))
    assert earlier.pending == state.pending


def test_g8_windows_overlap_and_what_was_told_in_them_is_not_told_again():
    window = Window(at=ago(60))
    first, second = order(1, ago(3)), order(2, ago(30))
    assert window.fresh([first, second]) == [first, second]
    window = window.moved([first, second], PACE, NOW)
    assert window.at == ago(3)
    assert window.after(PACE) == ago(8)
    assert window.told == {"1": ago(3)}, "what the next look cannot show is forgotten"
    late = order(3, ago(7))  # shows only now, with a date of before
    assert window.fresh([first, late]) == [late]
    changed = order(1, ago(2))
    assert window.fresh([changed]) == [changed]


def test_g8_a_window_never_moves_back_nor_past_others_by_a_date_far_ahead():
    window = Window(at=ago(3))
    assert window.moved([order(1, ago(20))], PACE, NOW).at == ago(3)
    astray = order(9, NOW + timedelta(days=400))
    moved = window.moved([astray], PACE, NOW)
    assert moved.at == ago(3)
    assert moved.fresh([astray]) == [], "and it is told once all the same"
    in_another_zone = order(2, NOW + timedelta(hours=14))
    assert window.moved([in_another_zone], PACE, NOW).at == NOW + timedelta(hours=14)


def test_g8_a_changed_line_makes_its_order_pending_once_and_orders_come_first():
    found = {
        Listing.PURCHASE_ORDER_LINES: [Change("71", "8891", NOW), Change("72", "8891", NOW)],
        Listing.PURCHASE_ORDERS: [order(8891, NOW)],
        Listing.QUOTES: [order(501, NOW)],
        LINES: [Change("5", "1201", NOW)],
    }
    state = begun().looked_at(found, PACE, NOW, history=False)
    assert state.pending == (
        (Kind.SALES_ORDER, "1201"),
        (Kind.QUOTE, "501"),
        (Kind.PURCHASE_ORDER, "8891"),
    )
    rest = state.without([(Kind.SALES_ORDER, "1201")], {(Kind.QUOTE, "502")}, NOW)
    assert [number for _, number in rest.pending] == ["501", "502", "8891"]


def test_g8_a_change_waits_for_its_event_from_when_it_was_first_seen():
    pace = Pace(90, timedelta(minutes=5), 9000, patience=timedelta(seconds=60))
    state = begun().looked_at({ORDERS: [order(1, NOW)]}, pace, NOW, history=False)
    assert state.ready(pace, NOW + timedelta(seconds=59)) == []
    later = NOW + timedelta(seconds=60)
    again = state.looked_at(
        {ORDERS: [order(1, later), order(2, later)]}, pace, later, history=False
    )
    assert again.ready(pace, later) == [(Kind.SALES_ORDER, "1")]
    assert state.ready(PACE, NOW) == [(Kind.SALES_ORDER, "1")]


def test_g8_what_is_kept_is_what_comes_back():
    state = begun().looked_at({ORDERS: [order(1, ago(1))]}, PACE, NOW, history=False)
    state = state.spending(NOW, looks=6, reads=2)
    assert PollState.of(state.kept()) == state
    assert PollState.of(None) == PollState()


def test_g8_calls_are_counted_over_24_hours_and_looks_keep_their_share():
    assert (PACE.looks_a_day, PACE.reads_a_day) == (5760, 3240)
    state = begun().spending(NOW, looks=1000, reads=3000)
    assert state.left(PACE, NOW, reading=False) == 5000
    assert state.left(PACE, NOW, reading=True) == 240, "a backlog does not stop the looks"
    state = state.spending(NOW, reads=240)
    assert state.left(PACE, NOW, reading=True) == 0
    assert state.left(PACE, NOW, reading=False) == 4760
    for hours, left in ((23, 4760), (24, 4760), (25, 9000)):
        later = NOW + timedelta(hours=hours)
        assert state.left(PACE, later, reading=False) == left, hours


def test_g8_hours_that_count_no_more_are_forgotten():
    state = PollState()
    for hour in range(100):
        state = state.spending(NOW + timedelta(hours=hour), looks=1)
    assert len(state.hours) == 25


@pytest.mark.parametrize(
    ("body", "known", "left"),
    [
        ({"createdDate": ago(1).isoformat()}, False, True),
        ({"createdDate": ago(1).isoformat()}, True, False),
        ({"createdDate": NOW.isoformat()}, False, True),
        ({"createdDate": ago(-1).isoformat()}, False, False),
        ({"orderDate": ago(1).isoformat()}, False, True),
        ({"createdDate": "sometime"}, False, False),
        ({}, False, False),
    ],
)
def test_g8_history_is_what_was_made_before_and_never_told(
    body: dict[str, str], known: bool, left: bool
):
    state, _ = PollState().started(NOW, NOW)
    assert is_history(state, Kind.SALES_ORDER, body, known=known) is left
    assert not is_history(state, Kind.QUOTE, body, known=known)


@pytest.mark.parametrize("hours", [-12, -5, 0, 14])
def test_g8_where_history_ends_is_told_by_the_vendors_own_dates_in_any_zone(hours: int):
    """Read as UTC, an order of this minute may look as old as yesterday, or of tomorrow."""
    shown = NOW + timedelta(hours=hours)
    state, _ = PollState().started(NOW, None)
    found = {ORDERS: [order(1, shown - timedelta(minutes=20))], Listing.PURCHASE_ORDERS: []}
    state = state.looked_at(found, PACE, NOW, history=True)

    def left(kind: Kind, minutes: float) -> bool:
        body = {"createdDate": (shown + timedelta(minutes=minutes)).isoformat()}
        return is_history(state, kind, body, known=False)

    assert left(Kind.SALES_ORDER, -20)
    assert not left(Kind.SALES_ORDER, 1)
    assert not left(Kind.PURCHASE_ORDER, 1)
    assert left(Kind.PURCHASE_ORDER, -60 * 24 * 3)
