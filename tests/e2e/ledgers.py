"""Configuration C beside a ledger: what it needs to be set, and what stands in the books.

Owns both ledgers as the port's suite opens them, their accounts by name, and the reading of posted
documents through the port by a client of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from app.domain.books import ContactKind, Document, DocumentKind
from tests.contract.ledgers import Ledger, quickbooks
from tests.contract.xero_site import busy_xero
from tests.e2e.harness import Rest, Stack, running
from tests.e2e.orders import Order

LEDGERS: dict[str, Any] = {"quickbooks": quickbooks, "xero": busy_xero}
# A call to a ledger lasts up to 5 seconds here, and a lease has to outlast it.
C: dict[str, Any] = {"scenario": "commerce-invoicing", "lease_seconds": 12.0}
NAMES: dict[str, dict[str, Any]] = {
    "xero": {
        "ledger_purchase_goods": "310",
        "ledger_purchase_freight": "Freight & Courier",
        "ledger_purchase_tax_code": "INPUT",
        "ledger_no_tax_code": "NONE",
        "ledger_sales_product": "200",
        "ledger_sales_service": "210",
        "ledger_sales_delivery": "260",
        "ledger_sales_discount": "200",
        "ledger_sales_tax_code": "OUTPUT",
        "ledger_rounding": "860",
    },
    "quickbooks": {
        "ledger_purchase_goods": "Cost of Goods Sold",
        "ledger_purchase_freight": "5100",
        "ledger_purchase_tax": "Supplier Tax",
        "ledger_sales_product": "HARDWARE",
        "ledger_sales_service": "LABOR",
        "ledger_sales_delivery": "DELIVERY",
        "ledger_sales_discount": "HARDWARE",
        "ledger_rounding": "Rounding",
    },
}


@dataclass
class Kept:
    """A stack in configuration C, and the ledger that it posts to."""

    stack: Stack
    ledger: Ledger
    name: str

    async def bills(
        self, *, vendor: str = "Ingram Micro", on: date = date(2026, 11, 19)
    ) -> list[Document]:
        return await self._documents(DocumentKind.BILL, ContactKind.VENDOR, vendor, on)

    async def invoices(self, kind: DocumentKind = DocumentKind.INVOICE) -> list[Document]:
        on = date(2026, 11, 20)
        return await self._documents(kind, ContactKind.CUSTOMER, "Contoso Ltd", on)

    async def _documents(
        self, kind: DocumentKind, of: ContactKind, name: str, on: date
    ) -> list[Document]:
        contact = await self.ledger.books.find_contact(of, name)
        found = (
            await self.ledger.books.find_documents(kind, contact.id, on)
            if contact is not None
            else []
        )
        return sorted(found, key=lambda one: one.id)

    async def tell(self, *events: Rest) -> None:
        for event in events:
            assert (await self.stack.deliver(event))["status"] == 202

    async def writes(self) -> list[str]:
        """What the service wrote in ConnectWise."""
        return [
            f"{entry['method']} {entry['path']}"
            for entry in await self.stack.requests()
            if entry["method"] in ("POST", "PATCH", "PUT", "DELETE")
            and entry.get("client") == self.stack.sandbox.credentials.headers["clientId"]
        ]


@asynccontextmanager
async def kept(
    name: str, database_url: str, redis_url: str, *, patience: float = 5.0, **more: Any
) -> AsyncIterator[Kept]:
    """`patience`: seconds after which the service gives up on a call to the ledger."""
    async with LEDGERS[name]() as ledger:
        books = ledger.another()
        books._timeout = patience
        settings = {**C, **NAMES[name], **more}
        async with running(database_url, redis_url, books=books, **settings) as stack:
            stack.ledger_log = ledger.requests
            yield Kept(stack, ledger, name)


def invoice(order: Order, *lines: tuple[str, str, str, str], **more: Any) -> Rest:
    """Commerce issues its sales invoice, of (kind, title, quantity, price)."""
    rows = [
        {"id": n, "kind": kind, "title": title, "quantity": float(quantity), "price": float(price)}
        for n, (kind, title, quantity, price) in enumerate(lines, start=1)
    ]
    body = {
        "id": 3301,
        "invoiceNumber": "IN10003301",
        "salesOrderID": order.id,
        "customerID": order.customer["id"],
        "issueDate": "2026-11-20T09:00:00Z",
        "modifiedDate": order._moment(),
        "customer": order.customer,
        "lines": rows,
        **more,
    }
    return order._event("sales_invoice.issued", salesInvoice=body)


def amounts(document: Document) -> list[Decimal]:
    return [line.amount for line in document.lines if line.amount]
