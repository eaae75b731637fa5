"""A purchase order of which everything is received: closed by status, with its papers (B1.8).

Owns the header's last change. A supplier's invoice or freight that is told later is set on the
closed purchase order; its status stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.domain import psa
from app.domain.cuts import cut
from app.domain.documents import PurchaseOrder
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.standing import SYNC
from app.steps.effects import Effects
from app.steps.resolve import setting


def wanted(view: OrderView, purchase_order: PurchaseOrder) -> Mapping[str, Any] | None:
    """The header once everything is received: closed, with the newest supplier invoice."""
    synced = view.applied(SYNC, f"po:{purchase_order.id}")
    if synced is None and not any(line.quantity for line in purchase_order.lines):
        return None
    receipts = [r for r in view.receipts if r.purchase_order_id == purchase_order.id]
    billed = [r for r in receipts if r.supplier_invoice_number]
    own = [receipt.freight for receipt in receipts if receipt.freight is not None]
    # D-12: the receipts' own freight where one tells any, else the purchase order's costs, once.
    freight = sum(own or [cost.amount for cost in purchase_order.costs], Decimal(0))
    last = billed[-1] if billed else None
    result: dict[str, Any] = canonical(
        {
            "purchase_order": purchase_order.id,
            "lines": [],
            "closed": True,
            "invoice": last.supplier_invoice_number if last else None,
            "invoice_date": last.supplier_invoice_date.isoformat()
            if last and last.supplier_invoice_date
            else None,
            "freight": freight or None,
        }
    )
    return result


async def complete(fx: Effects, want: Mapping[str, Any], purchase_order: int) -> None:
    """B1.8: closed by status, when no line is open."""
    closed = await setting(fx, "connectwise_purchase_order_status_closed")
    invoice_date = want.get("invoice_date")
    change = psa.PurchaseOrderChange(
        status_id=closed.id,
        vendor_invoice_number=cut(str(want["invoice"]), 50) if want.get("invoice") else None,
        vendor_invoice_date=_moment(invoice_date),
        freight=Decimal(str(want["freight"])) if want.get("freight") else None,
    )
    await fx.guard()
    await fx.cw.change_purchase_order(purchase_order, change)
    number = fx.view.label(f"po:{want['purchase_order']}")
    fx.journal("PURCHASE_ORDER_COMPLETED", f"{number} is received in full and closed.")


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
