"""Purchase order lines that no demand makes: surplus, and all of them where ConnectWise links.

Owns their posting, one announcement a line. They come after the demand: a plain line that
ConnectWise links by itself would take demand away from the lines that belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.steps import catalog
from app.steps.effects import Effects, Outcome
from app.steps.resolve import setting


async def plain_lines(
    fx: Effects, want: Mapping[str, Any], purchase_order: int, warehouse_id: int
) -> None:
    """Add the wanted shares: surplus (B1.9), or all others where ConnectWise links by its own
    setting (D-4 automatic)."""
    plain = want["shares"]
    items = await catalog.ensure(fx, want["items"])
    by_product = {item["product"]: item for item in want["items"]}
    unit = (await setting(fx, "connectwise_unit_of_measure")).id
    for share in plain:
        number = _line_number(want["shares"], share)
        ref = fx.view.refs.get(("product", str(share["line"])))
        if share["line"] is not None and ref is not None:
            item_id, title = int(ref.data["catalog_item"]), str(ref.data["sku"])
        else:
            item = by_product[share["product"]]
            item_id, title = items[str(item["sku"])], str(item["title"])
        await _plain_line(fx, share, purchase_order, number, item_id, title, unit, warehouse_id)
    fx.forget("lines", str(want["purchase_order"]))


def _line_number(shares: Sequence[Mapping[str, Any]], share: Mapping[str, Any]) -> int:
    """The natural key of a share's line, far above the numbers that ConnectWise gives. One
    purchase order line that covers two lines of the order has two shares (D-8)."""
    same = [other["line"] for other in shares if other["po_line"] == share["po_line"]]
    return 1000 + int(share["po_line"]) % 1_000_000 * 100 + same.index(share["line"])


async def _plain_line(
    fx: Effects,
    share: Mapping[str, Any],
    purchase_order: int,
    number: int,
    item_id: int,
    title: str,
    unit: int,
    warehouse_id: int,
) -> None:
    new = psa.NewPurchaseOrderLine(
        catalog_item_id=item_id,
        description=title,
        line_number=number,
        quantity=Decimal(str(share["quantity"])),
        unit_cost=Decimal(str(share["cost"])),
        unit_of_measure_id=unit,
        warehouse_id=warehouse_id,
    )

    async def send() -> Outcome:
        return {"id": (await fx.cw.add_purchase_order_line(purchase_order, new)).id}

    async def look(known: Outcome) -> Outcome | None:
        for line in await fx.cw.purchase_order_lines(purchase_order):
            if line.line_number == number and line.catalog_item_id == item_id:
                return {"id": line.id}
        return None

    evidence = {"purchase_order": purchase_order, "item": item_id, "line_number": number}
    key = f"line:{share['po_line']}:{share['line'] or 'surplus'}"
    await fx.once("purchase_order_line", key, evidence, send, look)
