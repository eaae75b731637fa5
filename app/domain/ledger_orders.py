"""A purchase order of Commerce as the ledger's own, which posts nothing (A6, A7, C6).

Owns when one stands there, what it says, and when it ends. Pure; vendor, accounts and the links of
bills are the steps' part.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from app.domain import bills
from app.domain.codes import Code
from app.domain.days import day
from app.domain.documents import PurchaseOrder
from app.domain.json_values import canonical
from app.domain.order import OrderView
from app.domain.receipts import parts

STEP = "post_purchase_order"
REF = "ledger_purchase_order"  # ConnectWise has purchase orders too


class Ends(StrEnum):
    """CLOSED: nothing more comes, and what came is billed. REMOVED: nothing ever came."""

    OPEN = "open"
    CLOSED = "closed"
    REMOVED = "removed"


def subjects(view: OrderView) -> list[str]:
    """Every purchase order, and those that stand in the ledger and went to another sales order."""
    mine = [f"po:{purchase_order.id}" for purchase_order in view.purchase_orders]
    posted = {subject for (step, subject), row in view.ledger.items() if step == STEP and row.want}
    return [*mine, *sorted(posted - set(mine))]


def known(view: OrderView, subject: str) -> bool:
    """Whether it stands in the ledger, or may."""
    return (REF, subject) in view.refs or (STEP, subject) in view.in_doubt


def wanted(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """As it should stand. From the first bill on its lines stay as they are: bills are linked to
    them (D-11, `changed`)."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    applied = view.applied(STEP, subject)
    if purchase_order is None:
        gone = applied is not None and known(view, subject)
        return {**applied, "ends": Ends.REMOVED.value} if applied and gone else applied
    billed = bool(bills.billed(view, purchase_order.id))
    if not known(view, subject):
        unfit = purchase_order.draft or purchase_order.cancelled or billed
        if unfit or not _due(view, purchase_order):
            return applied
    content = applied if billed and applied is not None else _content(view, purchase_order)
    return {**content, "ends": _ends(view, purchase_order, applied, billed=billed).value}


def changed(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    """D-11: what Commerce says now of one that is billed, where the ledger has it otherwise and
    nobody agreed to that. None: there is no such difference."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    applied = view.applied(STEP, subject)
    if purchase_order is None or applied is None or (REF, subject) not in view.refs:
        return None
    now = _bought(_content(view, purchase_order))
    if not bills.billed(view, purchase_order.id) or now == _bought(applied):
        return None
    decided = view.decision(Code.CHANGED_AFTER_FREEZE, subject, now)
    return now if decided is None else None


def _bought(content: Mapping[str, Any]) -> dict[str, Any]:
    """What is bought of whom. A corrected price is the bill's to follow: this one posts nothing."""
    lines = [{key: line[key] for key in ("line", "to", "sku")} for line in content["lines"]]
    return {"supplier": content["supplier"], "number": content["number"], "lines": lines}


def _due(view: OrderView, purchase_order: PurchaseOrder) -> bool:
    """D-2: with its first receipt, or when it is issued."""
    if not any(line.quantity for line in purchase_order.lines):
        return False
    on_issue = view.behaviour.purchase_order_timing == "on_issue"
    return on_issue or bool(parts(purchase_order, view.receipts))


def _content(view: OrderView, purchase_order: PurchaseOrder) -> dict[str, Any]:
    skus = {product.id: product.product_number for product in purchase_order.products}
    body: dict[str, Any] = canonical(
        {
            "subject": f"po:{purchase_order.id}",
            "purchase_order": purchase_order.id,
            "supplier": purchase_order.supplier_id,
            "number": purchase_order.order_number,
            "on": day(purchase_order.ordered_on, view.live.zone).isoformat(),
            "currency": purchase_order.currency or view.names.get("commerce_currency", ""),
            "lines": [
                bills.piece(view, line, skus.get(line.product_id, ""), 0, line.quantity)
                for line in sorted(purchase_order.lines, key=lambda line: line.id)
                if line.quantity
            ],
            "freight": None,  # is known with a receipt
            "costs": bills.costs(purchase_order),
        }
    )
    return body


def _ends(
    view: OrderView,
    purchase_order: PurchaseOrder,
    applied: Mapping[str, Any] | None,
    *,
    billed: bool,
) -> Ends:
    if applied is not None and applied["ends"] == Ends.CLOSED:
        return Ends.CLOSED
    came = any(line.quantity_received for line in purchase_order.lines)
    if purchase_order.cancelled and not came and not billed:
        return Ends.REMOVED
    whole = all(line.quantity_received >= line.quantity for line in purchase_order.lines)
    # Its status says nothing here: `Received` may stand since the first of several receipts.
    over = whole or purchase_order.cancelled
    on_bills = bills.billed_quantities(view, purchase_order.id)
    owed = all(on_bills.get(line.id, 0) >= line.quantity_received for line in purchase_order.lines)
    return Ends.CLOSED if over and owed else Ends.OPEN
