"""Reasons about goods: received, with which serial numbers, and shipped."""

from __future__ import annotations

from app.domain.codes import Code, Who
from app.domain.reasons.reason import H, Reason, W

REASONS: dict[Code, Reason] = {
    Code.GOODS_NOT_RECEIVED: Reason(
        W,
        Who.PURCHASING,
        "B1.11",
        "Ordered goods have not been received in Commerce.",
        "Receive the goods on the purchase order in Commerce, or cancel what will not come.",
    ),
    Code.GOODS_NOT_SHIPPED: Reason(
        W,
        Who.PURCHASING,
        "D-14",
        "Only shipped goods are invoiced, and these are not shipped.",
        "Ship the goods on the ConnectWise sales order.",
    ),
    Code.RECEIPT_GAP: Reason(
        W,
        Who.NOBODY,
        "H2",
        "An earlier receipt of the same line has not come in.",
        "Nothing: after RECEIPT_GAP the missing part is received without papers.",
    ),
    Code.RECEIPT_REDUCED: Reason(
        H,
        Who.PURCHASING,
        "H2",
        "Commerce lowered a quantity that is received in ConnectWise.",
        "Correct the receipt in ConnectWise.",
    ),
    Code.RECEIPT_ABOVE_ORDER: Reason(
        H,
        Who.PURCHASING,
        "H2",
        "More was received than the purchase order line ordered.",
        "Raise the ordered quantity in Commerce, or correct the receipt.",
    ),
    Code.LINE_MISSING: Reason(
        H,
        Who.PURCHASING,
        "H2",
        "Goods came for which the purchase order in ConnectWise has no open line.",
        "Find out why: the rest of a line may be cancelled (PARTIAL_RECEIPT), or a person closed it. "
        "Choose whether the goods get another line.",
    ),
    Code.RECEIPT_UNCERTAIN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "ConnectWise shows another received quantity than expected.",
        "Compare the purchase order's lines in ConnectWise with the receipts.",
    ),
    Code.SERIALS_INCOMPLETE: Reason(
        H,
        Who.PURCHASING,
        "H7",
        "The serial numbers do not match the received quantity.",
        "Complete the serial numbers of the receipt in Commerce.",
    ),
    Code.SHIPPING_UNCERTAIN: Reason(
        H,
        Who.PURCHASING,
        "H9",
        "ConnectWise shows another shipped quantity than expected.",
        "Compare the shipping details of the product in ConnectWise.",
    ),
}
