"""Purchase orders and their lines, and the purchasing demand that makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import Refusal, invalid, invalid_object, refused
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.rules import demand, receiving, stock
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    changed,
    decimal,
    default_place,
    fill,
    money,
)
from sandbox.connectwise.model.rules.setup import save_default
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

ORDER = "purchaseOrder"
LINE = "purchaseOrderLineItem"
DEMAND = "purchasingDemand"


def is_closed(view: View, order: Row) -> bool:
    status = view.get("purchaseOrderStatus", order.get("status")) or {}
    return bool(status.get("closedFlag"))


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is None:
        place = default_place(world)
        vendor = world.get("company", new.get("vendorCompany")) or {}
        new["poNumber"] = new.get("poNumber") or next_number(world)
        fill(
            new,
            poDate=world.stamp(),
            location=place["location"],
            businessUnit=place["department"],
            enteredBy=world.member,
            vendorSite=vendor.get("site"),
            vendorContact=vendor.get("defaultContact"),
        )
    closed = is_closed(world.store, new)
    was_closed = old is not None and is_closed(world.store, old)
    if closed and not was_closed:
        new["dateClosed"], new["closedBy"] = world.stamp(), world.member
    elif was_closed and not closed:
        new["dateClosed"] = new["closedBy"] = None


def next_number(world: World) -> str:
    """The next automatic number: prefix, running number, suffix from the procurement settings."""
    for settings in world.store.rows("procurementSetting"):
        number = int(settings.get("next_number") or settings["startingPurchaseOrderNum"])
        prefix, suffix = settings.get("purchaseOrderPrefix"), settings.get("purchaseOrderSuffix")
        while True:
            text = f"{prefix or ''}{number}{suffix or ''}"
            number += 1
            if not world.find(ORDER, "poNumber", text):
                break
        world.store.put("procurementSetting", settings["id"], settings | {"next_number": number})
        return text
    return ""


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    cascade: dict[str, Any] = {}
    if extras.get("updateVendorOrderNumber"):
        cascade["vendorOrderNumber"] = new.get("vendorOrderNumber")
    if extras.get("updateShipmentInfo"):
        cascade |= {
            "trackingNumber": new.get("trackingNumber"),
            "shipDate": new.get("shipmentDate"),
            "shipmentMethod": new.get("shipmentMethod"),
        }
    if cascade:
        for line in world.find("line", "purchaseOrderId", new["id"]):
            refuse_batched(line, "updateShipmentInfo", ORDER)
            world.change("line", line["id"], **cascade)


def refuse_batched(line: Row, field: str, resource: str) -> None:
    """Raises 400 while an accounting batch holds the line."""
    if line.get("batchedFlag"):
        raise refused(resource, field, "The line item is in an accounting batch and is locked")


def delete(world: World, row: Row) -> None:
    lines = world.find("line", "purchaseOrderId", row["id"])
    if any(decimal(line.get("receivedQuantity")) for line in lines):
        raise refused(ORDER, "id", "A purchase order with received items cannot be deleted")
    for line in lines:
        demand.release(world, line["id"])
        world.delete("line", line["id"])
    for note in world.find("purchaseOrderNote", "purchaseHeaderRecID", row["id"]):
        world.delete("purchaseOrderNote", note["id"])


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    lines = [
        line
        for line in view.find("line", "purchaseOrderId", (row["id"],))
        if not line.get("canceledFlag")
    ]
    subtotal = sum(
        (decimal(line.get("unitCost")) * decimal(line["quantity"]) for line in lines), Decimal(0)
    )
    tax = sum((decimal(line.get("tax")) for line in lines), Decimal(0))
    return {
        "closedFlag": is_closed(view, row),
        "subTotal": money(subtotal),
        "salesTax": money(tax),
        "total": money(subtotal + tax + decimal(row.get("freightCost"))),
    }


# --- lines


def save_line(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is not None and old != new:
        refuse_batched(old, "batchedFlag", LINE)
    order = world.row(ORDER, new["purchaseOrderId"])
    if old is not None and old.get("batchedFlag"):
        raise refused(LINE, "batchedFlag", "The line item is in an accounting batch")
    if is_closed(world.store, order) and (
        old is None or changed(old, new, "quantity", "receivedQuantity", "product")
    ):
        raise refused(LINE, "purchaseOrderId", "The purchase order is closed")
    if decimal(new.get("quantity")) <= 0:
        raise refused(LINE, "quantity", "The quantity must be above 0")
    if (
        old is not None
        and changed(old, new, "product")
        and demand.links_of_line(world.store, old["id"])
    ):
        raise refused(LINE, "product", "A line with demand keeps its item")
    if old is None:
        item = world.get("catalog", new.get("product")) or {}
        fill(new, unitCost=item.get("cost"), warehouse=order.get("warehouse"))
        fill(new, vendorSku=item.get("vendorSku"))
    fill(new, warehouseBin=stock.default_bin(world.store, new.get("warehouse")))
    receiving.plan(world, old, new, extras)


def saved_line(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is None:
        _link_new_line(world, new, extras)
    elif world.switches.line_sales_order_writable and extras.get("salesOrder") is not None:
        demand.release(world, new["id"])
        demand.link_open_demand(world, new, _orders_named(world, extras["salesOrder"]))
    elif new["quantity"] < old["quantity"] and "receipt" not in extras:
        demand.release(world, new["id"], keep=decimal(new["quantity"]))
    receiving.carry_out(world, new, extras)


def _link_new_line(world: World, line: Row, extras: Extras) -> None:
    if "demand" in extras:
        return
    named = extras.get("salesOrder")
    if world.switches.line_sales_order_writable and named:
        demand.link_open_demand(world, line, _orders_named(world, named))
    elif world.switches.plain_lines_link:
        demand.link_open_demand(world, line)


def _orders_named(world: World, named: list[Mapping[str, Any]]) -> list[int]:
    ids = [each.get("id") for each in named]
    for number in ids:
        if not isinstance(number, int) or world.get("order", number) is None:
            raise refused(LINE, "salesOrder", f"The SalesOrder {number} could not be found.")
    return [number for number in ids if isinstance(number, int)]


def delete_line(world: World, row: Row) -> None:
    refuse_batched(row, "batchedFlag", LINE)
    order = world.row(ORDER, row["purchaseOrderId"])
    if is_closed(world.store, order) or row.get("closedFlag"):
        raise refused(LINE, "id", "A closed line cannot be deleted")
    if decimal(row.get("receivedQuantity")):
        raise refused(LINE, "id", "A received line cannot be deleted")
    demand.release(world, row["id"])


def show_line(world: World, view: View, row: Row) -> Mapping[str, Any]:
    order = view.get(ORDER, row["purchaseOrderId"]) or {}
    return {
        "purchaseOrderNumber": order.get("poNumber"),
        "extCost": money(decimal(row.get("unitCost")) * decimal(row["quantity"])),
        "salesOrder": demand.orders_of_line(view, row["id"]),
    }


def copied(world: World, order: Row) -> Row:
    """A new purchase order for the same goods: nothing received, closed, posted or numbered yet."""
    status = world.flagged("purchaseOrderStatus", "defaultFlag") or {}
    kept = {name: value for name, value in order.items() if name not in NOT_COPIED}
    new: Row = kept | {"status": status.get("id", order["status"]), "freightCost": 0.0}
    save(world, None, new, {})
    made = world.insert(ORDER, new)
    for line in world.find("line", "purchaseOrderId", order["id"]):
        if line.get("canceledFlag"):
            continue
        kept = {name: value for name, value in line.items() if name not in LINE_NOT_COPIED}
        fresh = dict(RESOURCES["line"].defaults) | {"purchaseOrderId": made["id"]}
        one: Row = kept | fresh
        extras: Extras = {}
        save_line(world, None, one, extras)
        saved_line(world, None, world.insert("line", one), extras)
    return made


NOT_COPIED = {
    *("id", "_info", "poNumber", "poDate", "enteredBy", "dateClosed", "closedBy", "cancelReason"),
    *("vendorInvoiceNumber", "vendorInvoiceDate", "vendorOrderNumber", "trackingNumber"),
    *("shipmentDate", "freightPackingSlip", "freightTaxTotal"),
}
LINE_NOT_COPIED = {
    *("id", "_info", "batch", "unbatchedRecId", "packingSlip", "serialNumbers", "dateReceived"),
    *("trackingNumber", "shipDate", "vendorOrderNumber", "canceledReason"),
}


# --- purchasing demand


def post_demand(
    world: World,
    body: Mapping[str, Any],
    *,
    vendor: int | None,
    warehouse: int | None,
    order_id: int | None,
) -> Row:
    """Makes a purchase order of products' open demand, or adds to one. Gives the order's row."""
    wanted = _demands(world, body)
    order = world.get(ORDER, order_id) if world.switches.demand_post_appends else None
    if order is not None:
        if is_closed(world.store, order):
            raise refused(DEMAND, "purchaseOrder", "The purchase order is closed")
        if vendor is not None and vendor != order["vendorCompany"]:
            raise refused(DEMAND, "vendor", "The purchase order is for another vendor")
        order = world.replace(ORDER, order)
    else:
        order = _order_for(world, vendor, warehouse)
    number = max(
        (int(line["lineNumber"]) for line in world.find("line", "purchaseOrderId", order["id"])),
        default=0,
    )
    for product, quantity, cost in wanted:
        number += 1
        _demand_line(world, order, product, quantity, cost, number)
    return world.row(ORDER, order["id"])


def _demands(world: World, body: Mapping[str, Any]) -> list[tuple[Row, int, Any]]:
    """The products of the body, each checked against its open demand. All faults at once."""
    entries = body.get("products")
    if not isinstance(entries, list) or not entries:
        raise refused(DEMAND, "products", "The products field is required.")
    faults, chosen = [], []
    taken: dict[int, int] = {}
    for place, entry in enumerate(entries):
        field = f"products[{place}]"
        given = entry if isinstance(entry, Mapping) else {}
        number, quantity = given.get("productRecId"), given.get("quantity")
        product = world.get("product", number) if isinstance(number, int) else None
        if product is None:
            message = f"The product {number} could not be found."
            faults.append(invalid(DEMAND, f"{field}.productRecId", message))
            continue
        if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity <= 0:
            message = "The quantity must be a whole number above 0."
            faults.append(invalid(DEMAND, f"{field}.quantity", message))
            continue
        open_now = demand.open_demand(world, world.store, product) - taken.get(product["id"], 0)
        if quantity > open_now:
            message = f"The open demand of the product {number} is {max(open_now, 0)}"
            faults.append(invalid(DEMAND, f"{field}.quantity", message))
            continue
        if not product.get("poApprovedFlag", True):
            message = f"The product {number} is not approved for purchase"
            faults.append(invalid(DEMAND, f"{field}.productRecId", message))
            continue
        taken[product["id"]] = taken.get(product["id"], 0) + quantity
        chosen.append((product, quantity, given.get("cost")))
    if faults:
        raise invalid_object(DEMAND, *faults)
    return chosen


def _order_for(world: World, vendor: int | None, warehouse: int | None) -> Row:
    if vendor is None:
        raise Refusal(
            400,
            "InvalidObject",
            f"{DEMAND} object is invalid",
            (invalid(DEMAND, "vendor", "The vendor field is required."),),
        )
    status = world.flagged("purchaseOrderStatus", "defaultFlag") or {}
    terms = world.flagged("billingTerm", "defaultFlag") or {}
    main = world.flagged("warehouse", "overallDefaultFlag") or {}
    new: Row = {
        "vendorCompany": vendor,
        "warehouse": warehouse if warehouse is not None else main.get("id"),
        "status": status.get("id"),
        "terms": (world.get("company", vendor) or {}).get("billingTerms") or terms.get("id"),
        "freightCost": 0.0,
        "dropShipCustomerFlag": False,
        "taxFreightFlag": False,
        "taxPoFlag": False,
    }
    save(world, None, new, {})
    return world.insert(ORDER, new)


def _demand_line(
    world: World, order: Row, product: Row, quantity: int, cost: Any, number: int
) -> None:
    item = world.row("catalog", product["catalogItem"])
    new: Row = {
        "purchaseOrderId": order["id"],
        "lineNumber": number,
        "product": item["id"],
        "description": product.get("description") or item["description"],
        "quantity": float(quantity),
        "unitOfMeasure": product.get("unitOfMeasure") or item.get("unitOfMeasure"),
        "unitCost": float(cost) if isinstance(cost, int | float) else product.get("cost"),
        "vendorSku": product.get("vendorSku"),
        "receivedQuantity": 0,
        "receivedStatus": "Waiting",
        "tax": 0.0,
    } | dict.fromkeys(
        ("backorderedFlag", "canceledFlag", "closedFlag", "batchedFlag", "isDetachAvailable"),
        False,
    )
    extras: Extras = {"demand": True}
    save_line(world, None, new, extras)
    line = world.insert("line", new)
    demand.add_link(world, line["id"], product["id"], Decimal(quantity))
    world.change("product", product["id"], vendor=order["vendorCompany"])


# --- statuses


def save_notification(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    kind = str((new.get("notifyWho") or {}).get("name") or "")
    if kind.lower() == "email address" and not new.get("email"):
        raise refused("purchaseOrderStatusNotification", "email", "The email field is required.")


def usages(view: View, status_id: int) -> int:
    """How many purchase orders stand in a status."""
    return len(view.find(ORDER, "status", (status_id,)))


def delete_status(world: World, row: Row) -> None:
    if usages(world.store, row["id"]):
        raise refused("purchaseOrderStatus", "id", "The status is in use and cannot be deleted")
    for table in ("purchaseOrderStatusEmail", "purchaseOrderStatusNotification"):
        for child in world.find(table, "status", row["id"]):
            world.delete(table, child["id"])


RULES: dict[str, Rules] = {
    "purchaseOrderStatus": replace(
        save_default("purchaseOrderStatus"), before_delete=delete_status
    ),
    "purchaseOrderStatusNotification": Rules(save_notification),
    ORDER: Rules(save, saved, before_delete=delete, computed=show),
    "line": Rules(save_line, saved_line, before_delete=delete_line, computed=show_line),
}
