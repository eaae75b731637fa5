"""create_sales_order: the ConnectWise sales order stands with the order's products (B1.6, B1.7).

Owns the conversion (or the plain sales order of D-13), its read-back and its waiting status, and
gives the opportunity's claim back when it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import invoices, psa
from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.errors import Hold
from app.domain.options import sku_key
from app.domain.order import OrderView, named
from app.domain.records import ORDER, Ref
from app.domain.shut import Shut
from app.steps.effects import Effects, Outcome
from app.steps.identifiers import identifier, with_sku
from app.steps.lines import Parent, chosen_of, place, standing
from app.steps.resolve import company, contact, optional, sales_rep, setting
from app.steps.wanted_lines import wanted_lines

name = "create_sales_order"
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    order = view.sales_order
    if view.by_ticket or (view.sells_nothing and view.applied(name, subject) is None):
        return None
    wanted: dict[str, Any] = {
        "customer_reference": (order.reference or order.order_number) if order else None,
        "bill_shipped": view.behaviour.invoice_policy == "shipped_only",
    }
    if view.behaviour.invoice_lock == "bill_closed_flag":
        wanted["bill_closed"] = True  # until the invoice gate opens (D-5)
    return wanted


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if view.ref("sales_order") is not None:
        return [f"change {named('sales order', view.ref('sales_order'))}"]
    if view.opportunity_id is None and view.opportunity_missing != "create":
        placed = [
            f"create product {line['title']} x {line['quantity']} on the new sales order"
            for line in wanted_lines(view)
        ]
        return ["create a sales order", *placed, "set its status to the waiting one"]
    source = named("opportunity", view.opportunity_id or view.ref("opportunity"))
    return [f"convert {source} to a sales order", "set its status to the waiting one"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    waiting = await setting(fx, "connectwise_sales_order_status_waiting")
    sales_order = fx.ref("sales_order")
    opportunity = fx.ref("opportunity")
    if sales_order is None:
        if opportunity is not None:
            sales_order = await _converted(fx, opportunity)
        else:
            sales_order = await _plain(fx, want, waiting.id)
    released = fx.view.applied("release_invoice", ORDER) is not None
    change = psa.SalesOrderChange(
        status_id=None if released else waiting.id,
        bill_shipped=bool(want["bill_shipped"]),
        # A shared sales order keeps the reference of the order that it was made for (D-13).
        po_number=None if fx.view.appended else cut(str(want["customer_reference"]), 50),
        bill_closed=True if want.get("bill_closed") and not released else None,
    )
    await fx.guard()
    await fx.cw.change_sales_order(sales_order, change)
    if not released:
        fx.see("status_written", {"id": waiting.id, "name": waiting.name})
    if opportunity is not None:
        fx.drop_claim("opportunity", str(opportunity))
    await _note_invoices(fx, sales_order)
    fx.journal("SALES_ORDER_STANDS", f"Sales order {sales_order} stands in ConnectWise.")


async def _note_invoices(fx: Effects, sales_order: int) -> None:
    """What was read of the products tells what is invoiced too; a callback makes it stale."""
    parent = Parent(sales_order=sales_order)
    products = fx.recent("products", parent.key)
    if invoices.from_stock(fx.view):
        products = await standing(fx, parent)  # with their demand: some were just made (H4)
    fx.see(invoices.FACT, invoices.noted(fx.view, products or [], whole=True))


def _keys(fx: Effects) -> list[str]:
    return [str(line["key"]) for line in wanted_lines(fx.view)]


async def _converted(fx: Effects, opportunity: int) -> int:
    keys = _keys(fx)
    ids = [product for key in keys if (product := fx.ref("product", key)) is not None]
    seen = _seen_conversion(fx)
    found = await _ours(fx, opportunity) if seen else None
    if found is None and fx.view.decided(Code.PRODUCTS_NOT_CONVERTED) == "add_products":
        there = [order.id for order in await fx.cw.sales_orders_of_opportunity(opportunity)]
        found = there[0] if len(there) == 1 else None
    if found is None and seen:
        # Converted once already: what stands may lag or be another order's, and a second
        # conversion would be a second sales order (D-3).
        sentence = (
            f"Opportunity {opportunity} was converted, but no sales order of it carries products "
            f"of {fx.view.row.name}."
        )
        if wait := await fx.lagging(None, sentence):
            raise wait
        raise Hold(Code.PRODUCTS_NOT_CONVERTED, sentence)
    if found is None:

        async def send() -> Outcome:
            order = await fx.cw.convert_to_sales_order(opportunity, ids)
            return {"id": order.id}

        async def look(known: Outcome) -> Outcome | None:
            order = await _ours(fx, opportunity)
            return {"id": order} if order is not None else None

        evidence = {"opportunity": opportunity, "products": ids}
        outcome = await fx.once("sales_order", f"convert:{opportunity}", evidence, send, look)
        found = int(outcome["id"])
    await _read_back(fx, found, keys)
    fx.learn(Ref("sales_order", "", str(found)))
    return found


def _seen_conversion(fx: Effects) -> bool:
    """Whether a person converted the opportunity, where that is awaited or was seen."""
    fact = fx.view.facts.get(("conversion", ""))
    body = fx.recent("conversion") or (fact.body if fact else {})
    return bool(body.get("sales_orders")) or fx.view.person_converts


async def _ours(fx: Effects, opportunity: int) -> int | None:
    """The opportunity's sales order on which our products stand, never the opportunity alone."""
    marks = {fx.view.xref(key) for key in _keys(fx)}
    products = {fx.ref("product", key) for key in _keys(fx)}
    # Freight and the like stand on everybody's sales orders: they tell nothing.
    numbers = [str(line["sku"]) for line in wanted_lines(fx.view) if "sku" in line]
    skus = {sku_key(identifier(fx, number)) for number in numbers}
    strong: list[int] = []
    weak: list[int] = []
    for order in await fx.cw.sales_orders_of_opportunity(opportunity):
        there = await standing(fx, Parent(sales_order=order.id))
        if any(product.xref in marks or product.id in products for product in there):
            strong.append(order.id)
        elif any(not product.xref and sku_key(product.sku) in skus for product in there):
            weak.append(order.id)  # a conversion that copied without our mark
    candidates = strong or weak
    if len(candidates) > 1 and (named := chosen_of(fx, candidates)) is not None:
        return named
    if len(candidates) > 1:
        listed = ", ".join(str(order) for order in candidates)
        raise Hold(
            Code.SALES_ORDER_UNCERTAIN,
            f"Sales orders {listed} were all made of opportunity {opportunity} and carry "
            f"products of {fx.view.row.name}.",
            choices=names_of(Code.SALES_ORDER_UNCERTAIN, *candidates),
        )
    return candidates[0] if candidates else None


async def _read_back(fx: Effects, sales_order: int, keys: Sequence[str]) -> None:
    """Every product of ours has to stand on the sales order, marked; lag is waited for."""
    parent = Parent(sales_order=sales_order)
    lines = [with_sku(fx, line) for line in wanted_lines(fx.view)]
    there = await standing(fx, parent)
    marks = {product.xref for product in there}
    moved = {product.id for product in there}
    missing = [
        line
        for line in lines
        if fx.view.xref(str(line["key"])) not in marks
        and fx.ref("product", str(line["key"])) not in moved
        and not any(not p.xref and sku_key(p.sku) == sku_key(str(line["sku"])) for p in there)
    ]
    add = fx.view.decided(Code.PRODUCTS_NOT_CONVERTED) == "add_products" or fx.view.appended
    if missing and not fx.view.person_converts and not add:
        titles = ", ".join(str(line["title"]) for line in missing)
        sentence = f"Sales order {sales_order} does not carry {titles}."
        if wait := await fx.lagging(None, sentence):
            raise wait
        raise Hold(Code.PRODUCTS_NOT_CONVERTED, sentence)
    await place(fx, parent, lines, there)


async def _plain(fx: Effects, want: Mapping[str, Any], status: int) -> int:
    """D-13: a sales order without an opportunity, with our products on it."""
    view, order = fx.view, fx.view.sales_order
    assert order is not None  # noqa: S101 - create_products came before
    owner = await company(fx, order.customer, order.connectwise.company_identifier)
    marker = view.marker("sales order", "")
    new = psa.NewSalesOrder(
        company_id=owner.id,
        status_id=status,
        sales_rep_id=await sales_rep(fx),
        po_number=cut(str(want["customer_reference"]), 50),
        notes=marker,
        contact_id=await contact(fx, owner.id),
        location_id=await optional(fx, "connectwise_location"),
        business_unit_id=await optional(fx, "connectwise_business_unit"),
    )

    async def send() -> Outcome:
        return {"id": (await fx.cw.create_sales_order(new)).id}

    async def look(known: Outcome) -> Outcome | None:
        found = [o.id for o in await fx.cw.sales_orders_of_company(owner.id) if marker in o.notes]
        return {"id": found[0]} if found else None

    evidence = {"marker": marker, "company": owner.id}
    outcome = await fx.once("sales_order", "plain", evidence, send, look)
    parent = Parent(sales_order=int(outcome["id"]))
    await place(fx, parent, wanted_lines(view), await standing(fx, parent))
    fx.learn(Ref("sales_order", "", str(parent.id)))
    return parent.id
