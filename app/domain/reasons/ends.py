"""Reasons that an order ends with."""

from __future__ import annotations

from app.domain.codes import Code, State, Who
from app.domain.reasons.reason import Reason

REASONS: dict[Code, Reason] = {
    Code.RELEASED: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "A8",
        "The sales order, or the ledger's draft, may be invoiced.",
        "Invoice the sales order or ticket in ConnectWise; where we invoice, approve the draft in the "
        "ledger.",
    ),
    Code.INVOICED: Reason(
        State.DONE,
        Who.NOBODY,
        "D-5",
        "All of the order is invoiced; the sentence names the invoice.",
        "Nothing.",
    ),
    Code.CANCELLED: Reason(
        State.CANCELLED,
        Who.NOBODY,
        "H3",
        "The order is cancelled.",
        "Nothing.",
    ),
    Code.STOCK_RECEIVED: Reason(
        State.DONE,
        Who.NOBODY,
        "H4",
        "A stock purchase order is received in full and closed.",
        "Nothing.",
    ),
    Code.STOCK_IGNORED: Reason(
        State.DONE,
        Who.NOBODY,
        "H4",
        "A purchase order names no sales order, and STOCK_PURCHASE_ORDERS is ignore.",
        "Nothing; ConnectWise does not get it. Set STOCK_PURCHASE_ORDERS for later ones.",
    ),
    Code.OPPORTUNITY_MARKED_LOST: Reason(
        State.DONE,
        Who.NOBODY,
        "B1.4",
        "The opportunity was marked lost, because its last open quote was declined.",
        "Nothing; an order that is placed on one of its quotes later reopens it by itself.",
    ),
    Code.QUOTE_IGNORED: Reason(
        State.DONE,
        Who.NOBODY,
        "B1.4",
        "A declined quote changes nothing in ConnectWise; the sentence says why.",
        "Nothing.",
    ),
}
