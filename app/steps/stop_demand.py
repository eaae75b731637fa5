"""stop_demand: no product of ours asks ConnectWise's purchasers to buy it (A10).

Owns the need-to-purchase flag of the order's products and its read-back. Commerce buys them: who saw
open demand in ConnectWise would order the goods a second time. Must not touch anything else on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import psa
from app.domain.choices import KEEP_DEMAND
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.order import STOP_DEMAND, OrderView
from app.domain.records import ORDER
from app.domain.shut import Shut
from app.steps.effects import Effects
from app.steps.lines import parent_of, standing
from app.steps.wanted_lines import wanted_lines

name = STOP_DEMAND
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """Bound to where the products stand and how many: a changed quantity opens demand anew."""
    order = view.sales_order
    if order is None:
        return {}  # not yet known; the gate says so
    if order.cancelled or (view.sells_nothing and view.applied(name, subject) is None):
        return None
    lines = {line["key"]: line["quantity"] for line in wanted_lines(view)}
    return {view.parent_kind: view.ref(view.parent_kind), "lines": lines}


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    """Each product of goods, those from stock too: Commerce alone knows of its stock. One that was
    taken out stays out while its quantity does."""
    before = view.applied(name, ORDER) or {}
    same = before.get(view.parent_kind) == want.get(view.parent_kind)
    out = dict(before.get("lines", {})) if same else {}
    return [
        f"take {line.title} out of purchasing"
        for line in view.sold_lines
        if view.physical(line) and out.get(str(line.id)) != want["lines"].get(str(line.id))
    ]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    parent = parent_of(fx)
    assert parent is not None  # noqa: S101 - gate products_stand
    still = _open(fx, await standing(fx, parent))
    for product in still:
        await fx.guard()
        await fx.cw.change_product(product.id, psa.ProductChange(need_to_purchase=False))
    if still:
        # What a change answers is not what the demand list says: only a read of the list counts.
        fx.journal(
            "DEMAND_STOPPED",
            f"Taken out of purchasing on {parent.named}: "
            f"{', '.join(sorted(product.sku for product in still))}.",
        )
        still = _open(fx, await standing(fx, parent))
    if not still or fx.view.decided(Code.DEMAND_OPEN, ORDER, want) == KEEP_DEMAND.name:
        return
    listed = ", ".join(f"{one.open_demand} of {one.sku}" for one in still)
    sentence = (
        f"{parent.named} still asks ConnectWise's purchasers for {listed}, which Commerce buys: "
        "the goods would be ordered twice."
    )
    if wait := await fx.lagging(None, sentence):
        raise wait
    raise Hold(Code.DEMAND_OPEN, sentence)


def _open(fx: Effects, products: Sequence[psa.Product]) -> list[psa.Product]:
    """Ours with open demand: whatever else stands there is another's to buy."""
    return [
        product
        for product in products
        if product.xref is not None
        and product.xref.startswith(fx.view.xref(""))
        and product.open_demand
    ]
