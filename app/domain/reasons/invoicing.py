"""Reasons about what is invoiced in ConnectWise, and when."""

from __future__ import annotations

from app.domain.codes import Code, Who
from app.domain.reasons.reason import H, Reason, W

REASONS: dict[Code, Reason] = {
    Code.SHARED_NOT_READY: Reason(
        W,
        Who.NOBODY,
        "D-13",
        "Another order on the same sales order is not complete.",
        "Nothing: the sales order is released when every order on it is complete.",
    ),
    Code.PRODUCTS_ON_BOTH: Reason(
        H,
        Who.ACCOUNTING,
        "A4",
        "The order is invoiced from its ticket, and its opportunity was made a sales order too: "
        "the same goods could be billed twice.",
        "Remove the sales order in ConnectWise, or see that it is never invoiced, then decide.",
    ),
    Code.INVOICED_TOO_EARLY: Reason(
        H,
        Who.ACCOUNTING,
        "D-7",
        "Goods were invoiced before their purchase order was received.",
        "Remove the invoice in ConnectWise, or accept the line unlinked.",
    ),
    Code.INVOICE_INCOMPLETE: Reason(
        H,
        Who.ACCOUNTING,
        "D-5",
        "An invoice that the service made does not carry what it should.",
        "Add the products that the sentence names to the invoice in ConnectWise.",
    ),
    Code.SALES_ORDER_CLOSED: Reason(
        H,
        Who.ACCOUNTING,
        "D-5",
        "A person closed the sales order before it was released for invoicing.",
        "Reopen the sales order in ConnectWise, or decide that it is released or stays closed.",
    ),
}
