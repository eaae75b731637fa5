"""How a purchase order of ours ends in the ledger: closed or removed, never against a person (D-11).

Each end is read back; one that a person has changed or billed is not removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain.books import DocumentKind, Status
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.json_values import digest
from app.steps import ledger, ledger_documents, ledger_standing
from app.steps.effects import Effects

KIND = DocumentKind.PURCHASE_ORDER


async def close(fx: Effects, subject: str, named: str, want: Mapping[str, Any]) -> None:
    """Nothing more comes on it. Raises Hold where it stays open all the same."""
    known = await ledger_documents.found(fx, KIND, subject)
    standing = None if known is None else await ledger_standing.read(fx, KIND, known.external_id)
    if known is None or standing is None or standing.status is Status.CLOSED:
        return
    await fx.guard()
    key = digest([known.external_id, standing.version, "close"])[:40]
    closed = await ledger.books_of(fx).close_purchase_order(standing.id, standing.version, key)
    if closed.status is Status.CLOSED:
        fx.journal("LEDGER_DOCUMENT_CLOSED", f"{named} was closed in the ledger.")
    elif fx.view.decision(Code.CHANGED_AFTER_FREEZE, subject, want) is None:
        raise Hold(
            Code.CHANGED_AFTER_FREEZE,
            f"{named} is done in Commerce, and the ledger keeps it open.",
            who="accounting",
        )


async def remove(
    fx: Effects, kind: DocumentKind, subject: str, named: str, want: Mapping[str, Any]
) -> None:
    """It was cancelled, or is another sales order's, before anything came. Raises Hold where a
    person has changed or billed it."""
    known = await ledger_documents.found(fx, kind, subject)
    standing = None if known is None else await ledger_standing.read(fx, kind, known.external_id)
    if known is None or standing is None or standing.status is Status.CLOSED:
        return
    if standing.version != known.data.get("version") or standing.fulfilled_by:
        if fx.view.decision(Code.CHANGED_AFTER_FREEZE, subject, want) is None:
            raise Hold(
                Code.CHANGED_AFTER_FREEZE,
                f"{named} is not to come any more, and a person has changed or billed it in the "
                "ledger.",
                who="accounting",
            )
        fx.journal("DIFFERENCE_ACCEPTED", f"{named} stays as it is in the ledger.")
        return
    await fx.guard()
    key = digest([known.external_id, standing.version, "remove"])[:40]
    await ledger.books_of(fx).remove_document(kind, standing.id, standing.version, key)
    fx.journal("LEDGER_DOCUMENT_REMOVED", f"{named} was removed from the ledger.")
