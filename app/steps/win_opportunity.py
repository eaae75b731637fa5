"""win_opportunity: the opportunity gets the won status (B1.4).

Owns nothing but that status: a won opportunity is frozen, so every edit comes before. The write
is idempotent by nature, so it needs no announcement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.json_values import digest
from app.domain.order import OrderView
from app.domain.records import ORDER
from app.domain.shut import Shut
from app.steps.effects import Effects
from app.steps.resolve import setting

name = "win_opportunity"
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    if view.opportunity_id is None and view.opportunity_missing != "create":
        return None
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
    return [f"set opportunity {want['opportunity']} to won"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
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
