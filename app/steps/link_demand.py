"""link_demand: the purchase order's lines are linked to the order's demand, and read back (B1.2).

Owns the proof of the link: the line's sales orders, else the report. Posts demand itself only
where a plain header came first (D-4 demand_appends_to_po).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.shut import Shut
from app.steps.demand import check_demand, demanded
from app.steps.effects import Effects, Outcome
from app.steps.resolve import setting, vendor

name = "link_demand"
version = 1
SYNC = "sync_purchase_order"


def subjects(view: OrderView) -> Sequence[str]:
    return [f"po:{po.id}" for po in view.purchase_orders if not po.draft]


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None or purchase_order.cancelled or purchase_order.draft:
        return None
    synced = view.applied(SYNC, subject)
    if synced is None and not any(line.quantity for line in purchase_order.lines):
        return None
    shares = [share for share in synced["shares"] if share["line"]] if synced else []
    return {"order": view.row.source_id, "purchase_order": purchase_order.id, "shares": shares}


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if view.behaviour.demand_linking == "demand_appends_to_po":
        return ["link the purchase order's lines to the order's demand"]
    return []


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    po_id = str(want["purchase_order"])
    purchase_order = fx.ref("purchase_order", po_id)
    assert purchase_order is not None  # noqa: S101 - sync_purchase_order came before
    linked = demanded(fx, want)
    if linked and fx.view.behaviour.demand_linking == "demand_appends_to_po":
        await _append(fx, want, purchase_order, linked)
    lines = await read_lines(fx, po_id, purchase_order)
    missing = _unlinked(fx, want, lines)
    if missing and await _report_says_linked(fx, purchase_order, linked):
        missing = []
    if not missing:
        if linked:
            fx.journal("DEMAND_LINKED", f"Purchase order {purchase_order} is linked, read back.")
        return
    number = fx.view.label(f"po:{po_id}")
    sentence = f"{number} is not linked to the sales order's demand for {', '.join(missing)}."
    row = fx.view.ledger.get((SYNC, f"po:{po_id}"))
    if wait := await fx.lagging(row.applied_at if row else None, sentence):
        raise wait
    raise Hold(Code.DEMAND_NOT_LINKED, sentence)


async def read_lines(fx: Effects, po_id: str, purchase_order: int) -> list[psa.PurchaseOrderLine]:
    """The lines as they stand, kept for this drive and as a fact."""
    lines = await fx.cw.purchase_order_lines(purchase_order)
    fx.keep("lines", lines, po_id)
    fx.see("purchase_order_lines", {"lines": canonical([asdict(line) for line in lines])}, po_id)
    return list(lines)


def _unlinked(
    fx: Effects, want: Mapping[str, Any], lines: Sequence[psa.PurchaseOrderLine]
) -> list[str]:
    """Identifiers whose linked quantity falls short, by what the lines themselves say."""
    sales_order = fx.ref("sales_order")
    needed: dict[str, Decimal] = {}
    for share in want["shares"]:
        ref = fx.view.refs.get(("product", str(share["line"])))
        sku = str(ref.data["sku"]) if ref is not None else "?"
        needed[sku] = needed.get(sku, Decimal(0)) + Decimal(str(share["quantity"]))
    for line in lines:
        if sales_order in line.sales_order_ids and not line.cancelled and line.sku in needed:
            needed[line.sku] -= line.quantity
    return sorted(sku for sku, short in needed.items() if short > 0)


async def _report_says_linked(
    fx: Effects, purchase_order: int, linked: Sequence[psa.Demand]
) -> bool:
    try:
        rows = await fx.cw.demand_links([demand.product_id for demand in linked])
    except RemoteFailure as failure:
        if failure.kind is FailureKind.FORBIDDEN:
            return False
        raise
    there: dict[int, Decimal] = {}
    for row in rows:
        if row.purchase_order_id == purchase_order:
            there[row.product_id] = there.get(row.product_id, Decimal(0)) + row.quantity
    return all(there.get(demand.product_id, Decimal(0)) >= demand.quantity for demand in linked)


async def _append(
    fx: Effects, want: Mapping[str, Any], purchase_order: int, linked: Sequence[psa.Demand]
) -> None:
    document = fx.view.purchase_order(int(want["purchase_order"]))
    assert document is not None  # noqa: S101 - want() found it
    vendor_id = (await vendor(fx, document.supplier)).id
    warehouse_id = (await setting(fx, "connectwise_warehouse")).id

    async def send() -> Outcome:
        await check_demand(fx, linked, document.order_number)
        made = await fx.cw.purchase_demand(vendor_id, warehouse_id, linked, purchase_order)
        if made is not None and made != purchase_order:
            # ConnectWise made another purchase order instead of extending ours [OPEN].
            return {"id": made, "elsewhere": True}
        return {"id": purchase_order}

    async def look(known: Outcome) -> Outcome | None:
        return (
            {"id": purchase_order}
            if await _report_says_linked(fx, purchase_order, linked)
            else None
        )

    evidence = {"purchase_order": purchase_order, "products": [d.product_id for d in linked]}
    outcome = await fx.once("demand", "append", evidence, send, look)
    if outcome.get("elsewhere"):
        raise Hold(
            Code.PURCHASE_ORDER_UNCERTAIN,
            f"ConnectWise made purchase order {outcome['id']} instead of extending "
            f"{purchase_order}. Set DEMAND_LINKING to demand_creates_po; remove one of the two.",
        )
