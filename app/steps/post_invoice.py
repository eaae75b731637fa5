"""post_invoice: Commerce's sales invoice in the ledger, as a draft or approved (C3 to C5, D-9).

Owns the invoice in the ledger's terms: customer, accounts or items, number, and what a draft is
where the ledger has none. A draft that a person edited, merged or deleted is theirs (C4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from app.domain import sales_invoices
from app.domain.books import (
    Approval,
    Capabilities,
    ContactKind,
    DocumentKind,
    LedgerLine,
    NewDocument,
    TaxMode,
)
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.decide import same
from app.domain.errors import Hold
from app.domain.order import OrderView
from app.domain.shut import Shut
from app.steps import ledger, ledger_documents, ledger_standing
from app.steps.effects import Effects
from app.steps.post_bill import DESCRIPTION, refuse_currency

name = sales_invoices.STEP
version = 1
SETTINGS = {
    "product": "ledger_sales_product",
    "service": "ledger_sales_service",
    "freight": "ledger_sales_delivery",
    "surcharge": "ledger_sales_delivery",
    "discount": "ledger_sales_discount",
}


def subjects(view: OrderView) -> Sequence[str]:
    return sales_invoices.subjects(view)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    return sales_invoices.wanted(view, subject)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if want["invoice"] is None:
        return []
    known = any(
        (kind, str(want["subject"])) in view.refs for kind in ("ledger_invoice", "estimate")
    )
    approved = view.decided(Code.INVOICE_NOT_APPROVED, str(want["subject"]), want) == "approve"
    draft = " as a draft" if want["draft"] and not approved else ""
    return [f"{'change' if known else 'post'} sales invoice of {want['reference']}{draft}"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    view = fx.view
    number = int(want["invoice"])
    invoice = next(one for one in view.sales_invoices if one.id == number)
    can = (await ledger.organisation(fx)).capabilities
    await refuse_currency(fx, want["currency"])
    kind = _kind(fx, want, can)
    if want["number"] is not None and kind not in can.own_numbering:
        # They may have been switched on since.
        can = (await ledger.organisation(fx, fresh=True)).capabilities
    customer = await ledger.contact(
        fx, ContactKind.CUSTOMER, invoice.customer_id, invoice.customer.name, want["currency"]
    )
    lines = [await _line(fx, line, can) for line in want["lines"]]
    taxed = any(line.tax_amount for line in lines)
    draft = want["draft"] and can.has_drafts
    new = NewDocument(
        kind,
        customer.id,
        date.fromisoformat(want["on"]),
        want["currency"],
        tuple(lines),
        ledger_documents.marker(fx, kind, str(want["subject"])),
        approval=Approval.DRAFT if draft else Approval.APPROVED,
        tax_mode=TaxMode.EXCLUSIVE if taxed else TaxMode.NONE,
        number=_numbered(want, kind, can),
        due=date.fromisoformat(want["due"]) if want["due"] else None,
        reference=str(want["reference"]),
        memo=f"Datto Commerce invoice {invoice.invoice_number}",
    )
    total = sum((line.amount + (line.tax_amount or 0) for line in lines), Decimal(0))
    await ledger_documents.post(
        fx, ledger_standing.Posting(want, new, total, own_tax=can.computes_sales_tax)
    )


def _kind(fx: Effects, want: Mapping[str, Any], can: Capabilities) -> DocumentKind:
    """D-9: where there are no drafts the service keeps one, until a person approves just it; or an
    estimate stands in for it."""
    subject = str(want["subject"])
    posted = ("ledger_invoice", subject) in fx.view.refs
    again = posted and same(fx.view.applied(name, subject), want)
    if not want["draft"] or can.has_drafts or again:
        return DocumentKind.INVOICE
    if fx.view.behaviour.draft_as_estimate == "true" and can.estimates and not posted:
        return DocumentKind.ESTIMATE
    if fx.view.decided(Code.INVOICE_NOT_APPROVED, subject, want) == "approve":
        return DocumentKind.INVOICE
    total = sum(
        (Decimal(str(line["amount"])) + Decimal(str(line["tax"])) for line in want["lines"]),
        Decimal(0),
    )
    raise Hold(
        Code.INVOICE_NOT_APPROVED,
        f"The sales invoice of {want['reference']} over {total} {want['currency']} is a draft here; "
        "the ledger has no drafts.",
    )


def _numbered(want: Mapping[str, Any], kind: DocumentKind, can: Capabilities) -> str | None:
    """C5. Raises Hold where the ledger takes no number of ours: sent all the same, it would stand
    twice (accounting.md 2.6)."""
    number = want["number"]
    if number is None:
        return None
    if kind not in can.own_numbering or len(number) > can.number_length:
        raise Hold(
            Code.SETTING_MISSING,
            f"The ledger does not take {number} as the number of an invoice: custom numbers are off "
            f"there, or it is longer than {can.number_length}. Set INVOICE_NUMBERING = ledger.",
            who="operator",
        )
    return str(number)


async def _line(fx: Effects, line: Mapping[str, Any], can: Capabilities) -> LedgerLine:
    setting = SETTINGS[line["kind"]]
    tax = Decimal(str(line["tax"]))
    by_item = can.sales_lines_need_items
    code = "ledger_sales_tax_code" if tax else "ledger_no_tax_code"
    return LedgerLine(
        cut(str(line["title"]), DESCRIPTION),
        Decimal(str(line["quantity"])),
        Decimal(str(line["price"])),
        Decimal(str(line["amount"])),
        tax_amount=tax,
        account_id=None if by_item else await ledger.account(fx, setting),
        item_id=await ledger.item(fx, setting) if by_item else None,
        tax_code_id=await ledger.tax_code(fx, code),
    )
