"""A3: texts are cut so that ConnectWise takes them, whatever characters they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.connectors.connectwise.translate import checks
from app.domain import tickets
from app.domain.cuts import cut
from tests.builders import ordered, sales_order, view


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.integers(1, 60))
def test_what_is_cut_is_taken_and_begins_as_the_text_does(text: str, longest: int):
    short = cut(text, longest)
    checks.text("description", short, longest)
    assert text.startswith(short)
    units = len(text.encode("utf-16-le")) // 2
    assert short == text or units > longest
    assert len(short.encode("utf-16-le")) // 2 in (min(units, longest), longest - 1)


@pytest.mark.parametrize("longest", [59, 60])
def test_a_character_of_two_units_is_never_halved(longest: int):
    assert cut("\N{PERSONAL COMPUTER}" * 40, longest) == "\N{PERSONAL COMPUTER}" * (longest // 2)


def test_the_summary_of_a_ticket_with_signs_beyond_the_basic_plane_fits():
    body = sales_order(customer={"id": 77, "name": "\N{PERSONAL COMPUTER}" * 70})
    text = tickets.summary(view(ordered(body)))
    checks.required("summary", text, tickets.SUMMARY)
