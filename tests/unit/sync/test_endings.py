"""How a step ends when a record that it names does not show."""

from __future__ import annotations

from datetime import timedelta

from app.domain.codes import Code, State, Who
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.records import LedgerRow
from app.sync.endings import failed
from tests.builders import view

MISSING = RemoteFailure(
    FailureKind.GONE, "not found", status=404, endpoint="GET /procurement/purchaseorders/{id}"
)
STEP = ("sync_purchase_order", "po:8891")


def test_h9_a_record_that_does_not_show_is_a_lag_first_and_gone_after_another_look() -> None:
    order = view()
    first = failed(order, LedgerRow(*STEP, State.RUNNING), MISSING, order.now, 0.5).row
    assert (first.state, first.code, first.who) == (State.WAITING, Code.READ_LAG, Who.NOBODY)
    assert first.retry_at == order.now + order.live.read_lag
    second = failed(order, first, MISSING, first.retry_at, 0.5).row
    assert (second.state, second.code, second.who) == (State.HELD, Code.REMOTE_GONE, Who.OPERATOR)


def test_h9_a_lag_of_something_else_before_uses_up_no_look() -> None:
    order = view()
    other = LedgerRow(
        *STEP, State.WAITING, code=Code.READ_LAG, sentence="It is not linked.", tries=4
    )
    later = order.now + timedelta(seconds=1)
    assert failed(order, other, MISSING, later, 0.5).row.code is Code.READ_LAG


def test_h10_a_record_known_to_be_gone_is_held_at_once_when_it_is_looked_for_again() -> None:
    order = view()
    gone = LedgerRow(*STEP, State.HELD, code=Code.REMOTE_GONE, sentence="Gone.", tries=1)
    assert failed(order, gone, MISSING, order.now, 0.5).row.state is State.HELD


def test_h9_a_refusal_of_what_went_by_an_earlier_read_is_tried_once_with_what_stands_now() -> None:
    order = view()
    refused = RemoteFailure(FailureKind.REJECTED, "already received", status=400)
    begun = LedgerRow(*STEP, State.RUNNING)
    first = failed(order, begun, refused, order.now, 0.5, remembered=True).row
    assert (first.state, first.code, first.retry_at) == (State.WAITING, Code.READ_LAG, order.now)
    second = failed(order, first, refused, order.now, 0.5, remembered=True).row
    assert (second.state, second.code) == (State.HELD, Code.REMOTE_REJECTED)
    at_once = failed(order, begun, refused, order.now, 0.5).row
    assert (at_once.state, at_once.code) == (State.HELD, Code.REMOTE_REJECTED)
