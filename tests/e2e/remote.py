"""What stands in ConnectWise of one order, read over the vendor's own API.

Owns the reading only: it shares no code with the service and knows nothing of its database.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.harness import Stack
from tests.e2e.orders import Order


@dataclass
class Remote:
    """The records of an order, found by our mark and by the purchase orders' numbers."""

    opportunity_status: str | None = None
    sales_order_ids: list[int] = field(default_factory=list)
    sales_order_status: str | None = None
    bill_shipped: bool | None = None
    sold: dict[str, int] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    doubled_marks: list[str] = field(default_factory=list)
    product_ids: dict[str, int] = field(default_factory=dict)
    purchase_orders: dict[str, str] = field(default_factory=dict)
    doubled_purchase_orders: list[str] = field(default_factory=list)
    unnumbered_purchase_orders: list[int] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)
    shipped: dict[str, int] = field(default_factory=dict)
    linked_lines_without_sales_order: list[int] = field(default_factory=list)
    catalog_doubles: list[str] = field(default_factory=list)

    @classmethod
    async def read(
        cls,
        stack: Stack,
        order: Order,
        others: Collection[str] = frozenset(),
        parent: str = "salesOrder",
    ) -> Remote:
        """`others`: numbers of purchase orders that stand there for other orders. `parent`: what
        the products stand on, a sales order or a ticket."""
        found = cls()
        await stack.control("settings", {"read_lag_ms": 0}, "PUT")  # what stands, not what shows
        products = [
            product
            for product in await stack.get("/procurement/products")
            if str(product.get("integrationXRef") or "").startswith(f"dl:default:{order.id}:")
            and product.get(parent)
        ]
        for product in products:
            mark, sku = product["integrationXRef"], product["catalogItem"]["identifier"]
            if mark in found.marks:
                found.doubled_marks.append(mark)
            found.marks.add(mark)
            sold = int(product["quantity"] - (product.get("quantityCancelled") or 0))
            found.sold[sku] = found.sold.get(sku, 0) + sold
            found.product_ids[mark] = product["id"]
            await found._shipping(stack, product["id"], sku)
        found.sales_order_ids = sorted(
            {product["salesOrder"]["id"] for product in products if product.get("salesOrder")}
        )
        for sales_order in found.sales_order_ids:
            record = await stack.get(f"/sales/orders/{sales_order}")
            found.sales_order_status = record["status"]["name"]
            found.bill_shipped = record.get("billShippedFlag")
            if record.get("opportunity"):
                opportunity = record["opportunity"]["id"]
                status = (await stack.get(f"/sales/opportunities/{opportunity}"))["status"]
                found.opportunity_status = status["name"]
        await found._purchase_orders(stack, order, others)
        identifiers = [item["identifier"] for item in await stack.get("/procurement/catalog")]
        found.catalog_doubles = sorted({i for i in identifiers if identifiers.count(i) > 1})
        return found

    async def _shipping(self, stack: Stack, product: int, sku: str) -> None:
        details = await stack.get(f"/procurement/products/{product}/pickingShippingDetails")
        total = sum(int(detail.get("shippedQuantity") or 0) for detail in details)
        if total:
            self.shipped[sku] = self.shipped.get(sku, 0) + total

    async def _purchase_orders(self, stack: Stack, order: Order, others: Collection[str]) -> None:
        numbers = {str(po["orderNumber"]) for po in order.purchase_orders.values()}
        for record in await stack.get("/procurement/purchaseorders"):
            number = record["poNumber"]
            if number in others and number not in numbers:
                continue
            if number not in numbers:
                self.unnumbered_purchase_orders.append(record["id"])
                continue
            if number in self.purchase_orders:
                self.doubled_purchase_orders.append(number)
            self.purchase_orders[number] = record["status"]["name"]
            for line in await stack.get(f"/procurement/purchaseorders/{record['id']}/lineitems"):
                self._line(line)

    def _line(self, line: dict[str, Any]) -> None:
        sku = line["product"]["identifier"]
        got = int(line.get("receivedQuantity") or 0)
        if got:
            self.received[sku] = self.received.get(sku, 0) + got
        if not line.get("salesOrder"):
            self.linked_lines_without_sales_order.append(line["id"])

    def assert_single(self) -> None:
        """Nothing twice."""
        assert self.doubled_marks == []
        assert self.doubled_purchase_orders == []
        assert self.unnumbered_purchase_orders == []
        assert self.catalog_doubles == []
        assert len(self.sales_order_ids) == 1


def shape(remote: Remote) -> dict[str, Any]:
    """What has to be the same however the events came: no ids, no dates."""
    remote.assert_single()
    return {
        "opportunity": remote.opportunity_status,
        "sales_order": remote.sales_order_status,
        "sold": remote.sold,
        "purchase_orders": remote.purchase_orders,
        "received": remote.received,
        "marks": len(remote.marks),
    }
