"""The order's lines as ConnectWise products, and how they are made true on a parent.

Owns the placing of the wanted lines on an opportunity or a sales order: stamp what matches, create
what is missing, take out what was not chosen. Used by two steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.domain import options, psa
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.errors import Hold
from app.domain.freeze import frozen_lines
from app.domain.invoices import called
from app.domain.records import Ref
from app.steps import catalog
from app.steps.effects import Effects, Look, Outcome
from app.steps.identifiers import left_out, recognise, same_product, with_sku

PRODUCT = "product"  # the kind of their announcements
DESCRIPTION = 2000  # of a product (connectwise.md 3.4)


@dataclass(frozen=True, slots=True)
class Parent:
    """Where products stand: exactly one of the ids is set."""

    opportunity: int | None = None
    sales_order: int | None = None
    ticket: int | None = None

    @property
    def kind(self) -> str:
        if self.opportunity is not None:
            return "opportunity"
        return "ticket" if self.ticket is not None else "sales_order"

    @property
    def id(self) -> int:
        return int(self.opportunity or self.sales_order or self.ticket or 0)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def named(self) -> str:
        return f"{self.kind.replace('_', ' ').capitalize()} {self.id}"


def parent_of(fx: Effects) -> Parent | None:
    """Where the order's products raise demand: its sales order or its ticket, None while it does
    not stand."""
    number = fx.ref(fx.view.parent_kind)
    if number is None:
        return None
    return Parent(ticket=number) if fx.view.by_ticket else Parent(sales_order=number)


async def standing(fx: Effects, parent: Parent) -> list[psa.Product]:
    """The products on the parent, read now."""
    if parent.opportunity is not None:
        products = await fx.cw.opportunity_products(parent.opportunity)
    elif parent.ticket is not None:
        products = await fx.cw.ticket_products(parent.ticket)
    else:
        products = await fx.cw.sales_order_products(parent.id)
    fx.keep("products", products, parent.key)
    fx.keep("products read", fx.view.now, parent.key)
    return list(products)


async def place(
    fx: Effects,
    parent: Parent,
    lines: Sequence[Mapping[str, Any]],
    products: Sequence[psa.Product],
    *,
    leave_frozen: bool = False,
) -> None:
    """Make the parent carry exactly the wanted lines among ours. Raises Hold.

    `leave_frozen`: a person accepted what differs on lines that a receipt or an invoice froze.
    """
    view = fx.view
    products = await _after_doubt(fx, parent, lines, products)
    await recognise(fx, lines, products)
    named = [with_sku(fx, line) for line in lines]
    xrefs = {str(line["key"]): view.xref(str(line["key"])) for line in named}
    prefix = view.xref("")
    apart = view.decided(Code.OPTIONS_UNMATCHED) == "make_own"
    matched = options.match(
        named,
        products,
        left_out(fx),
        prefix,
        xrefs,
        apart=apart,
        excludes=parent.opportunity is not None,
    )
    if matched.ambiguous:
        raise Hold(
            Code.OPTIONS_UNMATCHED,
            f"{parent.named} carries more products "
            f"{', '.join(matched.ambiguous)} than {view.row.name} sells, and nothing tells which "
            "of them were chosen.",
        )
    _tell_foreign(fx, parent, matched.foreign)
    by_key = {str(line["key"]): line for line in named}
    numbers = {str(line["key"]): line for line in lines}
    _refuse_other_product(fx, numbers, matched.pairs)
    for key, product in matched.pairs.items():
        await _change(fx, parent, by_key[key], product, xrefs[key], leave_frozen)
    kept = [product.id for product in matched.pairs.values()]
    await _exclude(fx, parent, matched.excluded, kept, leave_frozen)
    missing = [
        by_key[key]
        for key in matched.missing
        if not await _put_back(fx, parent, by_key[key], products, xrefs[key])
    ]
    unsold = [numbers[str(line["key"])] for line in missing if "setting" not in line]
    items = await catalog.ensure(fx, unsold)
    for line in missing:
        key = str(line["key"])
        await _create(fx, parent, line, items.get(str(numbers[key].get("sku"))), xrefs[key])


def tell_placed(fx: Effects, parent: Parent, lines: Sequence[Mapping[str, Any]]) -> None:
    """The journal's entry of what `place` saw to."""
    if lines:
        many = "1 product stands" if len(lines) == 1 else f"{len(lines)} products stand"
        where = f"{parent.named[:1].lower()}{parent.named[1:]}"
        fx.journal("PRODUCTS_STAND", f"{many} on {where}.")


async def _after_doubt(
    fx: Effects,
    parent: Parent,
    lines: Sequence[Mapping[str, Any]],
    products: Sequence[psa.Product],
) -> Sequence[psa.Product]:
    """What was announced for a line and never answered is looked up before anything is matched: a
    product of somebody else that shows by now would be marked for the line, and ours come late."""
    doubts = {one.key for one in fx.view.unanswered if one.kind == PRODUCT}
    for line in lines:
        key = _new_key(fx, parent, str(line["key"]))
        if key in doubts:
            look = _look(fx, parent, fx.view.xref(str(line["key"])))
            await fx.resolve(PRODUCT, key, look)
            products = fx.recent("products", parent.key) or products
    return products


def _look(fx: Effects, parent: Parent, xref: str) -> Look:
    async def look(_: Outcome) -> Outcome | None:
        there = [p for p in await standing(fx, parent) if p.cancelled < p.quantity]
        found = [p for p in there if p.xref == xref]
        return {"id": found[0].id, "sku": found[0].sku} if found else None

    return look


def _tell_foreign(fx: Effects, parent: Parent, foreign: Sequence[psa.Product]) -> None:
    """What is left alone is told once, and again when it is something else."""
    skus = sorted({product.sku for product in foreign})
    kind, key = "foreign products", parent.key
    before = fx.view.facts.get((kind, key))
    known = fx.recent(kind, key) or (before.body if before is not None else {})
    if not skus or known.get("skus") == skus:
        return
    fx.see(kind, {"skus": skus}, key)
    where = parent.named[0].lower() + parent.named[1:]
    fx.journal("FOREIGN_PRODUCTS", f"Left alone on {where}: {', '.join(skus)}.")


def _refuse_other_product(
    fx: Effects, by_key: Mapping[str, Mapping[str, Any]], pairs: Mapping[str, psa.Product]
) -> None:
    """A line that sells another product than the one that carries its mark is never just renamed."""
    for key, product in pairs.items():
        line = by_key[key]
        if "setting" not in line and not same_product(fx, product.sku, str(line["sku"])):
            raise Hold(
                Code.OPTIONS_UNMATCHED,
                f"{line['title']} of {fx.view.row.name} is {line['sku']} in Commerce now, but "
                f"product {product.id} in ConnectWise, which carries its mark, is {product.sku}.",
            )


async def _put_back(
    fx: Effects,
    parent: Parent,
    line: Mapping[str, Any],
    products: Sequence[psa.Product],
    xref: str,
) -> bool:
    """A line that was taken off and is sold again: its product is cancelled no longer. False: there
    is none, or it was another product."""
    for product in products:
        if product.xref != xref or not options.alike(product.sku, str(line["sku"])):
            continue
        change = psa.ProductChange(
            quantity=Decimal(str(line["quantity"])),
            price=Decimal(str(line["price"])),
            quantity_cancelled=Decimal(0),
        )
        await fx.guard()
        await fx.cw.change_product(product.id, change)
        fx.learn(_ref(parent, str(line["key"]), product.id, product.sku, product.catalog_item_id))
        return True
    return False


def chosen_of(fx: Effects, ids: Sequence[int]) -> int | None:
    """The sales order that a person named among those that could be the order's own."""
    choice = fx.view.decided(Code.SALES_ORDER_UNCERTAIN) or ""
    named = choice.removeprefix("use:")
    return int(named) if named.isdecimal() and int(named) in ids else None


def _ref(parent: Parent, key: str, product_id: int, sku: str, catalog_id: int) -> Ref:
    data = {"sku": sku, "catalog_item": catalog_id, "parent": parent.kind}
    return Ref("product", key, str(product_id), data, exclusive=True)


async def _change(
    fx: Effects,
    parent: Parent,
    line: Mapping[str, Any],
    product: psa.Product,
    xref: str,
    leave_frozen: bool,
) -> None:
    key = str(line["key"])
    quantity, price = Decimal(str(line["quantity"])), Decimal(str(line["price"]))
    cost = Decimal(str(line["cost"]))
    change = psa.ProductChange(
        xref=xref if product.xref != xref else None,
        quantity=quantity if product.quantity != quantity else None,
        price=price if product.price != price else None,
        cost=cost if product.cost != cost and "setting" not in line else None,
    )
    if not change.empty:
        frozen = None
        if change.quantity is not None or change.price is not None:
            frozen = _frozen(fx, line, product, change)
        if frozen is not None and not leave_frozen:
            raise frozen
        if frozen is not None:
            change = psa.ProductChange(xref=change.xref)  # the mark alone: how it is recognised
        if not change.empty:
            await fx.guard()
            await fx.cw.change_product(product.id, change)
    fx.learn(_ref(parent, key, product.id, product.sku, product.catalog_item_id))


def _frozen_by(fx: Effects, key: str, product: psa.Product) -> str | None:
    """What froze a line, as a sentence names it. The invoice is the product's own, read now."""
    if product.invoice_id is not None:
        return f"invoice {called(product)}"
    found = frozen_lines(fx.view).get(key)
    # An invoice that was read before and is gone from the product froze it no longer.
    return replace(found, invoiced=0).by if found and (found.received or found.in_doubt) else None


def _frozen(
    fx: Effects, line: Mapping[str, Any], product: psa.Product, change: psa.ProductChange
) -> Hold | None:
    """D-11: a receipt or an invoice freezes a line; the hold that tells it, None where it is free."""
    frozen = _frozen_by(fx, str(line["key"]), product)
    if frozen is None:
        return None
    what = []
    if change.quantity is not None:
        what.append(f"quantity {product.quantity.normalize():f} to {change.quantity.normalize():f}")
    if change.price is not None:
        what.append(f"price {product.price.normalize():f} to {change.price.normalize():f}")
    return Hold(
        Code.CHANGED_AFTER_FREEZE,
        f"{line['title']}: {' and '.join(what)} was changed in Commerce after {frozen}.",
    )


async def _exclude(
    fx: Effects,
    parent: Parent,
    excluded: Sequence[psa.Product],
    kept: Sequence[int],
    leave_frozen: bool,
) -> None:
    """What the customer did not choose: not counted on an opportunity, cancelled on a sales
    order or ticket where it is ours. Chosen lines that were unticked are ticked again."""
    if parent.opportunity is None:
        for product in excluded:
            if not product.xref:
                continue
            frozen = _frozen_by(fx, product.xref.removeprefix(fx.view.xref("")), product)
            if frozen is not None and leave_frozen:
                continue
            if frozen is not None:
                raise Hold(
                    Code.CHANGED_AFTER_FREEZE,
                    f"{product.sku} was taken off the order in Commerce after {frozen}.",
                )
            await fx.guard()
            await fx.cw.change_product(
                product.id, psa.ProductChange(quantity_cancelled=product.quantity)
            )
        return
    if not excluded and not options.has_options(fx.view.quote):
        return
    opportunity = parent.id
    forecast = {line.id: line for line in await fx.cw.forecast(opportunity)}
    by_id = {p.id: p for p in fx.recent("products", f"opportunity:{opportunity}") or []}
    for product_id, included in [(p.id, False) for p in excluded] + [(k, True) for k in kept]:
        there = by_id.get(product_id)
        line = forecast.get(there.forecast_id or -1) if there is not None else None
        if line is not None and line.included is not included:
            await fx.guard()
            await fx.cw.change_forecast(opportunity, line.id, included)


async def _create(
    fx: Effects, parent: Parent, line: Mapping[str, Any], item: int | None, xref: str
) -> None:
    key = _new_key(fx, parent, str(line["key"]))
    if item is None:
        item = await catalog.existing(fx, str(line["setting"]))
    catalog_item = item
    new = psa.NewProduct(
        catalog_item_id=catalog_item,
        quantity=Decimal(str(line["quantity"])),
        price=Decimal(str(line["price"])),
        cost=Decimal(str(line["cost"])),
        xref=xref,
        description=cut(str(line["title"]), DESCRIPTION),
        opportunity_id=parent.opportunity,
        sales_order_id=parent.sales_order,
        ticket_id=parent.ticket,
    )

    async def send() -> Outcome:
        made = await fx.cw.create_product(new)
        return {"id": made.id, "sku": made.sku}

    def learn(outcome: Outcome) -> list[Ref]:
        # As ConnectWise writes the identifier: its purchase order lines are compared with it.
        sku = str(outcome.get("sku") or line["sku"])
        return [_ref(parent, str(line["key"]), int(outcome["id"]), sku, catalog_item)]

    evidence = {"xref": xref, parent.kind: parent.id}
    await fx.once(PRODUCT, key, evidence, send, _look(fx, parent, xref), learn)


def _new_key(fx: Effects, parent: Parent, line: str) -> str:
    """Of the announcement. What was made once for the line and is cancelled by now (another
    product, so it is not put back) counts no more: the next one has a key of its own."""
    base, turn = f"{parent.key}:{line}", 1
    key = base
    there = {p.id: p for p in fx.recent("products", parent.key) or ()}
    made = {
        key: there.get(int(outcome["id"]))
        for (_, _, key), outcome in fx.view.outcomes.items()
        if key.partition("#")[0] == base and "id" in outcome
    }
    while (product := made.get(key)) is not None and product.cancelled >= product.quantity:
        turn += 1
        key = f"{base}#{turn}"
    return key
