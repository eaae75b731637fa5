"""B1.4: whether a declined quote marks its opportunity lost, decided without any effect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.codes import Code, State
from app.domain.decide import Plan, decide
from app.domain.json_values import canonical
from app.domain.records import ORDER, LedgerRow
from app.steps import STEPS
from tests.builders import (
    QUOTE_ROW,
    applied,
    event,
    fact,
    intent,
    merged,
    order_row,
    ordered,
    quote,
    sales_order,
    view,
)
from tests.ideal import scenario

Json = dict[str, Any]
STEP = "lose_opportunity"
LOST = {"opportunity": 88, "lost": True}
DECLINED = quote(status=90)


def other(status: int, **more: Any) -> Json:
    """Another quote of the same opportunity."""
    return quote(id=502, quoteNumber="QO10000502", status=status, **more)


def told(document: Json) -> Json:
    return event("quote.declined", quote=document)


def plan(document: Json = DECLINED, *beside: Json, **more: Any) -> Plan:
    """What is decided for the quote, with other documents of its opportunity beside it."""
    more.setdefault("lost_on_decline", "true")
    siblings = tuple(merged(*beside).values())
    row = order_row(**QUOTE_ROW)
    found = view(told(document), row=row, siblings=siblings, **more)
    return decide(scenario(), STEPS, found)


def stands(found: Plan) -> tuple[State, Code | None]:
    return found.answer.state, found.answer.code


def test_a_declined_quote_alone_marks_its_opportunity_lost_by_one_step() -> None:
    found = plan()
    assert found.run is not None
    assert (found.run.step, found.run.want) == (STEP, LOST)
    assert [verdict.step for verdict in found.verdicts] == [STEP]


IGNORED: dict[str, tuple[Json, list[Json], Json, str]] = {
    "the setting is off": (DECLINED, [], {"lost_on_decline": "false"}, "LOST_ON_DECLINE"),
    "it names no opportunity": (quote(status=90, opportunity=None), [], {}, "no opportunity"),
    "it was sent again": (quote(status=1), [], {}, "no longer declined"),
    "it was won after all": (quote(status=3), [], {}, "no longer declined"),
    "it names its order": (quote(status=90, salesOrderId=1201), [], {}, "1201"),
    "an order names it": (DECLINED, [ordered(quoteID=501)], {}, "ON10001201"),
    "its order is cancelled": (DECLINED, [ordered(quoteID=501, status=90)], {}, "ON10001201"),
    "an order names the opportunity": (DECLINED, [ordered()], {}, "ON10001201"),
    "an order carries the opportunity": (
        DECLINED,
        [],
        {"shared": {("opportunity", "88"): ("ON1",)}},
        "ON1",
    ),
    "another quote is won": (DECLINED, [told(other(3))], {}, "QO10000502 is won"),
    "another declined quote has an order": (
        DECLINED,
        [told(other(90)), ordered(quoteID=502, opportunity=None, status=90)],
        {},
        "QO10000502 is won",
    ),
}


@pytest.mark.parametrize("case", IGNORED)
def test_nothing_is_done_where(case: str) -> None:
    document, beside, more, why = IGNORED[case]
    found = plan(document, *beside, **more)
    assert stands(found) == (State.DONE, Code.QUOTE_IGNORED)
    assert (found.run, found.due_at) == (None, None)
    assert why in found.answer.sentence


@pytest.mark.parametrize("status", [0, 1, 2, 4, 5, 77])
def test_any_other_quote_that_is_not_declined_is_waited_for_without_a_deadline(
    status: int,
) -> None:
    found = plan(DECLINED, told(other(status)))
    assert stands(found) == (State.WAITING, Code.OTHER_QUOTE_OPEN)
    assert (found.run, found.due_at) == (None, None)
    assert "QO10000502 is still open" in found.answer.sentence


def test_other_declined_quotes_and_cancelled_orders_do_not_speak_against_it() -> None:
    cancelled = event("sales_order.cancelled", salesOrder=sales_order(status=90))
    found = plan(DECLINED, told(other(90)), cancelled)
    assert found.run is not None
    assert found.run.want == LOST


def test_once_marked_it_is_not_marked_again_whatever_comes_later() -> None:
    done = [applied(STEP, ORDER, LOST)]
    for beside in ([], [told(other(1))], [ordered()]):
        found = plan(quote(status=90, minute=50), *beside, ledger=done)
        assert stands(found) == (State.DONE, Code.OPPORTUNITY_MARKED_LOST)
        assert found.run is None


def test_what_a_person_had_closed_is_told_by_its_own_sentence() -> None:
    left = fact("opportunity_left", {"opportunity": 88, "why": "It stands at Won already."})
    found = plan(ledger=[applied(STEP, ORDER, LOST)], facts=[left])
    assert stands(found) == (State.DONE, Code.QUOTE_IGNORED)
    assert found.answer.sentence == "It stands at Won already."


def test_a_quote_that_is_open_again_is_noted_and_counts_when_declined_again() -> None:
    done = [applied(STEP, ORDER, LOST)]
    found = plan(quote(status=1), ledger=done)
    assert found.run is not None
    assert found.run.want == {"opportunity": 88, "lost": False}
    assert STEPS[STEP].preview(view(), found.run.want) == []
    noted = [applied(STEP, ORDER, found.run.want)]
    assert stands(plan(quote(status=1), ledger=noted)) == (State.DONE, Code.QUOTE_IGNORED)
    again = plan(DECLINED, ledger=noted)
    assert again.run is not None
    assert canonical(again.run.want) == canonical(LOST)


@pytest.mark.parametrize("status", [1, 3, 90])
def test_a_write_in_doubt_is_settled_first_whatever_was_told_meanwhile(status: int) -> None:
    evidence = {"opportunity": 88, "status": 5, "name": "Lost"}
    doubt = replace(intent(STEP, ORDER, "lost_opportunity", "88@then"), evidence=evidence)
    found = plan(quote(status=status), told(other(1)), ordered(quoteID=501), intents=[doubt])
    assert found.run is not None
    assert found.run.want == LOST


def test_a_person_may_leave_it_out() -> None:
    skipped = LedgerRow(STEP, ORDER, State.SKIPPED, sentence="Skipped by admin: not wanted.")
    found = plan(ledger=[skipped])
    assert stands(found) == (State.DONE, Code.QUOTE_IGNORED)
    assert "admin" in found.answer.sentence


def test_an_ordinary_order_has_no_such_step() -> None:
    order = view(ordered(), lost_on_decline="true")
    assert STEPS[STEP].subjects(order) == ()
    found = decide(scenario(), STEPS, order)
    assert STEP not in {verdict.step for verdict in found.verdicts}
