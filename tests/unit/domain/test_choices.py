"""What a person may choose from, and what a decision answers for."""

from __future__ import annotations

import pytest

from app.domain.choices import choices_of, known, names_of
from app.domain.codes import Code, State
from app.domain.json_values import digest
from app.domain.reasons import CODES
from app.domain.records import Decision
from tests.builders import NOW, ordered, view
from tests.ideal import world

WANT = {"shares": [1]}


def decision(choice: str = "go", about: str = "", minute: int = 0) -> Decision:
    at = NOW.replace(minute=minute)
    return Decision("step", "po:1", Code.DEMAND_NOT_LINKED, choice, "why", "tester", at, about)


@pytest.mark.parametrize("code", [c for c in Code if CODES[c].state in (State.HELD, State.PARKED)])
def test_everything_that_holds_an_order_has_a_way_out(code):
    deliveries = {"SIGNATURE_REFUSED", "TIMESTAMP_OUTSIDE_WINDOW", "ID_REUSED", "BODY_NOT_JSON"}
    deliveries |= {"BODY_NOT_VALID", "DATE_AHEAD", "TYPE_UNHANDLED"}
    assert bool(choices_of(code)) is (code not in deliveries)
    assert len({choice.name for choice in choices_of(code)}) == len(choices_of(code))


def test_a_choice_has_to_be_one_of_the_codes():
    assert known(Code.MAPPING_MISSING, "look_again")
    assert not known(Code.MAPPING_MISSING, "use:4")
    assert known(Code.MAPPING_MISSING, "use:4", offered=["use:4"])
    assert "wait_longer" in names_of(Code.GOODS_NOT_RECEIVED)


def test_the_newest_decision_rules():
    order = view(decisions=[decision("b", minute=2), decision("a", minute=1)])
    assert order.decided(Code.DEMAND_NOT_LINKED, "po:1") == "b"
    assert order.decided(Code.DEMAND_NOT_LINKED) is None


def test_d11_a_decision_about_one_want_says_nothing_of_another():
    order = view(decisions=[decision(about=digest(WANT))])
    assert order.decided(Code.DEMAND_NOT_LINKED, "po:1", WANT) == "go"
    assert order.decided(Code.DEMAND_NOT_LINKED, "po:1", {"shares": [2]}) is None


def test_a_deadline_begins_anew_when_a_person_says_so():
    order = world(ordered())
    held = order.wait(hours=97)
    assert (held.answer.state, held.answer.code) == (State.HELD, Code.LINE_NOT_ORDERED)
    assert "wait_longer" in held.answer.choices
    subject = next(v.subject for v in held.verdicts if v.code is Code.LINE_NOT_ORDERED)
    assert order.decide(Code.LINE_NOT_ORDERED, "wait_longer", subject).answer.state is State.WAITING
    assert order.wait(hours=95).answer.state is State.WAITING
    assert order.wait(hours=2).answer.state is State.HELD
