"""The set-up of user-defined fields: what one may be."""

from __future__ import annotations

from sandbox.connectwise.model.custom import NUMBERS, PODS, SET_UP
from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.rules.base import Extras, Rules, fill
from sandbox.connectwise.model.store import Row
from sandbox.connectwise.model.world import World


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    kind = new["fieldTypeIdentifier"]
    if new["podId"] not in PODS:
        raise refused(SET_UP, "podId", f"The pod {new['podId']} could not be found.")
    if not 1 <= new["sequenceNumber"] <= 500:
        raise refused(SET_UP, "sequenceNumber", "The sequenceNumber must be between 1 and 500.")
    if kind == "Button" and not new.get("buttonUrl"):
        raise refused(SET_UP, "buttonUrl", "The buttonUrl field is required.")
    if new.get("numberDecimals") is not None and kind not in NUMBERS:
        raise refused(SET_UP, "numberDecimals", f"A field of type {kind} has no decimals.")
    fill(new, entryTypeIdentifier="Date" if kind == "Date" else "EntryField")
    for number, option in enumerate(new.get("options") or (), start=1):
        option["id"] = number
    new["connectWiseID"] = world.new_guid()
    new["dateCreated"] = world.stamp()


RULES: dict[str, Rules] = {SET_UP: Rules(save)}
