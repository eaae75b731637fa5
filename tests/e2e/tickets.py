"""What stands in ConnectWise of an order whose products are on a ticket, and what people do to it.

Owns the reading over the vendor's own API and the acts; shares no code with the service.
"""

from __future__ import annotations

from typing import Any

from tests.e2e.harness import Rest, Stack, bearer
from tests.e2e.orders import Order

B2: dict[str, Any] = {"scenario": "connectwise-procurement-ticket"}


def plain(*lines: tuple[int, int], **more: Any) -> Order:
    """An order without a quote and without an opportunity."""
    return Order(lines=list(lines), quote_id=None, opportunity=None, not_chosen=(), **more)


def choose(order: Order, ticket: int | None, choice: str = "existing") -> Order:
    """The ticket as it is chosen at checkout."""
    hints = {"opportunityId": order.opportunity, "companyIdentifier": order.company}
    order.header["connectwise"] = {**hints, "ticketId": ticket, "ticketChoice": choice}
    return order


async def tell(stack: Stack, *events: Any) -> None:
    for event in events:
        await stack.deliver(event)


async def a_ticket(stack: Stack, company: str = "Contoso", **more: Any) -> int:
    """A person opens a ticket."""
    body = {"summary": "Monitors flicker", "company": {"identifier": company}, **more}
    answer = await stack.cw.post("/service/tickets", json=body)
    answer.raise_for_status()
    return int(answer.json()["id"])


async def ticket(stack: Stack, number: int) -> Rest:
    found: Rest = await stack.get(f"/service/tickets/{number}")
    return found


async def tickets(stack: Stack) -> list[Rest]:
    found: list[Rest] = await stack.get("/service/tickets")
    return found


async def on(stack: Stack, number: int) -> dict[str, int]:
    """Quantity by identifier of what stands on a ticket, but what is cancelled."""
    result: dict[str, int] = {}
    for product in await stack.get("/procurement/products", conditions=f"ticket/id={number}"):
        sku = product["catalogItem"]["identifier"]
        quantity = int(product["quantity"] - (product.get("quantityCancelled") or 0))
        result[sku] = result.get(sku, 0) + quantity
    return {sku: quantity for sku, quantity in result.items() if quantity}


async def marked(stack: Stack, order: Order) -> list[Rest]:
    """The order's products, wherever they stand."""
    return [
        product
        for product in await stack.get("/procurement/products")
        if str(product.get("integrationXRef") or "").startswith(f"dl:default:{order.id}:")
    ]


async def act(stack: Stack, name: str, number: int, **more: Any) -> Any:
    return await stack.control("act", {"act": name, "id": number, **more})


async def assign(stack: Stack, order: Order, number: int | None, reason: str = "asked to") -> Rest:
    """POST /admin/orders/{number}/ticket; the answer with its status."""
    answer = await stack.client.post(
        f"/admin/orders/{order.number}/ticket",
        json={"ticket": number, "reason": reason},
        headers=bearer(),
    )
    return {"status": answer.status_code, **answer.json()}


def remote(order: Rest, step: str, kind: str) -> list[str]:
    """Ids of the records of a kind behind a step."""
    found = [one for one in order["steps"] if one["step"] == step]
    return [link["id"] for one in found for link in one["remote"] if link["kind"] == kind]
