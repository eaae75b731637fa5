"""Reasons about what the drift sweep found; none holds an order."""

from __future__ import annotations

from app.domain.codes import Code, State, Who
from app.domain.reasons.reason import Reason

REASONS: dict[Code, Reason] = {
    Code.DRIFT_MISSING: Reason(
        State.DONE,
        Who.OPERATOR,
        "H12",
        "The drift sweep found that a record which the service made or used is gone, or that a document "
        "of Commerce never came in.",
        "Fix the finding: the record is made anew by the same step, or the document is taken in as if "
        "it was polled. Or adopt that it is so.",
    ),
    Code.DRIFT_UNLINKED: Reason(
        State.DONE,
        Who.PURCHASING,
        "H12",
        "The drift sweep found a purchase order line that lost its link to the order's demand.",
        "Fix the finding: the link is asked for again, and where it does not come back the order is "
        "held as DEMAND_NOT_LINKED with its choices.",
    ),
    Code.DRIFT_DIFFERENT: Reason(
        State.DONE,
        Who.OPERATOR,
        "H12",
        "The drift sweep found another quantity, amount or number than the service left there, or that "
        "Commerce has another state of a document than what came in.",
        "Fix the finding where that is offered, correct the record by hand, or adopt what stands.",
    ),
    Code.DRIFT_INVOICED: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "H12",
        "The drift sweep found lines on an invoice whose goods are still to come.",
        "Fix the finding: the order reads its invoices and is held as INVOICED_TOO_EARLY with its "
        "choices.",
    ),
    Code.DRIFT_FOREIGN: Reason(
        State.DONE,
        Who.PURCHASING,
        "H12",
        "The drift sweep found that somebody else bought for the order's demand, or added to what "
        "the service made.",
        "Cancel it in ConnectWise if it is a mistake; else adopt it.",
    ),
    Code.DUPLICATE_REMOTE: Reason(
        State.DONE,
        Who.OPERATOR,
        "H12",
        "The drift sweep found a record twice: both carry the mark of the service. A worker that was "
        "frozen past its lease may have sent a write late.",
        "Remove the second one, which the finding names: the finding then closes itself. The service "
        "goes on with the first. Adopt it if both are right.",
    ),
}
