"""JSON without loss: what is read, what is refused, and the one form in which it is kept (D-12)."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.json_values import MAX_DEPTH, NotJson, canonical, digest, dumps, loads

numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_what_is_written_is_read_back_as_it_is_kept(value):
    assert loads(dumps(value)) == canonical(value)


@given(values)
def test_the_canonical_form_of_a_canonical_form_is_itself(value):
    assert canonical(canonical(value)) == canonical(value)


@given(values)
def test_the_canonical_text_is_json_for_everyone(value):
    assert json.loads(dumps(value)) == canonical(value)


@given(st.integers(-(10**15), 10**15), st.integers(0, 20), st.integers(0, 15))
def test_one_number_has_one_form_however_it_is_written(digits, places, zeros):
    plain = Decimal(digits).scaleb(-places, context=None)
    assert canonical(plain) == canonical(
        Decimal(f"{plain:f}" + ("" if places else ".") + "0" * zeros)
    )
    assert digest(plain) == digest(Decimal(f"{plain:E}"))


@pytest.mark.parametrize("text", ["10", "10.0", "10.00", "1e1", "1E+1", "100e-1"])
def test_ten_is_ten_however_it_is_written(text):
    assert canonical(loads(text)) == 10
    assert dumps(loads(text)) == "10"


def test_a_price_keeps_every_digit_that_was_sent():
    assert loads("0.1") == Decimal("0.1")
    long = "1.23456789012345678901234567890123456789"
    assert loads(long) == Decimal(long)
    assert dumps(loads(long)) == f'"{long}"'


def test_keys_are_sorted_so_that_the_same_content_has_the_same_digest():
    assert digest(loads('{"b": 1, "a": 2.50}')) == digest(loads('{"a": 2.5, "b": 1.0}'))


@pytest.mark.parametrize(
    "body",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        '{"a": 1, "a": 1}',
        '{"deep": {"a": 1, "a": 2}}',
        "1" * 41,
        "0." + "1" * 40,
        "1e41",
        "1e-41",
        "1e999999999",
        "",
        "{",
        "01",
        "'a'",
        "[1,]",
        '{"a": 1} trailing',
        "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2),
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
    ],
)
def test_what_is_no_strict_json_is_refused(body):
    with pytest.raises(NotJson):
        loads(body)


@pytest.mark.parametrize(
    "body",
    [b"\xff", b"\xef\xbb\xbf{}", b"\x00", '{"a": "\ud800"}'.encode("utf-8", "surrogatepass")],
)
def test_what_is_no_utf_8_is_refused(body):
    with pytest.raises(NotJson):
        loads(body)


def test_the_deepest_document_that_is_allowed_can_be_read():
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
