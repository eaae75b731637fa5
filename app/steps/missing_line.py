"""Goods that came although their purchase order in ConnectWise has no open line for them (H2).

The rest of a line was cancelled with its first receipt (PARTIAL_RECEIPT), or a person cancelled, closed
or deleted it there. Owns naming that and what a person chose: another line, unlinked, or nothing.
A line with its link is added by `link_demand`, as for every link that is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.documents import PurchaseOrder
from app.domain.errors import Hold
from app.domain.gates_of_buying import LINK_AGAIN, decision_on
from app.domain.linking import allocate
from app.domain.options import sku_key
from app.domain.order import OrderView
from app.steps import noted
from app.steps.effects import Effects
from app.steps.plain_lines import extra_line

FACT = "line missing"
ADD_UNLINKED, BY_HAND = "add_unlinked_line", "done_by_hand"


async def settled(
    fx: Effects,
    document: PurchaseOrder,
    record: int,
    product_id: int,
    sku: str,
    done: Decimal,
    target: int,
) -> bool:
    """As a person decided: True, the goods count as received; False, a line stands for them now.
    Raises Hold where nothing was decided about just these goods."""
    seen = noted.since(fx, FACT, str(document.id), [f"{sku_key(sku)}:{target}"]).values()
    decision = decision_on(fx.view, Code.LINE_MISSING, document.id)
    missing = Decimal(target) - done
    if noted.covers(decision, BY_HAND, seen):
        told = f"{missing.normalize():f} of {sku} on {document.order_number} were received by hand."
        fx.journal("RECEIVED_BY_HAND", told)
        return True
    if noted.covers(decision, ADD_UNLINKED, seen):
        want, share = _share(fx.view, document, product_id)
        key = f"extra:{share['po_line']}:{target}"
        if await extra_line(fx, want, share, missing, record, key):
            told = f"{missing.normalize():f} of {sku} on {document.order_number} got a plain line."
            fx.journal("UNLINKED_ACCEPTED", told)
            return False
    linked = any(
        share.line is not None and share.product_id == product_id
        for share in allocate(fx.view).get(document.id, ())
    )
    ways = names_of(Code.LINE_MISSING)
    raise Hold(
        Code.LINE_MISSING,
        f"{target} of {sku} on {document.order_number} have come, {done.normalize():f} are received "
        f"in ConnectWise, and no line is open there for the other {missing.normalize():f}.",
        # What is for stock has no demand to be linked to.
        choices=ways if linked else tuple(name for name in ways if name != LINK_AGAIN),
    )


def added_unlinked(view: OrderView, document: PurchaseOrder) -> bool:
    """Whether a person lets goods without a line be received on one that is not linked."""
    decision = decision_on(view, Code.LINE_MISSING, document.id)
    return decision is not None and decision.choice == ADD_UNLINKED


def _share(
    view: OrderView, document: PurchaseOrder, product_id: int
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What a plain line is made of: as of goods above the order, whatever they were meant for."""
    line = next(line for line in document.lines if line.product_id == product_id)
    linked = [
        share.line
        for share in allocate(view).get(document.id, ())
        if share.product_id == product_id and share.line is not None
    ]
    share = {
        "po_line": line.id,
        "product": product_id,
        "line": next(iter(linked), None),
        "quantity": line.quantity,
        "cost": line.price,
    }
    return {"purchase_order": document.id}, share
