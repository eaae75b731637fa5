"""link_demand: the purchase order's lines are linked to the order's demand, and read back (B1.2).

Owns the proof of the link: the line's sales orders, else the report. Adds demand itself only where
a plain header came first (D-4 demand_appends_to_po), or where a person says: link it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.gates_of_buying import LINK_AGAIN, decision_on
from app.domain.order import OrderView
from app.domain.shut import Shut
from app.domain.standing import SYNC
from app.steps.demand import agreed_lines, demand_of, not_linked, wanted_links
from app.steps.effects import Effects
from app.steps.links import (
    APPENDED,
    Links,
    append,
    is_linked,
    linked_lines,
    made_elsewhere,
    raise_links,
    read_lines,
    remember,
    remembered,
)
from app.steps.make_purchase_order import number_of
from app.steps.plain_lines import line_ids
from app.steps.resolve import setting
from app.steps.revise import cut
from app.steps.taken import refuse_taken, taken, whose

name = "link_demand"
version = 2


def subjects(view: OrderView) -> Sequence[str]:
    if view.stock:
        return []
    return [f"po:{po.id}" for po in view.purchase_orders if not po.draft]


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    if purchase_order is None or purchase_order.cancelled or purchase_order.draft:
        return None
    synced = view.applied(SYNC, subject)
    if synced is None and not any(line.quantity for line in purchase_order.lines):
        return None
    shares = synced.get("stands", synced["shares"]) if synced and not _ended(synced) else []
    wanted: dict[str, Any] = {
        "order": view.row.source_id,
        "purchase_order": purchase_order.id,
        "shares": [share for share in shares if share["line"]],
    }
    if synced and synced.get("unlinked"):
        wanted["unlinked"] = synced["unlinked"]
    decisions = [
        decision
        for code in (Code.DEMAND_NOT_LINKED, Code.LINE_MISSING)
        if (decision := decision_on(view, code, purchase_order.id)) is not None
        if decision.choice == LINK_AGAIN
    ]
    if decisions:  # wherever it was met: also while receiving
        wanted["again"] = max(decision.at for decision in decisions).isoformat()
    return wanted


def _ended(synced: Mapping[str, Any]) -> bool:
    return bool(synced.get("cancelled"))


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if view.behaviour.demand_linking == "demand_appends_to_po":
        return ["link the purchase order's lines to the order's demand"]
    return []


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    po_id = str(want["purchase_order"])
    record = fx.ref("purchase_order", po_id)
    assert record is not None  # noqa: S101 - sync_purchase_order came before
    synced = {**(fx.view.applied(SYNC, f"po:{po_id}") or {}), **want}
    links = remembered(fx, synced, record)
    if fx.view.behaviour.demand_linking == "demand_appends_to_po" and not synced.get("by_hand"):
        links = await _taken_instead(fx, synced, links)
        if held := await raise_links(fx, synced, links, name):
            raise held
    await _read_back(fx, synced, links)


async def _read_back(fx: Effects, want: Mapping[str, Any], links: Links) -> None:
    po_id, number = str(want["purchase_order"]), str(want["number"])
    lines = await read_lines(fx, po_id, links.record)
    needed = _needed(want, links)
    missing = _unlinked(fx, needed, lines)
    permitted = True
    if missing:
        told = await _report_says_linked(fx, want, links.record, needed)
        permitted, missing = told is not None, [] if told else missing
    if not missing:
        await refuse_taken(fx, want, links.record, lines)
        if needed:
            fx.journal("DEMAND_LINKED", f"Purchase order {links.record} is linked, read back.")
        return
    short = [line for line in needed if _sku_of(fx, line) in missing]
    if set(short) <= agreed_lines(fx.view, po_id):
        sentence = f"{', '.join(missing)} on {number} go on without a link."
        fx.journal("UNLINKED_ACCEPTED", sentence)
        await refuse_taken(fx, want, links.record, lines)
        return
    parent = fx.view.parent_kind.replace("_", " ")
    sentence = f"{number} is not linked to the {parent}'s demand for {', '.join(missing)}."
    if not permitted:
        sentence += " The report that would tell more needs the permission System > API Reports."
    if wait := await fx.lagging(_linked_at(fx, po_id), sentence):
        raise wait
    if "again" in want and await _link_again(fx, want, links, needed, str(want["again"])):
        return
    others = [
        f" Line {one.line.id}, {one.line.quantity.normalize():f} {one.line.sku}, is linked to "
        f"{whose(one)} instead."
        for one in await taken(fx, po_id, links.record, lines)
    ]
    raise not_linked(fx, po_id, sentence + "".join(others), short)


def _sku_of(fx: Effects, line: str) -> str:
    ref = fx.view.refs.get(("product", line))
    return str(ref.data["sku"]) if ref is not None else "?"


def _linked_at(fx: Effects, po_id: str) -> datetime | None:
    """When demand was linked last: the anchor of patience with lagging reads. This step adds some
    itself, and may have waited for it since."""
    synced = fx.view.ledger.get((SYNC, f"po:{po_id}"))
    own = fx.view.ledger.get((name, f"po:{po_id}"))
    moments = [
        synced.applied_at if synced is not None else None,
        own.since if own is not None and own.code is Code.READ_LAG else None,
        fx.recent(APPENDED, po_id),
    ]
    return max((moment for moment in moments if moment is not None), default=None)


def _needed(want: Mapping[str, Any], links: Links) -> dict[str, Decimal]:
    """What has to be linked, but for what a person accepted unlinked."""
    needed = {
        line: quantity - links.unlinked.get(line, Decimal(0))
        for line, quantity in wanted_links(want).items()
    }
    return {line: quantity for line, quantity in needed.items() if quantity > 0}


def _unlinked(
    fx: Effects, needed: Mapping[str, Decimal], lines: Sequence[psa.PurchaseOrderLine]
) -> list[str]:
    """Identifiers whose linked quantity falls short, by what the lines themselves say. One that
    is linked to another sales order too does not say how far."""
    short: dict[str, Decimal] = {}
    for key, quantity in needed.items():
        sku = _sku_of(fx, key)
        short[sku] = short.get(sku, Decimal(0)) + quantity
    for line in lines:
        alone = fx.view.by_ticket or len(line.sales_order_ids) == 1
        if is_linked(fx, line) and alone and not line.cancelled and line.sku in short:
            short[line.sku] -= line.quantity
    return sorted(sku for sku, rest in short.items() if rest > 0)


async def _report_says_linked(
    fx: Effects, want: Mapping[str, Any], record: int, needed: Mapping[str, Decimal]
) -> bool | None:
    """None: the report may not be read. It has a row for each product of a line, with the line's
    quantity: a line that serves somebody else too does not say how far it is ours."""
    products = {line: fx.ref("product", line) for line in needed}
    if None in products.values():
        return False
    try:
        rows = await fx.cw.purchase_order_links(record)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.FORBIDDEN:
            raise
        return None
    ours = {int(ref.external_id) for (kind, _), ref in fx.view.refs.items() if kind == "product"}
    mixed = {row.line_id for row in rows if row.product_id not in ours}
    there: dict[int, Decimal] = {}
    lines: dict[int, Decimal] = {}
    for row in rows:
        if row.line_id not in mixed:
            there[row.product_id] = there.get(row.product_id, Decimal(0)) + row.quantity
            lines[row.line_id] = row.quantity
    demand = demand_of(fx, want, needed)
    each = all(there.get(part.product_id, Decimal(0)) >= part.quantity for part in demand)
    return each and sum(lines.values(), Decimal(0)) >= sum(needed.values(), Decimal(0))


async def _link_again(
    fx: Effects, want: Mapping[str, Any], links: Links, needed: Mapping[str, Decimal], mark: str
) -> bool:
    """A person says: unlinked lines go, and the demand is added anew. Once for each time it was
    said; True where it was done now."""
    if any(outcome.get("mark") == mark for outcome in fx.view.outcomes.values()):
        return False
    po_id = str(want["purchase_order"])
    lines = await read_lines(fx, po_id, links.record)
    mixed = [
        one.line for one in await taken(fx, po_id, links.record, lines) if is_linked(fx, one.line)
    ]
    # Which of its links a line would give up is not known, so such a line goes as a whole.
    await cut(fx, want, links.record, mixed, sum((x.quantity for x in mixed), Decimal(0)))
    there = await linked_lines(fx, want, links.record, needed)
    linked = {line: sum((q for _, q in parts), Decimal(0)) for line, parts in there.items()}
    lacking = {line: quantity - linked[line] for line, quantity in needed.items()}
    lacking = {line: quantity for line, quantity in lacking.items() if quantity > 0}
    if not lacking:
        return False
    kept = line_ids(fx.view, f"surplus:{po_id}", ("line",), None)
    kept |= line_ids(fx.view, f"po:{po_id}", ("unlinked",), None)
    for line, quantity in lacking.items():
        ref = fx.view.refs.get(("product", line))
        loose = [
            one
            for one in await read_lines(fx, po_id, links.record)
            if ref is not None and one.sku == ref.data["sku"] and one.id not in kept
            if not is_linked(fx, one)
        ]
        await cut(fx, want, links.record, loose, quantity)
        links.linked[line] = linked[line]
    remember(fx, want, links)
    await append(fx, want, links, lacking, name, mark=mark)
    return True


# --- another purchase order instead ---------------------------------------------------------------


async def _taken_instead(fx: Effects, want: Mapping[str, Any], links: Links) -> Links:
    """ConnectWise made another purchase order of the demand instead of extending the header: a
    person says whether that one is used. Then the header is cancelled and gives up its number."""
    po_id = str(want["purchase_order"])
    for (step, subject, key), outcome in fx.view.outcomes.items():
        mine = step == name and subject == f"po:{po_id}" and key.startswith("more")
        if not mine or not outcome.get("elsewhere") or int(outcome["id"]) == links.record:
            continue
        other = int(outcome["id"])
        if any(links.linked.values()):
            continue
        decision = decision_on(fx.view, Code.PURCHASE_ORDER_UNCERTAIN, po_id)
        if decision is None or decision.choice != f"use:{other}":
            raise made_elsewhere(fx, want, links, other)
        return await _use(fx, want, links, other, outcome["lines"])
    return links


async def _use(
    fx: Effects, want: Mapping[str, Any], links: Links, other: int, lines: Mapping[str, Any]
) -> Links:
    view, po_id = fx.view, str(want["purchase_order"])
    cancelled = await setting(fx, "connectwise_purchase_order_status_cancelled")
    opened = await setting(fx, "connectwise_purchase_order_status_open")
    number = number_of(view, want)
    free = f"{number[:43]}-unused" if number is not None else None
    await fx.guard()
    unused = psa.PurchaseOrderChange(number=free, status_id=cancelled.id)
    await fx.cw.change_purchase_order(links.record, unused)
    marker = view.marker("purchase order", po_id)
    await fx.guard()
    await fx.cw.change_purchase_order(
        other, psa.PurchaseOrderChange(number=number, notes=marker, status_id=opened.id)
    )
    taken = Links(other, {str(k): Decimal(str(q)) for k, q in lines.items()})
    remember(fx, want, taken)
    fx.journal("PURCHASE_ORDER_TAKEN", f"{want['number']} is purchase order {other} from now on.")
    return taken
