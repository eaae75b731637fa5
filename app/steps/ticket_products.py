"""The order's products on its ticket: put there, moved along with the order, never twice (B2, E7).

Owns what of a ticket is the order's: products that carry its mark. Whatever else stands on a
ticket is the desk's or another order's, and is never looked at (E4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import invoices, psa
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.records import Ref
from app.steps import tickets
from app.steps.effects import Effects, Outcome
from app.steps.lines import Parent, place, standing, tell_placed

STEP = "create_products"
IS_INVOICED = "ticket_is_invoiced"


async def place_on_ticket(fx: Effects, want: Mapping[str, Any]) -> None:
    """Make the ticket carry exactly the wanted lines among ours. Raises Hold."""
    if (await tickets.now(fx)).closed:
        await tickets.refuse_shut(fx, ())
    ticket = await tickets.now(fx)
    parent = Parent(ticket=ticket.id)
    found = await _settle_doubts(fx, ticket.id)
    there = await standing(fx, parent)
    ours = [product for product in there if _ours(fx, product)]
    ours += await _moved_here(fx, ticket.id, {product.id for product in there}, found)
    accepted = fx.view.decided(Code.CHANGED_AFTER_FREEZE, "order", want) is not None
    await place(fx, parent, want["lines"], ours, leave_frozen=accepted)
    tell_placed(fx, parent, want["lines"])
    if invoices.from_stock(fx.view):  # with their demand: some were just made (H4)
        ours = [product for product in await standing(fx, parent) if _ours(fx, product)]
    # What is invoiced is known from now on; a callback makes it stale.
    fx.see(invoices.FACT, invoices.noted(fx.view, ours, whole=True))
    if want["lines"]:
        await _not_ready_yet(fx)


def _ours(fx: Effects, product: psa.Product) -> bool:
    return product.xref is not None and product.xref.startswith(fx.view.xref(""))


async def _settle_doubts(fx: Effects, ticket: int) -> list[int]:
    """Products whose making on an earlier ticket was never answered: what stands there has to come
    along, or there would be two."""
    found: list[int] = []
    for one in fx.view.unanswered:
        earlier = one.evidence.get("ticket")
        if (one.step, one.kind) != (STEP, "product") or earlier in (None, ticket):
            continue
        outcome = await _what_became(fx, one.key, str(one.evidence["xref"]), int(earlier))
        if outcome is not None:
            found.append(int(outcome["id"]))
    return found


async def _what_became(fx: Effects, key: str, xref: str, ticket: int) -> Outcome | None:
    async def look(known: Outcome) -> Outcome | None:
        there = await fx.cw.ticket_products(ticket)
        same = [product.id for product in there if product.xref == xref]
        return {"id": same[0]} if same else None

    return await fx.resolve("product", key, look)


async def _moved_here(
    fx: Effects, ticket: int, there: set[int], found: Sequence[int]
) -> list[psa.Product]:
    """E7: our products that stand elsewhere are moved, which is idempotent by nature."""
    known = {int(ref.external_id) for ref in fx.view.refs.values() if ref.kind == "product"}
    away = sorted((known | set(found)) - there)
    moved: list[psa.Product] = []
    shown = await fx.cw.products(away) if away else []
    await _wait_for(fx, set(away) - {product.id for product in shown})
    for product in shown:
        if not _ours(fx, product) or product.quantity <= product.cancelled:
            continue
        if product.sales_order_id is not None or product.opportunity_id is not None:
            _refuse_both(fx, product)
            continue
        if product.ticket_id != ticket:
            await fx.guard()
            there_now = await fx.cw.change_product(product.id, psa.ProductChange(ticket_id=ticket))
            fx.journal("PRODUCT_MOVED", f"{product.sku} was moved to ticket {ticket}.")
            moved.append(there_now)
        else:
            moved.append(product)  # the list lags
    return moved


async def _wait_for(fx: Effects, hidden: set[int]) -> None:
    """H9: a product that was made a moment ago may not show yet, and would be made once more on
    the other ticket. What does not show for longer was removed by somebody."""
    if not hidden:
        return
    listed = ", ".join(map(str, sorted(hidden)))
    sentence = f"Product {listed} of {fx.view.row.name} does not show yet."
    if wait := await fx.lagging(None, sentence):
        raise wait


def _refuse_both(fx: Effects, product: psa.Product) -> None:
    """A4: what stands on the opportunity or its sales order is billed from there."""
    if decided_both(fx):
        return
    where = (
        f"sales order {product.sales_order_id}"
        if product.sales_order_id is not None
        else f"opportunity {product.opportunity_id}"
    )
    raise Hold(
        Code.PRODUCTS_ON_BOTH,
        f"{product.sku} of {fx.view.row.name} stands on {where} already, and would stand on "
        f"ticket {fx.ref('ticket')} too.",
    )


def decided_both(fx: Effects) -> bool:
    """Whether a person said that the ticket is the one that is invoiced."""
    return any(
        one.code is Code.PRODUCTS_ON_BOTH and one.choice == IS_INVOICED
        for one in fx.view.every_decision
    )


async def refuse_converted(fx: Effects, opportunity: int) -> None:
    """A4: an opportunity that a person converted has the goods on a sales order. Raises Hold."""
    if decided_both(fx):
        return
    orders = await fx.cw.sales_orders_of_opportunity(opportunity)
    if orders:
        listed = ", ".join(str(order.id) for order in orders)
        raise Hold(
            Code.PRODUCTS_ON_BOTH,
            f"{fx.view.row.name} is invoiced from ticket {fx.ref('ticket')}, but opportunity "
            f"{opportunity} was converted to sales order {listed}.",
        )


async def _not_ready_yet(fx: Effects) -> None:
    """E4: goods of this order are to come on a ticket that was released for an earlier one."""
    ticket = await tickets.now(fx)
    if fx.view.applied("release_invoice", "order") is not None:
        return  # released for this order: taking that back is its own step (D-6)
    if ticket.status_id != await tickets.ready_or_none(fx, ticket.board_id):
        return
    waiting = await tickets.waiting_status(fx, ticket.board_id, None)
    if waiting is None:
        return
    await fx.guard()
    tickets.keep(fx, await fx.cw.set_ticket_status(ticket.id, waiting.id))
    fx.learn(Ref("ticket", "", str(ticket.id)))
    fx.journal(
        "RELEASE_TAKEN_BACK",
        f"Ticket {ticket.id} was ready to invoice; {fx.view.row.name} is added, so it is "
        f"{waiting.name} again.",
    )
