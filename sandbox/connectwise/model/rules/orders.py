"""Sales orders, and the conversion that makes them of opportunities.

The conversion is deliberately as dangerous as the vendor's: it is not idempotent, and each call
without `salesOrderId` makes another order, an empty one if nothing is left to convert.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model.errors import Refusal, invalid, refused
from sandbox.connectwise.model.rules.base import (
    Extras,
    Rules,
    decimal,
    default_place,
    fill,
    money,
)
from sandbox.connectwise.model.rules.demand import wanted
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

CONVERSION = "opportunityToSalesOrderConversion"


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
    if any(world.find("link", "product", product["id"]) for product in products):
        raise refused("salesOrder", "id", "Its products are on purchase orders")
    for product in products:
        world.delete("product", product["id"])
    for conversion in list(world.store.rows("conversion")):
        if conversion["order"] == row["id"]:
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
    links = view.find("link", "product", (row["id"],))
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


# --- conversion


def convert(world: World, opportunity: Row, body: Mapping[str, Any]) -> Row:
    """Makes a sales order of an opportunity, or adds to one. Gives the order's row."""
    products = _chosen(world, opportunity, body)
    target = body.get("salesOrderId") or 0
    if isinstance(target, bool) or not isinstance(target, int):
        raise refused(CONVERSION, "salesOrderId", "The value must be a whole number.")
    if target > 0:
        order = world.get("order", target)
        if order is None or order["company"] != opportunity["company"]:
            raise refused(CONVERSION, "salesOrderId", f"The SalesOrder {target} could not be found")
        order = world.replace("order", order)
    else:
        order = _new_order(world, opportunity, body)
    for product in products:
        _move(world, product, order)
    world.insert("conversion", {"opportunity": opportunity["id"], "order": order["id"]})
    if world.switches.callback_on_convert:
        world.announce("opportunity", opportunity["id"])
    return world.row("order", order["id"])


def _chosen(world: World, opportunity: Row, body: Mapping[str, Any]) -> list[Row]:
    standing = world.find("product", "opportunity", opportunity["id"])
    ids = body.get("includeProductIds")
    if ids:
        if not isinstance(ids, list):
            raise refused(CONVERSION, "includeProductIds", "The value must be a list.")
        by_id = {product["id"]: product for product in standing}
        for number in ids:
            if not isinstance(number, int) or number not in by_id:
                raise refused(
                    CONVERSION,
                    "includeProductIds",
                    f"The product {number} is not on the opportunity or has been converted",
                )
            if _converted(world, by_id[number]):
                raise Refusal(
                    400,
                    "InvalidObject",
                    f"{CONVERSION} object is invalid",
                    (
                        invalid(
                            CONVERSION,
                            "includeProductIds",
                            f"The product {number} has already been converted",
                        ),
                    ),
                )
        return [by_id[number] for number in dict.fromkeys(ids)]
    if body.get("includeAllProductsFlag") is False:
        return []
    return [
        product
        for product in standing
        if _included(world, product) and not _converted(world, product)
    ]


def _included(world: World, product: Row) -> bool:
    line = world.get("forecastItem", product.get("forecastDetailId"))
    return not product.get("cancelledFlag") and (line is None or bool(line.get("includeFlag")))


def _converted(world: World, product: Row) -> bool:
    """A copied product counts as converted as long as its copy stands."""
    return world.get("product", product.get("converted_to")) is not None


def _new_order(world: World, opportunity: Row, body: Mapping[str, Any]) -> Row:
    status = world.flagged("orderStatus", "defaultFlag")
    terms = world.flagged("billingTerm", "defaultFlag") or {}
    company = world.get("company", opportunity["company"]) or {}
    carried = {
        name: opportunity.get(name)
        for name in (
            "company",
            "contact",
            "site",
            "shipToCompany",
            "shipToContact",
            "shipToSite",
            "billToCompany",
            "billToContact",
            "billToSite",
            "currency",
        )
    }
    notes = opportunity.get("notes") if body.get("includeAllNotesFlag") is not False else None
    order = world.insert(
        "order",
        carried
        | {
            "opportunity": opportunity["id"],
            "status": status["id"] if status else None,
            "salesRep": opportunity.get("primarySalesRep"),
            "orderDate": world.stamp(),
            "billingTerms": opportunity.get("billingTerms") or terms.get("id"),
            "taxCode": opportunity.get("taxCode") or company.get("taxCode"),
            "location": opportunity.get("locationId"),
            "department": opportunity.get("businessUnitId"),
            "poNumber": opportunity.get("customerPO"),
            "description": body.get("name") or opportunity.get("name"),
            "notes": notes,
            "billClosedFlag": False,
            "billShippedFlag": False,
            "restrictDownpaymentFlag": False,
            "documentIds": [],
            "configIds": [],
        },
    )
    return world.change("order", order["id"], label=str(order["id"]))


def _move(world: World, product: Row, order: Row) -> None:
    moved = {"salesOrder": order["id"], "opportunity": None, "company": order["company"]}
    if not world.switches.conversion_keeps_xref:
        moved["integrationXRef"] = None
    if world.switches.conversion == "move":
        world.change("product", product["id"], **moved)
        return
    kept = {name: value for name, value in product.items() if name not in {"id", "_info"}}
    copied = world.insert("product", kept | moved | {"forecastDetailId": None})
    world.change("product", product["id"], converted_to=copied["id"])


def conversions_of(view: View, opportunity_id: int) -> list[dict[str, Any]]:
    """What an opportunity was converted into, one entry for each call."""
    return [
        {
            "parentType": "Opportunity",
            "convertedTo": {"id": row["order"], "name": "SalesOrder"},
            "_info": row["_info"],
        }
        for row in view.find("conversion", "opportunity", (opportunity_id,))
    ]


RULES: dict[str, Rules] = {
    "order": Rules(save, saved, before_delete=delete, computed=show),
    "orderLine": Rules(computed=show_line),
}
