"""A purchase order that stands in ConnectWise and is wanted otherwise (D-11, H3).

Owns what may be changed and what a receipt or an invoice froze, and the taking back: quantities
lowered, lines cancelled, costs set. Adding is `links.py` and `plain_lines.py`. Never touches what
was received, and never a line that accounting has taken over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.documents import PurchaseOrder
from app.domain.errors import Hold
from app.domain.invoices import accepted_unlinked, called
from app.domain.options import sku_key
from app.domain.order import OrderView
from app.domain.standing import SYNC, frozen_products, standing_shares
from app.steps.demand import (
    INVOICED,
    agreed_lines,
    forget_products,
    products_now,
    unit_cost,
    wanted_links,
)
from app.steps.effects import Effects
from app.steps.identifiers import identifier
from app.steps.links import Links, add_unlinked, linked_lines, read_lines, remember
from app.steps.plain_lines import line_ids, plain_lines

REASON = "Changed in Datto Commerce"
Share = Mapping[str, Any]


# --- what changed, and whether it may -------------------------------------------------------------


def differences(
    view: OrderView, document: PurchaseOrder, standing: Sequence[Share], shares: Sequence[Share]
) -> dict[int, str]:
    """What changed of each product, as a sentence names it. Pure."""
    titles = {line.product_id: line.title for line in document.lines}
    if view.sales_order is not None:
        for line in view.sales_order.lines:
            titles.setdefault(line.product_id, line.title)
    result: dict[int, str] = {}
    products = [int(share["product"]) for share in (*standing, *shares)]
    for product in dict.fromkeys(products):
        before, after = _of(standing, product), _of(shares, product)
        title = titles.get(product, f"product {product}")
        there, wanted = _quantity(before), _quantity(after)
        linked, to_link = _quantity(before, linked=True), _quantity(after, linked=True)
        if there != wanted:
            result[product] = f"{there} to {wanted} {title}"
        elif linked != to_link:
            result[product] = f"{title}: {linked} to {to_link} of {wanted} for the order"
        elif _costs(before) != _costs(after):
            result[product] = f"{title}: price {_told(before)} to {_told(after)}"
        elif before != after:
            result[product] = f"{title}: other lines"
    return result


def _of(shares: Sequence[Share], product: int) -> list[Any]:
    found = [
        (int(s["po_line"]), str(s["line"] or ""), int(s["quantity"]), Decimal(str(s["cost"])))
        for s in shares
        if int(s["product"]) == product
    ]
    return sorted(found)


def _quantity(shares: Sequence[Any], *, linked: bool = False) -> int:
    return sum(quantity for _, line, quantity, _ in shares if line or not linked)


def _costs(shares: Sequence[Any]) -> dict[int, Decimal]:
    return {po_line: cost for po_line, _, _, cost in shares}


def _told(shares: Sequence[Any]) -> str:
    costs = sorted({cost for *_, cost in shares})
    return "/".join(f"{cost.normalize():f}" for cost in costs)


def frozen_change(
    view: OrderView, want: Mapping[str, Any], before: Mapping[str, Any]
) -> tuple[str, str] | None:
    """What changed although a receipt froze it, and what froze it. The supplier, and what was
    cancelled, cannot be changed back at all. Pure."""
    document = view.purchase_order(int(want["purchase_order"]))
    assert document is not None  # noqa: S101 - want() found it
    if before.get("cancelled"):
        return "it stands again", "it was cancelled in ConnectWise"
    supplier = before.get("supplier", want["supplier"])
    if supplier != want["supplier"]:
        return f"supplier {supplier} to {want['supplier']}", "it was made in ConnectWise"
    if before.get("order") != view.row.source_id:
        return None  # it moved here, and moves only before anything is received
    changed = differences(view, document, standing_shares(view, document.id), want["shares"])
    frozen = frozen_products(view, document) & changed.keys()
    if not frozen:
        return None
    return "; ".join(changed[product] for product in sorted(frozen)), "a receipt"


async def refuse_frozen(fx: Effects, want: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """D-11: a receipt or an invoice freezes a product's lines. Raises Hold with the difference."""
    view = fx.view
    if found := frozen_change(view, want, before):
        raise _frozen(want, *found)
    document = view.purchase_order(int(want["purchase_order"]))
    if document is None:
        return
    agreed = agreed_lines(view, document.id)
    standing = standing_shares(view, document.id)
    changed = differences(view, document, standing, want["shares"]) if standing else {}
    ids = {
        product: int(share["product"])
        for share in standing
        if share["line"] is not None and int(share["product"]) in changed
        if share["line"] not in agreed
        if (product := fx.ref("product", str(share["line"]))) is not None
    }
    for there in await products_now(fx, sorted(ids)) if ids else ():
        if there.id in ids and there.invoice_id is not None:
            raise _frozen(want, changed[ids[there.id]], f"invoice {called(there)}")


def _frozen(want: Mapping[str, Any], what: str, after: str) -> Hold:
    return Hold(
        Code.CHANGED_AFTER_FREEZE,
        f"{want['number']} was changed in Commerce after {after}: {what}.",
        who="purchasing",
    )


# --- taking back ----------------------------------------------------------------------------------


async def give_back(fx: Effects, want: Mapping[str, Any], links: Links) -> None:
    """Cancel on ConnectWise's lines what is no longer wanted: unlinked parts first."""
    target = wanted_links(want)
    over = {line: links.of(line) - target.get(line, Decimal(0)) for line in _lines_of(links)}
    over = {line: quantity for line, quantity in over.items() if quantity > 0}
    for line, quantity in over.items():
        if unlinked := min(quantity, links.unlinked.get(line, Decimal(0))):
            await _give_back_unlinked(fx, want, links, line, unlinked)
            over[line] -= unlinked
    linked = {line: links.linked[line] for line, quantity in over.items() if quantity > 0}
    if linked:
        rest = {line: quantity - over[line] for line, quantity in linked.items()}
        await _lower_links(fx, want, links, rest)


def _lines_of(links: Links) -> list[str]:
    return list(dict.fromkeys([*links.linked, *links.unlinked]))


async def _lower_links(
    fx: Effects, want: Mapping[str, Any], links: Links, rest: Mapping[str, Decimal]
) -> None:
    """Lower the linked quantity of lines to `rest`. Rests on what is read, so that a second try
    after a crash lowers nothing twice; a read that shows less than is known lags behind."""
    known = {line: links.linked.get(line, Decimal(0)) for line in rest}
    there = await linked_lines(fx, want, links.record, known)
    for line, keep in rest.items():
        parts = there[line]
        linked = sum((quantity for _, quantity in parts), Decimal(0))
        await cut(fx, want, links.record, [one for one, _ in parts], linked - keep)
        links.linked[line] = keep
        remember(fx, want, links)


async def _give_back_unlinked(
    fx: Effects, want: Mapping[str, Any], links: Links, line: str, quantity: Decimal
) -> None:
    po_id = str(want["purchase_order"])
    ids = {
        int(outcome["id"])
        for (_, about, key), outcome in fx.view.outcomes.items()
        if about == f"po:{po_id}" and key.startswith("unlinked:") and _line_of(key) == line
    }
    there = [one for one in await read_lines(fx, po_id, links.record) if one.id in ids]
    keep = links.unlinked[line] - quantity
    stands = sum((one.quantity for one in there if not one.cancelled), Decimal(0))
    await cut(fx, want, links.record, there, stands - keep)
    links.unlinked[line] = keep
    remember(fx, want, links)


def _line_of(key: str) -> str:
    return key.split(":")[2].split("#", maxsplit=1)[0].split("@", maxsplit=1)[0]


async def cut(
    fx: Effects,
    want: Mapping[str, Any],
    purchase_order: int,
    lines: Sequence[psa.PurchaseOrderLine],
    quantity: Decimal,
) -> None:
    """Take a quantity off lines, the newest first: lowered, or cancelled where nothing is left."""
    for line in sorted(lines, key=lambda line: -line.id):
        free = Decimal(0) if line.cancelled or line.closed else line.quantity - line.received
        part = min(quantity, free)
        if part <= 0:
            continue
        if line.batched:
            raise _frozen(want, f"{line.sku} on line {line.line_number}", "accounting took it over")
        rest = line.quantity - part
        change = (
            psa.PurchaseOrderLineChange(quantity=rest)
            if rest > 0
            else psa.PurchaseOrderLineChange(cancelled=REASON)
        )
        await fx.guard()
        await fx.cw.change_purchase_order_line(purchase_order, line.id, change)
        quantity -= part
    fx.forget("lines", str(want["purchase_order"]))
    forget_products(fx)


async def cancel_rest(fx: Effects, want: Mapping[str, Any], purchase_order: int) -> None:
    """Cancel every line of which nothing was received."""
    lines = await read_lines(fx, str(want["purchase_order"]), purchase_order)
    whole = sum((line.quantity for line in lines), Decimal(0))
    await cut(fx, want, purchase_order, [line for line in lines if not line.received], whole)


async def unlink_invoiced(fx: Effects, want: Mapping[str, Any], links: Links, step: str) -> None:
    """D-7: goods that a person accepted unlinked are taken off their links, as far as they are not
    received, and stand on plain lines: nothing is received behind an invoice."""
    if not any(code.value in want.get("unlinked", ()) for code in INVOICED):
        return
    ids = {line: fx.ref("product", line) for line, q in links.linked.items() if q}
    known = sorted(product for product in ids.values() if product is not None)
    there = {p.id: p for p in (await products_now(fx, known) if known else ())}
    invoiced = [
        line
        for line, product in ids.items()
        if (found := there.get(product or -1)) is not None and found.invoice_id is not None
        if line in accepted_unlinked(fx.view)
    ]
    if not invoiced:
        return
    lines = await linked_lines(fx, want, links.record, {k: links.linked[k] for k in invoiced})
    for line in invoiced:
        received = sum((min(one.received, part) for one, part in lines[line]), Decimal(0))
        rest = links.linked[line] - received
        if rest > 0:
            await _lower_links(fx, want, links, {line: received})
            await add_unlinked(fx, want, links, line, rest, step)


# --- plain lines and costs ------------------------------------------------------------------------


async def revise_plain(
    fx: Effects,
    want: Mapping[str, Any],
    shares: Sequence[Share],
    before: Sequence[Share],
    purchase_order: int,
    revision: str,
) -> None:
    """Bring plain lines from what stood (`before`) to the wanted shares: what is more is a line
    of its own, what is less is taken off the newest."""
    subject = f"{'surplus' if 'items' in want else 'po'}:{want['purchase_order']}"
    stood = {_place(share): share for share in before}
    wanted = {_place(share): share for share in shares}
    more = [
        {**share, "quantity": _number(share) - _number(stood.get(place))}
        for place, share in wanted.items()
        if _number(share) > _number(stood.get(place))
    ]
    less = [place for place, share in stood.items() if _number(share) > _number(wanted.get(place))]
    if less:
        po_id = str(want["purchase_order"])
        lines = await read_lines(fx, po_id, purchase_order)
        for place in less:
            ids = _own_ids(fx.view, subject, stood[place])
            own = [one for one in lines if one.id in ids and not one.cancelled]
            there = sum((one.quantity for one in own), Decimal(0))
            keep = _number(wanted.get(place))
            await cut(fx, want, purchase_order, own, there - keep)
    if more:
        await plain_lines(fx, want, more, purchase_order, revision=revision)


def _own_ids(view: OrderView, subject: str, share: Share) -> set[int]:
    place = f":{share['po_line']}:{share['line'] or 'surplus'}"
    return {
        int(outcome["id"])
        for (step, about, key), outcome in view.outcomes.items()
        if step == SYNC and about == subject and key.startswith("line:")
        if key.removeprefix("line").split("@")[0].split("#")[0] == place
    }


def _place(share: Share) -> tuple[int, str]:
    return int(share["po_line"]), str(share["line"] or "")


def _number(share: Share | None) -> int:
    return int(share["quantity"]) if share is not None else 0


async def set_costs(
    fx: Effects, want: Mapping[str, Any], before: Sequence[Share], purchase_order: int
) -> None:
    """A changed price, on the lines that are open and not received."""
    changed = _changed_costs(fx, want, before)
    if not changed:
        return
    po_id = str(want["purchase_order"])
    surplus = line_ids(fx.view, f"surplus:{po_id}", ("line",), None)
    for line in await read_lines(fx, po_id, purchase_order):
        cost = changed.get(sku_key(line.sku))
        mine = (line.id in surplus) is ("items" in want)
        if cost is None or not mine or line.cancelled or line.closed or line.received:
            continue
        if line.batched:
            raise _frozen(want, f"the price of {line.sku}", "accounting took it over")
        await fx.guard()
        await fx.cw.change_purchase_order_line(
            purchase_order, line.id, psa.PurchaseOrderLineChange(unit_cost=cost)
        )
    fx.forget("lines", po_id)


def _changed_costs(
    fx: Effects, want: Mapping[str, Any], before: Sequence[Share]
) -> dict[str, Decimal]:
    """The new cost by identifier, where it is another one."""
    earlier = {"shares": before}
    if "items" in want:
        numbers = {int(item["product"]): str(item["sku"]) for item in want["items"]}
        skus = {product: sku_key(identifier(fx, number)) for product, number in numbers.items()}
        stood = {int(share["product"]): Decimal(str(share["cost"])) for share in before}
        given = {int(share["product"]): Decimal(str(share["cost"])) for share in want["shares"]}
        return {
            skus[product]: cost
            for product, cost in given.items()
            if product in stood and stood[product] != cost and product in skus
        }
    result: dict[str, Decimal] = {}
    for line in wanted_links(earlier).keys() & wanted_links(want).keys():
        ref = fx.view.refs.get(("product", line))
        cost = unit_cost(want, line)
        if ref is not None and cost != unit_cost(earlier, line):
            result[sku_key(str(ref.data["sku"]))] = cost
    return result
