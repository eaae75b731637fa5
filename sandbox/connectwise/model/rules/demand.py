"""Purchasing demand: which products raise it, how much is open, and the links that cover it.

Owns the links between products and purchase order lines (many to many, with quantities). A link
also holds how much of it has been received.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.connectwise.model.errors import refused
from sandbox.connectwise.model.rules.base import amount, decimal
from sandbox.connectwise.model.rules.containers import head
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

PURCHASED = {"Inventory", "NonInventory"}
"""The product classes that are bought. Services, agreements and bundles raise no demand."""


def wanted(product: Row) -> Decimal:
    """The quantity that is still to be delivered or has been: ordered less cancelled."""
    return max(
        decimal(product.get("quantity")) - decimal(product.get("quantityCancelled")), Decimal(0)
    )


def raises_demand(world: World, view: View, product: Row) -> bool:
    """Whether a product is to be bought. A component stands where its bundle stands."""
    sources, placed = world.switches.demand_from, head(view, product)
    sold = placed.get("salesOrder") is not None
    serviced = placed.get("ticket") is not None or placed.get("project") is not None
    return (
        (("sales_order" in sources and sold) or ("ticket" in sources and serviced))
        and product.get("productClass") in PURCHASED
        and placed.get("invoice") is None
        and not product.get("not_purchased")
        and wanted(product) > 0
    )


def linked(view: View, product_id: int) -> Decimal:
    links = view.find("link", "product", (product_id,))
    return sum((decimal(link["quantity"]) for link in links), Decimal(0))


def picked(view: View, product_id: int) -> Decimal:
    details = view.find("shipping", "productItem", (product_id,))
    return sum((decimal(detail["pickedQuantity"]) for detail in details), Decimal(0))


def open_demand(world: World, view: View, product: Row) -> int:
    """What is neither on a purchase order nor picked from stock."""
    if not raises_demand(world, view, product):
        return 0
    links = view.find("link", "product", (product["id"],))
    covered = sum((decimal(link["quantity"]) for link in links), Decimal(0))
    received = sum((decimal(link["received"]) for link in links), Decimal(0))
    from_stock = max(picked(view, product["id"]) - received, Decimal(0))
    return int(max(wanted(product) - covered - from_stock, Decimal(0)))


def add_link(world: World, line_id: int, product_id: int, quantity: Decimal) -> None:
    if world.loses_links():
        return
    world.insert(
        "link",
        {"line": line_id, "product": product_id, "quantity": amount(quantity), "received": 0.0},
    )
    product = world.row("product", product_id)
    if product.get("purchaseDate") is None:
        product = product | {"purchaseDate": world.stamp()}
    world.replace("product", product)


def link_open_demand(world: World, line: Row, orders: list[int] | None = None) -> None:
    """Links a line to the open demand of its catalog item, oldest product first."""
    rest = decimal(line["quantity"])
    for product in world.find("product", "catalogItem", line["product"]):
        if orders is not None and head(world.store, product).get("salesOrder") not in orders:
            continue
        share = min(rest, Decimal(open_demand(world, world.store, product)))
        if share > 0:
            add_link(world, line["id"], product["id"], share)
            rest -= share
        if rest <= 0:
            return


def refuse_bought(world: World, product: Row) -> None:
    """Raises 400 when a product cannot go because goods were bought or picked for it."""
    if linked(world.store, product["id"]) or picked(world.store, product["id"]):
        raise refused("productItem", "id", "The product is on a purchase order or has been picked")


def links_of_line(view: View, line_id: int) -> list[Row]:
    return view.find("link", "line", (line_id,))


def release(world: World, line_id: int, keep: Decimal = Decimal(0)) -> None:
    """Gives up a line's links beyond a quantity, the newest first; their demand is open again."""
    links = links_of_line(world.store, line_id)
    over = sum((decimal(link["quantity"]) for link in links), Decimal(0)) - keep
    for link in reversed(links):
        if over <= 0:
            return
        free = decimal(link["quantity"]) - decimal(link["received"])
        give = min(over, free)
        if give <= 0:
            continue
        rest = decimal(link["quantity"]) - give
        if rest > 0:
            world.change("link", link["id"], quantity=amount(rest))
        else:
            world.delete("link", link["id"])
        product = world.get("product", link["product"])
        if product is not None:
            world.replace("product", product)
        over -= give


def orders_of_line(view: View, line_id: int) -> list[int]:
    """The sales orders whose products a line is linked to."""
    orders: dict[int, None] = {}
    for link in links_of_line(view, line_id):
        product = view.get("product", link["product"])
        order = head(view, product).get("salesOrder") if product is not None else None
        if order is not None:
            orders[order] = None
    return list(orders)
