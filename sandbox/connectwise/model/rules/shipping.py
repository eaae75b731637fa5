"""Picking and shipping of a product: what may be picked from stock, what may be shipped."""

from __future__ import annotations

from decimal import Decimal

from sandbox.connectwise.model.errors import Refusal, invalid, refused
from sandbox.connectwise.model.rules import stock
from sandbox.connectwise.model.rules.base import Extras, Rules, decimal
from sandbox.connectwise.model.rules.demand import PURCHASED, wanted
from sandbox.connectwise.model.store import Row
from sandbox.connectwise.model.world import World

NAME = "productPickingShippingDetail"


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    product = world.row("product", new["productItem"])
    picked, shipped = decimal(new.get("pickedQuantity")), decimal(new.get("shippedQuantity"))
    if picked < 0 or shipped < 0:
        raise refused(NAME, "pickedQuantity", "A quantity cannot be negative")
    shelf = world.get("bin", new.get("warehouseBin")) or {}
    if shelf.get("warehouse") != new.get("warehouse"):
        raise refused(NAME, "warehouseBin", "The bin is not in this warehouse")
    if old is not None and old["warehouseBin"] != new["warehouseBin"] and old["pickedQuantity"]:
        raise refused(NAME, "warehouseBin", "Picked goods cannot change their bin")
    others = [
        detail
        for detail in world.find("shipping", "productItem", product["id"])
        if old is None or detail["id"] != old["id"]
    ]
    all_picked = picked + sum((decimal(each["pickedQuantity"]) for each in others), Decimal(0))
    all_shipped = shipped + sum((decimal(each["shippedQuantity"]) for each in others), Decimal(0))
    if all_picked > wanted(product):
        raise refused(NAME, "pickedQuantity", "More cannot be picked than was ordered")
    if all_shipped > all_picked:
        raise refused(NAME, "shippedQuantity", "More cannot be shipped than was picked")
    if old is None:
        new["lineNumber"] = len(others) + 1
    new["quantity"] = int(picked)
    if shipped > decimal((old or {}).get("shippedQuantity")) and new.get("shipmentDate") is None:
        new["shipmentDate"] = world.stamp()
    _move_stock(world, old, new, product)


def _move_stock(world: World, old: Row | None, new: Row, product: Row) -> None:
    more = decimal(new.get("pickedQuantity")) - decimal((old or {}).get("pickedQuantity"))
    held = list((old or {}).get("serialNumberIds") or ())
    new["serialNumberIds"] = held if old is not None else list(new.get("serialNumberIds") or ())
    if not more or product.get("productClass") not in PURCHASED:
        return
    item, warehouse, shelf = product["catalogItem"], new["warehouse"], new["warehouseBin"]
    problem = stock.take_off_hand(world, item, warehouse, shelf, more)
    if problem is not None:
        raise Refusal(400, "InvalidObject", problem, (invalid(NAME, "pickedQuantity", problem),))
    if more < 0:
        count = min(int(-more), len(held))
        back = held[len(held) - count :]
        stock.unassign(world, back)
        new["serialNumberIds"] = held[: len(held) - count]
        return
    catalog = world.row("catalog", item)
    if not catalog.get("serializedFlag"):
        return
    asked = [] if old is not None else new["serialNumberIds"]
    present = [row["id"] for row in stock.serials_at(world.store, item, warehouse, shelf)]
    if any(number not in present for number in asked):
        raise refused(NAME, "serialNumberIds", "A serial number is not on hand in this bin")
    chosen = (asked or present)[: int(more)]
    stock.assign(world, chosen, product["id"])
    new["serialNumberIds"] = held + chosen


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    world.replace("product", world.row("product", new["productItem"]))


def delete(world: World, row: Row) -> None:
    if decimal(row.get("shippedQuantity")):
        raise refused(NAME, "shippedQuantity", "Shipped goods cannot be taken back")
    product = world.row("product", row["productItem"])
    stock.unassign(world, list(row.get("serialNumberIds") or ()))
    if product.get("productClass") in PURCHASED:
        stock.add(
            world,
            product["catalogItem"],
            row["warehouse"],
            row["warehouseBin"],
            decimal(row["pickedQuantity"]),
        )
    world.replace("product", product)


RULES: dict[str, Rules] = {"shipping": Rules(save, saved, before_delete=delete)}
