"""What a person would do in ConnectWise, so that integrations see changes they did not make.

Owns the list of acts. Each goes through the same rules as a request and is refused like one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.connectwise.model import conversions
from sandbox.connectwise.model.engine import Engine
from sandbox.connectwise.model.errors import bad_request, not_found
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.rules.base import decimal
from sandbox.connectwise.model.rules.demand import picked, wanted
from sandbox.connectwise.model.rules.products import shipped
from sandbox.connectwise.model.rules.service import statuses_of
from sandbox.connectwise.model.rules.stock import default_bin
from sandbox.connectwise.model.store import Row

Act = Callable[[Engine, int, Mapping[str, Any]], tuple[str, Row | None]]


def _existing(engine: Engine, table: str, record_id: int) -> Row:
    row = engine.world.get(table, record_id)
    if row is None:
        raise not_found(RESOURCES[table].name, record_id)
    return row


def convert_opportunity(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Takes the conversion's own fields as well, such as includeProductIds and salesOrderId."""
    opportunity = _existing(engine, "opportunity", number)
    return "order", conversions.convert(engine, "opportunity", opportunity, "SalesOrder", body)


def invoice_sales_order(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """`type` is Standard, or Progress for a part."""
    return "invoice", _invoice(engine, number, str(body.get("type") or "Standard"), {})


def invoice_ticket(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Bills what stands on the ticket and is on no invoice."""
    return "invoice", _invoice(engine, number, "Standard", {}, of=("ticket", "Ticket"))


def down_payment(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """An invoice of the type DownPayment over `amount`; it takes no products."""
    sum_due = {"downpaymentApplied": body.get("amount") or 100.0}
    return "invoice", _invoice(engine, number, "DownPayment", sum_due)


def _invoice(
    engine: Engine,
    number: int,
    kind: str,
    more: Mapping[str, Any],
    of: tuple[str, str] = ("order", "SalesOrder"),
) -> Row:
    table, applies_to = of
    record = _existing(engine, table, number)
    return engine.create(
        "invoice",
        {
            "type": kind,
            "company": {"id": record["company"]},
            "applyToType": applies_to,
            "applyToId": number,
        }
        | dict(more),
    )


def ship_product(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Ships `quantity` (all that is picked and not shipped, else all that is on order), picking
    from the default bin what has not been picked."""
    world = engine.world
    product = _existing(engine, "product", number)
    free = picked(world.store, number) - shipped(world.store, number)
    rest = wanted(product) - shipped(world.store, number)
    quantity = decimal(body["quantity"]) if body.get("quantity") else free or rest
    for detail in world.find("shipping", "productItem", number):
        part = min(quantity, decimal(detail["pickedQuantity"]) - decimal(detail["shippedQuantity"]))
        if part > 0:
            total = int(decimal(detail["shippedQuantity"]) + part)
            engine.put(
                "shipping",
                detail["id"],
                {
                    "pickedQuantity": detail["pickedQuantity"],
                    "shippedQuantity": total,
                    "warehouse": {"id": detail["warehouse"]},
                    "warehouseBin": {"id": detail["warehouseBin"]},
                },
                number,
            )
            quantity -= part
    if quantity > Decimal(0):
        main = world.flagged("warehouse", "overallDefaultFlag") or {}
        engine.create(
            "shipping",
            {
                "pickedQuantity": int(quantity),
                "shippedQuantity": int(quantity),
                "warehouse": {"id": main.get("id")},
                "warehouseBin": {"id": default_bin(world.store, main.get("id"))},
            },
            number,
        )
    return "product", world.row("product", number)


def close_ticket(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    ticket = _existing(engine, "ticket", number)
    closed = [row for row in statuses_of(engine.world, ticket["board"]) if row["closedStatus"]]
    if not closed:
        raise bad_request("The board has no closed status.")
    change = {"op": "replace", "path": "status", "value": {"id": closed[0]["id"]}}
    return "ticket", engine.patch("ticket", number, [change])


def merge_ticket(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Merges the ticket into the ticket `into`, which closes it."""
    into = body.get("into")
    if not isinstance(into, int) or into == number:
        raise bad_request("merge_ticket needs into, the id of another ticket.")
    parent = _existing(engine, "ticket", into)
    close_ticket(engine, number, body)
    engine.world.change("ticket", parent["id"], hasMergedChildTicketFlag=True)
    return "ticket", engine.world.change("ticket", number, mergedParentTicket=into)


def delete_purchase_order(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, None]:
    engine.delete("purchaseOrder", number)
    return "purchaseOrder", None


def rename_purchase_order(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Gives the purchase order the number `poNumber`."""
    name = str(body.get("poNumber") or f"RENAMED-{number}")
    change = {"op": "replace", "path": "poNumber", "value": name}
    return "purchaseOrder", engine.patch("purchaseOrder", number, [change])


def batch_line(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Accounting takes a purchase order's line over: it cannot be changed any more."""
    _existing(engine, "line", number)
    return "line", engine.world.change("line", number, batchedFlag=True)


def edit_product(engine: Engine, number: int, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Sets the fields of `changes`, by the product's own field names."""
    changes = body.get("changes")
    if not isinstance(changes, Mapping) or not changes:
        raise bad_request("edit_product needs changes, an object of fields.")
    operations = [
        {"op": "replace", "path": name, "value": value} for name, value in changes.items()
    ]
    return "product", engine.patch("product", number, operations)


ACTS: dict[str, Act] = {
    act.__name__: act
    for act in (
        convert_opportunity,
        invoice_sales_order,
        invoice_ticket,
        down_payment,
        ship_product,
        close_ticket,
        merge_ticket,
        delete_purchase_order,
        rename_purchase_order,
        batch_line,
        edit_product,
    )
}


def perform(engine: Engine, body: Any) -> tuple[str, Row | None]:
    """Does an act inside an open write. Raises `Refusal` 400 naming the acts there are."""
    name = body.get("act") if isinstance(body, Mapping) else None
    act = ACTS.get(name) if isinstance(name, str) else None
    if act is None:
        raise bad_request(f"act must be one of: {', '.join(ACTS)}.")
    number = body.get("id")
    if isinstance(number, bool) or not isinstance(number, int):
        raise bad_request(f"{name} needs id, a number.")
    return act(engine, number, body)
