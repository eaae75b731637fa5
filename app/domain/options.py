"""Which of an opportunity's products are the order's lines.

Owns the match of chosen options (B1.5), pure: by our own mark first, then by identifier; what the
quote deselected is excluded, what is nobody's is left alone and reported, ambiguity is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domain.documents import Quote
from app.domain.psa import Product

IDENTIFIER = 75  # characters of a catalog item's identifier (connectwise.md 3.4)


@dataclass(frozen=True, slots=True)
class Match:
    """`pairs`: line key to product. `missing`: keys to create. `excluded`: not chosen, not sold.
    `foreign`: left alone. `ambiguous`: identifiers that nobody can tell apart."""

    pairs: Mapping[str, Product]
    missing: tuple[str, ...]
    excluded: tuple[Product, ...]
    foreign: tuple[Product, ...]
    ambiguous: tuple[str, ...]


def deselected(quote: Quote | None) -> dict[str, int]:
    """How many lines of each product the customer did not choose, by product number."""
    result: dict[str, int] = {}
    if quote is None:
        return result
    numbers = {product.id: product.product_number for product in quote.products}
    for section in quote.sections:
        for line in section.lines:
            optional = line.is_optional or section.is_multi_choice
            chosen = section.is_selected and (line.is_selected or not optional)
            number = line.product_number or numbers.get(line.product_id or 0)
            if not chosen and number:
                result[number] = result.get(number, 0) + 1
    return result


def has_options(quote: Quote | None) -> bool:
    """Whether the customer could choose at all; without a choice no forecast is read."""
    return quote is not None and any(
        section.is_multi_choice or not section.is_selected or line.is_optional
        for section in quote.sections
        for line in section.lines
    )


def sku_key(sku: str) -> str:
    """How ConnectWise compares identifiers: cut to their length, without regard to case."""
    return sku[:IDENTIFIER].casefold()


def alike(left: str, right: str) -> bool:
    """Whether two identifiers are one to ConnectWise."""
    return sku_key(left) == sku_key(right)


def match(
    lines: Sequence[Mapping[str, Any]],
    products: Sequence[Product],
    not_chosen: Mapping[str, int],
    prefix: str,
    xref_of: Mapping[str, str],
    *,
    apart: bool = False,
    excludes: bool = True,
) -> Match:
    """Match wanted lines with the products that stand on the opportunity or sales order.

    `prefix` begins every mark of ours for this order; `xref_of` gives the mark of each line key.
    Products with another order's mark are foreign. Cancelled ones are not looked at. `apart`: what
    is ambiguous is left alone, and the lines get products of their own. `excludes`: what was not
    chosen is taken out here, so it has to be clear which it is.
    """
    left_out: dict[str, int] = {}
    for sku, count in not_chosen.items():
        left_out[sku_key(sku)] = left_out.get(sku_key(sku), 0) + count
    pairs: dict[str, Product] = {}
    free: list[Product] = []
    gone: list[Product] = []
    foreign: list[Product] = []
    keys = {xref: key for key, xref in xref_of.items()}
    for product in sorted(products, key=lambda p: p.id):
        if product.quantity and product.cancelled >= product.quantity:
            continue
        if product.xref in keys and keys[product.xref] not in pairs:
            pairs[keys[product.xref]] = product
        elif product.xref and product.xref.startswith(prefix):
            gone.append(product)  # a line of ours that the order no longer has
        elif product.xref:
            foreign.append(product)
        else:
            free.append(product)
    missing: list[str] = []
    ambiguous: list[str] = []
    open_lines = [line for line in lines if line["key"] not in pairs]
    for sku in dict.fromkeys(sku_key(str(line["sku"])) for line in open_lines):
        same_lines = [line for line in open_lines if sku_key(str(line["sku"])) == sku]
        candidates = [product for product in free if sku_key(product.sku) == sku]
        spare = len(candidates) - len(same_lines)
        if spare > 0 and left_out.get(sku, 0) < spare and not _told_apart(same_lines, candidates):
            if apart:
                missing.extend(str(line["key"]) for line in same_lines)
                continue
            ambiguous.append(str(same_lines[0]["sku"]))
        for line in same_lines:
            found = _best(line, candidates)
            if found is None:
                missing.append(str(line["key"]))
                continue
            candidates.remove(found)
            free.remove(found)
            pairs[str(line["key"])] = found
    unclear = _unclear(free, left_out) if excludes else []
    out, left_alone = _sorted_out(free, left_out.keys() - {sku_key(sku) for sku in unclear})
    named = dict.fromkeys([*ambiguous, *([] if apart else unclear)])
    return Match(pairs, tuple(missing), (*gone, *out), (*foreign, *left_alone), tuple(named))


def _sorted_out(
    free: Sequence[Product], out: Collection[str]
) -> tuple[list[Product], list[Product]]:
    """What is taken out, and what is left alone."""
    left = [product for product in free if sku_key(product.sku) not in out]
    return [product for product in free if sku_key(product.sku) in out], left


def _unclear(free: Sequence[Product], left_out: Mapping[str, int]) -> list[str]:
    """Identifiers of which more stand there than the customer left out: nothing tells which of
    them are somebody else's."""
    rest = Counter(sku_key(product.sku) for product in free)
    written = {sku_key(product.sku): product.sku for product in free}
    return [written[sku] for sku, count in left_out.items() if rest[sku] > count]


def _best(line: Mapping[str, Any], candidates: Sequence[Product]) -> Product | None:
    """The candidate with the line's own quantity, else the first one."""
    wanted = Decimal(str(line["quantity"]))
    exact = [product for product in candidates if product.quantity == wanted]
    return next(iter(exact or candidates), None)


def _told_apart(lines: Sequence[Mapping[str, Any]], candidates: Sequence[Product]) -> bool:
    """Whether each line has exactly one candidate of its own quantity."""
    for line in lines:
        wanted = Decimal(str(line["quantity"]))
        if sum(1 for product in candidates if product.quantity == wanted) != 1:
            return False
    return True
