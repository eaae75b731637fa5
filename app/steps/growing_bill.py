"""Where a bill that grows with its purchase order stops growing (C6, C4, decision 0027).

Paid, or in a period that is closed: nobody doubts what stands on it, so the rest becomes a further
bill. Changed or removed by a person: it may hold the rest already, so a person says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain import bills
from app.domain.books import Document, DocumentKind, Status
from app.domain.codes import Code
from app.domain.errors import Hold, Wait
from app.steps import ledger_standing
from app.steps.effects import Effects
from app.steps.ledger_standing import Posting


def complete(fx: Effects, want: Mapping[str, Any]) -> bool:
    """Whether the bill takes no more, and just that stands on it which is wanted."""
    subject = str(want["subject"])
    standing = dict(bills.billed(fx.view, int(want["purchase_order"]), doubtful=False))
    return (bills.SEALED, subject) in fx.view.facts and standing.get(subject) == want


async def seal(fx: Effects, posting: Posting, hold: Hold) -> None:
    """After a bill could not be changed. Returns where a person has put the rest into the ledger.
    Raises Wait once the bill is sealed, so that the rest is decided anew; else the hold, or
    Hold(BILL_TAKEN_OVER)."""
    subject, want = posting.subject, posting.want
    known = fx.view.refs.get(("bill", subject))
    stopped = hold.code in (Code.CHANGED_AFTER_FREEZE, Code.BOOKS_CLOSED)
    if known is None or not stopped or not bills.grows(fx.view, want):
        raise hold
    if (bills.STEP, subject) in fx.view.in_doubt:  # what was learned just now is not in the view
        raise Wait(Code.OUTCOME_UNKNOWN, "What was in doubt was resolved.", await fx.now())
    why = "is in a period that is closed"
    if hold.code is Code.CHANGED_AFTER_FREEZE:
        standing = await ledger_standing.read(fx, DocumentKind.BILL, known.external_id)
        before = dict(bills.billed(fx.view, int(want["purchase_order"])))[subject]
        why = "is paid, at least in part"
        if before["supplier"] != want["supplier"]:
            why = "is owed to the supplier before"
        elif not _paid_as_sent(standing, known.data.get("amounts")):
            choice = fx.view.decided(Code.BILL_TAKEN_OVER, subject, want)
            if choice == "done_by_hand":
                fx.journal("DIFFERENCE_ACCEPTED", f"{posting.named()} stays as it is.")
                return
            if choice != "bill_rest":
                raise Hold(
                    Code.BILL_TAKEN_OVER,
                    f"More came for {posting.named()[0].lower()}{posting.named()[1:]}, and a person "
                    f"has {'changed' if standing is not None else 'removed'} it in the ledger.",
                ) from hold
            why = "is a person's"
    fx.see(bills.SEALED, {"why": why}, key=subject)
    told = f"{posting.named()} {why}; what came since goes on a further bill."
    fx.journal("BILL_SEALED", told)
    raise Wait(Code.EARLIER_STEP, told, await fx.now()) from hold


def _paid_as_sent(standing: Document | None, sent: Any) -> bool:
    """A payment changes a document's version, and not its lines."""
    if standing is None or standing.status in (Status.VOIDED, Status.DELETED):
        return False
    paid = standing.status is Status.PAID or bool(standing.paid)
    return paid and ledger_standing.amounts(standing.lines) == sent
