"""Manufacturer part numbers: which of them tell a product, and which item one names (A3).

Owns the comparison, pure. People write "N/A" where there is none, and that names nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.options import IDENTIFIER, sku_key
from app.domain.order import OrderView
from app.domain.psa import CatalogItem

PART_NUMBER = 50  # characters that ConnectWise keeps (connectwise.md 3.4)
PLACEHOLDERS = frozenset(
    {
        "na", "nil", "no", "non", "none", "null", "unknown", "tba", "tbc", "tbd", "tobeadvised",
        "notapplicable", "notavailable", "notset", "nompn", "nosku", "mpn", "sku", "partnumber",
        "various", "generic", "misc", "other", "empty", "blank", "test", "custom", "default",
    }
)  # fmt: skip


def part_key(text: str | None) -> str | None:
    """A part number as it is compared: without regard to case. None for what names no product:
    nothing, a word for nothing, one sign over and over, or more than ConnectWise keeps."""
    part = (text or "").strip().casefold()
    signs = "".join(sign for sign in part if sign.isalnum())
    one_sign = len(set(signs)) <= 1
    if len(part) > PART_NUMBER or one_sign or signs in PLACEHOLDERS:
        return None
    return part


def with_part(
    items: Sequence[CatalogItem], part: str | None, manufacturer: str | None
) -> list[CatalogItem]:
    """The active items with exactly this part number (a `part_key`). A manufacturer that both name
    has to be the same; items that name it rule out those that name none."""
    if part is None:
        return []
    same = [item for item in items if part_key(item.part_number) == part and not item.inactive]
    maker = (manufacturer or "").strip().casefold()
    if not maker:
        return same
    exact = [item for item in same if item.manufacturer.casefold() == maker]
    return exact or [item for item in same if not item.manufacturer]


FACT = "catalog identifier"  # by product number: what was found for the order
MAPPING = "product"


def mapped(view: OrderView, number: str) -> str | None:
    """The identifier that a person gave for a product number."""
    return view.mappings.get((MAPPING, number.casefold()))


def known_as(view: OrderView, number: str) -> str:
    """What ConnectWise calls the product of this Commerce product number, as far as it was read."""
    fact = view.facts.get((FACT, sku_key(number)))
    found = str(fact.body["identifier"]) if fact is not None else None
    return found or mapped(view, number) or number[:IDENTIFIER]
