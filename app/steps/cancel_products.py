"""The products of a cancelled order are taken back from its sales order or ticket, and put back (H3).

Owns what of them may be touched: nothing on an invoice, received, or on a purchase order. Every
write is idempotent by nature; which products are ours, their mark says.
"""

from __future__ import annotations

from decimal import Decimal

from app.domain import psa
from app.domain.cancelling import FACT
from app.domain.freeze import Frozen, frozen_lines
from app.domain.invoices import called, key_of
from app.steps.effects import Effects
from app.steps.lines import Parent, standing


async def take_back(fx: Effects, parent: Parent) -> None:
    """Cancel our products that nothing rests on, and keep what had to stay."""
    frozen, ordered, doubtful = frozen_lines(fx.view), _ordered(fx), _in_doubt(fx)
    cancelled: dict[str, str] = {}
    left: dict[str, str] = {}
    for product in await standing(fx, parent):
        key = key_of(fx.view, product)
        if key is None or product.cancelled >= product.quantity:
            continue
        why = _stays(product, frozen.get(key), ordered=key in ordered)
        if product.id in doubtful:
            why = "perhaps on a purchase order, an answer is missing"
        if why is not None:
            left[product.sku] = why
            continue
        await fx.guard()
        await fx.cw.change_product(
            product.id, psa.ProductChange(quantity_cancelled=product.quantity)
        )
        cancelled[key] = product.sku
    fx.see(FACT, {"cancelled": cancelled, "left": left})
    told = f"On {_place(parent)} {', '.join(cancelled.values()) or 'nothing'} is cancelled"
    stays = ", ".join(f"{sku} ({why})" for sku, why in sorted(left.items()))
    fx.journal("PRODUCTS_CANCELLED", f"{told}; left standing: {stays or 'nothing'}.")


async def put_back(fx: Effects, parent: Parent) -> None:
    """The order is no longer cancelled: what was taken back is sold again."""
    before = fx.view.facts.get((FACT, ""))
    ours = before.body.get("cancelled", {}) if before is not None else {}
    for product in await standing(fx, parent):
        if key_of(fx.view, product) not in ours or not product.cancelled:
            continue
        await fx.guard()
        await fx.cw.change_product(product.id, psa.ProductChange(quantity_cancelled=Decimal(0)))
    fx.journal("PRODUCTS_RESTORED", f"On {_place(parent)} the products are sold again.")


def _place(parent: Parent) -> str:
    return f"{parent.kind.replace('_', ' ')} {parent.id}"


def _stays(product: psa.Product, frozen: Frozen | None, *, ordered: bool) -> str | None:
    """Why a product may not be cancelled, None: it may."""
    if product.invoice_id is not None:
        return f"on invoice {called(product)}"
    if frozen is not None and not frozen.invoiced:
        return frozen.by
    wanted = product.quantity - product.cancelled
    # Demand that is wholly open is on no purchase order, whatever was linked once.
    open_again = product.open_demand is not None and product.open_demand >= wanted
    return "on a purchase order" if ordered and not open_again else None


def _ordered(fx: Effects) -> set[str]:
    """Keys of lines that were linked to a purchase order."""
    wants = [
        row.want or {} for (step, _), row in fx.view.ledger.items() if step == "sync_purchase_order"
    ]
    shares = [share for want in wants for share in want.get("shares", ())]
    return {str(share["line"]) for share in shares if share["line"] is not None}


def _in_doubt(fx: Effects) -> set[int]:
    """Products in purchase orders whose making was never answered."""
    found: set[int] = set()
    for one in fx.view.unanswered:
        products = one.evidence.get("products", ())
        if one.kind in ("purchase_order", "demand"):
            found |= {int(product) for product in products}
    return found
