"""The forecast of an opportunity: its lines, what they share with products, and the sums."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    amount,
    changed,
    decimal,
    fill,
    money,
)
from sandbox.connectwise.model.rules.containers import keep_step, remove_parts
from sandbox.connectwise.model.rules.opportunities import refuse_frozen
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World


def save_forecast(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    path_parent = extras.get("parent")
    if path_parent is not None and new.get("opportunity") != path_parent:
        raise refused("forecastItem", "opportunity", "The opportunity is not the one of the path")
    refuse_frozen(world, new.get("opportunity"), "forecastItem", "opportunity")
    if decimal(new.get("quantity")) < 0:
        raise refused("forecastItem", "quantity", "The quantity cannot be negative")
    item = world.get("catalog", new.get("catalogItem"))
    if item is not None:
        fill(new, productDescription=item["description"], productClass=item["productClass"])
        fill(new, forecastDescription=item["description"][:50])


def saved_forecast(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """A changed quantity shows on the product behind the line."""
    if old is None or not changed(old, new, "quantity"):
        return
    for product in world.find("product", "forecastDetailId", new["id"]):
        if product.get("opportunity") == new["opportunity"]:
            keep_step(world, world.change("product", product["id"], quantity=new["quantity"]))


def delete_forecast(world: World, row: Row) -> None:
    refuse_frozen(world, row["opportunity"], "forecastItem", "opportunity")
    for product in world.find("product", "forecastDetailId", row["id"]):
        if product.get("opportunity") == row["opportunity"]:
            remove_parts(world, product["id"])
            world.delete("product", product["id"])


def show_forecast(world: World, view: View, row: Row) -> Mapping[str, Any]:
    return {"margin": money(decimal(row.get("revenue")) - decimal(row.get("cost")))}


def add_forecast_of(world: World, product: Row) -> int:
    """The forecast line of a product that was put on an opportunity."""
    opportunity = world.row("opportunity", product["opportunity"])
    kind = product.get("productClass")
    quantity = decimal(product.get("quantity"))
    line = world.insert(
        "forecastItem",
        {
            "opportunity": opportunity["id"],
            "status": opportunity.get("status"),
            "catalogItem": product["catalogItem"],
            "productDescription": product.get("description"),
            "forecastDescription": str(product.get("description") or "")[:50],
            "productClass": kind,
            "forecastType": kind if kind in {"Service", "Agreement"} else "Product",
            "quantity": amount(quantity),
            "revenue": money(decimal(product.get("price")) * quantity),
            "cost": money(decimal(product.get("cost")) * quantity),
            "includeFlag": True,
            "linkFlag": False,
            "percentage": 100,
            "sequenceNumber": product.get("sequenceNumber"),
            "taxableFlag": product.get("taxableFlag"),
        },
    )
    return int(line["id"])


def update_forecast_of(world: World, product: Row) -> None:
    """Brings the forecast line of a product in step with its quantity, price and cost."""
    line = world.get("forecastItem", product.get("forecastDetailId"))
    if line is None or line["opportunity"] != product.get("opportunity"):
        return
    quantity = decimal(product.get("quantity"))
    world.change(
        "forecastItem",
        line["id"],
        quantity=amount(quantity),
        revenue=money(decimal(product.get("price")) * quantity),
        cost=money(decimal(product.get("cost")) * quantity),
    )


def copy_line(world: World, line: Row) -> Row:
    """A copy of a forecast line at the end. As with a posted line, no product stands behind it."""
    refuse_frozen(world, line["opportunity"], "forecastItem", "opportunity")
    lines = world.find("forecastItem", "opportunity", line["opportunity"])
    kept = {name: value for name, value in line.items() if name not in {"id", "_info"}}
    last = max(decimal(each.get("sequenceNumber")) for each in lines)
    return world.insert("forecastItem", kept | {"sequenceNumber": amount(last + 1)})


def whole_forecast(view: View, opportunity: Row, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The vendor's Forecast: the items and the sums over them."""

    def total(kinds: set[str] | None, included: bool) -> dict[str, Any]:
        chosen = [
            row
            for row in view.find("forecastItem", "opportunity", (opportunity["id"],))
            if (kinds is None or row.get("forecastType") in kinds)
            and (not included or row.get("includeFlag"))
        ]
        revenue = sum((decimal(row.get("revenue")) for row in chosen), Decimal(0))
        cost = sum((decimal(row.get("cost")) for row in chosen), Decimal(0))
        percent = (revenue - cost) * 100 / revenue if revenue else Decimal(0)
        return {
            "id": opportunity["id"],
            "revenue": money(revenue),
            "cost": money(cost),
            "margin": money(revenue - cost),
            "percentage": money(percent),
        }

    return {
        "id": opportunity["id"],
        "forecastItems": items,
        "productRevenue": total({"Product"}, True),
        "serviceRevenue": total({"Service"}, True),
        "agreementRevenue": total({"Agreement"}, True),
        "forecastRevenueTotals": total(None, True),
        "inclusiveRevenueTotals": total(None, False),
        "_info": opportunity["_info"],
    }


RULES: dict[str, Rules] = {
    "forecastItem": Rules(
        save_forecast, saved_forecast, before_delete=delete_forecast, computed=show_forecast
    ),
}
