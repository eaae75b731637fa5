"""The making of a purchase order in ConnectWise, exactly once (H9, D-4).

Owns both ways, from demand and plainly, and the look-up that tells whether a first post arrived.
Never posts again where it cannot tell, unless a person says that it did not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any

from app.domain import psa
from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.gates_of_buying import chosen_on, decision_on
from app.domain.order import OrderView
from app.domain.records import Ref
from app.domain.standing import SYNC
from app.steps.demand import demand_of, products_now
from app.steps.effects import Effects, Outcome
from app.steps.resolve import optional, setting

HIGHEST_SECONDS = 10 * 365 * 86400.0
LONGEST_NUMBER = 50
MEMORY = "purchase order links"  # by purchase order: what this drive knows to be linked
Lines = Mapping[str, Decimal]


def number_of(view: OrderView, want: Mapping[str, Any]) -> str | None:
    """The number that the purchase order gets; None: ConnectWise's own stays (PO_NUMBERING, or a
    person's choice where it is taken). One that is too long is cut so that it stays unique."""
    own = chosen_on(view, Code.PO_NUMBER_TAKEN, want["purchase_order"]) == "connectwise_number"
    if view.behaviour.po_numbering != "commerce" or own:
        return None
    number = str(want["number"])
    if len(number) <= LONGEST_NUMBER:
        return number
    tail = sha256(number.encode()).hexdigest()[:8]
    return f"{number[: LONGEST_NUMBER - 9]}~{tail}"


def number_taken(view: OrderView, want: Mapping[str, Any], failure: RemoteFailure) -> Exception:
    """What follows a refusal because of the number: for a person. Other failures as they are."""
    number = number_of(view, want)
    if failure.kind is not FailureKind.EXISTS or number is None:
        return failure
    return Hold(
        Code.PO_NUMBER_TAKEN,
        f"ConnectWise has another purchase order {number}: {failure.message}",
    )


def linked_data(view: OrderView, linked: Lines, unlinked: Lines) -> dict[str, Any]:
    """What the reference of a purchase order remembers of its links, by sales order line."""
    return {
        "order": view.row.source_id,
        "linked": {line: str(quantity) for line, quantity in linked.items() if quantity},
        "unlinked": {line: str(quantity) for line, quantity in unlinked.items() if quantity},
    }


def purchase_order_ref(
    view: OrderView, want: Mapping[str, Any], record: int, linked: Lines, unlinked: Lines
) -> Ref:
    data = linked_data(view, linked, unlinked)
    return Ref("purchase_order", str(want["purchase_order"]), str(record), data, exclusive=True)


async def raise_highest(fx: Effects, purchase_order_id: int) -> None:
    """Remember the highest purchase order id: a lower bound for later look-ups, at no call."""
    highest = await fx.recall("highest", "purchase_order")
    if highest is None or int(highest["id"]) < purchase_order_id:
        await fx.remember("highest", "purchase_order", {"id": purchase_order_id}, HIGHEST_SECONDS)


async def _bound(fx: Effects) -> int:
    highest = await fx.recall("highest", "purchase_order")
    return int(highest["id"]) if highest is not None else 0


# --- from demand ----------------------------------------------------------------------------------


def _key(view: OrderView, want: Mapping[str, Any]) -> str:
    """Of the present announcement: one that a person gave up is followed by the next."""
    number, key = 1, "demand"
    while view.outcomes.get((SYNC, f"po:{want['purchase_order']}", key), {}).get("abandoned"):
        number += 1
        key = f"demand:{number}"
    return key


async def resolved(fx: Effects, want: Mapping[str, Any]) -> int | None:
    """The purchase order whose making from demand was in doubt; None: there is none."""
    key = _key(fx.view, want)

    async def look(known: Outcome) -> Outcome | None:
        decision = decision_on(fx.view, Code.PURCHASE_ORDER_UNCERTAIN, want["purchase_order"])
        if decision is not None and decision.choice.startswith("use:"):
            return {"id": int(decision.choice[4:]), "lines": known.get("lines")}
        if decision is not None and decision.at.isoformat() > str(known.get("after", "")):
            return {"id": 0, "abandoned": True}
        return await _made_from_demand(fx, want, known)

    outcome = await fx.resolve("purchase_order", key, look, lambda made: _learn(fx, want, made))
    return None if outcome is None or outcome.get("abandoned") else int(outcome["id"])


def _learn(fx: Effects, want: Mapping[str, Any], outcome: Outcome) -> list[Ref]:
    """Kept together with the outcome, so that no other look-up can take the record for its own."""
    if outcome.get("abandoned"):
        return []
    lines = outcome.get("lines") or {}
    linked = {str(line): Decimal(str(quantity)) for line, quantity in lines.items()}
    ref = purchase_order_ref(fx.view, want, int(outcome["id"]), linked, {})
    fx.keep(MEMORY, ref.data, str(want["purchase_order"]))
    return [ref]


async def adopted(fx: Effects, want: Mapping[str, Any], vendor_id: int, lines: Lines) -> int | None:
    """After a restored backup: the purchase order that was made of these lines' demand, which is
    not open any more. By our marker where it was numbered already, else as in any doubt."""
    marker = fx.view.marker("purchase order", str(want["purchase_order"]))
    sold = {line: q for line, q in lines.items() if fx.ref("product", line) is not None}
    evidence: dict[str, Any] = {
        "vendor": vendor_id,
        "products": {str(p.product_id): str(p.quantity) for p in demand_of(fx, want, sold)},
        "lines": {line: str(quantity) for line, quantity in sold.items()},
        "above": await _bound(fx),
    }

    async def look(known: Outcome) -> Outcome | None:
        above = await fx.cw.purchase_orders_above(int(known["vendor"]), int(known["above"]))
        for one in above:
            if marker in one.notes:
                return {"id": one.id, "lines": known["lines"]}
        return await _made_from_demand(fx, want, known) if known["products"] else None

    outcome = await fx.adopt(
        "purchase_order", _key(fx.view, want), evidence, look, lambda made: _learn(fx, want, made)
    )
    return int(outcome["id"]) if outcome is not None else None


async def from_demand(
    fx: Effects, want: Mapping[str, Any], vendor_id: int, warehouse_id: int, lines: Lines
) -> int:
    """Make a purchase order of the demand for these lines."""
    demand = demand_of(fx, want, lines)
    evidence: dict[str, Any] = {
        "vendor": vendor_id,
        "products": {str(part.product_id): str(part.quantity) for part in demand},
        "lines": {line: str(quantity) for line, quantity in lines.items()},
        "above": await _bound(fx),
    }
    key = _key(fx.view, want)
    if key != "demand":
        evidence |= await _above_all(fx, want, vendor_id, evidence)

    async def send() -> Outcome:
        made = await fx.cw.purchase_demand(vendor_id, warehouse_id, demand)
        if made is None:  # the answer need not carry the purchase order [OPEN]
            found = await _found_at_once(fx, want, evidence)
            return {"id": found, "lines": evidence["lines"]}
        return {"id": made, "lines": evidence["lines"]}

    async def look(known: Outcome) -> Outcome | None:
        return await _made_from_demand(fx, want, known)

    try:
        outcome = await fx.once(
            "purchase_order", key, evidence, send, look, lambda made: _learn(fx, want, made)
        )
    except RemoteFailure as failure:
        raise await refused_demand(fx, want, demand, failure) from failure
    return int(outcome["id"])


async def _found_at_once(fx: Effects, want: Mapping[str, Any], evidence: Outcome) -> int:
    """The demand was taken, and the answer does not say by which purchase order. What is not
    clear at once is in doubt, never refused: something was sent."""
    try:
        found = await _made_from_demand(fx, want, evidence)
    except Hold:
        found = None
    if found is None:
        raise RemoteFailure(FailureKind.OUTCOME_UNKNOWN, "the answer names no purchase order")
    return int(found["id"])


async def _above_all(
    fx: Effects, want: Mapping[str, Any], vendor_id: int, evidence: Outcome
) -> dict[str, Any]:
    """A person gave up what was found: the next one lies above all that is there now."""
    bound = int(evidence["above"])
    there = [found.id for found in await fx.cw.purchase_orders_above(vendor_id, bound)]
    decision = decision_on(fx.view, Code.PURCHASE_ORDER_UNCERTAIN, want["purchase_order"])
    after = decision.at.isoformat() if decision is not None else ""
    return {"above": max([bound, *there]), "after": after}


async def refused_demand(
    fx: Effects, want: Mapping[str, Any], demand: Sequence[psa.Demand], failure: RemoteFailure
) -> Exception:
    """Demand that nobody approved in ConnectWise is named as that; other failures as they are."""
    if failure.kind is not FailureKind.REJECTED:
        return failure
    ids = {part.product_id for part in demand}
    waiting = [p for p in await products_now(fx, sorted(ids)) if p.id in ids and not p.approved]
    if not any(product.approved is False for product in waiting):
        return failure
    listed = ", ".join(sorted(p.sku for p in waiting if p.approved is False))
    return Hold(
        Code.DEMAND_NOT_APPROVED,
        f"{want['number']}: ConnectWise wants {listed} approved for purchase first. "
        f"It says: {failure.message}",
    )


async def _made_from_demand(fx: Effects, want: Mapping[str, Any], known: Outcome) -> Outcome | None:
    """The purchase order whose lines cover exactly what was demanded; Hold when unsure.

    Everything is taken from the announcement: since then other purchase orders may have come,
    and the order's documents may have changed.
    """
    ours = {
        int(ref.external_id) for (kind, _), ref in fx.view.refs.items() if kind == "purchase_order"
    }
    bound = int(known["above"])
    wanted = {int(key): Decimal(str(value)) for key, value in known["products"].items()}
    found: dict[int, dict[int, Decimal]] = {}
    try:
        for row in await fx.cw.demand_links(sorted(wanted)):
            if row.purchase_order_id not in ours and row.purchase_order_id > bound:
                per = found.setdefault(row.purchase_order_id, {})
                per[row.product_id] = per.get(row.product_id, Decimal(0)) + row.quantity
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.FORBIDDEN or fx.view.by_ticket:
            raise  # lines name no tickets: only the report could tell
        return await _made_without_report(fx, want, known, ours)
    exact = sorted(key for key, quantities in found.items() if quantities == wanted)
    if len(exact) == 1:
        return {"id": exact[0], "lines": known.get("lines")}
    if found:
        raise uncertain(want, sorted(found))
    return None


async def _made_without_report(
    fx: Effects, want: Mapping[str, Any], known: Outcome, ours: set[int]
) -> Outcome | None:
    """Without the API Reports permission: purchase orders of the vendor above the lower bound."""
    sales_order = fx.ref("sales_order")
    skus = _skus(fx.view, want, known)
    exact: list[int] = []
    unsure: list[int] = []
    for candidate in await fx.cw.purchase_orders_above(int(known["vendor"]), int(known["above"])):
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
        return {"id": exact[0], "lines": known.get("lines")}
    if exact or unsure:
        raise uncertain(want, sorted([*exact, *unsure]))
    return None


def _skus(view: OrderView, want: Mapping[str, Any], known: Outcome) -> dict[str, Decimal]:
    """What was demanded, by identifier. Announcements of an older kind do not name the lines."""
    lines = known.get("lines")
    if lines is None:
        shares = [share for share in want["shares"] if share["line"] is not None]
        given = [(str(share["line"]), share["quantity"]) for share in shares]
    else:
        given = list(lines.items())
    skus: dict[str, Decimal] = {}
    for line, quantity in given:
        product = view.refs.get(("product", line))
        if product is not None:
            sku = str(product.data["sku"])
            skus[sku] = skus.get(sku, Decimal(0)) + Decimal(str(quantity))
    return skus


def uncertain(want: Mapping[str, Any], candidates: Sequence[int]) -> Hold:
    listed = ", ".join(str(candidate) for candidate in candidates)
    return Hold(
        Code.PURCHASE_ORDER_UNCERTAIN,
        f"Purchase order {listed} in ConnectWise may or may not be {want['number']}; nothing is "
        "posted again.",
        choices=names_of(Code.PURCHASE_ORDER_UNCERTAIN, *candidates),
    )


# --- plainly --------------------------------------------------------------------------------------


async def plainly(
    fx: Effects,
    want: Mapping[str, Any],
    vendor_id: int,
    warehouse_id: int,
    status_id: int,
    drop_ship_to: int | None,
) -> int:
    """Make the header alone; lines come by demand, or plainly."""
    marker = fx.view.marker("purchase order", str(want["purchase_order"]))
    new = psa.NewPurchaseOrder(
        vendor_id=vendor_id,
        warehouse_id=warehouse_id,
        status_id=status_id,
        terms_id=(await setting(fx, "connectwise_purchase_terms")).id,
        notes=marker,
        number=number_of(fx.view, want),
        location_id=await optional(fx, "connectwise_location"),
        business_unit_id=await optional(fx, "connectwise_business_unit"),
        drop_ship_company_id=drop_ship_to,
    )

    async def send() -> Outcome:
        return {"id": (await fx.cw.create_purchase_order(new)).id}

    async def look(known: Outcome) -> Outcome | None:
        above = await fx.cw.purchase_orders_above(vendor_id, int(known["above"]))
        found = [po.id for po in above if marker in po.notes]
        return {"id": found[0]} if found else None

    evidence = {"marker": marker, "vendor": vendor_id, "above": await _bound(fx)}
    try:
        outcome = await fx.once(
            "purchase_order", "plain", evidence, send, look, lambda made: _learn(fx, want, made)
        )
    except RemoteFailure as failure:
        raise number_taken(fx.view, want, failure) from failure
    return int(outcome["id"])
