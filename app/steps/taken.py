"""Demand of others that a purchase order's line holds, because ConnectWise linked it by itself.

Owns seeing it (by the lines' sales orders, and by the report, which alone tells of tickets and of
orders that share a sales order), naming whose it is, and giving it back (B1.9). A plain line names
no demand, so nothing but what ConnectWise shows afterwards can tell. Decides nothing: a person does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.gates_of_buying import decision_on
from app.domain.invoices import key_of
from app.domain.options import sku_key
from app.domain.order import OrderView
from app.domain.standing import SYNC
from app.steps import noted
from app.steps.effects import Effects, Outcome
from app.steps.links import read_lines
from app.steps.plain_lines import JUST_MADE, plain_lines, subject_of

FACT = "demand taken"
LEAVE, GIVE_BACK = "leave_linked", "give_back"
REASON = "Given back: its demand was another order's"
MARK = re.compile(r"dl:[^:]*:([^:]+):[^:]*")  # of any Commerce order's products
KINDS = ("line", "unlinked")
Line = psa.PurchaseOrderLine


@dataclass(frozen=True, slots=True)
class Taken:
    """A line, and whose demand it holds: by product where one is known, else by sales order."""

    line: Line
    products: tuple[psa.Product, ...]
    sales_orders: tuple[int, ...]

    @property
    def entries(self) -> list[str]:
        """What a decision is about; a rest that was split off holds the same demand."""
        known = [f"product:{product.id}" for product in self.products]
        return known or [f"sales_order:{one}" for one in self.sales_orders]


# --- seeing ---------------------------------------------------------------------------------------


async def refuse_taken(
    fx: Effects, want: Mapping[str, Any], record: int, lines: Sequence[Line]
) -> None:
    """Raises Hold, naming whose demand these lines hold, unless a person left it to them. Of what
    is received nothing can be decided any more."""
    po_id, number = str(want["purchase_order"]), fx.view.label(f"po:{want['purchase_order']}")
    open_ones = [line for line in lines if line.received < line.quantity]
    found = await taken(fx, po_id, record, open_ones)
    if not found:
        return
    entries = [entry for one in found for entry in one.entries]
    products = {product.id for one in found for product in one.products}
    every = sorted(products | set(_body(fx, po_id).get("products", ())))
    seen = noted.since(fx, FACT, po_id, entries, products=every)
    decision = decision_on(fx.view, Code.DEMAND_TAKEN, po_id)
    asked = [
        one
        for one in found
        if not noted.covers(decision, LEAVE, [seen[entry] for entry in one.entries])
    ]
    if asked:
        told = "; ".join(f"line {one.line.id}, {_what(one)}" for one in asked)
        raise Hold(
            Code.DEMAND_TAKEN,
            f"{number} in ConnectWise holds demand that is not the order's: {told}.",
            choices=names_of(Code.DEMAND_TAKEN) if _ours(fx, po_id, record, asked) else _others(),
        )


def _others() -> tuple[str, ...]:
    """A line that somebody else made is not cancelled by the service."""
    return tuple(name for name in names_of(Code.DEMAND_TAKEN) if name != GIVE_BACK)


def _what(one: Taken) -> str:
    return f"{one.line.quantity.normalize():f} {one.line.sku}, is linked to {whose(one)}"


def whose(one: Taken) -> str:
    """Who needs what a line holds, as a sentence names it."""
    named = [_owner(product) for product in one.products]
    named += [f"sales order {number}" for number in one.sales_orders]
    return " and ".join(dict.fromkeys(named))


def _owner(product: psa.Product) -> str:
    place = (
        f"sales order {product.sales_order_id}"
        if product.sales_order_id is not None
        else f"ticket {product.ticket_id}"
        if product.ticket_id is not None
        else f"product {product.id}"
    )
    mark = MARK.fullmatch(product.xref or "")
    return f"{place} (Commerce order {mark[1]})" if mark is not None else place


def _body(fx: Effects, po_id: str) -> Mapping[str, Any]:
    """What was noted of the purchase order."""
    fact = fx.view.facts.get((FACT, po_id))
    return fx.recent(FACT, po_id) or (fact.body if fact is not None else {})


async def refuse_new(fx: Effects, want: Mapping[str, Any], record: int) -> None:
    """The same of all lines, as they stand and as ConnectWise answered when they were made a
    moment ago: a read may lag. Nothing is read where there is no plain line."""
    po_id = str(want["purchase_order"])
    made: Mapping[int, Line] = fx.recent(JUST_MADE, str(record)) or {}
    if not made and not plain_ids(fx.view, po_id):
        return
    known: Sequence[Line] | None = fx.recent("lines", po_id)
    lines = known if known is not None else await read_lines(fx, po_id, record)
    there = {line.id: line for line in lines}
    unseen = {
        number: line
        for number, line in made.items()
        if number not in there
        or not set(line.sales_order_ids) <= set(there[number].sales_order_ids)
    }
    gone = {number for number, line in there.items() if line.cancelled}
    await refuse_taken(
        fx, want, record, [line for n, line in {**there, **unseen}.items() if n not in gone]
    )


async def taken(fx: Effects, po_id: str, record: int, lines: Sequence[Line]) -> list[Taken]:
    """The lines among these that hold demand of others. Read once a drive for each line."""
    known: dict[int, Taken | None] = dict(fx.recent("taken", po_id) or {})
    if any(line.id not in known for line in lines):
        known |= await _read(fx, po_id, record, lines)
        fx.keep("taken", known, po_id)
    return [one for line in lines if (one := known[line.id]) is not None]


async def _read(
    fx: Effects, po_id: str, record: int, lines: Sequence[Line]
) -> dict[int, Taken | None]:
    rows = await _report(fx, po_id, record, lines)
    own = fx.ref("sales_order")
    ours = {int(ref.external_id) for (kind, _), ref in fx.view.refs.items() if kind == "product"}
    ids = sorted({row.product_id for row in rows or ()} - ours)
    foreign = {product.id: product for product in await _products(fx, ids)}
    found: dict[int, Taken | None] = {}
    for line in lines:
        orders = set(line.sales_order_ids) - {own}
        on = {row.product_id for row in rows or () if row.line_id == line.id}
        products = [foreign[number] for number in sorted(on & foreign.keys())]
        if rows is None or not products:
            products = await _on_sales_orders(fx, sorted(orders), line)
        rest = orders - {product.sales_order_id for product in products}
        known = bool(products or rest) and not line.cancelled
        found[line.id] = Taken(line, tuple(products), tuple(sorted(rest))) if known else None
    return found


async def _report(
    fx: Effects, po_id: str, record: int, lines: Sequence[Line]
) -> list[psa.DemandLink] | None:
    """The links of the purchase order; None without the permission, or where it is not asked:
    every line was made of the order's demand, and is linked to its sales order."""
    own = fx.ref("sales_order")
    unsaid = any(own not in line.sales_order_ids for line in lines if not line.cancelled)
    if not unsaid and not plain_ids(fx.view, po_id):
        return None
    try:
        return await fx.cw.purchase_order_links(record)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.FORBIDDEN:
            raise
        return None


async def _products(fx: Effects, ids: Sequence[int]) -> list[psa.Product]:
    """Those of them that are not the order's, whatever is remembered of its products."""
    there = await fx.cw.products(ids) if ids else []
    return [product for product in there if key_of(fx.view, product) is None]


async def _on_sales_orders(fx: Effects, orders: Sequence[int], line: Line) -> list[psa.Product]:
    """Where the report says nothing: the products of the line's item on the sales orders it names."""
    found: list[psa.Product] = []
    for number in orders:
        found += [
            product
            for product in await fx.cw.sales_order_products(number)
            if product.catalog_item_id == line.catalog_item_id
            if key_of(fx.view, product) is None
        ]
    return found


def plain_ids(view: OrderView, po_id: str, subject: str | None = None) -> set[int]:
    """ConnectWise ids of the plain lines that the service made on a purchase order."""
    return {
        int(outcome["id"])
        for (_, about, key), outcome in view.outcomes.items()
        if about.split(":")[1:2] == [po_id] and subject in (None, about)
        if key.partition(":")[0] in KINDS and "id" in outcome
    }


def _ours(fx: Effects, po_id: str, record: int, found: Sequence[Taken]) -> bool:
    """Whether the service made them: its own lines, and what was split off them."""
    made: Mapping[int, Line] = fx.recent(JUST_MADE, str(record)) or {}
    known: Sequence[Line] = fx.recent("lines", po_id) or ()
    ids = plain_ids(fx.view, po_id) | made.keys()
    skus = {line.sku for line in (*known, *made.values()) if line.id in ids}
    return all(one.line.id in ids or one.line.sku in skus for one in found)


# --- giving back ----------------------------------------------------------------------------------


def given_back(view: OrderView, subject: str) -> dict[str, Any]:
    """What a person's decision adds to the want of a subject: its plain lines give back what they
    took, once for each time that it was said; `left`: what was given back may go there after all.
    Pure."""
    decision = decision_on(view, Code.DEMAND_TAKEN, subject.split(":")[1])
    if decision is None or not plain_ids(view, subject.split(":")[1], subject):
        return {}
    if decision.choice == GIVE_BACK:
        return {"given_back": decision.at.isoformat()}
    before = [str(outcome["mark"]) for outcome in _gone(view, subject).values()]
    return {"given_back": max(before), "left": decision.at.isoformat()} if before else {}


def _gone(view: OrderView, subject: str) -> dict[str, Mapping[str, Any]]:
    """Lines that gave their demand back, by the key of what was announced."""
    return {
        key: outcome
        for (_, about, key), outcome in view.outcomes.items()
        if about == subject and key.startswith("given_back:")
    }


async def give_back_taken(fx: Effects, want: Mapping[str, Any], record: int) -> None:
    """Cancel the subject's lines that hold demand of others, and post them again when that demand
    is ordered elsewhere: ConnectWise would link them to it again."""
    po_id, subject = str(want["purchase_order"]), subject_of(want)
    if "given_back" not in want:
        return
    gone = _gone(fx.view, subject)
    if "left" not in want:
        fx.forget("taken", po_id)
        lines = await read_lines(fx, po_id, record)
        own = plain_ids(fx.view, po_id, subject)
        made_as = {line.sku: line.id for line in lines if line.id in own}
        for one in await taken(fx, po_id, record, lines):
            line = one.line
            if line.sku in made_as and not (line.received or line.closed or line.batched):
                key, outcome = await _cancel(fx, want, record, line, made_as[line.sku])
                gone[key] = outcome
    await _post_again(fx, want, record, list(gone.values()))


async def _cancel(
    fx: Effects, want: Mapping[str, Any], record: int, line: Line, made_as: int
) -> tuple[str, Outcome]:
    """Cancelling is idempotent by nature; announced, because it says what has to stand again."""
    po_id, mark = str(want["purchase_order"]), str(want["given_back"])
    kind, po_line, of = _place(fx.view, subject_of(want), made_as)

    async def send() -> Outcome:
        change = psa.PurchaseOrderLineChange(cancelled=REASON)
        await fx.cw.change_purchase_order_line(record, line.id, change)
        return evidence

    async def look(known: Outcome) -> Outcome | None:
        there = [one for one in await read_lines(fx, po_id, record) if one.id == line.id]
        return known if all(one.cancelled for one in there) else None

    evidence = {
        "line": line.id,
        "sku": line.sku,
        "quantity": str(line.quantity),
        "kind": kind,
        "po_line": po_line,
        "of": of,
        "mark": mark,
    }
    key = f"given_back:{line.id}@{mark}"
    outcome = await fx.once("line_cancelled", key, evidence, send, look)
    fx.forget("lines", po_id)
    fx.forget("taken", po_id)
    told = f"Line {line.id}, {line.quantity.normalize():f} {line.sku}, gave its demand back."
    fx.journal("DEMAND_GIVEN_BACK", told)
    return key, outcome


def _place(view: OrderView, subject: str, line_id: int) -> tuple[str, int, str | None]:
    """What kind of a plain line it was made as, and for which part of the want."""
    for (_, about, key), outcome in view.outcomes.items():
        kind, _, place = key.partition(":")
        if about == subject and kind in KINDS and int(outcome.get("id", 0)) == line_id:
            po_line, _, rest = place.partition(":")
            of = rest.split("@")[0].split("#")[0]
            return kind, int(po_line), None if of == "surplus" else of
    raise AssertionError("plain_ids found it there")


async def _post_again(
    fx: Effects, want: Mapping[str, Any], record: int, gone: Sequence[Mapping[str, Any]]
) -> None:
    again: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
    for outcome in gone:
        for share in want["shares"]:
            if (share["po_line"], share["line"]) == (outcome["po_line"], outcome["of"]):
                # Commerce may order less of it by now.
                part = min(int(Decimal(outcome["quantity"])), int(share["quantity"]))
                if not _made_again(fx.view, want, outcome):
                    again.append((outcome, {**share, "quantity": part}))
    if not again:
        return
    await _wait_until_ordered(fx, want, [outcome for outcome, _ in again])
    for outcome, share in again:
        kind = str(outcome["kind"])
        await plain_lines(fx, want, [share], record, kind=kind, revision=_revision(outcome))


def _revision(outcome: Mapping[str, Any]) -> str:
    return f"{outcome['mark']}/{outcome['line']}"


def _made_again(view: OrderView, want: Mapping[str, Any], outcome: Mapping[str, Any]) -> bool:
    place = f"{outcome['kind']}:{outcome['po_line']}:{outcome['of'] or 'surplus'}"
    return (SYNC, subject_of(want), f"{place}@{_revision(outcome)}") in view.outcomes


async def _wait_until_ordered(
    fx: Effects, want: Mapping[str, Any], gone: Sequence[Mapping[str, Any]]
) -> None:
    """Raises Hold while what was given back is open: a new line would take it again."""
    if "left" in want:
        return
    po_id = str(want["purchase_order"])
    ids = sorted(_body(fx, po_id).get("products", ()))
    skus = {sku_key(str(outcome["sku"])) for outcome in gone}
    needed = [
        f"{product.open_demand.normalize():f} {product.sku} for {_owner(product)}"
        for product in (await fx.cw.products(ids) if ids else ())
        if product.open_demand and sku_key(product.sku) in skus
    ]
    if not needed:
        return
    goods = ", ".join(f"{Decimal(o['quantity']).normalize():f} {o['sku']}" for o in gone)
    raise Hold(
        Code.DEMAND_TAKEN,
        f"{goods} on {fx.view.label(f'po:{po_id}')} gave their demand back and stand on no line: "
        f"a new one would take it again, until it is ordered: {', '.join(needed)}.",
        choices=_others(),
    )
