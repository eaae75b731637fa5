"""Products that are nobody's of the order are left alone, and told once (B1.5)."""

from __future__ import annotations

from typing import cast

from app.steps.effects import Effects
from app.steps.lines import Parent, place, tell_placed
from tests.builders import fact, ordered, view
from tests.unit.steps.effects import Fx, Site, on_it

ALONE = fact("foreign products", {"skus": ["SKU-999"]}, "sales_order:70")


async def told_of(*facts: object, sku: str = "SKU-999") -> list[str]:
    products = [on_it(1, sku, None)]
    fx = Fx(view(ordered(), facts=facts), Site(products))
    await place(cast(Effects, fx), Parent(sales_order=70), [], products)
    return [sentence for code, sentence in fx.told if code == "FOREIGN_PRODUCTS"]


async def test_b1_5_what_is_left_alone_is_told_once():
    assert await told_of() == ["Left alone on sales order 70: SKU-999."]
    assert await told_of(ALONE) == []


async def test_b1_5_something_else_that_is_left_alone_is_told_again():
    assert await told_of(ALONE, sku="SKU-998") == ["Left alone on sales order 70: SKU-998."]


def test_that_products_stand_is_told_with_how_many_and_where():
    fx = Fx(view(ordered()), Site([]))
    for parent, many in (
        (Parent(opportunity=88), 2),
        (Parent(ticket=21), 1),
        (Parent(sales_order=70), 0),
    ):
        tell_placed(cast(Effects, fx), parent, [{}] * many)
    assert fx.told == [
        ("PRODUCTS_STAND", "2 products stand on opportunity 88."),
        ("PRODUCTS_STAND", "1 product stands on ticket 21."),
    ]
