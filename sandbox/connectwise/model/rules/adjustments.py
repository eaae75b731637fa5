"""Adjustments of what is on hand. Nothing moves until one is closed, and then it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.errors import exists, invalid_object, refused
from sandbox.connectwise.model.rules import stock
from sandbox.connectwise.model.rules.base import Extras, Rules, decimal
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "procurementAdjustment"
DETAILS = "adjustmentDetails"
REFERENCES = (
    ("catalogItem", "catalog", "identifier"),
    ("warehouse", "warehouse", "name"),
    ("warehouseBin", "bin", "name"),
)
LONGEST = {"description": 50, "serialNumber": 1000}


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is not None and old.get("closedFlag"):
        raise refused(NAME, "closedFlag", "A closed adjustment cannot be changed")
    for other in world.find("adjustment", "identifier", new.get("identifier")):
        if other["id"] != new.get("id"):
            message = "An adjustment with this identifier already exists"
            raise invalid_object(NAME, exists(NAME, "identifier", message))
    if extras.get(DETAILS) is not None:
        new["details"] = [
            _detail(world, place, given) for place, given in enumerate(extras[DETAILS], start=1)
        ]
    if new.get("closedFlag"):
        new["closedBy"], new["closedDate"] = world.member, world.stamp()


def _detail(world: World, place: int, given: Mapping[str, Any]) -> Row:
    detail: Row = {"id": place}
    for name, table, key in REFERENCES:
        detail[name] = _named(world, name, table, key, given.get(name))
    quantity = given.get("quantityAdjusted")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not quantity:
        raise refused(NAME, DETAILS, "quantityAdjusted must be a whole number other than 0.")
    detail["quantityAdjusted"] = quantity
    cost = given.get("unitCost")
    if isinstance(cost, int | float) and not isinstance(cost, bool):
        detail["unitCost"] = float(cost)
    for name, longest in LONGEST.items():
        text = given.get(name)
        if text is not None and (not isinstance(text, str) or len(text) > longest):
            raise refused(NAME, DETAILS, f"{name} must be text of at most {longest} characters.")
        detail[name] = text
    shelf = world.row("bin", detail["warehouseBin"])
    if shelf["warehouse"] != detail["warehouse"]:
        raise refused(NAME, DETAILS, "The bin is not in this warehouse")
    return detail


def _named(world: World, name: str, table: str, key: str, given: Any) -> int:
    asked = given if isinstance(given, Mapping) else {}
    row = world.get(table, asked["id"]) if isinstance(asked.get("id"), int) else None
    if row is None and isinstance(asked.get(key), str):
        row = next(iter(world.find(table, key, asked[key])), None)
    if row is None:
        raise refused(NAME, DETAILS, f"The {name} of a detail could not be found.")
    return int(row["id"])


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if not new.get("closedFlag"):
        return
    for detail in new.get("details") or ():
        _move(world, detail)


def _move(world: World, detail: Row) -> None:
    item, warehouse, shelf = detail["catalogItem"], detail["warehouse"], detail["warehouseBin"]
    count, serials = detail["quantityAdjusted"], stock.split_serials(detail.get("serialNumber"))
    serialized = bool(world.row("catalog", item).get("serializedFlag"))
    if serialized and len(serials) != abs(count):
        message = f"{abs(count)} serial numbers are required, {len(serials)} were given"
        raise refused(NAME, DETAILS, message)
    if count < 0:
        problem = stock.take_off_hand(world, item, warehouse, shelf, decimal(-count))
        if problem is not None:
            raise refused(NAME, DETAILS, problem)
        if serialized:
            _take_serials(world, item, warehouse, shelf, serials)
        return
    if serialized and stock.known_serials(world.store, item, serials):
        raise refused(NAME, DETAILS, "A serial number already exists")
    stock.add(world, item, warehouse, shelf, decimal(count))
    if serialized:
        stock.add_serials(world, item, warehouse, shelf, serials)


def _take_serials(world: World, item: int, warehouse: int, shelf: int, serials: list[str]) -> None:
    present = {
        row["serial"].casefold(): row["id"]
        for row in stock.serials_at(world.store, item, warehouse, shelf)
    }
    for serial in serials:
        number = present.pop(serial.casefold(), None)
        if number is None:
            raise refused(NAME, DETAILS, f"The serial number {serial} is not on hand in this bin")
        world.delete("serial", number)


def delete(world: World, row: Row) -> None:
    if row.get("closedFlag"):
        raise refused(NAME, "closedFlag", "A closed adjustment cannot be deleted")


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    return {DETAILS: [_shown(view, row, detail) for detail in row.get("details") or ()]}


def _shown(view: View, row: Row, detail: Row) -> dict[str, Any]:
    held = stock.on_hand(view, detail["catalogItem"], detail["warehouse"], detail["warehouseBin"])
    shown = {name: value for name, value in detail.items() if value is not None}
    for name, table, key in REFERENCES:
        target = view.get(table, detail[name]) or {}
        shown[name] = {"id": detail[name], key: target.get(key)}
    return shown | {
        "quantityOnHand": float(held),
        "adjustment": {"id": row["id"], "name": row["identifier"]},
    }


RULES: dict[str, Rules] = {"adjustment": Rules(save, saved, before_delete=delete, computed=show)}
