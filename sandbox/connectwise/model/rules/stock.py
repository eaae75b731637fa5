"""Stock on hand by item, warehouse and bin, and the serial numbers in it.

Owns the `inventory`, `serial` (on hand) and `assigned` (picked for a product) tables. Picking takes
goods off hand; a serial number keeps its id when it is picked.
"""

from __future__ import annotations

import re
from decimal import Decimal

from sandbox.connectwise.model.rules.base import decimal
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World


def place_of(view: View, item: int, warehouse: int | None, shelf: int | None) -> Row | None:
    for row in view.find("inventory", "catalogItem", (item,)):
        if row["warehouse"] == warehouse and row["warehouseBin"] == shelf:
            return row
    return None


def on_hand(view: View, item: int, warehouse: int | None, shelf: int | None) -> int:
    row = place_of(view, item, warehouse, shelf)
    return int(row["onHand"]) if row is not None else 0


def add(world: World, item: int, warehouse: int | None, shelf: int | None, count: Decimal) -> None:
    """Changes what is on hand; below zero only where the procurement settings allow it."""
    row = place_of(world.store, item, warehouse, shelf)
    if row is None:
        world.insert(
            "inventory",
            {
                "catalogItem": item,
                "warehouse": warehouse,
                "warehouseBin": shelf,
                "onHand": int(count),
            },
        )
    else:
        world.change("inventory", row["id"], onHand=int(row["onHand"] + count))


def default_bin(view: View, warehouse: int | None) -> int | None:
    bins = view.find("bin", "warehouse", (warehouse,)) if warehouse is not None else []
    for row in bins:
        if row.get("defaultFlag"):
            return int(row["id"])
    return int(bins[0]["id"]) if bins else None


def split_serials(text: str | None) -> list[str]:
    """The serial numbers in a line's one text: separated by commas or line breaks."""
    return [part.strip() for part in re.split(r"[,\n\r;]+", text or "") if part.strip()]


def known_serials(view: View, item: int, serials: list[str]) -> list[str]:
    """Which of these serial numbers the item already has, on hand or delivered."""
    return [
        serial
        for serial in serials
        if any(
            row["catalogItem"] == item
            for table in ("serial", "assigned")
            for row in view.find(table, "serial", (serial,))
        )
    ]


def add_serials(
    world: World, item: int, warehouse: int | None, shelf: int | None, serials: list[str]
) -> list[int]:
    return [
        int(
            world.insert(
                "serial",
                {
                    "serial": serial,
                    "catalogItem": item,
                    "warehouse": warehouse,
                    "warehouseBin": shelf,
                },
            )["id"]
        )
        for serial in serials
    ]


def serials_at(view: View, item: int, warehouse: int | None, shelf: int | None) -> list[Row]:
    return [
        row
        for row in view.find("serial", "catalogItem", (item,))
        if row["warehouse"] == warehouse and row["warehouseBin"] == shelf
    ]


def assign(world: World, serial_ids: list[int], product: int) -> None:
    for serial_id in serial_ids:
        row = world.row("serial", serial_id)
        world.delete("serial", serial_id)
        world.insert("assigned", row | {"product": product}, serial_id)


def unassign(world: World, serial_ids: list[int]) -> None:
    for serial_id in serial_ids:
        row = world.get("assigned", serial_id)
        if row is not None:
            world.delete("assigned", serial_id)
            world.insert("serial", row, serial_id)


def negative_allowed(world: World) -> bool:
    for settings in world.store.rows("procurementSetting"):
        return not settings.get("disableNegativeInventoryFlag")
    return False


def take_off_hand(
    world: World, item: int, warehouse: int | None, shelf: int | None, count: Decimal
) -> str | None:
    """Takes goods for picking. Gives the vendor's sentence when there are too few."""
    available = on_hand(world.store, item, warehouse, shelf)
    if decimal(available) < count and not negative_allowed(world):
        return f"There are {available} items on hand"
    add(world, item, warehouse, shelf, -count)
    return None
