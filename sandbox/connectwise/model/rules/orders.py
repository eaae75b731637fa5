"""Sales orders: what they show of their products, and when they can go."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    decimal,
    default_place,
    fill,
    money,
)
from sandbox.connectwise.model.rules.containers import parts, remove_parts
from sandbox.connectwise.model.rules.demand import wanted
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World


def save(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if old is None:
        place = default_place(world)
        company = world.get("company", new.get("company")) or {}
        fill(
            new,
            orderDate=world.stamp(),
            location=place["location"],
            department=place["department"],
            site=company.get("site"),
            contact=company.get("defaultContact"),
            taxCode=company.get("taxCode"),
        )


def saved(world: World, old: Row | None, new: Row, extras: Extras) -> None:
    if new.get("label") is None:
        world.change("order", new["id"], label=str(new["id"]))


def delete(world: World, row: Row) -> None:
    if world.find("invoice", "salesOrder", row["id"]):
        raise refused("salesOrder", "id", "An invoiced sales order cannot be deleted")
    products = world.find("product", "salesOrder", row["id"])
    for product in products:
        for each in (product, *parts(world.store, product["id"])):
            if world.find("link", "product", each["id"]):
                raise refused("salesOrder", "id", "Its products are on purchase orders")
    for product in products:
        remove_parts(world, product["id"])
        world.delete("product", product["id"])
    for conversion in list(world.store.rows("conversion")):
        made_it = conversion["kind"] == "SalesOrder" and conversion["target"] == row["id"]
        if made_it or conversion["order"] == row["id"]:
            world.delete("conversion", conversion["id"])


def show(world: World, view: View, row: Row) -> Mapping[str, Any]:
    products = view.find("product", "salesOrder", (row["id"],))
    subtotal = sum((line_total(product) for product in products), Decimal(0))
    taxable = sum(
        (line_total(product) for product in products if product.get("taxableFlag")), Decimal(0)
    )
    code = view.get("taxCode", row.get("taxCode")) or {}
    tax = taxable * decimal(code.get("levelOneRate")) / 100
    return {
        "productIds": [product["id"] for product in products],
        "invoiceIds": [each["id"] for each in view.find("invoice", "salesOrder", (row["id"],))],
        "subTotal": money(subtotal),
        "taxTotal": money(tax),
        "total": money(subtotal + tax),
    }


def line_total(product: Row) -> Decimal:
    """Price by quantity, less the discount."""
    return decimal(product.get("price")) * wanted(product) - decimal(product.get("discount"))


def show_line(world: World, view: View, row: Row) -> Mapping[str, Any]:
    """A line of the thin view over an order's products."""
    bought = [row["id"], *(part["id"] for part in parts(view, row["id"]))]
    links = view.find("link", "product", bought)
    numbers: dict[str, None] = {}
    for link in links:
        line = view.get("line", link["line"]) or {}
        order = view.get("purchaseOrder", line.get("purchaseOrderId")) or {}
        if order.get("poNumber"):
            numbers[order["poNumber"]] = None
    return {
        "purchaseOrderNumber": ", ".join(numbers)[:100] or None,
        "billStatus": "Invoiced" if row.get("invoice") else "NotInvoiced",
        "quantity": int(decimal(row.get("quantity"))),
        "quantityCancelled": int(decimal(row.get("quantityCancelled"))),
    }


def recap(view: View, order: Row) -> dict[str, Any]:
    """The order's billable sum, its cost, and what is left between them."""
    products = view.find("product", "salesOrder", (order["id"],))
    billable = sum(
        (line_total(row) for row in products if row.get("billableOption") == "Billable"), Decimal(0)
    )
    cost = sum((decimal(row.get("cost")) * wanted(row) for row in products), Decimal(0))
    margin = billable - cost
    return {
        "id": order["id"],
        "billableAmount": money(billable),
        "cost": money(cost),
        "margin": money(margin),
        "percent": money(margin * 100 / billable if billable else Decimal(0)),
    }


RULES: dict[str, Rules] = {
    "order": Rules(save, saved, before_delete=delete, computed=show),
}
