"""Conversions: sales orders, tickets, projects and agreements made of opportunities or of orders.

They are deliberately as dangerous as the vendor's: not idempotent, so that each call which names no
existing record makes another one, an empty one if nothing is left to convert.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.connectwise.model.engine import Engine
from sandbox.connectwise.model.errors import invalid, invalid_object, refused
from sandbox.connectwise.model.rules.containers import copy_parts
from sandbox.connectwise.model.rules.service import refuse_closed
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World


@dataclass(frozen=True, slots=True)
class Kind:
    """What is made: its table, the field of a product that names it, and of a body that does."""

    table: str
    field: str
    given: str


KINDS = {
    "SalesOrder": Kind("order", "salesOrder", "salesOrderId"),
    "ServiceTicket": Kind("ticket", "ticket", "ticketId"),
    "Project": Kind("project", "project", "projectId"),
    "Agreement": Kind("agreement", "agreement", "agreementId"),
}
SOURCES = {"opportunity": "opportunity", "order": "salesOrder"}
"""The tables that can be converted, and the field by which a product stands on them."""


def convert(
    engine: Engine, source_table: str, source: Row, kind: str, body: Mapping[str, Any]
) -> Row:
    """Makes a record of an opportunity or a sales order, or adds to one. Gives its row."""
    world, made = engine.world, KINDS[kind]
    name = f"{source_table}To{kind}Conversion"
    for field in ("name", "summary"):
        if not isinstance(body.get(field, ""), str):
            raise refused(name, field, "The value must be text.")
    products = _chosen(world, source_table, source, kind, body, name)
    target = _existing(engine, made, source, body, name)
    if target is None:
        build = _new_order if kind == "SalesOrder" else _new_record
        target = build(engine, source_table, source, kind, body)
    for product in products:
        _move(world, product, SOURCES[source_table], made.field, target)
    if kind == "ServiceTicket" and source_table == "opportunity":
        _carry_notes(world, source, target, body, name)
    world.insert(
        "conversion",
        {
            "opportunity": source["id"] if source_table == "opportunity" else None,
            "order": source["id"] if source_table == "order" else None,
            "kind": kind,
            "target": target["id"],
        },
    )
    if source_table == "opportunity" and world.switches.callback_on_convert:
        world.announce("opportunity", source["id"])
    return world.row(made.table, target["id"])


def conversions_of(view: View, source_table: str, number: int) -> list[dict[str, Any]]:
    """What a record was converted into, one entry for each call."""
    return [
        {
            "parentType": "Opportunity" if source_table == "opportunity" else "SalesOrder",
            "convertedTo": {"id": row["target"], "name": row["kind"]},
            "_info": row["_info"],
        }
        for row in view.find("conversion", source_table, (number,))
    ]


# --- the products


def _chosen(
    world: World, source_table: str, source: Row, kind: str, body: Mapping[str, Any], name: str
) -> list[Row]:
    standing = world.find("product", SOURCES[source_table], source["id"])
    ids = body.get("includeProductIds")
    if ids:
        return _named(world, source_table, standing, ids, name)
    # A sales order's service ticket takes no body that could choose: the order keeps its products.
    keeps = source_table == "order" and kind == "ServiceTicket"
    if keeps or body.get("includeAllProductsFlag") is False:
        return []
    return [
        product
        for product in standing
        if _included(world, product)
        and not _converted(world, product)
        and product.get("invoice") is None
    ]


def _named(world: World, source_table: str, standing: list[Row], ids: Any, name: str) -> list[Row]:
    field = "includeProductIds"
    if not isinstance(ids, list):
        raise refused(name, field, "The value must be a list.")
    by_id = {product["id"]: product for product in standing}
    for number in ids:
        if not isinstance(number, int) or number not in by_id:
            message = f"The product {number} is not on the {source_table} or has been converted"
            raise refused(name, field, message)
        if _converted(world, by_id[number]):
            raise refused(name, field, f"The product {number} has already been converted")
        if by_id[number].get("invoice") is not None:
            raise refused(name, field, f"The product {number} is on an invoice")
    return [by_id[number] for number in dict.fromkeys(ids)]


def _included(world: World, product: Row) -> bool:
    line = world.get("forecastItem", product.get("forecastDetailId"))
    return not product.get("cancelledFlag") and (line is None or bool(line.get("includeFlag")))


def _converted(world: World, product: Row) -> bool:
    """A copied product counts as converted as long as its copy stands."""
    return world.get("product", product.get("converted_to")) is not None


def _move(world: World, product: Row, source: str, field: str, target: Row) -> None:
    moved = {source: None, field: target["id"], "company": target["company"]}
    if not world.switches.conversion_keeps_xref:
        moved["integrationXRef"] = None
    if world.switches.conversion == "move":
        world.change("product", product["id"], **moved)
        return
    kept = {name: value for name, value in product.items() if name not in {"id", "_info"}}
    copied = world.insert("product", kept | moved | {"forecastDetailId": None})
    copy_parts(world, product["id"], copied["id"])
    world.change("product", product["id"], converted_to=copied["id"])


# --- what is made


def _existing(
    engine: Engine, made: Kind, source: Row, body: Mapping[str, Any], name: str
) -> Row | None:
    """The record that the body names, to be added to."""
    number = body.get(made.given) or 0
    if isinstance(number, bool) or not isinstance(number, int):
        raise refused(name, made.given, "The value must be a whole number.")
    if number <= 0:
        return None
    row = engine.world.get(made.table, number)
    if row is None or row.get("company") != source["company"]:
        shown = made.field[0].upper() + made.field[1:]
        raise refused(name, made.given, f"The {shown} {number} could not be found")
    if made.table == "ticket":
        refuse_closed(engine.world, number, name)
    return engine.world.replace(made.table, row)


def _new_order(
    engine: Engine, source_table: str, source: Row, kind: str, body: Mapping[str, Any]
) -> Row:
    world = engine.world
    status = world.flagged("orderStatus", "defaultFlag")
    terms = world.flagged("billingTerm", "defaultFlag") or {}
    company = world.get("company", source["company"]) or {}
    carried = {
        name: source.get(name)
        for name in (
            *("company", "contact", "site", "currency"),
            *("shipToCompany", "shipToContact", "shipToSite"),
            *("billToCompany", "billToContact", "billToSite"),
        )
    }
    notes = source.get("notes") if body.get("includeAllNotesFlag") is not False else None
    order = world.insert(
        "order",
        carried
        | {
            "opportunity": source["id"],
            "status": status["id"] if status else None,
            "salesRep": source.get("primarySalesRep"),
            "orderDate": world.stamp(),
            "billingTerms": source.get("billingTerms") or terms.get("id"),
            "taxCode": source.get("taxCode") or company.get("taxCode"),
            "location": source.get("locationId"),
            "department": source.get("businessUnitId"),
            "poNumber": source.get("customerPO"),
            "description": body.get("name") or source.get("name"),
            "notes": notes,
            "billClosedFlag": False,
            "billShippedFlag": False,
            "restrictDownpaymentFlag": False,
            "documentIds": [],
            "configIds": [],
        },
    )
    return world.change("order", order["id"], label=str(order["id"]))


def _new_record(
    engine: Engine, source_table: str, source: Row, kind: str, body: Mapping[str, Any]
) -> Row:
    """A ticket, project or agreement, made as if it were posted: by its own rules and defaults."""
    opportunity = source["id"] if source_table == "opportunity" else source.get("opportunity")
    named = source.get("name") or source.get("description") or f"Sales Order {source['id']}"
    new: dict[str, Any] = {
        "company": {"id": source["company"]},
        "contact": _reference(source.get("contact")),
        "opportunity": _reference(opportunity),
    }
    if kind == "ServiceTicket":
        new["summary"] = body.get("summary") or str(named)[:100]
        new["poNumber"] = source.get("customerPO") or source.get("poNumber")
        if body.get("includeAllNotesFlag") is not False:
            new["initialDescription"] = source.get("notes")
        return engine.create("ticket", new)
    new["name"] = body.get("name") or str(named)[:100]
    new["customerPO"] = source.get("customerPO") or source.get("poNumber")
    new["location"] = _reference(body.get("locationId"))
    new["department"] = _reference(body.get("businessUnitId"))
    if kind == "Project":
        return engine.create("project", new | _of_project(engine.world, source, body))
    return engine.create("agreement", new | _of_agreement(body))


def _of_project(world: World, source: Row, body: Mapping[str, Any]) -> dict[str, Any]:
    boards = (row["id"] for row in world.store.rows("board") if row.get("projectFlag"))
    ends = source.get("expectedCloseDate") or source.get("dueDate") or world.stamp()
    return {
        "board": body.get("board") or _reference(next(boards, None)),
        "status": body.get("status"),
        "manager": body.get("manager"),
        "estimatedStart": body.get("estimatedStart") or world.stamp(),
        "estimatedEnd": body.get("estimatedEnd") or max(str(ends), world.stamp()),
        "billingMethod": "ActualRates",
    }


def _of_agreement(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: body.get(name)
        for name in ("type", "startDate", "endDate", "noEndingDateFlag", "billOneTimeFlag")
    } | {"billingCycle": _reference(body.get("billCycleId"))}


def _reference(number: Any) -> dict[str, Any] | None:
    return {"id": number} if number else None


def _carry_notes(
    world: World, source: Row, ticket: Row, body: Mapping[str, Any], name: str
) -> None:
    """The notes of an opportunity become notes of the ticket's discussion."""
    notes = {row["id"]: row for row in world.find("opportunityNote", "opportunityId", source["id"])}
    ids = body.get("includeNoteIds")
    if not ids:
        ids = [] if body.get("includeAllNotesFlag") is False else list(notes)
    if not isinstance(ids, list) or any(number not in notes for number in ids):
        message = "A note is not on the opportunity"
        raise invalid_object(name, invalid(name, "includeNoteIds", message))
    for number in ids:
        world.insert(
            "ticketNote",
            {
                "ticketId": ticket["id"],
                "text": notes[number].get("text"),
                "detailDescriptionFlag": True,
                "dateCreated": world.stamp(),
                "createdBy": world.member,
            },
        )
