"""Which products are the components of a bundle, and what a component takes from its bundle.

A component's product stands in its bundle alone (`bundle`, which no client sees): it has no order,
ticket or invoice of its own. Whoever asks where a product stands asks its `head`.
"""

from __future__ import annotations

from decimal import Decimal

from sandbox.connectwise.model.rules.base import amount, decimal
from sandbox.connectwise.model.store import Row, View
from sandbox.connectwise.model.world import World

BUNDLE = "Bundle"


def head(view: View, product: Row) -> Row:
    """The bundle of a component; any other product itself."""
    return view.get("product", product.get("bundle")) or product


def parts(view: View, product_id: int) -> list[Row]:
    """The products of a bundle's components, in the order in which they were added."""
    return view.find("product", "bundle", (product_id,))


def per_bundle(view: View, part: Row) -> Decimal:
    """How many of a component one bundle holds."""
    for component in view.find("component", "productItem", (part["id"],)):
        return decimal(component["quantity"])
    return Decimal(1)


def keep_step(world: World, bundle: Row) -> None:
    """Gives a bundle's components the quantities, the cancellation and the company it has now."""
    for part in parts(world.store, bundle["id"]):
        each = per_bundle(world.store, part)
        world.change(
            "product",
            part["id"],
            quantity=amount(each * decimal(bundle.get("quantity"))),
            quantityCancelled=amount(each * decimal(bundle.get("quantityCancelled"))),
            cancelledFlag=bool(bundle.get("cancelledFlag")),
            company=bundle.get("company"),
        )


def remove_parts(world: World, product_id: int) -> None:
    """Takes a bundle's components along, unasked: whether they may go was asked before."""
    for component in world.find("component", "parentProductItem", product_id):
        world.delete("component", component["id"])
    for part in parts(world.store, product_id):
        for detail in world.find("shipping", "productItem", part["id"]):
            world.delete("shipping", detail["id"])
        world.delete("product", part["id"])


def copy_parts(world: World, from_id: int, to_id: int) -> None:
    """Gives a copied bundle components of its own."""
    for component in world.find("component", "parentProductItem", from_id):
        part = world.row("product", component["productItem"])
        copied = world.insert("product", _kept(part) | {"bundle": to_id})
        world.insert(
            "component",
            _kept(component) | {"parentProductItem": to_id, "productItem": copied["id"]},
        )


def _kept(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in {"id", "_info"}}
