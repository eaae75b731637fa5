"""The links of a standing purchase order to the order's demand, raised and remembered (B1.9, D-4).

Owns what the service knows to have linked, kept on the purchase order's own reference together
with the outcome of each write, and the adding of further demand to a purchase order that stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.errors import FailureKind, Hold, RemoteFailure, Wait
from app.domain.json_values import canonical
from app.domain.records import Ref
from app.domain.standing import standing_shares, stands
from app.steps.demand import (
    Split,
    agreed_lines,
    demand_of,
    forget_products,
    not_linked,
    split,
    wanted_links,
)
from app.steps.effects import Effects, Outcome
from app.steps.make_purchase_order import MEMORY, Lines, purchase_order_ref, refused_demand
from app.steps.plain_lines import plain_line, plain_parts
from app.steps.resolve import setting, vendor

APPENDED = "demand appended"  # by purchase order: when this drive added demand last


@dataclass(slots=True)
class Links:
    """What stands of a purchase order, by sales order line: linked, and by a person's choice
    unlinked. `record` is its id in ConnectWise."""

    record: int
    linked: dict[str, Decimal] = field(default_factory=dict)
    unlinked: dict[str, Decimal] = field(default_factory=dict)

    def of(self, line: str) -> Decimal:
        return self.linked.get(line, Decimal(0)) + self.unlinked.get(line, Decimal(0))


def remembered(fx: Effects, want: Mapping[str, Any], record: int) -> Links:
    """What was linked so far. Where nothing was noted, what was last made true."""
    po_id = str(want["purchase_order"])
    data = fx.recent(MEMORY, po_id)
    if data is None:
        ref = fx.view.refs.get(("purchase_order", po_id))
        data = ref.data if ref is not None else {}
    if "linked" in data:
        if data.get("order") != fx.view.row.source_id:
            return Links(record)  # another order's: it moved here (H3)
        return Links(record, _decimals(data["linked"]), _decimals(data.get("unlinked", {})))
    before = stands(fx.view, int(po_id))
    if before is None:
        return Links(record, wanted_links(want))
    return Links(record, wanted_links({"shares": standing_shares(fx.view, int(po_id))}))


def _decimals(quantities: Mapping[str, Any]) -> dict[str, Decimal]:
    return {str(line): Decimal(str(quantity)) for line, quantity in quantities.items()}


def ref_of(fx: Effects, want: Mapping[str, Any], links: Links) -> Ref:
    """The reference that remembers these links; the drive knows it at once."""
    ref = purchase_order_ref(fx.view, want, links.record, links.linked, links.unlinked)
    fx.keep(MEMORY, ref.data, str(want["purchase_order"]))
    return ref


def remember(fx: Effects, want: Mapping[str, Any], links: Links) -> None:
    fx.learn(ref_of(fx, want, links))


async def read_lines(fx: Effects, po_id: str, purchase_order: int) -> list[psa.PurchaseOrderLine]:
    """The lines as they stand, kept for this drive and as a fact."""
    lines = list(await fx.cw.purchase_order_lines(purchase_order))
    if fx.view.by_ticket:
        lines = await _with_tickets(fx, purchase_order, lines)
    fx.keep("lines", lines, po_id)
    fx.see("purchase_order_lines", {"lines": canonical([asdict(line) for line in lines])}, po_id)
    return lines


async def _with_tickets(
    fx: Effects, purchase_order: int, lines: Sequence[psa.PurchaseOrderLine]
) -> list[psa.PurchaseOrderLine]:
    """B2.2: a line names the sales orders that it is linked to, but no tickets. Only the report
    tells which lines are linked to the order's products."""
    ticket = fx.ref("ticket")
    ours = [int(ref.external_id) for ref in fx.view.refs.values() if ref.kind == "product"]
    rows = await reported(fx, purchase_order, ours) or []
    linked = {row.line_id for row in rows}
    return [replace(one, ticket_id=ticket if one.id in linked else None) for one in lines]


def is_linked(fx: Effects, line: psa.PurchaseOrderLine) -> bool:
    """Whether a line, as `read_lines` gave it, is linked to the order's demand."""
    if fx.view.by_ticket:
        return line.ticket_id is not None
    return fx.ref("sales_order") in line.sales_order_ids


async def reported(
    fx: Effects, purchase_order: int, products: Sequence[int]
) -> list[psa.DemandLink] | None:
    """The links of a purchase order as the report shows them; None without the permission, unless
    nothing else could tell: then it is named."""
    try:
        rows = await fx.cw.demand_links(sorted(set(products))) if products else []
    except RemoteFailure as failure:
        if failure.kind is FailureKind.FORBIDDEN and not fx.view.by_ticket:
            return None
        raise
    return [row for row in rows if row.purchase_order_id == purchase_order]


async def linked_lines(
    fx: Effects, want: Mapping[str, Any], purchase_order: int, lines: Lines
) -> dict[str, list[tuple[psa.PurchaseOrderLine, Decimal]]]:
    """Which purchase order lines are linked to the products of these sales order lines, and for
    how much. Without the report: by identifier, products that share one in line order."""
    po_id = str(want["purchase_order"])
    there = {line.id: line for line in await read_lines(fx, po_id, purchase_order)}
    products = {line: fx.ref("product", line) for line in lines}
    rows = await reported(fx, purchase_order, [p for p in products.values() if p is not None])
    result: dict[str, list[tuple[psa.PurchaseOrderLine, Decimal]]] = {line: [] for line in lines}
    if rows is not None:
        for line, product in products.items():
            for row in rows:
                found = there.get(row.line_id)
                if row.product_id == product and found is not None and not found.cancelled:
                    result[line].append((found, row.quantity))
        return result
    usable = [one for one in there.values() if is_linked(fx, one) and not one.cancelled]
    rest = {one.id: one.quantity for one in usable}
    for line, quantity in lines.items():
        ref = fx.view.refs.get(("product", line))
        need = quantity
        for one in usable:
            part = min(need, rest[one.id])
            if ref is not None and one.sku == ref.data["sku"] and part > 0:
                result[line].append((one, part))
                rest[one.id] -= part
                need -= part
    return result


def _sum(parts: Sequence[tuple[psa.PurchaseOrderLine, Decimal]]) -> Decimal:
    return sum((quantity for _, quantity in parts), Decimal(0))


# --- raising --------------------------------------------------------------------------------------


def _elsewhere(fx: Effects, step: str, subject: str, record: int) -> int | None:
    """The purchase order that ConnectWise made instead of extending this one, None: it did not."""
    for (of_step, about, key), outcome in fx.view.outcomes.items():
        mine = of_step == step and about == subject and key.startswith("more")
        if mine and outcome.get("elsewhere") and int(outcome["id"]) != record:
            return int(outcome["id"])
    return None


async def raise_links(
    fx: Effects, want: Mapping[str, Any], links: Links, step: str, part: Split | None = None
) -> Hold | None:
    """Add what is still missing of the wanted links: as demand on this purchase order, and what a
    person accepted unlinked as plain lines. What stops the rest is given back, to be raised at
    the end (B1.13). `part`: it was split a moment ago, and what could be linked is linked."""
    if part is not None:
        await _unlinked(fx, want, links, part, step)
        return part.hold
    subject = f"po:{want['purchase_order']}"
    for turn in range(1, 50):
        if (step, subject, _more(turn)) in fx.view.doubts:
            await _resolve_more(fx, want, links, turn)
    target = wanted_links(want)
    missing = {line: quantity - links.of(line) for line, quantity in target.items()}
    missing = {line: quantity for line, quantity in missing.items() if quantity > 0}
    if not missing:
        return None
    if any(links.linked.values()):
        forget_products(fx)  # what was read before the last link shows too much demand
    number = str(want["number"])
    other = _elsewhere(fx, step, subject, links.record)
    try:
        part = await split(fx, want, missing, number)
    except (Hold, Wait) as lacking:
        if other is not None and lacking.code in (Code.DEMAND_NOT_LINKED, Code.READ_LAG):
            raise instead(fx, want, links.record, other, missing) from lacking  # it took the demand
        raise
    if part.link and other is not None:
        _not_extended(fx, want, links, part, other)
    if part.link:
        await append(fx, want, links, part.link, step)
    await _unlinked(fx, want, links, part, step)
    return part.hold


def _not_extended(
    fx: Effects, want: Mapping[str, Any], links: Links, part: Split, other: int
) -> None:
    """ConnectWise does not extend purchase orders by demand: asking again would make one more."""
    if not part.link.keys() <= agreed_lines(fx.view, want["purchase_order"]):
        raise instead(fx, want, links.record, other, part.link)
    for line, quantity in part.link.items():
        part.give_up(line, quantity)
    part.link.clear()


def instead(
    fx: Effects, want: Mapping[str, Any], record: int, other: int, lines: Iterable[str]
) -> Hold:
    better = "; and set DEMAND_LINKING to demand_creates_po"
    appends = fx.view.behaviour.demand_linking == "demand_appends_to_po"
    return not_linked(
        fx,
        want["purchase_order"],
        f"ConnectWise made purchase order {other} instead of extending {record} for "
        f"{want['number']}. Delete {other} there, then go on without the link"
        f"{better if appends else ''}.",
        lines,
        tuple(n for n in names_of(Code.DEMAND_NOT_LINKED) if n != "link_again"),
    )


def _more(turn: int) -> str:
    return f"more#{turn}"


def _turn(fx: Effects, step: str, subject: str) -> int:
    turn = 1
    while (step, subject, _more(turn)) in fx.view.outcomes or fx.recent("turn", _more(turn)):
        turn += 1
    return turn


async def append(
    fx: Effects,
    want: Mapping[str, Any],
    links: Links,
    lines: Lines,
    step: str,
    *,
    mark: str | None = None,
) -> None:
    """Add demand for these lines to the purchase order, which is remembered with the outcome.
    `mark` says for which decision it is done."""
    po_id = str(want["purchase_order"])
    document = fx.view.purchase_order(int(po_id))
    assert document is not None  # noqa: S101 - want() found it
    vendor_id = (await vendor(fx, document.supplier)).id
    warehouse_id = (await setting(fx, "connectwise_warehouse")).id
    demand = demand_of(fx, want, lines)
    record = links.record

    async def send() -> Outcome:
        made = await fx.cw.purchase_demand(vendor_id, warehouse_id, demand, record)
        told = {line: str(quantity) for line, quantity in lines.items()}
        outcome = {"id": made or record, "lines": told, "mark": mark}
        # ConnectWise may make another purchase order instead of extending ours [OPEN].
        return outcome if made in (None, record) else {**outcome, "elsewhere": True}

    async def look(known: Outcome) -> Outcome | None:
        return await _look_for_more(fx, want, record, known)

    turn = _turn(fx, step, f"po:{po_id}")
    evidence = {
        "purchase_order": record,
        "products": [part.product_id for part in demand],
        "lines": {line: str(quantity) for line, quantity in lines.items()},
        "before": {line: str(links.linked.get(line, Decimal(0))) for line in lines},
        "mark": mark,
    }
    try:
        outcome = await fx.once(
            "demand", _more(turn), evidence, send, look, lambda made: _added(fx, want, links, made)
        )
    except RemoteFailure as failure:
        raise await refused_demand(fx, want, demand, failure) from failure
    fx.keep("turn", value=True, key=_more(turn))
    fx.keep(APPENDED, await fx.now(), po_id)  # a drive may have stood still since it began
    fx.forget("lines", po_id)
    forget_products(fx)
    if outcome.get("elsewhere"):
        raise made_elsewhere(fx, want, links, int(outcome["id"]))


def made_elsewhere(fx: Effects, want: Mapping[str, Any], links: Links, other: int) -> Hold:
    if any(links.linked.values()):
        short = [line for line, q in wanted_links(want).items() if links.of(line) < q]
        return instead(fx, want, links.record, other, short)
    return Hold(
        Code.PURCHASE_ORDER_UNCERTAIN,
        f"ConnectWise made purchase order {other} instead of extending {links.record} for "
        f"{want['number']}. Set DEMAND_LINKING to demand_creates_po; remove one of the two, or use "
        f"{other}: then {links.record} is cancelled.",
        choices=tuple(n for n in names_of(Code.PURCHASE_ORDER_UNCERTAIN, other) if n != "make_new"),
    )


def _added(fx: Effects, want: Mapping[str, Any], links: Links, outcome: Outcome) -> list[Ref]:
    if outcome.get("elsewhere"):
        return []
    for line, quantity in _decimals(outcome["lines"]).items():
        links.linked[line] = links.linked.get(line, Decimal(0)) + quantity
    return [ref_of(fx, want, links)]


async def _resolve_more(fx: Effects, want: Mapping[str, Any], links: Links, turn: int) -> None:
    async def look(known: Outcome) -> Outcome | None:
        return await _look_for_more(fx, want, links.record, known)

    await fx.resolve("demand", _more(turn), look, lambda made: _added(fx, want, links, made))


async def _look_for_more(
    fx: Effects, want: Mapping[str, Any], record: int, known: Outcome
) -> Outcome | None:
    """Whether demand was added: what is linked on this purchase order against what was before."""
    lines = _decimals(known["lines"])
    before = _decimals(known["before"])
    whole = {line: before.get(line, Decimal(0)) + quantity for line, quantity in lines.items()}
    there = await linked_lines(fx, want, record, whole)
    if all(_sum(there[line]) >= quantity for line, quantity in whole.items()):
        return {"id": record, "lines": known["lines"], "mark": known.get("mark")}
    return None


async def _unlinked(
    fx: Effects, want: Mapping[str, Any], links: Links, part: Split, step: str
) -> None:
    for line, quantity in part.unlinked.items():
        await add_unlinked(fx, want, links, line, quantity, step)


async def add_unlinked(
    fx: Effects,
    want: Mapping[str, Any],
    links: Links,
    line: str,
    quantity: Decimal,
    step: str,
) -> None:
    """Plain lines for what a person accepted unlinked, each remembered with its outcome."""
    for share, amount in plain_parts(want, line, quantity):

        def added(outcome: Outcome) -> list[Ref]:
            more = Decimal(str(outcome["quantity"]))
            links.unlinked[line] = links.unlinked.get(line, Decimal(0)) + more
            return [ref_of(fx, want, links)]

        await plain_line(fx, want, share, amount, links.record, step=step, learn=added)
    reason = f"{quantity.normalize():f} of line {line} on {want['number']} go on without a link."
    fx.journal("UNLINKED_ACCEPTED", reason)
