"""decide: what is done next, why nothing can be, and who has to act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.codes import Code, State, Who
from app.domain.decide import Plan, Verdict, decide, same
from app.domain.order import OrderView
from app.domain.records import ORDER, LedgerRow, Ref
from app.domain.scenario import Scenario, StepUse
from app.domain.shut import Shut
from app.steps import STEPS
from tests import ideal
from tests.builders import (
    NOW,
    Json,
    applied,
    came,
    fact,
    intent,
    issued,
    order_row,
    ordered,
    purchase_order,
    view,
    won,
)

B1 = ideal.scenario()


@dataclass
class Rule:
    """A step that wants what it is told to want."""

    name: str
    wanted: Mapping[str, Any] | None = None
    rest: Shut | None = None
    about: Sequence[str] = (ORDER,)
    version: int = 1

    def subjects(self, view: OrderView) -> Sequence[str]:
        return self.about

    def want(self, view: OrderView, subject: str) -> Mapping[str, Any] | None:
        return self.wanted

    def outstanding(self, view: OrderView, subject: str) -> Shut | None:
        return self.rest

    def preview(self, view: OrderView, want: Mapping[str, Any]) -> list[str]:
        return []


def small(*uses: StepUse, deadlines: Mapping[Code, timedelta] | None = None) -> Scenario:
    return replace(B1, steps=uses, deadlines=deadlines or {})


def plan(found: OrderView, scenario: Scenario = B1) -> Plan:
    return decide(scenario, STEPS, found)


def of(found: Plan, step: str, subject: str = ORDER) -> Verdict:
    return next(v for v in found.verdicts if (v.step, v.subject) == (step, subject))


def waiting(
    step: str, code: Code, hours: float = 0, subject: str = ORDER, **more: Any
) -> LedgerRow:
    """A step that has stood at a reason for some hours."""
    since = NOW - timedelta(hours=hours)
    return LedgerRow(step, subject, State.WAITING, code=code, since=since, **more)


# --- what is done next ----------------------------------------------------------------------------


def test_the_first_step_that_can_run_is_run():
    found = plan(view(ordered()))
    assert found.run is not None
    assert (found.run.step, found.answer.state) == ("create_products", State.RUNNING)
    assert found.answer.sentence == "Create products is under way."


def test_a_step_waits_for_the_steps_that_come_before_it():
    """D-1."""
    found = of(plan(view(ordered())), "win_opportunity")
    assert found.sentence == "Create products comes first."
    assert (found.state, found.code) == (State.WAITING, Code.EARLIER_STEP)


def test_an_applied_want_is_done_and_another_want_is_applied_again():
    """D-11."""
    uses = small(StepUse("a", (), ()))
    ledger = [applied("a", ORDER, {"quantity": 10})]
    for wanted, run in (({"quantity": 10}, False), ({"quantity": 11}, True)):
        found = decide(uses, {"a": Rule("a", wanted)}, view(ordered(), ledger=ledger))
        assert (found.run is not None) is run


def test_numbers_are_the_same_however_they_are_written():
    assert same({"a": [Decimal("10.0"), Decimal("0.50")]}, {"a": [10, "0.5"]})
    assert not same({"a": 1}, {"a": 2})
    assert not same(None, {})


def test_what_nothing_is_wanted_of_is_not_needed_and_what_was_done_stays_done():
    uses, rules = small(StepUse("a", (), ())), {"a": Rule("a")}
    assert of(decide(uses, rules, view()), "a").state is State.NOT_NEEDED
    done = view(ledger=[applied("a", ORDER, {})])
    assert of(decide(uses, rules, done), "a").state is State.DONE


def test_a_skipped_step_holds_nothing_up():
    uses = small(StepUse("a", (), ()), StepUse("b", (), ("a",)))
    rules = {"a": Rule("a", {}), "b": Rule("b", {})}
    row = LedgerRow("a", ORDER, State.SKIPPED, sentence="by hand")
    found = decide(uses, rules, view(ledger=[row]))
    assert found.run is not None
    assert found.run.step == "b"


def test_what_is_still_to_come_holds_up_the_answer_but_no_later_step():
    rest = Shut(Code.GOODS_NOT_SHIPPED, "rest")
    uses = small(StepUse("a", (), ()), StepUse("b", (), ("a",)))
    rules = {"a": Rule("a", {}, rest), "b": Rule("b", {})}
    found = decide(uses, rules, view(ledger=[applied("a", ORDER, {})]))
    assert found.run is not None
    assert found.run.step == "b"
    done = view(ledger=[applied("a", ORDER, {}), applied("b", ORDER, {})])
    assert decide(uses, rules, done).answer.code is Code.GOODS_NOT_SHIPPED


def test_a_purchase_order_that_stands_still_does_not_hold_up_another():
    """B1.10."""
    uses = small(StepUse("a", (), ()), StepUse("b", (), ("a",)))
    subjects = ("po:1", "po:2")
    rules = {"a": Rule("a", {}, about=subjects), "b": Rule("b", {}, about=subjects)}
    held = LedgerRow("a", "po:1", State.HELD, code=Code.REMOTE_REJECTED, retry_wake=1)
    found = decide(uses, rules, view(ledger=[held, applied("a", "po:2", {})]))
    assert found.run is not None
    assert (found.run.step, found.run.subject) == ("b", "po:2")


def test_a_receipt_waits_for_the_step_of_its_own_purchase_order():
    uses = small(StepUse("a", (), ()), StepUse("b", (), ("a",)))
    receipts = ("receipt:1:R-1", "gap:2:1:0-4")
    rules = {"a": Rule("a", {}, about=("po:1", "po:2")), "b": Rule("b", {}, about=receipts)}
    found = decide(uses, rules, view(ledger=[applied("a", "po:2", {})]))
    assert of(found, "b", "receipt:1:R-1").code is Code.EARLIER_STEP
    assert of(found, "b", "gap:2:1:0-4").runnable


# --- attempts that stopped ------------------------------------------------------------------------


def stopped(**more: Any) -> OrderView:
    row = LedgerRow("a", ORDER, State.HELD, code=Code.MAPPING_MISSING, sentence="none", **more)
    return view(ordered(), ledger=[row], row=order_row(wake_seq=5))


def tried(found: OrderView) -> Plan:
    return decide(small(StepUse("a", (), ())), {"a": Rule("a", {})}, found)


def test_what_stopped_is_tried_again_at_its_time():
    soon, past = NOW + timedelta(seconds=9), NOW - timedelta(seconds=1)
    assert tried(stopped(retry_at=soon)).run is None
    assert tried(stopped(retry_at=soon)).due_at == soon
    assert tried(stopped(retry_at=past)).run is not None


def test_what_is_held_is_tried_again_when_something_came_in():
    """H11: adding a mapping wakes every order that waits for it."""
    soon = NOW + timedelta(minutes=15)
    assert tried(stopped(retry_at=soon, retry_wake=5)).run is None
    assert tried(stopped(retry_at=soon, retry_wake=4)).run is not None


def test_what_is_parked_stays_parked():
    row = LedgerRow("a", ORDER, State.PARKED, code=Code.DECIDE_FAILED, sentence="broken")
    found = tried(view(ordered(), ledger=[row], row=order_row(wake_seq=9)))
    assert (found.run, found.answer.state, found.due_at) == (None, State.PARKED, None)


def test_a_gate_that_was_shut_leaves_no_mark_once_it_is_open():
    row = waiting("a", Code.SO_MISSING, 1)
    assert tried(view(ordered(), ledger=[row])).run is not None


# --- waits, deadlines and answers -----------------------------------------------------------------


def test_a_wait_that_outlives_its_deadline_is_held_for_a_person():
    """B1.7, H1: and somebody has to act from then on."""
    for hours, state, who in ((95.9, State.WAITING, Who.NOBODY), (96, State.HELD, Who.OPERATOR)):
        row = waiting("create_products", Code.SALES_ORDER_UNKNOWN, hours)
        found = plan(view(issued(), ledger=[row]))
        assert (found.answer.state, found.answer.who) == (state, who)
        assert found.answer.code is Code.SALES_ORDER_UNKNOWN
        assert found.answer.since == NOW - timedelta(hours=hours)


def test_a_deadline_asks_for_a_look_when_it_comes():
    found = plan(view(issued(), ledger=[waiting("create_products", Code.SALES_ORDER_UNKNOWN, 90)]))
    assert found.due_at == NOW + timedelta(hours=6)
    assert "at latest 2026-11-24T18:00:00Z" in found.answer.next_look


def test_a_scenario_may_set_a_deadline_of_its_own():
    own = replace(B1, deadlines={Code.SALES_ORDER_UNKNOWN: timedelta(hours=1)})
    row = waiting("create_products", Code.SALES_ORDER_UNKNOWN, 2)
    assert plan(view(issued(), ledger=[row]), own).answer.state is State.HELD


def test_another_reason_starts_its_own_clock():
    row = waiting("create_products", Code.QUOTE_MISSING, 200)
    assert plan(view(issued(), ledger=[row])).answer.state is State.WAITING


def test_the_wait_for_a_quote_never_becomes_held():
    """B1.5."""
    row = waiting("create_products", Code.QUOTE_MISSING, 200)
    found = plan(
        view(ordered(quoteID=501), ledger=[row]),
        replace(B1, deadlines={Code.QUOTE_MISSING: timedelta(hours=1)}),
    )
    assert (found.answer.state, found.answer.code) == (State.WAITING, Code.QUOTE_MISSING)


def test_what_is_held_comes_before_what_waits():
    shut = Shut(Code.GOODS_NOT_RECEIVED, "waits")
    uses = small(StepUse("a", (), ()), StepUse("b", (), ()))
    rules = {"a": Rule("a", {}, shut), "b": Rule("b", {}, Shut(Code.RECEIPT_REDUCED, "held"))}
    rows = [applied("a", ORDER, {}), applied("b", ORDER, {})]
    found = decide(uses, rules, view(ledger=rows))
    assert (found.answer.state, found.answer.sentence) == (State.HELD, "held")


@pytest.mark.parametrize("state", [State.HELD, State.PARKED])
def test_the_cause_comes_before_its_consequences(state):
    """A purchase order waits for a sales order that cannot be made; after the deadline both stand."""
    cause = LedgerRow(
        "create_products", ORDER, state, code=Code.REMOTE_REJECTED, sentence="no", retry_wake=9
    )
    consequence = waiting("sync_purchase_order", Code.SO_MISSING, 200, "po:8891")
    _, receipt = came(purchase_order(), "R-1", {1: 1})
    found = plan(view(ordered(), receipt, ledger=[cause, consequence]))
    assert of(found, "sync_purchase_order", "po:8891").state is State.HELD
    assert (found.answer.state, found.answer.code) == (state, Code.REMOTE_REJECTED)


def test_an_earlier_step_is_never_the_answer_where_there_is_a_reason():
    found = plan(view(ordered(quoteID=501)))
    assert Code.EARLIER_STEP in {v.code for v in found.verdicts}
    assert found.answer.code is Code.QUOTE_MISSING


def test_choices_of_what_is_held_are_part_of_the_answer():
    row = LedgerRow(
        "a",
        ORDER,
        State.HELD,
        code=Code.OPPORTUNITY_SHARED,
        choices=("append", "separate"),
        retry_wake=1,
    )
    assert tried(view(ledger=[row])).answer.choices == ("append", "separate")


def test_an_order_with_nothing_open_is_released():
    """A8."""
    found = tried(view(ledger=[applied("a", ORDER, {})], refs=[Ref("sales_order", "", "70")]))
    assert (found.answer.state, found.answer.code) == (State.DONE, Code.RELEASED)
    assert "70" in found.answer.sentence
    assert found.due_at is None


# --- holds and cancellations ----------------------------------------------------------------------


def test_a_persons_hold_stops_everything():
    """H11."""
    found = plan(view(ordered(), row=order_row(held_by="dana: wrong customer")))
    assert (found.run, found.verdicts, found.due_at) == (None, (), None)
    assert (found.answer.code, "dana" in found.answer.sentence) == (Code.HELD_BY_PERSON, True)


def test_an_order_that_is_cancelled_before_anything_was_made_is_over():
    """H3."""
    found = plan(view(ordered(status=90)))
    assert (found.run, found.answer.state) == (None, State.CANCELLED)


@pytest.mark.parametrize(
    "made",
    [
        {"ledger": [applied("create_products", ORDER, {})]},
        {"refs": [Ref("product", "1", "9001")]},
        {"intents": [intent("create_products", ORDER, "opportunity", outcome={"id": 500})]},
        {"intents": [intent("create_products", ORDER, "product", "opportunity:88:1")]},
    ],
    ids=["a step done", "a record half-way", "an answered write", "a write in doubt"],
)
def test_an_order_that_is_cancelled_later_is_for_a_person(made: Json):
    """H3: also when the step that made something never came to its end."""
    found = plan(view(ordered(status=90), **made))
    assert (found.run, found.answer.state) == (None, State.HELD)
    assert found.answer.code is Code.CANCELLED_AFTER_START


def test_the_opportunity_that_commerce_named_was_not_made_for_the_order():
    found = plan(view(ordered(status=90), refs=[Ref("opportunity", "", "88")]))
    assert found.answer.state is State.CANCELLED


# --- looks ----------------------------------------------------------------------------------------


def by_person(*facts: Any) -> Plan:
    rows = [
        applied(step, ORDER, STEPS[step].want(view(ordered()), ORDER))
        for step in ("create_products",)
    ]
    kept = view(ordered(), ledger=rows)
    rows.append(applied("win_opportunity", ORDER, STEPS["win_opportunity"].want(kept, ORDER)))
    refs = [Ref("opportunity", "", "88")]
    return plan(
        view(ordered(), ledger=rows, refs=refs, facts=facts, sales_order_creation="wait_for_person")
    )


def test_what_a_person_does_is_looked_for_at_the_polls_pace():
    """D-3."""
    assert by_person().looks == ("conversion",)
    nothing: Json = {"sales_orders": []}
    just_now = fact("conversion", nothing, seen_at=NOW - timedelta(seconds=20))
    assert by_person(just_now).looks == ()
    assert by_person(just_now).due_at == NOW + timedelta(seconds=40)
    assert by_person(fact("conversion", nothing, seen_at=NOW - timedelta(seconds=60))).looks == (
        "conversion",
    )


def test_a_callback_about_an_invoice_asks_for_a_look():
    """B1.12."""
    stale = fact("invoicing", {}, seen_at=NOW.replace(year=1970))
    refs = [Ref("sales_order", "", "70")]
    assert plan(view(ordered(), facts=[stale], refs=refs)).looks == ("invoicing",)
    assert plan(view(ordered(), facts=[stale])).looks == ()
    assert plan(view(ordered(), facts=[fact("invoicing", {})], refs=refs)).looks == ()


# --- whatever the state ---------------------------------------------------------------------------

rows = st.builds(
    LedgerRow,
    st.sampled_from(list(STEPS)),
    st.sampled_from([ORDER, "po:8891", "receipt:8891:R-1", "gap:8891:1:0-4"]),
    st.sampled_from([State.WAITING, State.HELD, State.PARKED, State.DONE, State.SKIPPED]),
    code=st.sampled_from([Code.SO_MISSING, Code.READ_LAG, Code.RECEIPT_GAP, Code.EARLIER_STEP]),
    since=st.sampled_from([None, NOW - timedelta(hours=1), NOW - timedelta(days=30)]),
    attempts=st.integers(0, 2),
    retry_at=st.sampled_from([None, NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)]),
    retry_wake=st.sampled_from([None, 0, 1]),
    sentence=st.just("It stopped."),  # an attempt that stops always says why, and at which code
)
AFTER, RECEIVED = came(purchase_order(), "R-1", {1: 6})
GAP = issued({**AFTER, "lines": [{**AFTER["lines"][0], "quantityReceived": 10}]})
deliveries = st.lists(
    st.sampled_from([ordered(quoteID=501), ordered(status=90), won(), issued(), RECEIVED, GAP]),
    max_size=4,
)


@given(deliveries, st.lists(rows, max_size=6), st.sampled_from(["automatic", "wait_for_person"]))
def test_the_same_order_gives_the_same_plan_and_is_never_due_in_the_past(events, ledger, creation):
    """Pure: page, REST and worker cannot disagree."""

    def found() -> Plan:
        return plan(view(*events, ledger=ledger, sales_order_creation=creation))

    one = found()
    assert one == found()
    assert one.due_at is None or one.due_at > NOW
    assert one.run is None or (one.run.runnable and one.run.want is not None)
    assert one.answer.sentence
    if one.answer.state in (State.WAITING, State.HELD, State.PARKED):
        assert one.answer.code is not None
    if one.answer.state is State.WAITING and one.run is None:
        assert one.due_at is not None, "waits for ever and nobody is told"
