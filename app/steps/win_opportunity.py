"""win_opportunity: the opportunity, where there is one, gets the won status (B1.4).

Owns nothing but that status: a won opportunity is frozen, so every edit comes before. The write
is idempotent by nature, so it needs no announcement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.json_values import digest
from app.domain.order import OrderView, named
from app.domain.records import ORDER
from app.domain.shut import Shut
from app.steps.catalog import claim_seconds
from app.steps.effects import Effects
from app.steps.opportunities import checked, opportunity_of_ours
from app.steps.resolve import company, setting
from app.steps.ticket_products import refuse_converted

name = "win_opportunity"
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    if view.opportunity_id is None and view.opportunity_missing != "create":
        return None
    if view.by_ticket:
        return None if view.opportunity_id is None else {"opportunity": view.opportunity_id}
    if view.by_commerce:
        return {"opportunity": view.opportunity_id or "ours"}
    # Products that were edited anew before conversion reopened it: it has to be won again.
    products = view.applied("create_products", ORDER)
    converted = view.ref("sales_order") is not None
    before = view.applied(name, ORDER)
    if converted and before is not None:
        return before
    return {"opportunity": view.opportunity_id or "ours", "after": digest(products)[:16]}


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    number = want["opportunity"]
    opportunity = named("opportunity", view.ref("opportunity") if number == "ours" else number)
    apart = view.by_ticket or view.by_commerce
    made = apart and number == "ours" and view.ref("opportunity") is None
    return [*(["create the opportunity"] if made else ()), f"set {opportunity} to won"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    if fx.view.by_ticket or fx.view.by_commerce:
        await _without_products(fx, want["opportunity"])
        return
    opportunity = fx.ref("opportunity")
    order = fx.view.sales_order
    if opportunity is None or order is None:
        return
    converted = fx.view.facts.get(("conversion", ""))
    if fx.recent("opportunity_won") or (converted and converted.body.get("sales_orders")):
        return  # a person won and converted it before we came
    won = await setting(fx, "connectwise_won_status")
    await fx.guard()
    await fx.cw.set_opportunity_status(opportunity, won.id, order.order_date)
    fx.journal("OPPORTUNITY_WON", f"Opportunity {opportunity} is {won.name}.")


async def _without_products(fx: Effects, named: int | str) -> None:
    """B2, C, G9: no product of ours stands on the opportunity, so only its status is ours. Several
    orders may name one; the first that comes wins it. In C one is made where none is named."""
    order = fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    owner = await company(fx, order.customer, order.connectwise.company_identifier)
    opportunity_id = await opportunity_of_ours(fx, owner) if named == "ours" else int(named)
    await fx.claim("opportunity", str(opportunity_id), claim_seconds(fx))
    found = await checked(fx, opportunity_id, owner)
    won = await setting(fx, "connectwise_won_status")
    if found.closed and fx.view.by_ticket:
        await refuse_converted(fx, opportunity_id)
    if found.opportunity.status_id != won.id:
        await fx.guard()
        await fx.cw.set_opportunity_status(opportunity_id, won.id, order.order_date)
        fx.journal("OPPORTUNITY_WON", f"Opportunity {opportunity_id} is {won.name}.")
    fx.drop_claim("opportunity", str(opportunity_id))
