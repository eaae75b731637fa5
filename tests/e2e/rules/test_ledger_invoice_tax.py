"""C3, D-12: taxed sales invoices of several lines in Xero and outside the US in QuickBooks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.harness import Rest
from tests.e2e.ledgers import amounts, invoice, kept
from tests.e2e.orders import MONITOR, Order

pytestmark = pytest.mark.processes
BRITISH: dict[str, Any] = {
    "commerce_currency": "GBP",
    "ledger_purchase_tax_code": "20.0% S",
    "ledger_no_tax_code": "0.0% Z",
    "ledger_sales_tax_code": "20.0% S",
}


def taxed(order: Order, *taxes: float) -> Rest:
    """Monitors and cables, with tax of so much for each piece."""
    event = invoice(order, ("product", "Monitor", "2", "239"), ("product", "Cable", "3", "12.5"))
    for line, tax in zip(event["data"]["salesInvoice"]["lines"], taxes, strict=True):
        line["tax"] = tax
    return event


@pytest.mark.parametrize(
    ("name", "more", "taxes", "total"),
    [
        ("xero", {}, (47.8, 2.5), "618.60"),
        ("quickbooks", BRITISH, (47.8, 2.5), "618.60"),
        ("quickbooks", BRITISH, (47.8, 0), "611.10"),
    ],
)
async def test_d12_every_lines_tax_is_on_the_invoice_to_the_cent(
    database_url: str,
    redis_url: str,
    name: str,
    more: dict[str, Any],
    taxes: tuple[float, ...],
    total: str,
) -> None:
    more = {"invoice_status": "approved", **more}
    async with kept(name, database_url, redis_url, **more) as books:
        if name == "quickbooks":
            await books.ledger.switch(country="GB")
        order = Order(lines=[(MONITOR, 2)], quote_id=None, not_chosen=())
        await books.tell(order.approved(), taxed(order, *taxes))
        await books.stack.until_state(order.number, "done")
        (document,) = await books.invoices()
        assert amounts(document) == [478, Decimal("37.5")]
        assert document.total == Decimal(total)
