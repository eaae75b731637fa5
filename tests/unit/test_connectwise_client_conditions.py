"""Conditions: what may stand in one, and that nothing else ever does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connectwise.conditions import (
    Unsafe,
    above,
    among,
    equals,
    is_safe,
    longest_safe_run,
    resembles,
    since,
)

QUOTED = re.compile(r'"[A-Za-z0-9 ._*-]*"')
WORDS = re.compile(r"[A-Za-z_/]+|-?\d+|\[[0-9T:Z-]+\]|!=|>=|[=>(),]|\s")

MEAN = st.text(
    alphabet=st.sampled_from(list("\"'\\[]()*%&=<>,;/ \n\t\x00abzAZ019._-é显–\u2028\u202e")),
    max_size=120,
)
ANY_TEXT = st.one_of(MEAN, st.text(max_size=200))


def assert_harmless(condition: str) -> None:
    """Quotes stand in pairs around safe text, and outside of them only our own words stand."""
    outside = QUOTED.sub("", condition)
    assert '"' not in outside
    assert WORDS.sub("", outside) == ""


@given(ANY_TEXT)
def test_text_is_refused_or_stands_between_two_quotes(text: str) -> None:
    try:
        condition = equals("identifier", text)
    except Unsafe:
        return
    assert condition.text == f'identifier="{text}"'
    assert_harmless(condition.text)


@given(st.lists(ANY_TEXT, max_size=20))
def test_lists_of_text_are_refused_or_harmless(texts: list[str]) -> None:
    try:
        conditions = list(among("identifier", texts))
    except Unsafe:
        return
    for condition in conditions:
        assert_harmless(condition.text)


@given(ANY_TEXT)
def test_the_superset_of_any_text_holds_it(text: str) -> None:
    run = longest_safe_run(text)
    assert run in text
    if run:
        assert is_safe(run)
        assert_harmless(resembles("identifier", run).text)


@given(ANY_TEXT)
def test_a_field_is_never_made_of_text(name: str) -> None:
    try:
        condition = equals(name, 1)
    except Unsafe:
        return
    assert_harmless(condition.text)


@given(st.lists(st.integers(min_value=1, max_value=2**31 - 1), max_size=500))
def test_long_lists_are_cut_and_nothing_gets_lost(ids: list[int]) -> None:
    conditions = list(among("id", ids))
    found = [int(digits) for one in conditions for digits in re.findall(r"\d+", one.text)]
    assert found == ids
    for condition in conditions:
        assert len(condition.encoded) < 1_700
        assert condition.text.count(",") < 100


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (equals("company/id", 250), "company/id=250"),
        (equals("closedFlag", False), "closedFlag=False"),
        (equals("identifier", "DELL P2425H_1.0-x"), 'identifier="DELL P2425H_1.0-x"'),
        (above("id", 7000), "id>7000"),
        (
            since("lastUpdated", datetime(2026, 11, 20, 14, tzinfo=timezone(timedelta(hours=2)))),
            "lastUpdated>=[2026-11-20T12:00:00Z]",
        ),
        (resembles("identifier", "MON-24"), 'identifier like "*MON-24*"'),
        (equals("a", 1) & above("b", 2), "a=1 and b>2"),
        (equals("a", 1) | (equals("b", 2) & equals("c", 3)), "(a=1 or (b=2 and c=3))"),
    ],
)
def test_conditions_are_written_in_the_documented_grammar(condition, text) -> None:
    assert condition.text == text
    assert_harmless(text)


def test_an_empty_text_and_one_too_long_are_refused() -> None:
    for text in ("", "x" * 101):
        with pytest.raises(Unsafe):
            equals("identifier", text)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(Unsafe):
        since("lastUpdated", datetime(2026, 11, 20))  # noqa: DTZ001
    since("lastUpdated", datetime(2026, 11, 20, tzinfo=UTC))
