"""Which of an opportunity's products are the order's lines, by the options chosen (B1.5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.options import Match, deselected, has_options, match
from tests.builders import Json, offer, product, quote, section, view, won

MINE = "dl:commerce:1201:"


def standing(
    product_id: int, sku: str, quantity: int = 10, xref: str | None = None, **more: Any
) -> psa.Product:
    price = Decimal(0)
    return psa.Product(product_id, 1, sku, Decimal(quantity), price, price, xref, **more)


def wanted(key: str, sku: str, quantity: int = 10) -> Json:
    return {"key": key, "sku": sku, "quantity": quantity}


def matched(lines: list[Json], products: list[psa.Product], **not_chosen: int) -> Match:
    xrefs = {line["key"]: MINE + line["key"] for line in lines}
    return match(lines, products, not_chosen, MINE, xrefs)


def pairs(found: Match) -> dict[str, int]:
    return {key: one.id for key, one in found.pairs.items()}


# --- what the customer did not choose -------------------------------------------------------------


def test_an_optional_line_that_was_not_selected_is_not_chosen():
    read = view(won(quote(section(offer(1, 301), offer(2, 304, selected=False)))))
    assert deselected(read.quote) == {"SKU-304": 1}
    assert has_options(read.quote)


def test_a_section_that_was_not_selected_leaves_out_all_its_lines():
    read = view(won(quote(section(offer(1, 301)), section(offer(2, 302), isSelected=False))))
    assert deselected(read.quote) == {"SKU-302": 1}


def test_in_a_section_of_one_choice_the_others_are_not_chosen_even_when_not_marked_optional():
    lines = [offer(1, 301), {**offer(2, 304, selected=False), "isOptional": False}]
    read = view(won(quote(section(*lines, isMultiChoice=True))))
    assert deselected(read.quote) == {"SKU-304": 1}


def test_a_line_that_is_not_optional_is_chosen_whatever_its_tick_says():
    read = view(won(quote(section({**offer(1, 301, selected=False), "isOptional": False}))))
    assert deselected(read.quote) == {}
    assert not has_options(read.quote)


def test_a_quote_line_without_a_number_is_found_by_its_product():
    bare = {**offer(1, 304, selected=False), "productNumber": None}
    read = view(won(quote(section(bare), products=[product(304)])))
    assert deselected(read.quote) == {"SKU-304": 1}


def test_without_a_quote_nothing_was_left_out():
    assert deselected(None) == {}
    assert not has_options(None)


# --- the match ------------------------------------------------------------------------------------


def test_our_own_mark_decides_before_any_identifier():
    lines = [wanted("1", "A"), wanted("2", "A")]
    products = [standing(11, "A", xref=MINE + "2"), standing(12, "A", xref=MINE + "1")]
    assert pairs(matched(lines, products)) == {"1": 12, "2": 11}


def test_a_product_without_a_mark_is_matched_by_identifier():
    found = matched([wanted("1", "A")], [standing(11, "A"), standing(12, "B")])
    assert pairs(found) == {"1": 11}
    assert [one.id for one in found.foreign] == [12]


def test_what_is_not_there_is_missing():
    assert matched([wanted("1", "A"), wanted("2", "B")], [standing(11, "A")]).missing == ("2",)


def test_a_deselected_option_is_excluded_and_a_stranger_is_left_alone():
    products = [standing(11, "A"), standing(12, "B"), standing(13, "C")]
    found = matched([wanted("1", "A")], products, B=1)
    assert [one.id for one in found.excluded] == [12]
    assert [one.id for one in found.foreign] == [13]


def test_another_orders_mark_is_foreign_even_when_its_number_begins_like_ours():
    products = [standing(11, "A", xref="dl:commerce:12010:1"), standing(12, "A", xref="theirs")]
    found = matched([wanted("1", "A")], products)
    assert found.missing == ("1",)
    assert [one.id for one in found.foreign] == [11, 12]


def test_a_line_of_ours_that_the_order_no_longer_has_is_excluded():
    """H3: a line removed."""
    found = matched(
        [wanted("1", "A")], [standing(11, "A", xref=MINE + "1"), standing(12, "B", xref=MINE + "2")]
    )
    assert [one.id for one in found.excluded] == [12]


def test_a_second_product_with_the_same_mark_is_excluded():
    products = [standing(11, "A", xref=MINE + "1"), standing(12, "A", xref=MINE + "1")]
    found = matched([wanted("1", "A")], products)
    assert (pairs(found), [one.id for one in found.excluded]) == ({"1": 11}, [12])


def test_a_cancelled_product_is_not_looked_at():
    found = matched([wanted("1", "A")], [standing(11, "A", cancelled=Decimal(10))])
    assert found.missing == ("1",)


def test_the_same_product_twice_is_told_apart_by_quantity():
    """D-8."""
    lines = [wanted("1", "A", 4), wanted("2", "A", 6)]
    found = matched(lines, [standing(11, "A", 6), standing(12, "A", 4)])
    assert (pairs(found), found.ambiguous) == ({"1": 12, "2": 11}, ())


def test_more_of_a_product_than_is_sold_and_nothing_that_tells_them_apart_is_ambiguous():
    found = matched([wanted("1", "A", 5)], [standing(11, "A", 3), standing(12, "A", 4)])
    assert found.ambiguous == ("A",)


def test_a_product_offered_twice_and_chosen_once_is_told_apart_by_quantity():
    found = matched([wanted("1", "A", 5)], [standing(11, "A", 10), standing(12, "A", 5)], A=1)
    assert (pairs(found), found.ambiguous) == ({"1": 12}, ())
    assert [one.id for one in found.excluded] == [11]


def test_the_order_in_which_products_are_listed_does_not_matter():
    lines = [wanted("1", "A", 4), wanted("2", "A", 4), wanted("3", "B")]
    products = [standing(11, "A", 4), standing(12, "A", 4), standing(13, "B"), standing(14, "C")]
    assert matched(lines, products) == matched(lines, products[::-1])


def test_b1_5_of_an_option_that_stands_there_more_often_than_it_was_left_out_nobody_knows_which():
    found = matched([], [standing(1, "SKU-304"), standing(2, "SKU-304")], **{"SKU-304": 1})
    assert found.ambiguous == ("SKU-304",)
    assert found.excluded == ()
    found = matched([], [standing(1, "SKU-304"), standing(2, "SKU-304")], **{"SKU-304": 2})
    assert (found.ambiguous, [one.id for one in found.excluded]) == ((), [1, 2])


def test_b1_5_where_nothing_is_taken_out_nothing_has_to_be_clear():
    there = [standing(1, "SKU-304"), standing(2, "SKU-304")]
    found = match([], there, {"SKU-304": 1}, "dl:commerce:1201:", {}, excludes=False)
    assert found.ambiguous == ()


def test_b1_5_identifiers_are_compared_as_connectwise_does_without_case():
    found = matched([wanted("1", "abc")], [standing(1, "ABC"), standing(2, "Xyz")], xyz=1)
    assert (pairs(found), found.missing) == ({"1": 1}, ())
    assert [product.id for product in found.excluded] == [2]


def test_b1_5_identifiers_longer_than_connectwise_keeps_are_the_same_when_cut():
    long = "N" * 80
    found = matched([], [standing(1, long[:75])], **{long: 1})
    assert [product.id for product in found.excluded] == [1]
