"""Gates of what is posted to a ledger: bills of receipts and sales invoices.

Owns the waits before either is made. What is said about one that stands is the steps' part.
"""

from __future__ import annotations

from datetime import datetime

from app.domain import ledger_orders
from app.domain.bills import STEP as BILL
from app.domain.bills import billed
from app.domain.codes import Code, State
from app.domain.order import OrderView
from app.domain.receipts import parts
from app.domain.records import ORDER
from app.domain.shut import Shut


def receipt_of_known_order(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """H1: only the sales order says which configuration, and so who posts. Goods for stock have
    none to wait for."""
    if view.sales_order is not None or view.stock:
        return None
    return Shut(
        Code.SALES_ORDER_UNKNOWN,
        f"{'A purchase order' if subject.startswith('po:') else 'A receipt'} came in for sales order "
        f"{view.row.name}, which Commerce has not sent yet.",
        next_look="when the sales order comes in",
    )


def receipt_has_papers(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """C6: the supplier's invoice number stands in the receipt's papers. What only the poll saw, and
    a gap, wait RECEIPT_GAP for them, once; then the bill carries the purchase order's number. Papers that come later reach a
    bill that grows with its next change."""
    purchase_order = view.purchase_order(int(subject.split(":")[1]))
    every = parts(purchase_order, view.receipts) if purchase_order is not None else ()
    own = [one for one in every if one.subject == subject or subject.startswith("bill:")]
    row = view.ledger.get((BILL, subject))
    until = since + view.live.receipt_gap
    if not own or (row is not None and row.attempts) or view.now >= until:
        return None
    told = (one.receipt for one in own if one.receipt is not None)
    if any(not (receipt.polled and view.live.papers_come) for receipt in told):
        return None
    return Shut(
        Code.RECEIPT_GAP,
        f"Goods received on {view.label(subject)} have no papers yet; their bill is made without "
        "them if none come.",
        until=until,
        next_look="when the receipt comes in",
        never_held=True,
    )


def purchase_order_posted(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """C6: a bill is linked to the purchase order in the ledger, so that stands first, and a change
    under way reaches it before its first bill freezes it. A change that is for a person holds no
    bill up, and neither does one that is skipped: what came is owed."""
    about = f"po:{subject.split(':')[1]}"
    posted = (ledger_orders.REF, about) in view.refs or view.finished(ledger_orders.STEP, about)
    wanted = ledger_orders.wanted(view, about)
    row = view.ledger.get((ledger_orders.STEP, about))
    trying = row is not None and row.state is State.WAITING and row.attempts > 0
    changing = trying and not billed(view, int(about.removeprefix("po:")))
    if wanted is None or (
        posted and not (changing and wanted != view.applied(ledger_orders.STEP, about))
    ):
        return None
    told = row.sentence if row is not None else None
    return Shut(
        Code.EARLIER_STEP,
        told or f"{view.label(about)} is posted to the ledger first.",
        next_look="after the earlier step",
        never_held=True,
    )


def sales_invoice_issued(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """C3: what is invoiced, and when, is Commerce's to say."""
    if subject != ORDER:
        return None
    return Shut(
        Code.SALES_INVOICE_MISSING,
        f"Commerce has issued no sales invoice for {view.row.name}.",
        next_look="when the invoice comes in",
    )
