"""sync_purchase_order: a Commerce purchase order stands in ConnectWise, numbered (B1.1, B1.9, D-4).

Owns the purchase order's making: from the demand of the order's products, or plainly; surplus as
an unlinked line. Never posts again where it cannot tell whether the first post arrived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.documents import Product, PurchaseOrder, PurchaseOrderLine
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.gates_of_goods import purchase_order_stays
from app.domain.json_values import canonical
from app.domain.linking import allocate
from app.domain.order import OrderView
from app.domain.records import Ref
from app.domain.shut import Shut
from app.steps import catalog
from app.steps.demand import check_demand, demanded, refuse_invoiced
from app.steps.effects import Effects, Learn, Outcome
from app.steps.plain_lines import plain_lines
from app.steps.resolve import optional, setting, vendor

name = "sync_purchase_order"
version = 1
HIGHEST_SECONDS = 10 * 365 * 86400.0


def subjects(view: OrderView) -> Sequence[str]:
    """Each purchase order, and what of it is above the order: that comes last (B1.9)."""
    found = [f"po:{po.id}" for po in view.purchase_orders if not po.draft]
    every = allocate(view)
    above = [key for key in sorted(every) if any(share.line is None for share in every[key])]
    return [*found, *(f"surplus:{key}" for key in above)]


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None or purchase_order.draft:
        return None
    applied = view.applied(name, subject)
    if purchase_order.cancelled:
        # Never mirrored: nothing to do. Mirrored, or perhaps: the difference is for a person (H3).
        if applied is None and (name, subject) not in view.in_doubt:
            return None
        number = {"purchase_order": purchase_order.id, "number": purchase_order.order_number}
        return {**number, **(applied or {}), "cancelled": True}
    if applied is None and not any(line.quantity for line in purchase_order.lines):
        return None  # nothing is ordered with it (H2)
    shares = [
        {
            "po_line": share.po_line,
            "product": share.product_id,
            "line": share.line,
            "quantity": share.quantity,
            "cost": share.cost,
        }
        for share in allocate(view).get(purchase_order.id, ())
    ]
    if subject.startswith("surplus:"):
        return _surplus(view, purchase_order, shares)
    result: dict[str, Any] = canonical(
        {
            "order": view.row.source_id,
            "purchase_order": purchase_order.id,
            "number": purchase_order.order_number,
            "supplier": purchase_order.supplier.id,
            "shares": shares,
        }
    )
    return result


def _surplus(
    view: OrderView, purchase_order: PurchaseOrder, shares: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """What of a purchase order is above the order, with what its catalog items need."""
    above = [share for share in shares if share["line"] is None]
    surplus = {share["product"] for share in above}
    lines = {line.product_id: line for line in purchase_order.lines}
    items = []
    for product_id in sorted(surplus & lines.keys()):
        line, product = lines[product_id], _product(view, purchase_order, lines[product_id])
        items.append(
            {
                "product": product_id,
                "sku": product.product_number[: catalog.IDENTIFIER],
                "title": line.title,
                "price": 0,
                "cost": line.price,
                "physical": product.physical,
                "serialized": product.is_serialized,
                "mpn": product.manufacturer_part_number,
            }
        )
    result: dict[str, Any] = canonical(
        {
            "purchase_order": purchase_order.id,
            "number": purchase_order.order_number,
            "shares": above,
            "items": items,
        }
    )
    return result


def _product(view: OrderView, document: PurchaseOrder, line: PurchaseOrderLine) -> Product:
    """A line's product: Commerce need not list it on the purchase order, nor on the order."""
    order = view.sales_order
    for product in (*document.products, *(order.products if order is not None else ())):
        if product.id == line.product_id:
            return product
    return Product.unlisted(line)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """H3: a received purchase order that names another sales order now is for a person."""
    return purchase_order_stays(view, subject, view.now)


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if want.get("cancelled"):
        return []
    linked = sum(share["quantity"] for share in want["shares"] if share["line"] is not None)
    if "items" in want:
        return [f"add unlinked lines of {sum(share['quantity'] for share in want['shares'])}"]
    known = view.ref("purchase_order", str(want["purchase_order"]))
    writes = [] if known else [f"make a purchase order from the demand for {linked}"]
    return [*writes, f"number it {want['number']}"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    view = fx.view
    po_id = str(want["purchase_order"])
    purchase_order = view.purchase_order(int(po_id))
    assert purchase_order is not None  # noqa: S101 - want() found it
    if want.get("cancelled"):
        raise Hold(
            Code.PURCHASE_ORDER_CANCELLED,
            f"{want['number']} was cancelled in Commerce; {_where(fx.ref('purchase_order', po_id))}.",
        )
    if "items" in want:
        await _add_surplus(fx, want)
        return
    seller = await vendor(fx, purchase_order.supplier)
    warehouse = await setting(fx, "connectwise_warehouse")
    opened = await setting(fx, "connectwise_purchase_order_status_open")
    marker = view.marker("purchase order", po_id)
    known = fx.ref("purchase_order", po_id)
    if known is not None:
        _refuse_changed_lines(fx, want)
    linked = demanded(fx, want)
    if known is None:
        if linked and view.behaviour.demand_linking == "demand_creates_po":
            known = await _from_demand(fx, want, seller.id, warehouse.id, linked)
        else:
            known = await _plainly(fx, want, seller.id, warehouse.id, opened.id, marker)
        await _raise_highest(fx, known)
    number = str(want["number"])[:50] if view.behaviour.po_numbering == "commerce" else None
    await fx.guard()
    await fx.cw.change_purchase_order(
        known, psa.PurchaseOrderChange(number=number, notes=marker, status_id=opened.id)
    )
    if view.behaviour.demand_linking == "automatic":
        if linked:  # ConnectWise links the lines by itself, so they are the link (B1.12)
            await refuse_invoiced(fx, [one.product_id for one in linked], str(want["number"]))
        ordered = [share for share in want["shares"] if share["line"] is not None]
        await plain_lines(fx, {**want, "shares": ordered, "items": []}, known, warehouse.id)
    fx.journal(
        "PURCHASE_ORDER_SYNCED",
        f"{want['number']} stands in ConnectWise as purchase order {known}.",
    )


def _where(purchase_order: int | None) -> str:
    if purchase_order is None:
        return "it may have been made in ConnectWise, which has not answered"
    return f"it stands in ConnectWise as purchase order {purchase_order}"


async def _add_surplus(fx: Effects, want: Mapping[str, Any]) -> None:
    known = fx.ref("purchase_order", str(want["purchase_order"]))
    assert known is not None  # noqa: S101 - gate surplus_comes_last
    _refuse_changed_lines(fx, want, "surplus")
    warehouse = await setting(fx, "connectwise_warehouse")
    await plain_lines(fx, want, known, warehouse.id)
    above = sum(share["quantity"] for share in want["shares"])
    fx.journal("SURPLUS", f"{above} on {want['number']} are above the order and stand unlinked.")


def _refuse_changed_lines(fx: Effects, want: Mapping[str, Any], subject: str = "po") -> None:
    """D-11: a purchase order that stands is changed by a person, as its lines are linked."""
    before = fx.view.applied(name, f"{subject}:{want['purchase_order']}")
    if before is None or before["shares"] == want["shares"]:
        return
    raise Hold(
        Code.CHANGED_AFTER_FREEZE,
        f"The quantities of {want['number']} changed in Commerce after it was made in ConnectWise.",
        who="purchasing",
    )


async def _from_demand(
    fx: Effects,
    want: Mapping[str, Any],
    vendor_id: int,
    warehouse_id: int,
    linked: Sequence[psa.Demand],
) -> int:
    highest = await fx.recall("highest", "purchase_order")
    bound = int(highest["id"]) if highest is not None else 0
    evidence = {
        "vendor": vendor_id,
        "products": {str(demand.product_id): str(demand.quantity) for demand in linked},
        "above": bound,
    }

    async def send() -> Outcome:
        # Here and not earlier: after a crash our own purchase order has taken the demand.
        await check_demand(fx, linked, str(want["number"]))
        made = await fx.cw.purchase_demand(vendor_id, warehouse_id, linked)
        if made is None:  # the answer need not carry the purchase order [OPEN]
            found = await look(evidence)
            if found is None:
                raise RemoteFailure(
                    FailureKind.OUTCOME_UNKNOWN, "the answer names no purchase order"
                )
            return found
        return {"id": made}

    async def look(known: Outcome) -> Outcome | None:
        return await _made_from_demand(fx, want, known)

    outcome = await fx.once("purchase_order", "demand", evidence, send, look, _learn(want))
    return int(outcome["id"])


async def _made_from_demand(fx: Effects, want: Mapping[str, Any], known: Outcome) -> Outcome | None:
    """The purchase order whose lines cover exactly what was demanded; Hold when unsure.

    Everything is taken from the announcement: since then other purchase orders may have come,
    and the order's documents may have changed.
    """
    ours = {
        int(ref.external_id) for (kind, _), ref in fx.view.refs.items() if kind == "purchase_order"
    }
    bound, vendor_id = int(known["above"]), int(known["vendor"])
    wanted = {int(key): Decimal(str(value)) for key, value in known["products"].items()}
    found: dict[int, dict[int, Decimal]] = {}
    try:
        for row in await fx.cw.demand_links(sorted(wanted)):
            if row.purchase_order_id not in ours and row.purchase_order_id > bound:
                per = found.setdefault(row.purchase_order_id, {})
                per[row.product_id] = per.get(row.product_id, Decimal(0)) + row.quantity
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.FORBIDDEN:
            raise
        return await _made_without_report(fx, want, vendor_id, ours, bound)
    exact = sorted(key for key, quantities in found.items() if quantities == wanted)
    if len(exact) == 1:
        return {"id": exact[0]}
    if found:
        raise _uncertain(want, sorted(found))
    return None


async def _made_without_report(
    fx: Effects, want: Mapping[str, Any], vendor_id: int, ours: set[int], bound: int
) -> Outcome | None:
    """Without the API Reports permission: purchase orders of the vendor above the lower bound."""
    sales_order = fx.ref("sales_order")
    skus: dict[str, Decimal] = {}
    for share in want["shares"]:
        product = fx.view.refs.get(("product", str(share["line"])))
        if product is not None:
            sku = str(product.data["sku"])
            skus[sku] = skus.get(sku, Decimal(0)) + Decimal(str(share["quantity"]))
    exact: list[int] = []
    unsure: list[int] = []
    for candidate in await fx.cw.purchase_orders_above(vendor_id, bound):
        if candidate.id in ours:
            continue
        there: dict[str, Decimal] = {}
        for line in await fx.cw.purchase_order_lines(candidate.id):
            if sales_order in line.sales_order_ids:
                there[line.sku] = there.get(line.sku, Decimal(0)) + line.quantity
        if there == skus:
            exact.append(candidate.id)
        elif there:
            unsure.append(candidate.id)
    if len(exact) == 1 and not unsure:
        return {"id": exact[0]}
    if exact or unsure:
        raise _uncertain(want, sorted([*exact, *unsure]))
    return None


def _uncertain(want: Mapping[str, Any], candidates: Sequence[int]) -> Hold:
    listed = ", ".join(str(candidate) for candidate in candidates)
    return Hold(
        Code.PURCHASE_ORDER_UNCERTAIN,
        f"Purchase order {listed} in ConnectWise may or may not be {want['number']}; nothing is "
        "posted again.",
    )


async def _plainly(
    fx: Effects,
    want: Mapping[str, Any],
    vendor_id: int,
    warehouse_id: int,
    status_id: int,
    marker: str,
) -> int:
    number = str(want["number"])[:50] if fx.view.behaviour.po_numbering == "commerce" else None
    highest = await fx.recall("highest", "purchase_order")
    bound = int(highest["id"]) if highest is not None else 0
    new = psa.NewPurchaseOrder(
        vendor_id=vendor_id,
        warehouse_id=warehouse_id,
        status_id=status_id,
        terms_id=(await setting(fx, "connectwise_purchase_terms")).id,
        notes=marker,
        number=number,
        location_id=await optional(fx, "connectwise_location"),
        business_unit_id=await optional(fx, "connectwise_business_unit"),
    )

    async def send() -> Outcome:
        return {"id": (await fx.cw.create_purchase_order(new)).id}

    async def look(known: Outcome) -> Outcome | None:
        above = await fx.cw.purchase_orders_above(vendor_id, int(known["above"]))
        found = [po.id for po in above if marker in po.notes]
        return {"id": found[0]} if found else None

    evidence = {"marker": marker, "vendor": vendor_id, "above": bound}
    outcome = await fx.once("purchase_order", "plain", evidence, send, look, _learn(want))
    return int(outcome["id"])


def _learn(want: Mapping[str, Any]) -> Learn:
    """Kept together with the outcome, so that no other look-up can take the record for its own."""
    key = str(want["purchase_order"])
    return lambda outcome: [Ref("purchase_order", key, str(outcome["id"]), exclusive=True)]


async def _raise_highest(fx: Effects, purchase_order_id: int) -> None:
    """Remember the highest purchase order id: a lower bound for later look-ups, at no call."""
    highest = await fx.recall("highest", "purchase_order")
    if highest is None or int(highest["id"]) < purchase_order_id:
        await fx.remember("highest", "purchase_order", {"id": purchase_order_id}, HIGHEST_SECONDS)
