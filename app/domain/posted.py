"""Documents of ours that stand in a ledger: how they are called, and what a person did to one.

Owns the facts `ledger_hint` (a webhook named the document) and `ledger_seen` (what was read of it
since). They are two, so that a hint that comes in during a read is not lost: each hint is answered
by one read at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.domain import ledger_orders
from app.domain.books import Document, DocumentKind, Status
from app.domain.facts import LEDGER_HINT, LEDGER_SEEN
from app.domain.order import OrderView
from app.domain.records import (
    JournalEntry,
    Ref,
)

LOOK = "ledger"
# References to them; ConnectWise has invoices too.
REFS = {
    DocumentKind.PURCHASE_ORDER: ledger_orders.REF,
    DocumentKind.BILL: "bill",
    DocumentKind.INVOICE: "ledger_invoice",
    DocumentKind.ESTIMATE: "estimate",
}
NAMED = {
    DocumentKind.PURCHASE_ORDER: "Purchase order",
    DocumentKind.BILL: "Bill",
    DocumentKind.INVOICE: "Sales invoice",
    DocumentKind.ESTIMATE: "Estimate",
}
KINDS = {ref: kind for kind, ref in REFS.items()}
STEPS = {"bill": "post_bill", "ledger_invoice": "post_invoice", "estimate": "post_invoice"}


def routes(entity: str, record: str) -> tuple[tuple[str, str], ...]:
    """The references under which an order may carry a record that a webhook names. Xero tells
    bills and sales invoices by one word (accounting.md 3.7); ids are one ledger's own. Purchase
    orders are left out: each bill changes its own, which is nobody's doing."""
    kinds = {"bill": ("bill",), "invoice": ("bill", "ledger_invoice"), "estimate": ("estimate",)}
    return tuple((kind, record) for kind in kinds.get(entity, ()))


def told(view: OrderView) -> list[Ref]:
    """The documents that a webhook named since they were read last."""
    found = []
    for _, ref in sorted(view.refs.items()):
        hint = view.facts.get((LEDGER_HINT, key_of(ref)))
        seen = view.facts.get((LEDGER_SEEN, key_of(ref)))
        if hint is not None and (seen is None or seen.body["event"] != hint.body["event"]):
            found.append(ref)
    return found


def key_of(ref: Ref) -> str:
    return f"{ref.kind}/{ref.external_id}"


def event_of(view: OrderView, ref: Ref) -> int:
    """The last delivery that named the document."""
    return int(view.facts[LEDGER_HINT, key_of(ref)].body["event"])


def noted(view: OrderView, ref: Ref, document: Document | None) -> dict[str, Any]:
    """The reading that answers the hint that the view holds. None: the document is gone."""
    body: dict[str, Any] = {"event": event_of(view, ref)}
    if document is None:
        return {**body, "status": Status.DELETED.value}
    return {
        **body,
        "status": document.status.value,
        "version": document.version,
        "paid": str(document.paid),
    }


def by_person(
    view: OrderView, ref: Ref, document: Document | None, now: Mapping[str, Any]
) -> JournalEntry | None:
    """What a person did since the reading before; None: nothing, or the change was the service's."""
    seen = view.facts.get((LEDGER_SEEN, key_of(ref)))
    before = dict(seen.body) if seen is not None else {}
    if {**before, "event": None} == {**now, "event": None}:
        return None
    if document is not None and document.version == ref.data.get("version"):
        return None
    named = NAMED[KINDS[ref.kind]]
    if document is not None and document.number:
        named = f"{named} {document.number}"
    code, what = _what(document, before)
    sentence = f"{named} of {view.label(ref.key)} {what} in the ledger; it is left so."
    return JournalEntry(code, sentence, STEPS[ref.kind], ref.key, data={"record": ref.external_id})


def _what(document: Document | None, before: Mapping[str, Any]) -> tuple[str, str]:
    if document is None or document.status is Status.DELETED:
        return "LEDGER_DOCUMENT_REMOVED", "was deleted by a person"
    if document.status is Status.VOIDED:
        return "LEDGER_DOCUMENT_REMOVED", "was voided by a person"
    if document.status is Status.PAID and before.get("status") != Status.PAID:
        return "LEDGER_DOCUMENT_PAID", "was paid"
    if document.paid and str(document.paid) != before.get("paid"):
        return "LEDGER_DOCUMENT_PAID", f"was paid in part ({document.paid} {document.currency})"
    return "LEDGER_DOCUMENT_EDITED", "was changed by a person"
