"""Tickets: boards and statuses, closing, and the closed ticket that takes no products.

Service and project tickets are rows of one table and keep to the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    changed,
    default_place,
    fill,
)
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "ticket"
FIRST_NOTES = {
    "initialDescription": "detailDescriptionFlag",
    "initialInternalAnalysis": "internalAnalysisFlag",
    "initialResolution": "resolutionFlag",
}


def is_closed(view: View, ticket: Row) -> bool:
    status = view.get("boardStatus", ticket.get("status")) or {}
    return bool(status.get("closedStatus"))


def refuse_closed(world: World, ticket_id: int | None, resource: str) -> None:
    """Raises 400 when the ticket is closed: its products stay as they are."""
    ticket = world.get("ticket", ticket_id)
    if ticket is not None and is_closed(world.store, ticket):
        raise refused(resource, "ticket", "This ticket is closed and cannot be edited")


def statuses_of(world: World, board: int | None) -> list[Row]:
    return world.find("boardStatus", "board", board)


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is None:
        company = world.get("company", new.get("company")) or {}
        service = [row for row in world.store.rows("board") if not row.get("projectFlag")]
        first = next(iter(service), None) or {}
        place = default_place(world)
        fill(
            new,
            board=first.get("id"),
            site=company.get("site"),
            contact=company.get("defaultContact"),
            location=place["location"],
            department=place["department"],
        )
    statuses = statuses_of(world, new.get("board"))
    if changed(old, new, "board") and not any(row["id"] == new.get("status") for row in statuses):
        if old is None and new.get("status") is not None:
            raise refused(NAME, "status", "The status is not one of the board's")
        new["status"] = None
    if new.get("status") is None:
        default = [row for row in statuses if row.get("defaultFlag")] or statuses
        new["status"] = default[0]["id"] if default else None
    if new.get("status") is not None and not any(row["id"] == new["status"] for row in statuses):
        raise refused(NAME, "status", "The status is not one of the board's")
    closed = is_closed(world.store, new)
    if closed and (old is None or not is_closed(world.store, old)):
        new["closedDate"], new["closedBy"] = world.stamp(), world.member
    elif not closed:
        new["closedDate"] = new["closedBy"] = None
    contact = world.get("contact", new.get("contact"))
    if contact is not None and changed(old, new, "contact"):
        new["contactName"] = str(contact["fullName"])[:62]


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if extras.get("skipCallback"):
        world.silence("ticket", new["id"])
    if old is not None:
        return
    for name, kind in FIRST_NOTES.items():
        if extras.get(name):
            world.insert(
                "ticketNote",
                {
                    "ticketId": new["id"],
                    "text": extras[name],
                    kind: True,
                    "dateCreated": world.stamp(),
                    "createdBy": world.member,
                },
            )


def delete(world: World, row: Row) -> None:
    if world.find("product", "ticket", row["id"]):
        raise refused(NAME, "id", "A ticket with products cannot be deleted")
    for note in world.find("ticketNote", "ticketId", row["id"]):
        world.delete("ticketNote", note["id"])


def save_note(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is None:
        fill(new, dateCreated=world.stamp(), createdBy=world.member)
    flags = ("detailDescriptionFlag", "internalAnalysisFlag", "resolutionFlag")
    if not any(new.get(flag) for flag in flags):
        raise refused("serviceNote", flags[0], "One of the kinds of note must be set")


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    return {"closedFlag": is_closed(view, row)}


RULES: dict[str, Rules] = {
    "ticket": Rules(save, saved, before_delete=delete, computed=show),
    "ticketNote": Rules(save_note),
}
