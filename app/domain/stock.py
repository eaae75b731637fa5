"""A purchase order for stock as a whole (H4): when nothing is done for it, and how it ends.

Owns the ends of such an aggregate, pure; what is done for it meanwhile are the scenario's steps.
"""

from __future__ import annotations

from app.domain import cancelling
from app.domain.codes import Code, State, Who
from app.domain.documents import PurchaseOrderStatus
from app.domain.order import OrderView
from app.domain.quantities import received
from app.domain.shut import Ended


def ended(view: OrderView) -> Ended | None:
    """Why there is nothing to be done for it, None while its steps decide."""
    documents, name = view.purchase_orders, view.row.name
    if not documents:
        return Ended(State.CANCELLED, Code.CANCELLED, f"{name} belongs to a sales order now.")
    if all(po.draft for po in documents):
        sentence = f"{name} is a draft in Commerce."
        return Ended(State.WAITING, Code.ORDER_NOT_APPROVED, sentence, Who.PURCHASING)
    if cancelling.something_made(view):
        return None
    if view.behaviour.stock_purchase_orders == "ignore":
        sentence = f"{name} is for stock; STOCK_PURCHASE_ORDERS is ignore."
        return Ended(State.DONE, Code.STOCK_IGNORED, sentence)
    if view.suggests:
        sentence = f"{name} is for stock, which is bought in ConnectWise: nothing is made of it."
        return Ended(State.DONE, Code.STOCK_IGNORED, sentence)
    if all(po.cancelled for po in documents):
        sentence = f"{name} was cancelled in Commerce before it reached {_where(view)}."
        return Ended(State.CANCELLED, Code.CANCELLED, sentence)
    return None


def finished(view: OrderView) -> Ended:
    """All its steps are done: received in full and closed, or cancelled there. Where nothing is
    received in ConnectWise no step waits for what is still to come, and it is told here."""
    subject = f"Stock purchase order {view.row.name}"
    if all(po.cancelled for po in view.purchase_orders):
        sentence = f"{subject} is cancelled in {_where(view)}."
        return Ended(State.CANCELLED, Code.CANCELLED, sentence)
    if (rest := _still_to_come(view)) is not None:
        return Ended(State.WAITING, Code.GOODS_NOT_RECEIVED, rest, Who.PURCHASING)
    sentence = f"{subject} is received in full and closed."
    return Ended(State.DONE, Code.STOCK_RECEIVED, sentence)


def _where(view: OrderView) -> str:
    """The system that its purchase order goes to."""
    return "the ledger" if "post_purchase_order" in view.steps else "ConnectWise"


def _still_to_come(view: OrderView) -> str | None:
    if "receive_purchase_order" in view.steps:
        return None  # that step waits
    for document in view.open_purchase_orders:
        done = received(view, document)
        for line in document.lines if document.status != PurchaseOrderStatus.RECEIVED else ():
            rest = line.quantity - done.get(line.id, 0)
            if rest > 0:
                return (
                    f"{rest} of {line.quantity} {line.title} are still to be received on "
                    f"{document.order_number}."
                )
    return None
