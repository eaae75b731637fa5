"""The open demand of the order's products: what a purchase order may be linked to.

Owns the check before every link and receipt (B1.12): invoiced goods are named, never linked, and
demand that ConnectWise did not raise is waited for within the read lag, then named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domain import invoices, psa
from app.domain.bills import cents
from app.domain.codes import Code
from app.domain.errors import FailureKind, Hold, RemoteFailure
from app.domain.gates_of_buying import chosen_on
from app.domain.gone import PRODUCT
from app.domain.order import OrderView
from app.domain.records import ORDER
from app.domain.standing import SYNC
from app.steps import noted
from app.steps.effects import Effects
from app.steps.lines import parent_of
from app.steps.tickets import refuse_shut

# B1.12 is checked before each link and each receipt. Steps of one drive follow one another within
# moments and share a reading; a later drive reads again.
FRESH = timedelta(seconds=10)
# Places of an averaged cost: four, and more where the lines would not come to the sum to the cent.
COST_PLACES = (Decimal("0.0001"), Decimal("0.00001"), Decimal("0.000001"), Decimal("0.0000001"))
INVOICED = (Code.INVOICED_TOO_EARLY, Code.PO_AFTER_INVOICE)
# With these a person may let a purchase order go on without its link (D-7, B1.2).
UNLINKED = (*INVOICED, Code.DEMAND_NOT_LINKED)
ACCEPT = "accept_unlinked"
PURCHASE = "purchase_order"  # the kind of a reference


def accepted(view: OrderView, purchase_order_id: int | str) -> list[str]:
    """The reasons for which a person lets goods of a purchase order go on unlinked; which goods,
    `agreed_lines` says."""
    return [code.value for code in UNLINKED if chosen_on(view, code, purchase_order_id) == ACCEPT]


NOT_LINKED = "not linked"  # a fact: lines named as unlinked, by purchase order, and since when


def agreed_lines(view: OrderView, purchase_order_id: int | str) -> frozenset[str]:
    """Lines of the order that a person lets go on without their link: those that were named when
    it was decided, and no others. Pure."""
    fact = view.facts.get((NOT_LINKED, str(purchase_order_id)))
    seen = fact.body.get("seen", {}) if fact is not None else {}
    decided = [
        decision.at
        for decision in view.every_decision
        if decision.code is Code.DEMAND_NOT_LINKED and decision.choice == ACCEPT
        if decision.subject.split(":")[1:2] == [str(purchase_order_id)]
    ]
    last = max(decided, default=None)
    named = {line for line, at in seen.items() if last and datetime.fromisoformat(at) <= last}
    return frozenset(named) | invoices.accepted_unlinked(view)


def not_linked(
    fx: Effects,
    purchase_order_id: int | str,
    sentence: str,
    lines: Iterable[str],
    choices: tuple[str, ...] = (),
) -> Hold:
    """The hold of these lines: what a person chooses then is about just them."""
    noted.since(fx, NOT_LINKED, str(purchase_order_id), lines)
    return Hold(Code.DEMAND_NOT_LINKED, sentence, choices=choices)


def wanted_links(want: Mapping[str, Any]) -> dict[str, Decimal]:
    """Quantity that shall be linked, by sales order line."""
    return _by_line(want["shares"])


def _by_line(shares: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    result: dict[str, Decimal] = {}
    for share in shares:
        if share["line"] is not None:
            line = str(share["line"])
            result[line] = result.get(line, Decimal(0)) + Decimal(str(share["quantity"]))
    return result


def unit_cost(want: Mapping[str, Any], line: str) -> Decimal:
    """A line's cost: where purchase order lines of one product differ, what they cost together."""
    shares = [share for share in want["shares"] if share["line"] == line]
    quantity = sum((Decimal(str(share["quantity"])) for share in shares), Decimal(0))
    total = sum(
        (Decimal(str(share["quantity"])) * Decimal(str(share["cost"])) for share in shares),
        Decimal(0),
    )
    if not quantity:
        return Decimal(0)
    averages = [(total / quantity).quantize(places) for places in COST_PLACES]
    exact = (one for one in averages if cents(one * quantity) == cents(total))
    return next(exact, averages[-1])


@dataclass(slots=True)
class Split:
    """Of a wanted quantity by line: what is linked now, what goes on unlinked as a person
    accepted, and what stops the purchase order once the rest is linked (B1.13)."""

    link: dict[str, Decimal] = field(default_factory=dict)
    unlinked: dict[str, Decimal] = field(default_factory=dict)
    hold: Hold | None = None

    def add(self, line: str, quantity: Decimal) -> None:
        if quantity > 0:
            self.link[line] = quantity

    def give_up(self, line: str, quantity: Decimal) -> None:
        if quantity > 0:
            self.unlinked[line] = self.unlinked.get(line, Decimal(0)) + quantity


def demand_of(
    fx: Effects, want: Mapping[str, Any], lines: Mapping[str, Decimal]
) -> list[psa.Demand]:
    """Lines as demand of their products."""
    result: list[psa.Demand] = []
    for line, quantity in lines.items():
        product = fx.ref("product", line)
        assert product is not None  # noqa: S101 - split() leaves such lines out
        result.append(psa.Demand(product, quantity, unit_cost(want, line)))
    return result


async def products_now(fx: Effects, ids: Sequence[int]) -> list[psa.Product]:
    """The products as they stand, read at most FRESH ago by this drive of the order."""
    parent = parent_of(fx)
    key = parent.key if parent is not None else ""
    known: list[psa.Product] = fx.recent("products", key) or []
    read_at = fx.recent("products read", key)
    fresh = read_at is not None and fx.view.now - read_at <= FRESH
    if known and fresh and {product.id for product in known} >= set(ids):
        return known
    products = list(await fx.cw.products(ids))
    if fx.view.by_ticket:
        await refuse_shut(fx, products)
        parent = parent_of(fx)  # a merge may have been followed
        key = parent.key if parent is not None else ""
    fx.keep("products", products, key)
    fx.keep("products read", fx.view.now, key)
    return products


def forget_products(fx: Effects) -> None:
    if (parent := parent_of(fx)) is not None:
        fx.forget("products", parent.key)


def invoiced_code(view: OrderView) -> Code:
    """D-6 once the order was released, also if that was taken back; else D-7."""
    released = view.applied("release_invoice", ORDER) is not None
    return Code.PO_AFTER_INVOICE if released else Code.INVOICED_TOO_EARLY


def _invoiced(view: OrderView, products: Sequence[psa.Product], what: str) -> Hold:
    listed = ", ".join(f"{p.sku} on invoice {invoices.called(p)}" for p in products)
    return Hold(
        invoiced_code(view),
        f"{what} cannot be linked or received: {listed} in ConnectWise already.",
    )


def _settled(fx: Effects, products: Sequence[psa.Product]) -> frozenset[int]:
    """Products whose invoice a person accepted (D-7). What was read of invoices is kept."""
    reading = invoices.noted(fx.view, products)
    if any(p.invoice_id is not None for p in products) or reading != invoices.read(fx.view):
        fx.see(invoices.FACT, reading)
    accepted = invoices.accepted_unlinked(invoices.with_reading(fx.view, reading))
    return frozenset(p.id for p in products if invoices.key_of(fx.view, p) in accepted)


async def refuse_invoiced(fx: Effects, ids: Sequence[int], what: str) -> list[psa.Product]:
    """B1.12, D-7: goods that are invoiced already can neither be linked nor received, unless a
    person accepted just these unlinked: then their purchase order lines are no links any more."""
    products = [product for product in await products_now(fx, ids) if product.id in set(ids)]
    settled = _settled(fx, products)
    invoiced = [p for p in products if p.invoice_id is not None and p.id not in settled]
    if invoiced:
        raise _invoiced(fx.view, invoiced, what)
    return products


async def split(
    fx: Effects, want: Mapping[str, Any], lines: Mapping[str, Decimal], number: str
) -> Split:
    """How far lines can be linked now, by the demand that is open and not invoiced.

    Raises Wait while ConnectWise may not show the demand yet, Hold where nothing can be linked.
    """
    result = Split()
    po_id = str(want["purchase_order"])
    agreed = agreed_lines(fx.view, po_id)
    products = {line: fx.ref("product", line) for line in lines}
    ids = sorted({product for product in products.values() if product is not None})
    there = {product.id: product for product in (await products_now(fx, ids) if ids else ())}
    settled = _settled(fx, [there[number] for number in ids if number in there])
    invoiced: list[psa.Product] = []
    short: dict[str, str] = {}
    known = {p: line for line, p in products.items() if p is not None and line not in agreed}
    await _refuse_gone(fx, known, there)
    for line, quantity in lines.items():
        product = there.get(products[line] or -1)
        if product is None and products[line] is None:
            if line not in agreed:
                sentence = f"Line {line} of {fx.view.row.name} has no product in ConnectWise."
                raise not_linked(fx, po_id, sentence, [line])
            result.give_up(line, quantity)
        elif product is not None and product.invoice_id is not None:
            if product.id in settled:
                result.give_up(line, quantity)
            else:
                invoiced.append(product)
        else:
            open_now = product.open_demand if product is not None else None
            part = quantity if open_now is None else min(quantity, max(open_now, Decimal(0)))
            result.add(line, part)
            if part < quantity and line in agreed:
                result.give_up(line, quantity - part)
            elif part < quantity and product is not None:
                short[line] = (
                    f"{number} needs demand for {quantity.normalize():f} {product.sku}, but "
                    f"ConnectWise shows {part.normalize():f} open on the "
                    f"{fx.view.parent_kind.replace('_', ' ')}."
                )
    if short:
        await _short(fx, po_id, short, ids)
    if invoiced:
        result.hold = _invoiced(fx.view, invoiced, number)
        if not result.link and not result.unlinked:
            raise result.hold
    return result


async def _refuse_gone(
    fx: Effects, wanted: Mapping[int, str], there: Mapping[int, psa.Product]
) -> None:
    """A product that was known and is not shown any more is gone, once that is no lag."""
    gone = sorted(wanted.keys() - there.keys())
    if not gone:
        return
    forget_products(fx)
    listed = ", ".join(f"product {number} of line {wanted[number]}" for number in gone)
    sentence = f"{listed} of {fx.view.row.name} is not there any more"
    if wait := await fx.lagging(_demand_moved_at(fx.view), sentence):
        raise wait
    raise RemoteFailure(FailureKind.GONE, f"{sentence}.", endpoint=f"GET {PRODUCT}")


async def _short(fx: Effects, po_id: str, short: Mapping[str, str], ids: Sequence[int]) -> None:
    forget_products(fx)
    sentence = " ".join(short.values())
    if wait := await fx.lagging(_demand_moved_at(fx.view), sentence):
        raise wait
    raise not_linked(fx, po_id, sentence + await _bought_elsewhere(fx, ids), short)


async def _bought_elsewhere(fx: Effects, ids: Sequence[int]) -> str:
    """Where the demand went, if it is on purchase orders that are not the order's."""
    try:
        rows = await fx.cw.demand_links(ids)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.FORBIDDEN:
            raise
        return ""
    ours = {int(ref.external_id) for (kind, _), ref in fx.view.refs.items() if kind == PURCHASE}
    others = sorted({row.purchase_order_id for row in rows} - ours)
    listed = ", ".join(map(str, others))
    return f" It is on purchase order {listed} in ConnectWise already." if others else ""


def _demand_moved_at(view: OrderView) -> datetime | None:
    """When the service last did what raises or frees demand: a sales order, another purchase
    order that gave some back."""
    moments = [
        row.applied_at
        for (step, _), row in view.ledger.items()
        if row.applied_at is not None and step in ("create_products", "create_sales_order", SYNC)
    ]
    return max(moments, default=None)
