"""sync_purchase_order: a Commerce purchase order stands in ConnectWise, numbered (B1.1, B1.9, D-4).

Owns what a purchase order should look like there, from its making to its cancellation: made from
the demand of the order's products, or plainly; surplus as an unlinked line; every change until a
receipt or an invoice freezes it (D-11). How it is made and changed is in the parts beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.documents import PurchaseOrder
from app.domain.errors import Hold, RemoteFailure
from app.domain.gates_of_buying import purchase_order_stays
from app.domain.json_values import canonical
from app.domain.linking import allocate
from app.domain.order import OrderView
from app.domain.shut import Shut
from app.domain.standing import SYNC, came, standing_shares, stands
from app.steps.demand import Split, accepted, refuse_invoiced, split, wanted_links
from app.steps.effects import Effects
from app.steps.links import Links, linked_lines, raise_links, read_lines, remember, remembered
from app.steps.make_purchase_order import (
    adopted,
    from_demand,
    number_of,
    number_taken,
    plainly,
    raise_highest,
    resolved,
)
from app.steps.plain_lines import items_of, line_ids
from app.steps.resolve import company, refuse_currency, setting, vendor
from app.steps.revise import (
    cancel_rest,
    cut,
    give_back,
    refuse_frozen,
    revise_plain,
    set_costs,
    unlink_invoiced,
)
from app.steps.taken import give_back_taken, given_back, refuse_new

name = SYNC
version = 2
Want = Mapping[str, Any]


def subjects(view: OrderView) -> Sequence[str]:
    """Each purchase order, and what of it is above the order: that comes last (B1.9)."""
    if view.stock and view.behaviour.stock_purchase_orders == "ignore":
        return []
    found = [f"po:{po.id}" for po in view.purchase_orders if not po.draft]
    every = allocate(view)
    above = {key for key in every if any(share.line is None for share in every[key])}
    # What stands of an earlier surplus has to be taken back.
    above |= {
        int(subject.split(":")[1])
        for (step, subject), row in view.ledger.items()
        if step == name and subject.startswith("surplus:") and row.want is not None
    }
    mine = {po.id for po in view.purchase_orders}
    return [*found, *(f"surplus:{key}" for key in sorted(above & mine))]


def want(view: OrderView, subject: str) -> Want | None:
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None or purchase_order.draft:
        return None
    if purchase_order.cancelled:
        return None if subject.startswith("surplus:") else _cancelled(view, purchase_order)
    if view.applied(name, subject) is None and not any(
        line.quantity for line in purchase_order.lines
    ):
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
    wanted: dict[str, Any] = {
        "order": view.row.source_id,
        "purchase_order": purchase_order.id,
        "number": purchase_order.order_number,
        "supplier": purchase_order.supplier.id,
        "shares": shares,
    }
    if purchase_order.drop_ship and view.sales_order is not None:
        wanted["drop_ship"] = view.sales_order.customer_id
    if agreed := accepted(view, purchase_order.id):
        wanted["unlinked"] = agreed  # a person lets goods go on without their link
    result: dict[str, Any] = canonical({**wanted, **given_back(view, subject)})
    return _decided(view, subject, result)


def _decided(view: OrderView, subject: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """D-11: a change after the freeze that a person made by hand, or gave up."""
    choice = view.decided(Code.CHANGED_AFTER_FREEZE, subject, wanted)
    if choice == "keep_connectwise":
        standing = standing_shares(view, int(wanted["purchase_order"]))
        kept: dict[str, Any] = canonical({**wanted, "stands": standing})
        return kept
    return {**wanted, "by_hand": True} if choice == "done_by_hand" else wanted


def _cancelled(view: OrderView, purchase_order: PurchaseOrder) -> Want | None:
    """Never mirrored: nothing to do. Mirrored, or perhaps: for a person, who says how (H3)."""
    subject = f"po:{purchase_order.id}"
    if stands(view, purchase_order.id) is None and (name, subject) not in view.in_doubt:
        return None
    wanted: dict[str, Any] = {
        "purchase_order": purchase_order.id,
        "number": purchase_order.order_number,
        "cancelled": True,
    }
    choice = view.decided(Code.PURCHASE_ORDER_CANCELLED, subject, wanted)
    if choice in ("cancel_in_connectwise", "done_by_hand"):
        order = {"order": view.row.source_id, "how": choice}
        result: dict[str, Any] = canonical(
            {**wanted, **order, "shares": came(view, purchase_order.id)}
        )
        return result
    return wanted


def _surplus(
    view: OrderView, purchase_order: PurchaseOrder, shares: Sequence[Mapping[str, Any]]
) -> Want | None:
    """What of a purchase order is above the order, with what its catalog items need."""
    base = stands(view, purchase_order.id) or {}
    applied = view.applied(name, f"surplus:{purchase_order.id}")
    above = [share for share in shares if share["line"] is None]
    if "stands" in base:
        return applied  # ConnectWise stays as it is (D-11)
    if applied is None and not above:
        return None
    result: dict[str, Any] = canonical(
        {
            "purchase_order": purchase_order.id,
            "number": purchase_order.order_number,
            "shares": above,
            "items": items_of(view, purchase_order, {int(share["product"]) for share in above}),
            **given_back(view, f"surplus:{purchase_order.id}"),
        }
    )
    return {**result, "by_hand": True} if base.get("by_hand") else result


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """H3: a received purchase order that names another sales order now is for a person."""
    return purchase_order_stays(view, subject, view.now)


def preview(view: OrderView, want: Want) -> list[str]:
    if want.get("cancelled"):
        if want.get("how") != "cancel_in_connectwise":
            return []
        return [f"cancel what is not received of {want['number']} and close it"]
    if "items" in want:
        above = [share["quantity"] for share in want["shares"] if share["quantity"]]
        if view.applied(name, f"surplus:{want['purchase_order']}") is not None:
            return [f"bring the unlinked lines to {sum(above)}"]
        return [f"add an unlinked line of {quantity}" for quantity in above]
    known = view.ref("purchase_order", str(want["purchase_order"]))
    linked = sum(share["quantity"] for share in want["shares"] if share["line"] is not None)
    if known is not None:
        return [f"change purchase order {known} to what {want['number']} says"]
    if not linked or view.behaviour.demand_linking != "demand_creates_po":
        lines = len(want["shares"]) if view.behaviour.demand_linking == "automatic" else 0
        added = [f"add a line of {share['quantity']}" for share in want["shares"][:lines]]
        return ["make its header", *added, f"number it {want['number']}"]
    return [f"make a purchase order from the demand for {linked}", f"number it {want['number']}"]


async def apply(want: Want, fx: Effects) -> None:
    if want.get("cancelled"):
        await _cancel(fx, want)
    elif "items" in want:
        await _add_surplus(fx, want)
    else:
        await _sync(fx, want)


# --- made or changed ------------------------------------------------------------------------------


async def _sync(fx: Effects, want: Want) -> None:
    view, po_id = fx.view, str(want["purchase_order"])
    known, before = fx.ref("purchase_order", po_id), stands(fx.view, int(po_id))
    if "stands" in want or want.get("by_hand"):
        _as_decided(fx, want, known)
        return
    if known is not None and before is not None:
        await refuse_frozen(fx, want, before)
    purchase_order = view.purchase_order(int(po_id))
    assert purchase_order is not None  # noqa: S101 - want() found it
    opened = await setting(fx, "connectwise_purchase_order_status_open")
    drop_ship = await _drop_ship_to(fx, want)
    part: Split | None = None
    if known is None:
        known, part = await _made(fx, want, purchase_order, opened.id, drop_ship)
        await raise_highest(fx, known)
    links = remembered(fx, want, known)
    if fx.restored and (part is None or not part.link):
        # What is linked is what stands: the backup may not know of the linking.
        there = await linked_lines(fx, want, known, wanted_links(want))
        links.linked = {
            line: sum((q for _, q in parts), Decimal(0)) for line, parts in there.items()
        }
    await _take_back(fx, want, before or {}, links)
    held = await _bring(fx, want, links, part)
    change = psa.PurchaseOrderChange(
        number=number_of(view, want),
        notes=_notes(view, want),
        status_id=opened.id,
        drop_ship_company_id=drop_ship,
    )
    await fx.guard()
    try:
        await fx.cw.change_purchase_order(known, change)
    except RemoteFailure as failure:
        raise number_taken(view, want, failure) from failure
    if held is not None:
        raise held
    fx.journal(
        "PURCHASE_ORDER_SYNCED",
        f"{want['number']} stands in ConnectWise as purchase order {known}.",
    )


def _notes(view: OrderView, want: Want) -> str:
    """Our marker, and the whole number where ConnectWise cannot hold it."""
    marker = view.marker("purchase order", str(want["purchase_order"]))
    number = number_of(view, want)
    return marker if number in (None, str(want["number"])) else f"{marker} {want['number']}"


async def _drop_ship_to(fx: Effects, want: Want) -> int | None:
    """H4: the supplier delivers to the customer, so the purchase order names him."""
    order = fx.view.sales_order
    if "drop_ship" not in want or order is None:
        return None
    return (await company(fx, order.customer, order.connectwise.company_identifier)).id


async def _made(
    fx: Effects, want: Want, document: PurchaseOrder, status_id: int, drop_ship: int | None
) -> tuple[int, Split | None]:
    """The purchase order, made now or found to be made: by its demand, else its header alone.
    With it, how far its lines could be linked, where that was looked at."""
    lines = wanted_links(want)
    by_demand = fx.view.behaviour.demand_linking == "demand_creates_po"
    if by_demand and (found := await resolved(fx, want)) is not None:
        return found, None
    supplier = await vendor(fx, document.supplier)
    await refuse_currency(fx, supplier, document.currency, document.order_number)
    seller = supplier.id
    warehouse = (await setting(fx, "connectwise_warehouse")).id
    part: Split | None = None
    if by_demand and (found := await adopted(fx, want, seller, lines)) is not None:
        return found, None
    if lines and by_demand:
        part = await split(fx, want, lines, str(want["number"]))
        if part.link:
            return await from_demand(fx, want, seller, warehouse, part.link), part
    return await plainly(fx, want, seller, warehouse, status_id, drop_ship), part


async def _take_back(fx: Effects, want: Want, before: Want, links: Links) -> None:
    """What stands and is not wanted any more: lines given back, and another order's."""
    view = fx.view
    if before and before.get("order") != view.row.source_id:
        ref = view.refs.get(("purchase_order", str(want["purchase_order"])))
        if ref is not None and ref.data.get("order") != view.row.source_id:
            await _leave(fx, want, links)
    elif view.behaviour.demand_linking != "automatic":
        await give_back(fx, want, links)
        await unlink_invoiced(fx, want, links, name)


async def _leave(fx: Effects, want: Want, links: Links) -> None:
    """H3: the purchase order belonged to another sales order: its lines go, once. Surplus was
    linked to nobody and stays."""
    po_id = str(want["purchase_order"])
    surplus = line_ids(fx.view, f"surplus:{po_id}", ("line",), None)
    lines = [one for one in await read_lines(fx, po_id, links.record) if one.id not in surplus]
    await cut(fx, want, links.record, lines, sum((one.quantity for one in lines), Decimal(0)))
    remember(fx, want, links)


async def _bring(fx: Effects, want: Want, links: Links, part: Split | None) -> Hold | None:
    """What is wanted and does not stand yet. What stops a part of it is given back."""
    view, po_id = fx.view, int(want["purchase_order"])
    stood = standing_shares(view, po_id)
    linked = [share for share in want["shares"] if share["line"] is not None]
    held: Hold | None = None
    if view.behaviour.demand_linking == "automatic":
        products = [p for share in linked if (p := fx.ref("product", share["line"])) is not None]
        if products:
            await refuse_invoiced(fx, sorted(set(products)), str(want["number"]))
        earlier = [share for share in stood if share["line"] is not None]
        await revise_plain(fx, want, linked, earlier, links.record, _revision(view, po_id))
    elif view.behaviour.demand_linking == "demand_creates_po":
        held = await raise_links(fx, want, links, name, part)
    await give_back_taken(fx, want, links.record)
    if stood:
        await set_costs(fx, want, stood, links.record)
    return held


def _revision(view: OrderView, po_id: int, kind: str = "po") -> str:
    """Names the lines of one change apart from those of the next; the first making has none."""
    row = view.ledger.get((name, f"{kind}:{po_id}"))
    return row.applied_at.isoformat() if row is not None and row.applied_at is not None else ""


def _as_decided(fx: Effects, want: Want, known: int | None) -> None:
    """D-11: nothing is written; what a person did counts as done."""
    if want.get("by_hand") and known is not None:
        remember(fx, want, Links(known, wanted_links(want)))
        fx.forget("lines", str(want["purchase_order"]))
        fx.journal("CHANGED_BY_HAND", f"{want['number']} was changed in ConnectWise by hand.")
        return
    fx.journal("DIFFERENCE_ACCEPTED", f"ConnectWise keeps {want['number']} as it is.")


# --- cancelled, surplus ---------------------------------------------------------------------------


async def _cancel(fx: Effects, want: Want) -> None:
    """H3: cancelled in Commerce after it was made here. A person says how."""
    po_id = str(want["purchase_order"])
    known = fx.ref("purchase_order", po_id)
    if "how" not in want or (known is None and want["how"] == "cancel_in_connectwise"):
        where = (
            "it may have been made in ConnectWise, which has not answered"
            if known is None
            else f"it stands in ConnectWise as purchase order {known}"
        )
        raise Hold(
            Code.PURCHASE_ORDER_CANCELLED,
            f"{want['number']} was cancelled in Commerce; {where}.",
            choices=("done_by_hand", "look_again", "skip") if known is None else (),
        )
    if want["how"] == "cancel_in_connectwise" and known is not None:
        await cancel_rest(fx, want, known)
        some = bool(want["shares"])
        which = "closed" if some else "cancelled"
        status = await setting(fx, f"connectwise_purchase_order_status_{which}")
        await fx.guard()
        await fx.cw.change_purchase_order(known, psa.PurchaseOrderChange(status_id=status.id))
    if known is not None:
        remember(fx, want, Links(known, wanted_links(want)))
    told = "in ConnectWise by the service" if want["how"] != "done_by_hand" else "by hand"
    fx.journal("PURCHASE_ORDER_CANCELLED", f"{want['number']} is cancelled {told}.")


async def _add_surplus(fx: Effects, want: Want) -> None:
    po_id = int(want["purchase_order"])
    known = fx.ref("purchase_order", str(po_id))
    assert known is not None  # noqa: S101 - gate surplus_comes_last
    if want.get("by_hand"):
        return
    applied = list((fx.view.applied(name, f"surplus:{po_id}") or {}).get("shares", ()))
    await revise_plain(
        fx, want, want["shares"], applied, known, _revision(fx.view, po_id, "surplus")
    )
    await give_back_taken(fx, want, known)
    await set_costs(fx, want, applied, known)
    await refuse_new(fx, want, known)
    above = sum(share["quantity"] for share in want["shares"])
    what = "stands for stock" if fx.view.stock else "are above the order and stand unlinked"
    fx.journal("SURPLUS", f"{above} on {want['number']} {what}.")
