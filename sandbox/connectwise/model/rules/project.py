"""Projects and agreements, and what a project ticket has more than a service ticket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.connectwise.model.errors import invalid_object, missing, refused
from sandbox.connectwise.model.rules import service
from sandbox.connectwise.model.rules.base import Extras, Rules, default_place, fill
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

NAME = "project"


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    company = world.get("company", new.get("company")) or {}
    board = world.get("board", new.get("board")) or {}
    if board and not board.get("projectFlag"):
        raise refused(NAME, "board", "The board is not a project board")
    if old is None:
        place = default_place(world)
        fill(
            new,
            contact=company.get("defaultContact"),
            site=company.get("site"),
            location=place["location"],
            department=place["department"],
        )
    if str(new.get("estimatedEnd")) < str(new.get("estimatedStart")):
        raise refused(NAME, "estimatedEnd", "The estimated end is before the estimated start")


def delete(world: World, row: Row) -> None:
    used = world.find("product", "project", row["id"]) or world.find("ticket", "project", row["id"])
    if used:
        raise refused(NAME, "id", "A project with tickets or products cannot be deleted")


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    status = view.get("projectStatus", row.get("status")) or {}
    return {"closedFlag": bool(status.get("closedFlag"))}


def save_ticket(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """A project ticket names its project, which gives it company and board."""
    project = world.get("project", new.get("project"))
    if project is None:
        raise invalid_object("projectTicket", missing("projectTicket", "project"))
    fill(new, company=project["company"], board=project["board"])
    new["recordType"] = "ProjectIssue" if new.get("isIssueFlag") else "ProjectTicket"
    service.save(world, old, new, extras)


def save_agreement(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    new["typeName"] = (new.get("type") or {}).get("name")  # for references to the agreement
    if old is None:
        place = default_place(world)
        fill(
            new,
            startDate=world.stamp(),
            location=place["location"],
            department=place["department"],
        )


def delete_agreement(world: World, row: Row) -> None:
    if world.find("product", "agreement", row["id"]):
        raise refused("agreement", "id", "An agreement with products cannot be deleted")


def show_agreement(world: World, view: View, row: Row) -> Mapping[str, Any]:
    ended = row.get("endDate") and not row.get("noEndingDateFlag")
    over = bool(ended) and str(row["endDate"]) < world.stamp()
    status = "Cancelled" if row.get("cancelledFlag") else "Expired" if over else "Active"
    return {"agreementStatus": status}


RULES: dict[str, Rules] = {
    NAME: Rules(save, before_delete=delete, computed=show),
    "projectTicket": Rules(
        save_ticket, service.saved, before_delete=service.delete, computed=service.show
    ),
    "agreement": Rules(save_agreement, before_delete=delete_agreement, computed=show_agreement),
}
