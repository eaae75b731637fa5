"""Reasons about bills and sales invoices in QuickBooks or Xero."""

from __future__ import annotations

from app.domain.codes import Code, Who
from app.domain.reasons.reason import H, Reason, W

REASONS: dict[Code, Reason] = {
    Code.SALES_INVOICE_MISSING: Reason(
        W,
        Who.ACCOUNTING,
        "C3",
        "Commerce has issued no sales invoice for the order.",
        "Issue the invoice in Commerce, or skip it where it is written in the ledger by hand.",
    ),
    Code.INVOICE_NOT_APPROVED: Reason(
        H,
        Who.ACCOUNTING,
        "D-9",
        "The ledger has no drafts, so the service keeps this one.",
        "Approve it, which posts it; or skip it where it is written in the ledger by hand.",
    ),
    Code.BILL_ABOVE_RECEIPT: Reason(
        H,
        Who.ACCOUNTING,
        "H2",
        "More is billed in the ledger than Commerce says was received.",
        "Correct the receipt in Commerce, or correct the bill in the ledger and leave it so.",
    ),
    Code.BILL_NOT_LINKED: Reason(
        H,
        Who.ACCOUNTING,
        "C6",
        "The bill stands in the ledger without its link to the purchase order there.",
        "Link it in the ledger and look again, or leave it so.",
    ),
    Code.BILL_TAKEN_OVER: Reason(
        H,
        Who.ACCOUNTING,
        "C6",
        "More came for a bill that a person has changed or removed in the ledger.",
        "See whether the person's change holds it already; let it be billed, or say that it is.",
    ),
    Code.BOOKS_CLOSED: Reason(
        H,
        Who.ACCOUNTING,
        "G3",
        "The ledger takes nothing with this date: its books are closed, or the document is.",
        "Open the period in the ledger; or skip it and enter the document by hand.",
    ),
    Code.CURRENCY_NOT_KEPT: Reason(
        H,
        Who.ACCOUNTING,
        "D-12",
        "The ledger, the contact in it, or the company in ConnectWise keeps another currency than the "
        "document has: its amounts would be taken for the other one's.",
        "Add the currency to the ledger, map a contact or company that has it, correct the currency in "
        "Commerce or COMMERCE_CURRENCY, or enter the document by hand.",
    ),
}
