"""Opportunities: closing and reopening, the frozen state, and the forecast."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import Refusal, invalid, invalid_object, refused
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    amount,
    changed,
    decimal,
    default_place,
    fill,
    money,
)
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
        world.delete("product", product["id"])
    for table in ("forecastItem", "opportunityNote"):
        field = "opportunity" if table == "forecastItem" else "opportunityId"
        for child in world.find(table, field, row["id"]):
            world.delete(table, child["id"])


# --- the forecast


def save_forecast(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    path_parent = extras.get("parent")
    if path_parent is not None and new.get("opportunity") != path_parent:
        raise refused("forecastItem", "opportunity", "The opportunity is not the one of the path")
    refuse_frozen(world, new.get("opportunity"), "forecastItem", "opportunity")
    if decimal(new.get("quantity")) < 0:
        raise refused("forecastItem", "quantity", "The quantity cannot be negative")
    item = world.get("catalog", new.get("catalogItem"))
    if item is not None:
        fill(new, productDescription=item["description"], productClass=item["productClass"])
        fill(new, forecastDescription=item["description"][:50])


def saved_forecast(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    """A changed quantity shows on the product behind the line."""
    if old is None or not changed(old, new, "quantity"):
        return
    for product in world.find("product", "forecastDetailId", new["id"]):
        if product.get("opportunity") == new["opportunity"]:
            world.change("product", product["id"], quantity=new["quantity"])


def delete_forecast(world: World, row: Row) -> None:
    refuse_frozen(world, row["opportunity"], "forecastItem", "opportunity")
    for product in world.find("product", "forecastDetailId", row["id"]):
        if product.get("opportunity") == row["opportunity"]:
            world.delete("product", product["id"])


def show_forecast(world: World, view: View, row: Row) -> Mapping[str, Any]:
    return {"margin": money(decimal(row.get("revenue")) - decimal(row.get("cost")))}


def add_forecast_of(world: World, product: Row) -> int:
    """The forecast line of a product that was put on an opportunity."""
    opportunity = world.row("opportunity", product["opportunity"])
    kind = product.get("productClass")
    quantity = decimal(product.get("quantity"))
    line = world.insert(
        "forecastItem",
        {
            "opportunity": opportunity["id"],
            "status": opportunity.get("status"),
            "catalogItem": product["catalogItem"],
            "productDescription": product.get("description"),
            "forecastDescription": str(product.get("description") or "")[:50],
            "productClass": kind,
            "forecastType": kind if kind in {"Service", "Agreement"} else "Product",
            "quantity": amount(quantity),
            "revenue": money(decimal(product.get("price")) * quantity),
            "cost": money(decimal(product.get("cost")) * quantity),
            "includeFlag": True,
            "linkFlag": False,
            "percentage": 100,
            "sequenceNumber": product.get("sequenceNumber"),
            "taxableFlag": product.get("taxableFlag"),
        },
    )
    return int(line["id"])


def whole_forecast(view: View, opportunity: Row, items: list[dict[str, Any]]) -> dict[str, Any]:
    """The vendor's Forecast: the items and the sums over them."""

    def total(kinds: set[str] | None, included: bool) -> dict[str, Any]:
        chosen = [
            row
            for row in view.find("forecastItem", "opportunity", (opportunity["id"],))
            if (kinds is None or row.get("forecastType") in kinds)
            and (not included or row.get("includeFlag"))
        ]
        revenue = sum((decimal(row.get("revenue")) for row in chosen), Decimal(0))
        cost = sum((decimal(row.get("cost")) for row in chosen), Decimal(0))
        percent = (revenue - cost) * 100 / revenue if revenue else Decimal(0)
        return {
            "id": opportunity["id"],
            "revenue": money(revenue),
            "cost": money(cost),
            "margin": money(revenue - cost),
            "percentage": money(percent),
        }

    return {
        "id": opportunity["id"],
        "forecastItems": items,
        "productRevenue": total({"Product"}, True),
        "serviceRevenue": total({"Service"}, True),
        "agreementRevenue": total({"Agreement"}, True),
        "forecastRevenueTotals": total(None, True),
        "inclusiveRevenueTotals": total(None, False),
        "_info": opportunity["_info"],
    }


def save_note(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    fill(new, enteredBy=world.member)
    if not new.get("text"):
        raise invalid_object("note", invalid("note", "text", "The text field is required."))


RULES: dict[str, Rules] = {
    "opportunity": Rules(save, saved, before_delete=delete),
    "forecastItem": Rules(
        save_forecast, saved_forecast, before_delete=delete_forecast, computed=show_forecast
    ),
    "opportunityNote": Rules(save_note),
    "purchaseOrderNote": Rules(save_note),
}
