"""create_products: catalog items, and the order's products on its opportunity or ticket (A3, B2.1).

Owns the opportunity until the sales order stands (its claim). After conversion the same lines are
kept true on the sales order. Must not touch the opportunity's status but to reopen it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import cancelling, psa
from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.documents import SalesOrder
from app.domain.errors import Hold
from app.domain.options import deselected
from app.domain.order import OrderView, named
from app.domain.records import ORDER
from app.domain.shut import Shut
from app.steps import catalog
from app.steps.cancel_products import put_back, take_back
from app.steps.effects import Effects
from app.steps.lines import Parent, chosen_of, parent_of, place, standing, tell_placed
from app.steps.opportunities import checked, opportunity_of_ours
from app.steps.resolve import company, refuse_currency, setting
from app.steps.ticket_products import place_on_ticket
from app.steps.wanted_lines import wanted_lines

name = "create_products"
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    order = view.sales_order
    if order is None:
        return {}  # not yet known; the gate says so
    if order.cancelled and (undone := cancelling.wanted(view)) is not None:
        return undone
    if view.by_ticket:
        return {
            "ticket": view.ref("ticket"),
            "customer": order.customer.id,
            "lines": wanted_lines(view),
        }
    plain = view.opportunity_id is None and view.opportunity_missing != "create"
    return {
        "opportunity": view.opportunity_id,
        "without_opportunity": plain,
        "customer": order.customer.id,
        "lines": wanted_lines(view),
        "not_chosen": deselected(view.quote),
    }


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    where = named("opportunity", want.get("opportunity") or None)
    if view.parent is not None or view.by_ticket:
        where = view.parent_told
    if want.get("without_opportunity") and view.parent is None:
        return []  # they are placed on the sales order, once that is made
    ours = "opportunity" in want and want["opportunity"] is None and view.parent is None
    made = ours and view.ref("opportunity") is None
    return [
        *(["create the opportunity"] if made else ()),
        *(
            f"mark or create product {line['title']} x {line['quantity']} on {where}"
            for line in want.get("lines", [])
            if view.ref("product", str(line["key"])) is None
            or view.applied(name, ORDER) is not None
        ),
    ]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    order = fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    sales_order = fx.ref("sales_order")
    before = fx.view.applied(name, ORDER) or {}
    if want.get("cancelled"):
        parent = parent_of(fx)
        assert parent is not None  # noqa: S101 - cancelling.wanted
        await take_back(fx, parent)
        return
    _tell(fx, order)
    owner = await company(fx, order.customer, order.connectwise.company_identifier)
    await refuse_currency(fx, owner, order.currency, fx.view.row.name)
    if fx.view.by_ticket:
        if before.get("cancelled") and (parent := parent_of(fx)) is not None:
            await put_back(fx, parent)
        await place_on_ticket(fx, want)
        return
    if sales_order is not None:
        parent = Parent(sales_order=sales_order)
        if before.get("cancelled"):
            await put_back(fx, parent)
        accepted = fx.view.decided(Code.CHANGED_AFTER_FREEZE, ORDER, want) is not None
        products = await standing(fx, parent)
        if not products and want["lines"]:
            await fx.cw.sales_order(sales_order)  # gone with all that stood on it (H10)
        await place(fx, parent, want["lines"], products, leave_frozen=accepted)
        tell_placed(fx, parent, want["lines"])
        return
    if want["without_opportunity"]:
        await catalog.ensure(fx, [line for line in want["lines"] if "setting" not in line])
        return
    if want["opportunity"] is None:
        known = fx.ref("opportunity")
        ours = await opportunity_of_ours(fx, owner)
        # One that was known, or found after a restored backup, may be won by now, and frozen.
        stood = known is not None or fx.restored
        parent = await _given_opportunity(fx, ours, owner) if stood else Parent(opportunity=ours)
    else:
        parent = await _given_opportunity(fx, int(want["opportunity"]), owner)
    await place(fx, parent, want["lines"], await standing(fx, parent))
    tell_placed(fx, parent, want["lines"])


def _tell(fx: Effects, order: SalesOrder) -> None:
    """What a person should know of the order, once: this may be tried for days."""
    row = fx.view.ledger.get((name, ORDER))
    if row is not None and row.attempts:
        return
    recurring = [line.title for line in order.lines if order.recurs(line)]
    if recurring:
        fx.journal(
            Code.NEEDS_AGREEMENT,
            f"Recurring lines are left for the customer's agreement: {', '.join(recurring)}.",
        )
    if order.quote_id is not None and fx.view.quote is None:
        fx.journal(
            Code.QUOTE_MISSING,
            f"Quote {order.quote_id} has not come in; {order.order_number} goes on by its own lines.",
        )


async def _given_opportunity(fx: Effects, opportunity_id: int, owner: psa.Company) -> Parent:
    """The named opportunity, open for edits, or the sales order a person made of it already."""
    await fx.claim("opportunity", str(opportunity_id), None)
    found = await checked(fx, opportunity_id, owner)
    if not found.closed:
        return Parent(opportunity=opportunity_id)
    orders = await fx.cw.sales_orders_of_opportunity(opportunity_id)
    ids = [found.id for found in orders]
    if ids:
        one = ids[0] if len(ids) == 1 else chosen_of(fx, ids)
        if one is None:
            listed = ", ".join(map(str, ids))
            raise Hold(
                Code.SALES_ORDER_UNCERTAIN,
                f"Opportunity {opportunity_id} was converted to several sales orders: {listed}.",
                choices=names_of(Code.SALES_ORDER_UNCERTAIN, *ids),
            )
        fx.see("conversion", {"sales_orders": [one]})
        fx.keep("opportunity_won", value=True)
        return Parent(sales_order=one)
    # A closed opportunity is frozen (connectwise.md 3.1): reopen, edit, win again (B1.5).
    reopened = await setting(fx, "connectwise_open_status")
    await fx.guard()
    await fx.cw.set_opportunity_status(opportunity_id, reopened.id, None)
    told = f"Opportunity {opportunity_id} was reopened for its products."
    if found.declined is not None:
        told = f"{told} It was lost because {found.declined} had been declined."
    fx.journal("OPPORTUNITY_REOPENED", told)
    return Parent(opportunity=opportunity_id)
