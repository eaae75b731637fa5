"""The closed tables: every code has its reason, every kind of failure what follows it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.causes import AS_IT_SHOULD_BE, CAUSES
from app.domain.codes import Code, State, Who
from app.domain.errors import POLICIES, FailureKind, Policy, backoff, clamp_retry_after
from app.domain.reasons import CODES, PARTS, whole

ACTIONS = {"retry", "look", "adopt", "pause", "hold"}


def test_every_code_has_a_reason_and_there_are_no_others():
    assert set(CODES) == set(Code)


def test_the_reasons_stand_in_the_order_of_the_codes():
    """The runbook's list of all codes then has the order of its sections."""
    assert list(CODES) == list(Code)


@pytest.mark.parametrize("part", range(len(PARTS)))
def test_a_code_in_two_parts_of_the_reasons_or_in_none_is_an_error(part):
    code, reason = next(iter(PARTS[part].items()))
    with pytest.raises(ValueError, match=f"one part of the reasons: {code}$"):
        whole((*PARTS, {code: reason}))
    without = {other: one for other, one in PARTS[part].items() if other is not code}
    with pytest.raises(ValueError, match=f"one part of the reasons: {code}$"):
        whole((*PARTS[:part], without, *PARTS[part + 1 :]))


def test_a_code_is_named_as_it_is_written():
    assert all(code.name == code.value for code in Code)


@pytest.mark.parametrize("code", Code)
def test_a_reason_says_what_it_means_and_what_to_do(code):
    reason = CODES[code]
    assert reason.meaning.endswith(".")
    assert reason.remedy.endswith(".")
    assert reason.rule
    assert reason.recheck_seconds > 0


@pytest.mark.parametrize("code", [code for code in Code if CODES[code].state is State.PARKED])
def test_what_is_parked_is_for_a_person(code):
    assert CODES[code].who is not Who.NOBODY


def test_every_kind_of_failure_has_its_policy():
    assert set(POLICIES) == set(FailureKind)
    assert {policy.action for policy in POLICIES.values()} <= ACTIONS


@pytest.mark.parametrize("kind", FailureKind)
def test_what_a_person_has_to_see_is_held_and_what_is_tried_again_waits(kind):
    policy = POLICIES[kind]
    expected = {"hold": {State.HELD}, "adopt": {State.HELD}}.get(policy.action, {State.WAITING})
    assert CODES[policy.code].state in expected


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if POLICIES[kind].action == "retry"])
def test_what_is_tried_again_pauses_in_between(kind):
    assert POLICIES[kind].base > 0
    assert POLICIES[kind].attempts > 1


def test_a_conflict_is_left_alone_for_two_seconds():
    assert backoff(POLICIES[FailureKind.CONFLICT], 1, 0.0) >= 1.0
    assert backoff(POLICIES[FailureKind.CONFLICT], 1, 0.999) <= 2.0


policies = st.builds(
    Policy,
    st.just("retry"),
    st.just(Code.REMOTE_UNWELL),
    base=st.floats(0.1, 100),
    cap=st.floats(0.1, 1000),
)
chances = st.floats(0, 1, exclude_max=True)


@given(policies, st.integers(1, 10**6), chances)
def test_a_backoff_stays_between_half_and_all_of_its_ceiling(policy, attempts, chance):
    seconds = backoff(policy, attempts, chance)
    ceiling = min(policy.cap, policy.base * 2 ** min(attempts - 1, 16))
    assert ceiling / 2 <= seconds <= ceiling <= policy.cap


@given(policies, st.integers(1, 30), chances)
def test_a_backoff_never_becomes_shorter(policy, attempts, chance):
    assert backoff(policy, attempts, chance) <= backoff(policy, attempts + 1, chance)


@given(st.none() | st.floats(allow_nan=True, allow_infinity=True), st.floats(0.1, 900))
def test_no_answer_can_pause_a_connection_for_longer_than_a_day(told, default):
    seconds = clamp_retry_after(told, default)
    assert 0.1 <= seconds <= 86_400
    if told is None or math.isnan(told) or told < 0:
        assert seconds == default


def test_retry_after_is_honoured():
    assert clamp_retry_after(30, 5) == 30


def test_every_code_that_is_no_end_has_a_cause_of_its_own() -> None:
    """The runbook's symptom and fix are `CODES`'; a cause that fits several codes explains none."""
    assert set(CAUSES) == set(Code) - AS_IT_SHOULD_BE
    assert {CODES[code].state for code in AS_IT_SHOULD_BE} <= {State.DONE, State.CANCELLED}
    assert len(set(CAUSES.values())) == len(CAUSES)
    for code, cause in CAUSES.items():
        assert len(cause.split()) >= 8, code
        assert cause.endswith("."), code
        assert cause != CODES[code].meaning
