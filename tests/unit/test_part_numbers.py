"""Which manufacturer part numbers tell a product, and which item one names (A3)."""

from __future__ import annotations

import pytest

from app.domain.part_numbers import part_key, with_part
from app.domain.psa import CatalogItem

NOTHING = (
    "", "  ", "-", "--", "?", "N/A", "n.a.", "NA", "None", "TBD", "Not applicable", "000", "x",
    "xx", "m1" * 26,
)  # fmt: skip


@pytest.mark.parametrize("text", [None, *NOTHING])
def test_a3_what_is_no_part_number_names_nothing(text: str | None) -> None:
    assert part_key(text) is None
    assert with_part([CatalogItem(1, "A", part_number=text or "")], part_key(text), None) == []


def test_a3_a_part_number_is_compared_whole_and_in_any_case() -> None:
    items = [CatalogItem(1, "A", part_number="P2425H"), CatalogItem(2, "B", part_number="P2425HE")]
    assert with_part(items, part_key(" p2425h "), None) == items[:1]


def test_a3_an_inactive_item_is_not_used() -> None:
    assert with_part([CatalogItem(1, "A", part_number="P1", inactive=True)], "p1", None) == []


def test_a3_of_two_makers_the_named_one_counts() -> None:
    dell = CatalogItem(1, "A", part_number="P1", manufacturer="Dell")
    other = CatalogItem(2, "B", part_number="P1", manufacturer="Acme")
    unsaid = CatalogItem(3, "C", part_number="P1")
    assert with_part([dell, other, unsaid], "p1", "DELL ") == [dell]
    assert with_part([other, unsaid], "p1", "Dell") == [unsaid]
    assert with_part([other], "p1", "Dell") == []
    assert with_part([dell, other], "p1", None) == [dell, other]
