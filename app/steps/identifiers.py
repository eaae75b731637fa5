"""Under which identifier ConnectWise knows a Commerce product (A3, D-10).

Owns the one answer that every comparison with a remote identifier goes by: what was found for this
order, else what a person mapped, else the product number itself. Makes nothing, and never chooses
among several (decision 0031).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.documents import Product, PurchaseOrder, PurchaseOrderLine
from app.domain.errors import Hold
from app.domain.linking import allocate
from app.domain.options import IDENTIFIER, alike, deselected, sku_key
from app.domain.order import OrderView
from app.domain.part_numbers import FACT, mapped, part_key, with_part
from app.domain.wanted import several_items
from app.steps.effects import Effects

Line = Mapping[str, Any]


def identifier(fx: Effects, number: str) -> str:
    """What ConnectWise calls the product of this Commerce product number."""
    return _found(fx, number) or mapped(fx.view, number) or number[:IDENTIFIER]


def _found(fx: Effects, number: str) -> str | None:
    fact = fx.view.facts.get((FACT, sku_key(number)))
    known = fact.body if fact is not None else fx.recent(FACT, sku_key(number))
    return str(known["identifier"]) if known is not None else None


def settle(fx: Effects, number: str, found: str) -> None:
    """The order keeps to what was found, whatever is mapped or made later."""
    if _found(fx, number) == found:
        return
    fx.see(FACT, {"identifier": found}, sku_key(number))
    if not alike(found, number):
        told = f"Product {number} is catalog item {found} in ConnectWise."
        fx.journal("CATALOG_ITEM_FOUND", told, number=number, identifier=found)


def left_out(fx: Effects) -> dict[str, int]:
    """How many lines of each product the customer did not choose, by remote identifier."""
    result: dict[str, int] = {}
    for number, count in deselected(fx.view.quote).items():
        name = identifier(fx, number)
        result[name] = result.get(name, 0) + count
    return result


def with_sku(fx: Effects, line: Line) -> Line:
    """A wanted line with the identifier that its product has in ConnectWise. Header amounts stand on
    catalog items that settings name; those are read live."""
    if "setting" not in line:
        return {**line, "sku": identifier(fx, str(line["sku"]))}
    sku = fx.view.names.get(str(line["setting"]), "")
    return {**line, "sku": sku or f"?{line['setting']}"}


def same_product(fx: Effects, sku: str, number: str) -> bool:
    """Whether a remote identifier is that of a Commerce product. The product number itself always
    is: a mapping that came later renames nothing that stands."""
    return alike(sku, identifier(fx, number)) or alike(sku, number)


def product_of(view: OrderView, document: PurchaseOrder, line: PurchaseOrderLine) -> Product:
    """A line's product: Commerce need not list it on the purchase order, nor on the order."""
    order = view.sales_order
    for product in (*document.products, *(order.products if order is not None else ())):
        if product.id == line.product_id:
            return product
    return Product.unlisted(line)


def bought_as(fx: Effects, document: PurchaseOrder) -> dict[int, str]:
    """The identifiers under which ConnectWise knows the products of a purchase order: those that
    their demand stands on, where they have some."""
    names: dict[int, str] = {}
    for share in allocate(fx.view).get(document.id, ()):
        ref = fx.view.refs.get(("product", share.line or ""))
        if ref is not None:
            names.setdefault(share.product_id, str(ref.data["sku"]))
    for line in document.lines:
        if line.product_id not in names:
            number = product_of(fx.view, document, line).product_number
            names[line.product_id] = identifier(fx, number)
    return names


def by_part(fx: Effects, number: str, items: Sequence[psa.CatalogItem]) -> psa.CatalogItem | None:
    """The catalog item with the part number of a Commerce product, None where none has it.
    Raises Hold(MAPPING_MISSING) where several have."""
    product = _product(fx.view, number)
    found = with_part(items, part_of(fx.view, number), product.brand if product else None)
    if len(found) > 1:
        listed = sorted(item.identifier for item in found)
        said = several_items(number, found[0].part_number, listed)
        raise Hold(Code.MAPPING_MISSING, said)
    return found[0] if found else None


def part_of(view: OrderView, number: str) -> str | None:
    """A Commerce product's manufacturer part number as it is compared, None for none."""
    product = _product(view, number)
    return part_key(product.manufacturer_part_number) if product is not None else None


async def recognise(fx: Effects, lines: Sequence[Line], products: Sequence[psa.Product]) -> None:
    """Before lines are matched with what stands there: what the quote or a person put there may go
    by a part number. Asks only where a line has no product and a product has no line."""
    marks = {product.xref for product in products}
    standing = [p for p in products if not p.quantity or p.cancelled < p.quantity]
    numbers = [
        str(line["sku"])
        for line in lines
        if "setting" not in line and fx.view.xref(str(line["key"])) not in marks
    ]
    quote = fx.view.quote
    numbers += [product.product_number for product in quote.products] if quote else []
    unknown = {
        sku_key(number): number
        for number in numbers
        if part_of(fx.view, number) is not None and identifier(fx, number) == number[:IDENTIFIER]
        if not any(alike(product.sku, number) for product in standing)
    }
    lines_there = {sku_key(identifier(fx, number)) for number in numbers}
    spare = [p for p in standing if not p.xref and sku_key(p.sku) not in lines_there]
    if not unknown or not spare:
        return
    asked = sorted(unknown.values())
    parts = [part for number in asked if (part := part_of(fx.view, number))]
    items = await fx.cw.catalog_items([number[:IDENTIFIER] for number in asked], parts)
    for number in asked:
        if any(alike(item.identifier, number) for item in items):
            continue
        found = by_part(fx, number, items)
        if found is not None:
            settle(fx, number, found.identifier)


def _product(view: OrderView, number: str) -> Product | None:
    """What Commerce says of a product, on whatever document names it."""
    documents = (view.sales_order, *view.purchase_orders, view.quote)
    for document in documents:
        for product in document.products if document is not None else ():
            if alike(product.product_number, number):
                return product
    return None
