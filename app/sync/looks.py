"""What is read in ConnectWise because no callback tells it: conversions and shipments.

Owns the polls of open orders. Reads only; what was read becomes facts with their as-of time.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from app.domain.order import OrderView
from app.domain.ports import ConnectWise
from app.domain.records import Fact


async def look_at(cw: ConnectWise, view: OrderView, looks: Sequence[str]) -> list[Fact]:
    """The facts that the looks ask for. May raise RemoteFailure."""
    facts: list[Fact] = []
    if "conversion" in looks:
        facts.append(await _conversion(cw, view))
    if "shipping" in looks:
        facts.append(await _shipping(cw, view))
    if "invoicing" in looks:
        facts.append(await _invoicing(cw, view))
    return facts


async def _invoicing(cw: ConnectWise, view: OrderView) -> Fact:
    """What of the sales order is on an invoice, by line, in whole units."""
    sales_order = view.ref("sales_order")
    products = await cw.sales_order_products(sales_order) if sales_order is not None else []
    keys = {view.xref(str(line.id)): str(line.id) for line in view.sold_lines}
    invoiced = {
        keys[product.xref]: int(product.quantity)
        for product in products
        if product.invoice_id is not None and product.xref in keys
    }
    return Fact("invoicing", "", {"invoiced": invoiced}, view.now)


async def _conversion(cw: ConnectWise, view: OrderView) -> Fact:
    """D-3: whether a person converted the opportunity."""
    opportunity = view.ref("opportunity")
    orders = await cw.sales_orders_of_opportunity(opportunity) if opportunity is not None else []
    return Fact("conversion", "", {"sales_orders": [order.id for order in orders]}, view.now)


async def _shipping(cw: ConnectWise, view: OrderView) -> Fact:
    """D-14: what a person shipped, by sales order line, in whole units."""
    shipped: dict[str, int] = {}
    for line in view.sold_lines:
        product = view.ref("product", str(line.id))
        if product is None or not view.physical(line):
            continue
        details = await cw.shipping_details(product)
        total = sum((detail.shipped for detail in details), Decimal(0))
        shipped[str(line.id)] = int(total)
    return Fact("shipping", "", {"shipped": shipped}, view.now)
