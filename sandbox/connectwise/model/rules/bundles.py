"""A bundle's components on a product: each is a product of its own, which follows its bundle.

Owns the components, what they keep in step with the bundle's quantity, and the roll-up of price and
cost. A bundle is a container: demand, picking and shipping are its components' affair, the order,
the conversion and the invoice its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.rules.base import Extras, Rules, changed, decimal, money
from sandbox.connectwise.model.rules.containers import BUNDLE, keep_step, parts, per_bundle
from sandbox.connectwise.model.rules.demand import picked, refuse_bought, wanted
from sandbox.connectwise.model.rules.forecast import update_forecast_of
from sandbox.connectwise.model.rules.items import take_from_catalog
from sandbox.connectwise.model.rules.opportunities import refuse_frozen
from sandbox.connectwise.model.rules.service import refuse_closed
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "productComponent"
PRODUCT = "productItem"
FOLLOWED = (
    *("catalogItem", "quantity", "quantityCancelled", "cancelledFlag"),
    *("opportunity", "salesOrder", "ticket", "project", "agreement"),
)
"""What a component's product has from its bundle, and cannot be given by itself."""


def refuse_locked(world: World, bundle: Row) -> None:
    """Raises 400 where the bundle itself could not be changed."""
    refuse_frozen(world, bundle.get("opportunity"), NAME, "parentProductItem")
    refuse_closed(world, bundle.get("ticket"), NAME)
    if bundle.get("invoice") is not None:
        raise refused(NAME, "parentProductItem", "The bundle is on an invoice")


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    bundle = world.row("product", new["parentProductItem"])
    if bundle.get("productClass") != BUNDLE:
        raise refused(NAME, "parentProductItem", "Only a bundle has components")
    refuse_locked(world, bundle)
    if old is not None and changed(old, new, "catalogItem"):
        raise refused(NAME, "catalogItem", "A component keeps its item")
    item = world.get("catalog", new.get("catalogItem")) or {}
    if item.get("productClass") == BUNDLE:
        raise refused(NAME, "catalogItem", "A bundle cannot hold another bundle")
    if decimal(new.get("quantity")) <= 0:
        raise refused(NAME, "quantity", "The quantity must be above 0")
    if old is not None:
        part = world.row("product", old["productItem"])
        coming = decimal(new["quantity"]) * wanted(bundle)
        if coming < picked(world.store, part["id"]):
            raise refused(NAME, "quantity", "The quantity cannot fall below what has been picked")
    if new.get("sequenceNumber") is None:
        new["sequenceNumber"] = len(parts(world.store, bundle["id"])) + 1


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    bundle = world.row("product", new["parentProductItem"])
    given: Row = {
        name: extras[name]
        for name in ("price", "cost", "vendor")
        if name in extras and (old is not None or extras[name] is not None)
    }
    if old is None:
        part = _part(world, bundle, new, given)
        new = world.change("component", new["id"], productItem=part["id"])
    else:
        world.change("product", new["productItem"], **given)
    follow(world, bundle)


def _part(world: World, bundle: Row, component: Row, given: Mapping[str, Any]) -> Row:
    part: Row = dict(RESOURCES["product"].defaults) | {
        "bundle": bundle["id"],
        "catalogItem": component["catalogItem"],
        "billableOption": bundle.get("billableOption"),
        "company": bundle.get("company"),
        **given,
    }
    take_from_catalog(world, part)
    return world.insert("product", part)


def follow(world: World, bundle: Row) -> None:
    """Brings a bundle's components in step with it, and its price and cost with them."""
    keep_step(world, bundle)
    roll_up(world, bundle["id"])


def roll_up(world: World, bundle_id: int) -> None:
    """The sums over a bundle's components are its price and cost where its flags say so."""
    bundle = world.row("product", bundle_id)
    price, cost = totals(
        (per_bundle(world.store, part), part.get("price"), part.get("cost"))
        for part in parts(world.store, bundle_id)
    )
    values = {"calculatedPrice": price, "calculatedCost": cost}
    if bundle.get("calculatedPriceFlag"):
        values["price"] = price
    if bundle.get("calculatedCostFlag"):
        values["cost"] = cost
    update_forecast_of(world, world.change("product", bundle_id, **values))


def totals(components: Any) -> tuple[float, float]:
    """Price and cost of one bundle, from each component's quantity, price and cost."""
    price = cost = Decimal(0)
    for quantity, each_price, each_cost in components:
        price += decimal(quantity) * decimal(each_price)
        cost += decimal(quantity) * decimal(each_cost)
    return money(price), money(cost)


def add_from_catalog(world: World, bundle: Row) -> None:
    """Gives a new bundle the components that its catalog item lists."""
    for listed in world.find("catalogComponent", "parentCatalogItem", bundle["catalogItem"]):
        hidden = {name: value for name, value in listed.items() if name.startswith("hide")}
        component = world.insert(
            "component",
            hidden
            | {
                "parentProductItem": bundle["id"],
                "catalogItem": listed["catalogItem"],
                "quantity": listed["quantity"],
                "sequenceNumber": listed.get("sequenceNumber"),
            },
        )
        given = {name: listed[name] for name in ("price", "cost") if listed.get(name) is not None}
        part = _part(world, bundle, component, given)
        world.change("component", component["id"], productItem=part["id"])
    follow(world, bundle)


def delete(world: World, row: Row) -> None:
    refuse_locked(world, world.row("product", row["parentProductItem"]))
    refuse_bought(world, world.row("product", row["productItem"]))


def deleted(world: World, row: Row) -> None:
    for detail in world.find("shipping", "productItem", row["productItem"]):
        world.delete("shipping", detail["id"])
    world.delete("product", row["productItem"])
    roll_up(world, row["parentProductItem"])


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    part = view.get("product", row["productItem"]) or {}
    return {"price": part.get("price"), "cost": part.get("cost"), "vendor": part.get("vendor")}


RULES: dict[str, Rules] = {"component": Rules(save, saved, delete, deleted, show)}
