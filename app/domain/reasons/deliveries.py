"""Reasons about deliveries that were not taken."""

from __future__ import annotations

from app.domain.codes import Code, Who
from app.domain.reasons.reason import H, Reason

REASONS: dict[Code, Reason] = {
    Code.SIGNATURE_REFUSED: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's signature does not fit the body.",
        "Compare the sender's secret with COMMERCE_WEBHOOK_SECRETS.",
    ),
    Code.TIMESTAMP_OUTSIDE_WINDOW: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's timestamp is more than 5 minutes off.",
        "Set the sender's clock; deliver again.",
    ),
    Code.ID_REUSED: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's id was used before with another body.",
        "Deliver again with a new id.",
    ),
    Code.BODY_NOT_JSON: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's body is not JSON.",
        "Deliver again, corrected.",
    ),
    Code.BODY_NOT_VALID: Reason(
        H,
        Who.OPERATOR,
        "H13",
        "The delivery's body is not as the contract says.",
        "Deliver again, corrected as the cause says.",
    ),
    Code.DATE_AHEAD: Reason(
        H,
        Who.OPERATOR,
        "H1",
        "A document is dated more than 24 hours ahead.",
        "Set the sender's clock; the delivery is merged when its date has come.",
    ),
    Code.TYPE_UNHANDLED: Reason(
        H,
        Who.NOBODY,
        "H13",
        "The delivery's type is not one that the service knows.",
        "Nothing.",
    ),
}
