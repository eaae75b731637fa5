"""Catalog items: what a product takes from one, the components of a bundle, and prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.errors import exists, invalid_object, refused
from sandbox.connectwise.model.rules.base import Extras, Rules, decimal, default_place, fill, money
from sandbox.connectwise.model.rules.containers import BUNDLE
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

COMPONENT = "catalogComponent"
VENDORS = "catalogVendors"
STOCK = "minimumStockByWarehouse"


def take_from_catalog(world: World, new: Row) -> None:
    """Fills what a new product does not say itself."""
    item = world.get("catalog", new.get("catalogItem"))
    if item is None:
        return
    place = default_place(world)
    new["productClass"] = item["productClass"]
    fill(
        new,
        description=item["description"],
        customerDescription=item["customerDescription"],
        price=item.get("price"),
        cost=item.get("cost"),
        listPrice=item.get("price"),
        calculatedPriceFlag=item.get("calculatedPriceFlag"),
        calculatedCostFlag=item.get("calculatedCostFlag"),
        unitOfMeasure=item.get("unitOfMeasure"),
        taxableFlag=item.get("taxableFlag"),
        vendor=item.get("vendor"),
        vendorSku=item.get("vendorSku"),
        location=place["location"],
        businessUnit=place["department"],
    )


def save_component(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    bundle = world.row("catalog", new["parentCatalogItem"])
    if bundle.get("productClass") != BUNDLE:
        raise refused(COMPONENT, "parentCatalogItem", "Only a bundle has components")
    item = world.get("catalog", new.get("catalogItem")) or {}
    if item.get("productClass") == BUNDLE:
        raise refused(COMPONENT, "catalogItem", "A bundle cannot hold another bundle")
    if decimal(new.get("quantity")) <= 0:
        raise refused(COMPONENT, "quantity", "The quantity must be above 0")
    fill(
        new,
        price=item.get("price"),
        cost=item.get("cost"),
        sequenceNumber=len(world.find(COMPONENT, "parentCatalogItem", bundle["id"])) + 1,
    )


def saved_component(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    roll_up(world, new["parentCatalogItem"])


def deleted_component(world: World, row: Row) -> None:
    roll_up(world, row["parentCatalogItem"])


def roll_up(world: World, bundle_id: int) -> None:
    """The sums over a bundle's components are its price and cost where its flags say so."""
    bundle = world.row("catalog", bundle_id)
    listed = world.find(COMPONENT, "parentCatalogItem", bundle_id)
    values: dict[str, Any] = {}
    for field, total, flag in (
        ("price", "calculatedPrice", "calculatedPriceFlag"),
        ("cost", "calculatedCost", "calculatedCostFlag"),
    ):
        each = (decimal(row["quantity"]) * decimal(row.get(field)) for row in listed)
        values[total] = money(sum(each, decimal(0)))
        if bundle.get(flag):
            values[field] = values[total]
    world.change("catalog", bundle_id, **values)


def price_of(item: Row) -> float:
    """What the item costs a customer. There are no pricing schedules here: its own price."""
    return float(item.get("price") or 0.0)


def copied(world: World, item: Row) -> Row:
    """A copy of a catalog item under an identifier that is free, with its components."""
    base = str(item["identifier"])[:68]
    number = 1
    while world.find("catalog", "identifier", f"{base}-copy{number}"):
        number += 1
    kept = {name: value for name, value in item.items() if name not in {"id", "_info"}}
    new = world.insert(
        "catalog",
        kept | {"identifier": f"{base}-copy{number}", "connectWiseID": world.new_guid()},
    )
    for row in world.find(COMPONENT, "parentCatalogItem", item["id"]):
        part = {name: value for name, value in row.items() if name not in {"id", "_info"}}
        world.insert(COMPONENT, part | {"parentCatalogItem": new["id"]})
    return new


def save_minimum(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if decimal(new.get("minimumStock")) < 0:
        raise refused(STOCK, "minimumStock", "The quantity cannot be negative")
    for other in world.find("minimumStock", "catalogItem", new["catalogItem"]):
        if other["warehouse"] == new.get("warehouse") and other["id"] != new.get("id"):
            message = "The warehouse already has a minimum stock of this item"
            raise invalid_object(STOCK, exists(STOCK, "warehouse", message))


def save_vendor(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    vendor = world.get("company", new.get("vendorId")) or {}
    if not vendor.get("isVendorFlag"):
        raise refused(VENDORS, "vendorId", "The company is not a vendor")
    for other in world.find("catalogVendor", "catalogItemId", new["catalogItemId"]):
        if other["vendorId"] == new["vendorId"] and other["id"] != new.get("id"):
            raise invalid_object(VENDORS, exists(VENDORS, "vendorId", "The item has this vendor"))


def saved_vendor(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """The preferred vendor is the item's own, and there is one."""
    if not new.get("isPreferredVendor"):
        return
    for other in world.find("catalogVendor", "catalogItemId", new["catalogItemId"]):
        if other["id"] != new["id"]:
            world.change("catalogVendor", other["id"], isPreferredVendor=False)
    sku = {"vendorSku": new["vendorSku"]} if new.get("vendorSku") else {}
    world.change("catalog", new["catalogItemId"], vendor=new["vendorId"], **sku)


def show_vendor(world: World, view: View, row: Row) -> Mapping[str, Any]:
    return {"vendorName": (view.get("company", row["vendorId"]) or {}).get("name")}


RULES: dict[str, Rules] = {
    COMPONENT: Rules(save_component, saved_component, after_delete=deleted_component),
    "minimumStock": Rules(save_minimum),
    "catalogVendor": Rules(save_vendor, saved_vendor, computed=show_vendor),
}
