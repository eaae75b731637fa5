"""Reasons about purchase orders, the demand that they serve, and the purchasing officer's mail."""

from __future__ import annotations

from app.domain.codes import Code, Who
from app.domain.reasons.reason import H, Reason, W

REASONS: dict[Code, Reason] = {
    Code.LINE_NOT_ORDERED: Reason(
        W,
        Who.PURCHASING,
        "D-15",
        "A physical line is on no purchase order and not from stock.",
        "Issue a purchase order for it in Commerce, or fulfil it from stock.",
    ),
    Code.SURPLUS_LAST: Reason(
        W,
        Who.NOBODY,
        "B1.9",
        "Goods above the order wait until the order's own demand is linked.",
        "Nothing: they go on when the order's other purchase orders are linked.",
    ),
    Code.DEMAND_NOT_FREE: Reason(
        W,
        Who.NOBODY,
        "H3",
        "Another purchase order of the order still holds the demand in ConnectWise.",
        "Nothing: it goes on when the other purchase order gives the demand back. If that one was "
        "cancelled in Commerce, decide about it first.",
    ),
    Code.PURCHASE_ORDER_UNCERTAIN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "A purchase order may or may not have been made.",
        "Look at the purchase orders that the sentence names and choose the right one; or delete "
        "what is wrong and let a new one be made.",
    ),
    Code.PURCHASE_ORDER_MOVED: Reason(
        H,
        Who.PURCHASING,
        "H3",
        "A received purchase order changed its sales order.",
        "Name the right sales order in Commerce again, or choose what becomes of the receipt.",
    ),
    Code.PURCHASE_ORDER_CANCELLED: Reason(
        H,
        Who.PURCHASING,
        "H3",
        "A purchase order was cancelled after it reached ConnectWise.",
        "Choose: the service cancels what is not received there, or a person does it.",
    ),
    Code.PO_NUMBER_TAKEN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "Another purchase order in ConnectWise carries the number already.",
        "Give the other purchase order another number, or choose to keep ConnectWise's own number.",
    ),
    Code.PO_AFTER_INVOICE: Reason(
        H,
        Who.ACCOUNTING,
        "D-6",
        "A purchase order came after the goods were invoiced.",
        "Decide whether the invoice is removed, or the purchase order stays unlinked.",
    ),
    Code.DEMAND_NOT_LINKED: Reason(
        H,
        Who.PURCHASING,
        "B1.2",
        "A purchase order line is not linked to the order's demand.",
        "Check that ConnectWise creates purchasing demand from sales orders, then look again; or "
        "go on without the link.",
    ),
    Code.DEMAND_TAKEN: Reason(
        H,
        Who.PURCHASING,
        "B1.9",
        "ConnectWise linked a plain line of the service to purchasing demand that is not the "
        "order's.",
        "Decide for whom the goods are: the line stays linked to what the sentence names, or "
        "gives the demand back.",
    ),
    Code.DEMAND_OPEN: Reason(
        H,
        Who.PURCHASING,
        "A10",
        "ConnectWise still asks its purchasers for goods that Commerce buys, or, as a flag that holds "
        "nothing, for goods that come from stock.",
        "Take the products out of purchasing in ConnectWise, then look again; or leave the demand, "
        "and see that nobody orders from it. What comes from stock is picked there.",
    ),
    Code.DEMAND_NOT_APPROVED: Reason(
        H,
        Who.PURCHASING,
        "B1.9",
        "ConnectWise wants the demand approved before it is purchased.",
        "Approve the products for purchase on the ConnectWise sales order.",
        recheck_seconds=300,
    ),
    Code.MAIL_REFUSED: Reason(
        H,
        Who.OPERATOR,
        "D4",
        "The mail server refuses the address to which purchasing suggestions are mailed.",
        "Correct PURCHASING_OFFICER_EMAIL and choose look_again; or choose skip: the note on the "
        "ticket stands.",
    ),
}
