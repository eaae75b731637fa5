"""Opportunities: closing and reopening, and the frozen state."""

from __future__ import annotations

from sandbox.connectwise.model.errors import Refusal, invalid, invalid_object, refused
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    changed,
    default_place,
    fill,
)
from sandbox.connectwise.model.rules.containers import remove_parts
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

FROZEN = "This opportunity is closed and cannot be edited"
FREE_WHEN_CLOSED = {"status", "closedDate", "closedBy", "_info", "pipelineChangeDate"}


def is_closed(view: View, opportunity: Row) -> bool:
    status = view.get("opportunityStatus", opportunity.get("status")) or {}
    return bool(status.get("closedFlag"))


def refuse_frozen(world: World, opportunity_id: int | None, resource: str, field: str) -> None:
    """Raises 400 when the opportunity is closed."""
    opportunity = world.get("opportunity", opportunity_id)
    if opportunity is not None and is_closed(world.store, opportunity):
        raise frozen(resource, field)


def frozen(resource: str, field: str) -> Refusal:
    return Refusal(400, "InvalidObject", FROZEN, (invalid(resource, field, FROZEN),))


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    closed = is_closed(world.store, new)
    was_closed = old is not None and is_closed(world.store, old)
    if old is None:
        place = default_place(world)
        fill(
            new,
            locationId=place["location"],
            businessUnitId=place["department"],
            expectedCloseDate=world.stamp(),
            site=(world.get("company", new.get("company")) or {}).get("site"),
        )
    if was_closed and closed and old is not None:
        edited = {
            name
            for name in old.keys() | new.keys()
            if old.get(name) != new.get(name) and name not in FREE_WHEN_CLOSED
        }
        if edited:
            raise frozen("opportunity", min(edited))
    if closed and not was_closed:
        owner = world.find("member", "identifier", world.member)
        fill(new, closedDate=world.stamp(), closedBy=owner[0]["id"] if owner else None)
    elif was_closed and not closed:
        new["closedDate"] = new["closedBy"] = None
    if changed(old, new, "status", "stage"):
        new["pipelineChangeDate"] = world.stamp()
    if changed(old, new, "stage") and not (old and changed(old, new, "probability")):
        stage = world.get("stage", new.get("stage")) or {}
        fill(new, probability=stage.get("probability"))


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """Products show the status of the opportunity that they stand on."""
    if old is None or not changed(old, new, "status"):
        return
    for product in world.find("product", "opportunity", new["id"]):
        world.change("product", product["id"], forecastStatus=new.get("status"))


def delete(world: World, row: Row) -> None:
    if world.find("conversion", "opportunity", row["id"]):
        raise refused("opportunity", "id", "A converted opportunity cannot be deleted")
    for product in world.find("product", "opportunity", row["id"]):
        remove_parts(world, product["id"])
        world.delete("product", product["id"])
    for table in ("forecastItem", "opportunityNote"):
        field = "opportunity" if table == "forecastItem" else "opportunityId"
        for child in world.find(table, field, row["id"]):
            world.delete(table, child["id"])


def save_note(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    fill(new, enteredBy=world.member)
    if not new.get("text"):
        raise invalid_object("note", invalid("note", "text", "The text field is required."))


RULES: dict[str, Rules] = {
    "opportunity": Rules(save, saved, before_delete=delete),
    "opportunityNote": Rules(save_note),
    "purchaseOrderNote": Rules(save_note),
}
