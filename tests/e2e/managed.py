"""What stands in ConnectWise of an order of configuration D, and purchase orders as D5 has them.

Owns the reading of notes over the vendor's own API; shares no code with the service.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.harness import Rest, Stack
from tests.e2e.orders import Json, Order

D: dict[str, Any] = {"scenario": "connectwise-managed"}


def supplied(
    order: Order,
    po: int,
    lines: list[tuple[int, int]],
    supplier_sku: str,
    supplier: Json | None = None,
    **header: Any,
) -> Json:
    """A purchase order whose lines carry the supplier's SKU."""
    event = order.ordered(po, lines, supplier)
    document = event["data"]["purchaseOrder"]
    document.update(header)
    for line in document["lines"]:
        line["supplierSku"] = supplier_sku
    return event


async def notes(stack: Stack, ticket: int) -> list[Rest]:
    """The notes of a ticket that the service wrote, the oldest first."""
    found = await stack.get(f"/service/tickets/{ticket}/notes")
    ours = [note for note in found if "[demandlink suggestion " in str(note.get("text"))]
    return sorted(ours, key=lambda note: int(note["id"]))


async def buys(stack: Stack, product: int, quantity: int) -> None:
    """The purchasing officer orders in ConnectWise what a product needs, and receives it there."""
    vendors = await stack.get("/company/companies", conditions='identifier="INGRAM"')
    demand = {
        "vendor": {"id": vendors[0]["id"]},
        "products": [{"productRecId": product, "quantity": quantity, "cost": 1.0}],
    }
    answer = await stack.cw.post("/procurement/purchasingDemands", json=demand)
    answer.raise_for_status()
    lines = f"/procurement/purchaseorders/{answer.json()['purchaseOrder']['id']}/lineitems"
    for line in await stack.get(lines):
        change = [
            {"op": "replace", "path": "receivedQuantity", "value": quantity},
            {"op": "replace", "path": "receivedStatus", "value": "FullyReceived"},
        ]
        (await stack.cw.patch(f"{lines}/{line['id']}", json=change)).raise_for_status()
