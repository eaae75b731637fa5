"""What is told of an order whose steps are all done: whether it is invoiced, and who still acts.

Owns the codes RELEASED and INVOICED with their sentences. Pure; what was read of invoices is
`invoices.py`'s and `posted.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import invoices, posted, sales_invoices
from app.domain.books import Status
from app.domain.codes import Code, State, Who
from app.domain.facts import LEDGER_SEEN
from app.domain.order import OrderView
from app.domain.shut import Ended


def finished(view: OrderView, skipped: Sequence[str]) -> Ended:
    """How the order ended. `skipped`: steps that a person left out, so that what they would have
    done is done by hand."""
    if view.parent is not None:
        return _in_connectwise(view, left_out="release_invoice" in skipped)
    if sales_invoices.STEP in view.steps:
        return _in_the_ledger(view, left_out=sales_invoices.STEP in skipped)
    return Ended(State.DONE, Code.RELEASED, "Everything is done.", Who.ACCOUNTING)


# ConnectWise invoices (A, B, D) -------------------------------------------------------------------


def _in_connectwise(view: OrderView, *, left_out: bool) -> Ended:
    billed = invoices.invoiced_lines(view)
    sold = {str(line.id): line.quantity for line in view.sold_lines}
    on = invoices.named(view, [key for key in sold if key in billed])
    if sold and all(billed.get(key, 0) >= quantity for key, quantity in sold.items()):
        told = f"{view.parent_named} is invoiced in ConnectWise{f': {on}' if on else ''}."
        return Ended(State.DONE, Code.INVOICED, told)
    if left_out:
        told = f"{view.parent_named} stands in ConnectWise; a person releases it for invoicing."
    else:
        told = f"{view.parent_named} in ConnectWise is released for invoicing."
    if on:
        told = f"{told[:-1]}; a part of it is invoiced: {on}."
    return Ended(State.DONE, Code.RELEASED, told, Who.ACCOUNTING)


# We invoice, in the ledger (C) --------------------------------------------------------------------


def _in_the_ledger(view: OrderView, *, left_out: bool) -> Ended:
    if left_out:
        told = "Everything else is done; the sales invoice was left to a person."
        return Ended(State.DONE, Code.RELEASED, told, Who.ACCOUNTING)
    standing: dict[str, list[str]] = {}
    for subject in sales_invoices.subjects(view):
        if (want := view.applied(sales_invoices.STEP, subject)) is not None:
            standing.setdefault(_stands(view, subject, want), []).append(_number(view, want))
    if drafts := standing.get(Status.DRAFT):
        told = f"{_called(drafts)} in the ledger as a draft: it is approved there."
        return Ended(State.DONE, Code.RELEASED, told, Who.ACCOUNTING)
    if estimates := standing.get("estimate"):
        told = f"{_called(estimates)} in the ledger as an estimate: it is invoiced there."
        return Ended(State.DONE, Code.RELEASED, told, Who.ACCOUNTING)
    if removed := [*standing.get(Status.DELETED, ()), *standing.get(Status.VOIDED, ())]:
        told = f"Sales invoice {', '.join(removed)} was removed in the ledger by a person; it is left so."
        return Ended(State.DONE, Code.RELEASED, told, Who.NOBODY)
    if (unpaid := standing.get(Status.OPEN)) or not standing.get(Status.PAID):
        told = f"{_called(unpaid or [view.row.name])} in the ledger, approved."
        return Ended(State.DONE, Code.INVOICED, told)
    told = f"{_called(standing[Status.PAID])} in the ledger, and is paid."
    return Ended(State.DONE, Code.INVOICED, told)


def _stands(view: OrderView, subject: str, want: Mapping[str, Any]) -> str:
    """How an invoice of ours stands, as it was made or as it was read since (C4, D-9)."""
    ref = view.refs.get(("ledger_invoice", subject))
    if ref is None:
        return "estimate" if ("estimate", subject) in view.refs else Status.OPEN
    seen = view.facts.get((LEDGER_SEEN, posted.key_of(ref)))
    if seen is not None:
        return str(seen.body["status"])
    approved = view.decided(Code.INVOICE_NOT_APPROVED, subject, want) == "approve"
    return Status.DRAFT if want.get("draft") and not approved else Status.OPEN


def _number(view: OrderView, want: Mapping[str, Any]) -> str:
    """The invoice's number in Commerce, which the ledger's document names as well."""
    found = (one for one in view.sales_invoices if one.id == want["invoice"])
    return next((one.invoice_number for one in found), str(want.get("reference", "")))


def _called(numbers: Sequence[str]) -> str:
    return f"Sales invoice {', '.join(numbers)} stands"
