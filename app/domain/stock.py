"""A purchase order for stock as a whole (H4): when nothing is done for it, and how it ends.

Owns the ends of such an aggregate, pure; what is done for it meanwhile are the scenario's steps.
"""

from __future__ import annotations

from app.domain import cancelling
from app.domain.codes import Code, State, Who
from app.domain.order import OrderView
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
        sentence = f"{name} was cancelled in Commerce before it reached ConnectWise."
        return Ended(State.CANCELLED, Code.CANCELLED, sentence)
    return None


def finished(view: OrderView) -> Ended:
    """All its steps are done: received in full and closed, or cancelled there."""
    subject = f"Stock purchase order {view.row.name}"
    if all(po.cancelled for po in view.purchase_orders):
        sentence = f"{subject} is cancelled in ConnectWise."
        return Ended(State.CANCELLED, Code.CANCELLED, sentence)
    sentence = f"{subject} is received in full and closed."
    return Ended(State.DONE, Code.STOCK_RECEIVED, sentence)
