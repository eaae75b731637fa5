"""What has to stand in ConnectWise of an order's lines. Pure.

Owns which lines are sold and at which price; `lines.py` places them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.domain import money, options
from app.domain.json_values import canonical
from app.domain.order import OrderView


def wanted_lines(view: OrderView) -> list[dict[str, Any]]:
    """What has to stand on the sales order, one entry a line, in line order. Pure.

    Recurring lines are left out: they are billed by an agreement, never once (H5).
    """
    order = view.sales_order
    if order is None:
        return []
    lines: list[dict[str, Any]] = []
    for line in view.sold_lines:
        product = order.product(line)
        lines.append(
            {
                "key": str(line.id),
                "sku": product.product_number[: options.IDENTIFIER],
                "title": line.title,
                "quantity": line.quantity,
                "price": money.mirrored_price(line),
                "cost": line.cost,
                "physical": product.physical,
                "serialized": product.is_serialized,
                "mpn": product.manufacturer_part_number,
            }
        )
    lines.extend(
        {
            "key": header.key,
            "setting": header.setting,
            "title": header.title,
            "quantity": 1,
            "price": header.amount,
            "cost": 0,
            "physical": False,
        }
        for header in money.header_lines(order)
    )
    stated = money.rounding(order, view.live.tax_basis)
    if abs(stated) > view.behaviour.rounding_limit:
        stated = Decimal(0)  # a person let the order go on by its lines
    if gap := stated + money.places_lost(view.sold_lines):
        lines.append(
            {
                "key": "rounding",
                "setting": "connectwise_rounding_item",
                "title": "Rounding",
                "quantity": 1,
                "price": gap,
                "cost": 0,
                "physical": False,
            }
        )
    result: list[dict[str, Any]] = canonical(lines)
    return result
