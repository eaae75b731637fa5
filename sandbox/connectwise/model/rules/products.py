"""Products: what stands on an opportunity, a sales order or a ticket, and the demand it shows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.rules import bundles
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    amount,
    changed,
    decimal,
    money,
)
from sandbox.connectwise.model.rules.containers import BUNDLE, head, parts, per_bundle, remove_parts
from sandbox.connectwise.model.rules.demand import (
    PURCHASED,
    open_demand,
    picked,
    refuse_bought,
    wanted,
)
from sandbox.connectwise.model.rules.forecast import add_forecast_of, update_forecast_of
from sandbox.connectwise.model.rules.items import take_from_catalog
from sandbox.connectwise.model.rules.opportunities import refuse_frozen
from sandbox.connectwise.model.rules.orders import show_line
from sandbox.connectwise.model.rules.service import refuse_closed
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "productItem"
LOCKED_BY_INVOICE = (
    "catalogItem",
    "quantity",
    "quantityCancelled",
    "cancelledFlag",
    "price",
    "salesOrder",
    "ticket",
    "project",
    "agreement",
)


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    for row in (old, new) if old is not None else (new,):
        refuse_frozen(world, row.get("opportunity"), NAME, "opportunity")
        refuse_closed(world, row.get("ticket"), NAME)
    if old is not None and old.get("bundle") is not None:
        bundles.refuse_locked(world, head(world.store, old))
        if changed(old, new, *bundles.FOLLOWED):
            raise refused(NAME, "quantity", "A component is changed through its bundle")
    if old is None:
        take_from_catalog(world, new)
    elif old.get("invoice") is not None and changed(old, new, *LOCKED_BY_INVOICE):
        raise refused(NAME, "invoice", "The product is on an invoice and cannot be changed")
    _check_quantities(world, old, new)
    _check_purchase_flag(world, old, new, extras)
    parent = _parent(world, new)
    new["company"] = parent.get("company") if parent else new.get("company")
    if new.get("opportunity") is None and changed(old, new, "opportunity"):
        new["forecastStatus"] = None


def _parent(world: World, row: Row) -> Row | None:
    for table, field in (
        ("order", "salesOrder"),
        ("ticket", "ticket"),
        ("project", "project"),
        ("agreement", "agreement"),
        ("opportunity", "opportunity"),
        ("product", "bundle"),
    ):
        found = world.get(table, row.get(field))
        if found is not None:
            return found
    return None


def _check_quantities(world: World, old: Row | None, new: Row) -> None:
    quantity = decimal(new.get("quantity"))
    if quantity < 0:
        raise refused(NAME, "quantity", "The quantity cannot be negative")
    if changed(old, new, "cancelledFlag"):
        if new.get("cancelledFlag") and not decimal(new.get("quantityCancelled")):
            new["quantityCancelled"] = amount(quantity)
        elif old is not None and not new.get("cancelledFlag"):
            same = old.get("quantityCancelled") == new.get("quantityCancelled")
            new["quantityCancelled"] = 0.0 if same else new.get("quantityCancelled")
    cancelled = decimal(new.get("quantityCancelled"))
    if not 0 <= cancelled <= quantity:
        raise refused(NAME, "quantityCancelled", "More cannot be cancelled than was ordered")
    new["cancelledFlag"] = cancelled >= quantity > 0
    if new["cancelledFlag"] and new.get("cancelledDate") is None:
        new["cancelledDate"] = world.stamp()
    if old is None:
        return
    if wanted(new) < picked(world.store, old["id"]) or any(
        wanted(new) * per_bundle(world.store, part) < picked(world.store, part["id"])
        for part in parts(world.store, old["id"])
    ):
        raise refused(NAME, "quantity", "The quantity cannot fall below what has been picked")


def _check_purchase_flag(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """Clearing a flag that shows takes the product out of purchasing until it is set again."""
    given = extras.get("needToPurchaseFlag")
    if given is None:
        return
    shown = old is None or open_demand(world, world.store, old) > 0
    if given:
        new["not_purchased"] = False
    elif shown and world.switches.purchase_flag_clears:
        new["not_purchased"] = True


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if new.get("opportunity") is not None:
        _show_on_forecast(world, old, new, extras)
    if new.get("productClass") == BUNDLE:
        if old is None and extras.get("addComponentsFlag"):
            bundles.add_from_catalog(world, world.row("product", new["id"]))
        elif old is not None and parts(world.store, new["id"]):
            bundles.follow(world, world.row("product", new["id"]))
    elif new.get("bundle") is not None:
        bundles.roll_up(world, new["bundle"])


def _show_on_forecast(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    line = world.get("forecastItem", new.get("forecastDetailId"))
    if line is None or line["opportunity"] != new["opportunity"]:
        opportunity = world.row("opportunity", new["opportunity"])
        world.change(
            "product",
            new["id"],
            forecastDetailId=add_forecast_of(world, new),
            forecastStatus=opportunity.get("status"),
        )
    elif not extras.get("bypassForecastUpdate") and changed(old, new, "quantity", "price", "cost"):
        update_forecast_of(world, new)


def delete(world: World, row: Row) -> None:
    if row.get("bundle") is not None:
        raise refused(NAME, "id", "A component is deleted through its bundle")
    refuse_frozen(world, row.get("opportunity"), NAME, "opportunity")
    refuse_closed(world, row.get("ticket"), NAME)
    if row.get("invoice") is not None:
        raise refused(NAME, "invoice", "The product is on an invoice and cannot be deleted")
    for each in (row, *parts(world.store, row["id"])):
        refuse_bought(world, each)


def deleted(world: World, row: Row) -> None:
    remove_parts(world, row["id"])
    for detail in world.find("shipping", "productItem", row["id"]):
        world.delete("shipping", detail["id"])
    if row.get("opportunity") is not None and row.get("forecastDetailId") is not None:
        world.delete("forecastItem", row["forecastDetailId"])


DETACH = {
    "removeFromTicket": "ticket",
    "removeFromInvoice": "invoice",
    "removeFromOpportunity": "opportunity",
    "removeFromSalesOrder": "salesOrder",
    "removeFromProject": "project",
}


def detach(world: World, row: Row, body: Mapping[str, Any]) -> None:
    """Takes a product off the parents that the body names."""
    fields = [field for flag, field in DETACH.items() if body.get(flag) is True]
    if not fields:
        raise refused("productDetach", "removeFromTicket", "Nothing to detach the product from")
    if "opportunity" in fields:
        refuse_frozen(world, row.get("opportunity"), NAME, "opportunity")
        line = world.get("forecastItem", row.get("forecastDetailId"))
        if line is not None and line["opportunity"] == row.get("opportunity"):
            world.delete("forecastItem", line["id"])
    if "ticket" in fields:
        refuse_closed(world, row.get("ticket"), NAME)
    world.replace("product", row | dict.fromkeys(fields))


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    quantity = wanted(row)
    price, cost = decimal(row.get("price")) * quantity, decimal(row.get("cost")) * quantity
    demand = open_demand(world, view, row)
    serials = view.find("assigned", "product", (row["id"],))
    unit = view.get("unitOfMeasure", row.get("unitOfMeasure")) or {}
    warehouse = view.get("warehouse", row.get("warehouseIdObject")) or {}
    shelf = view.get("bin", row.get("warehouseBinIdObject")) or {}
    return {
        "extPrice": money(price - decimal(row.get("discount"))),
        "extCost": money(cost),
        "margin": money(price - decimal(row.get("discount")) - cost),
        "needToPurchaseFlag": demand > 0,
        "needToOrderQuantity": demand,
        "serialNumbers": [serial["serial"] for serial in serials],
        "serialNumberIds": [serial["id"] for serial in serials],
        "uom": unit.get("name"),
        "warehouse": warehouse.get("name"),
        "warehouseBin": shelf.get("name"),
    }


def shipped(view: View, product_id: int) -> Decimal:
    details = view.find("shipping", "productItem", (product_id,))
    return sum((decimal(detail["shippedQuantity"]) for detail in details), Decimal(0))


def delivered(view: View, product: Row) -> bool:
    """Whether all goods of a product have been shipped; services and the like need no shipping."""
    if product.get("productClass") == BUNDLE:
        return all(delivered(view, part) for part in parts(view, product["id"]))
    return product.get("productClass") not in PURCHASED or shipped(view, product["id"]) >= wanted(
        product
    )


# --- the thin view of a sales order's lines


def save_line(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """A line of an order is a product; it shows, and lets be changed, only its quantities."""
    for name in ("quantity", "quantityCancelled"):
        if extras.get(name) is not None:
            new[name] = amount(decimal(extras[name]))
    save(world, old, new, {})


def saved_line(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    saved(world, old, new, {})


RULES: dict[str, Rules] = {
    "product": Rules(save, saved, delete, deleted, show),
    "orderLine": Rules(save_line, saved_line, delete, deleted, show_line),
}
