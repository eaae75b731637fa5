"""What stands in the end in every system, of one order, by the configuration's row of the matrix.

Owns the reading only, over the vendors' own APIs; shares no code with the service.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

from app.domain.books import Books, ContactKind, DocumentKind
from tests.e2e.harness import Stack
from tests.e2e.orders import CONTOSO, INGRAM, SYNNEX, Order
from tests.e2e.remote import Remote, shape

BOUGHT, SOLD = date(2026, 11, 19), date(2026, 11, 20)
OF_LEDGER = ("A", "C")


async def ending(
    stack: Stack, order: Order, row: str, others: Collection[str], books: Books | None = None
) -> dict[str, Any]:
    """`others`: numbers of purchase orders that stand there for other orders."""
    if row in ("B2", "C"):
        found = await _on_ticket(stack, order, others)
    else:
        found = shape(await Remote.read(stack, order, others))
    (one,) = await _tickets(stack, order)  # every order has one, and one only
    if row in ("B2", "C"):
        found["ticket"] = one["status"]["name"]
        found["opportunity"] = await _opportunity(stack, order, one)
    if books is not None and row in OF_LEDGER:
        vendor, customer = ContactKind.VENDOR, ContactKind.CUSTOMER
        bills = [
            await _posted(books, order, DocumentKind.BILL, vendor, supplier["name"], BOUGHT)
            for supplier in (INGRAM, SYNNEX)
        ]
        found["bills"] = sum(bills, Decimal(0))
        found["invoices"] = await _posted(
            books, order, DocumentKind.INVOICE, customer, CONTOSO["name"], SOLD
        )
    return found


async def _on_ticket(stack: Stack, order: Order, others: Collection[str]) -> dict[str, Any]:
    remote = await Remote.read(stack, order, others, "ticket")
    assert remote.doubled_marks == remote.doubled_purchase_orders == []
    assert remote.unnumbered_purchase_orders == []
    assert remote.sales_order_ids == []
    return {
        "sold": remote.sold,
        "purchase_orders": remote.purchase_orders,
        "received": remote.received,
        "marks": len(remote.marks),
    }


async def _tickets(stack: Stack, order: Order) -> list[dict[str, Any]]:
    mark = f"dl:default:{order.id}:ticket"
    return [one for one in await stack.get("/service/tickets") if one.get("externalXRef") == mark]


async def _opportunity(stack: Stack, order: Order, ticket: dict[str, Any]) -> str | None:
    number = order.opportunity or (ticket.get("opportunity") or {}).get("id")
    if number is None:
        return None
    found: str = (await stack.get(f"/sales/opportunities/{number}"))["status"]["name"]
    return found


async def _posted(
    books: Books, order: Order, kind: DocumentKind, of: ContactKind, name: str, on: date
) -> Decimal:
    """The sum of the order's own documents of a contact, known by their marker."""
    contact = await books.find_contact(of, name)
    if contact is None:
        return Decimal(0)
    documents = await books.find_documents(kind, contact.id, on)
    ours = [one for one in documents if f":{order.id}:" in (one.marker or "")]
    assert len({one.marker for one in ours}) == len(ours), "a document stands twice"
    return sum((one.total for one in ours), Decimal(0))
