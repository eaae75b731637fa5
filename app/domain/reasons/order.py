"""Reasons about an order whole, whichever step it stands at."""

from __future__ import annotations

from app.domain.codes import Code, Who
from app.domain.reasons.reason import H, Reason, W

REASONS: dict[Code, Reason] = {
    Code.SALES_ORDER_UNKNOWN: Reason(
        W,
        Who.NOBODY,
        "H1",
        "Documents came in for a sales order that has not come in itself.",
        "Nothing, if the sales order's event is under way; else send it again from Commerce.",
    ),
    Code.CLAIMED_ELSEWHERE: Reason(
        W,
        Who.NOBODY,
        "H1",
        "Another order is making the same shared ConnectWise record.",
        "Nothing: the order goes on when the other one is through.",
    ),
    Code.READ_LAG: Reason(
        W,
        Who.NOBODY,
        "H9",
        "ConnectWise may not show the last write yet.",
        "Nothing: the record is read again after READ_LAG.",
    ),
    Code.EARLIER_STEP: Reason(
        W,
        Who.NOBODY,
        "D-1",
        "An earlier step of this order is not done.",
        "See the earlier step's own reason.",
    ),
    Code.MAPPING_MISSING: Reason(
        H,
        Who.OPERATOR,
        "D-10",
        "A Commerce record has no counterpart in ConnectWise, or several.",
        "Add the mapping that the sentence names, or the record in ConnectWise.",
    ),
    Code.SETTING_MISSING: Reason(
        H,
        Who.OPERATOR,
        "G1",
        "A ConnectWise record that a step needs is not chosen.",
        "Set the setting that the sentence names.",
    ),
    Code.TOTAL_MISMATCH: Reason(
        H,
        Who.ACCOUNTING,
        "D-12",
        "Lines and header amounts do not add up to the stated total, or the ledger's to ours.",
        "Correct the order in Commerce, the connection's tax basis, or the tax set in the ledger.",
    ),
    Code.CHANGED_AFTER_FREEZE: Reason(
        H,
        Who.SALES,
        "D-11",
        "The order changed after a receipt or an invoice froze it.",
        "Make the change by hand in ConnectWise or the ledger, or take it back in Commerce.",
    ),
    Code.CANCELLED_AFTER_START: Reason(
        H,
        Who.SALES,
        "H3",
        "The order was cancelled after records were made in ConnectWise.",
        "Cancel the records that the order's page lists in ConnectWise.",
    ),
    Code.HELD_BY_PERSON: Reason(
        H,
        Who.OPERATOR,
        "H11",
        "A person holds this order.",
        "Release it.",
    ),
}
