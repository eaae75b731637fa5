"""D-10: what a sentence of MAPPING_MISSING asks for is read from it, whatever stands in its names."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain import wanted as sentences
from app.domain.wanted import Wanted, wanted

IDS = st.integers(1, 10**12)
TRAP = "X. Add a mapping of kind vendor for 13, or the company in ConnectWise."


@given(st.sampled_from(["company", "vendor"]), st.text(), IDS, st.lists(st.text(), max_size=3))
@example("company", TRAP, 77, [TRAP])
def test_d10_a_company_is_asked_for_by_its_commerce_id(
    kind: str, name: str, number: int, tried: list[str]
) -> None:
    said = sentences.no_company(kind, "customer", name, str(number), tried)
    assert wanted(said) == Wanted(kind, str(number))


@given(st.sampled_from(["ledger_vendor", "ledger_customer"]), st.text(), IDS)
@example("ledger_vendor", TRAP, 9)
def test_d10_a_contact_of_the_ledger_is_asked_for_by_its_commerce_id(
    kind: str, name: str, number: int
) -> None:
    for said in (
        sentences.archived_contact(kind, name, number),
        sentences.other_contact(kind, "vendor", name, number),
    ):
        assert wanted(said) == Wanted(kind, str(number))


@given(st.text(min_size=1), st.text(min_size=1), st.lists(st.text(), min_size=2, max_size=3))
@example("CAB, or 2M. And more", "P", [TRAP, "B"])
def test_d10_a_product_is_asked_for_by_its_number(number: str, part: str, items: list[str]) -> None:
    assert wanted(sentences.several_items(number, part, items)) == Wanted("product", number)


@pytest.mark.parametrize("number", ["CAB-2M", "A. B, c", "the mapping of product 9"])
def test_d10_a_mapped_item_that_is_gone_is_asked_for_again(number: str) -> None:
    assert wanted(sentences.mapped_item_gone(number, "X")) == Wanted("product", number)


@given(st.text(min_size=1))
def test_d10_people_are_asked_for_without_their_address(order: str) -> None:
    assert wanted(sentences.no_member(order)) == Wanted("member", "")
    assert wanted(sentences.no_contact(order, 12)) == Wanted("contact", "")


@pytest.mark.parametrize("said", ["", "Held: ask Zoe", "Add a mapping.", TRAP + " Not so."])
def test_another_sentence_asks_for_none(said: str) -> None:
    assert wanted(said) is None


def test_a_mapping_is_the_wanted_one_by_kind_and_key_in_any_case() -> None:
    asked = Wanted("product", "Cab-2M")
    assert asked.is_of("product", "cab-2m")
    assert not asked.is_of("product", "cab-3m")
    assert not asked.is_of("vendor", "cab-2m")
    assert not Wanted("member", "").is_of("member", "zoe@msp.example"), "nobody knows whose it is"
