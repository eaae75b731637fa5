"""The open demand of the order's products: what a purchase order may be linked to.

Owns the check before every link and receipt (B1.12): invoiced goods are named, never linked, and
demand that ConnectWise did not raise is waited for within the read lag, then named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.domain import invoices, psa
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.records import ORDER
from app.steps.effects import Effects

# B1.12 is checked before each link and each receipt. Steps of one drive follow one another within
# moments and share a reading; a later drive reads again.
FRESH = timedelta(seconds=10)


def demanded(fx: Effects, want: Mapping[str, Any]) -> list[psa.Demand]:
    """The linked shares of a purchase order as demand of products, one entry a product."""
    quantities: dict[int, Decimal] = {}
    costs: dict[int, Decimal] = {}
    for share in want["shares"]:
        if share["line"] is None:
            continue
        product = fx.ref("product", str(share["line"]))
        if product is None:
            raise Hold(
                Code.DEMAND_NOT_LINKED,
                f"Line {share['line']} of {fx.view.row.name} has no product in ConnectWise.",
            )
        quantities[product] = quantities.get(product, Decimal(0)) + Decimal(str(share["quantity"]))
        costs[product] = Decimal(str(share["cost"]))
    return [psa.Demand(key, quantity, costs[key]) for key, quantity in quantities.items()]


async def products_now(fx: Effects, ids: Sequence[int]) -> list[psa.Product]:
    """The products as they stand, read at most FRESH ago by this drive of the order."""
    key = f"sales_order:{fx.ref('sales_order')}"
    known: list[psa.Product] = fx.recent("products", key) or []
    read_at = fx.recent("products read", key)
    fresh = read_at is not None and fx.view.now - read_at <= FRESH
    if known and fresh and {product.id for product in known} >= set(ids):
        return known
    products = list(await fx.cw.products(ids))
    fx.keep("products", products, key)
    fx.keep("products read", fx.view.now, key)
    return products


async def refuse_invoiced(fx: Effects, ids: Sequence[int], what: str) -> list[psa.Product]:
    """B1.12, D-7: goods that are invoiced already can neither be linked nor received."""
    products = [product for product in await products_now(fx, ids) if product.id in set(ids)]
    reading = invoices.noted(fx.view, products)
    if any(product.invoice_id is not None for product in products) or reading != invoices.read(
        fx.view
    ):
        fx.see(invoices.FACT, reading)
    accepted = invoices.accepted_unlinked(invoices.with_reading(fx.view, reading))
    invoiced = [
        product
        for product in products
        if product.invoice_id is not None and invoices.key_of(fx.view, product) not in accepted
    ]
    if not invoiced:
        return products
    released = fx.view.applied("release_invoice", ORDER) is not None  # once, also if taken back
    listed = ", ".join(f"{p.sku} on invoice {p.invoice_id}" for p in invoiced)
    raise Hold(
        Code.PO_AFTER_INVOICE if released else Code.INVOICED_TOO_EARLY,
        f"{what} cannot be linked or received: {listed} in ConnectWise already.",
    )


async def check_demand(fx: Effects, linked: Sequence[psa.Demand], number: str) -> None:
    """Every product has open demand for what shall be linked, and no invoice.

    Raises Hold, or Wait while ConnectWise may not show the demand yet.
    """
    products = await refuse_invoiced(fx, [demand.product_id for demand in linked], number)
    by_id = {product.id: product for product in products}
    for demand in linked:
        product = by_id.get(demand.product_id)
        if product is None or product.open_demand is None:
            continue
        if product.open_demand >= demand.quantity:
            continue
        sentence = (
            f"{number} needs demand for {demand.quantity.normalize():f} {product.sku}, but "
            f"ConnectWise shows {product.open_demand.normalize():f} open on the sales order."
        )
        fx.forget("products", f"sales_order:{fx.ref('sales_order')}")
        stands = fx.view.ledger.get(("create_sales_order", ORDER))
        if wait := await fx.lagging(stands.applied_at if stands else None, sentence):
            raise wait
        raise Hold(Code.DEMAND_NOT_LINKED, sentence)
