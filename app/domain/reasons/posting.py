"""Reasons about what the tool that posts ConnectWise's records to a ledger cannot post; none holds an order."""

from __future__ import annotations

from app.domain.codes import Code, State, Who
from app.domain.reasons.reason import Reason

REASONS: dict[Code, Reason] = {
    Code.SYNC_LINE_OPEN: Reason(
        State.DONE,
        Who.PURCHASING,
        "G5",
        "A received purchase order line is not closed, and only closed ones are posted.",
        "Receive the rest of the line in ConnectWise, or split it off: a fully received "
        "line closes.",
    ),
    Code.SYNC_PACKING_SLIP_MISSING: Reason(
        State.DONE,
        Who.PURCHASING,
        "G5",
        "A received purchase order line has no packing slip, by which receipts are posted.",
        "Enter the packing slip on the line in ConnectWise.",
    ),
    Code.SYNC_SUPPLIER_INVOICE_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "A received purchase order lacks the number or the date of the supplier's invoice.",
        "Enter Vendor Invoice number and date on the purchase order in ConnectWise.",
    ),
    Code.SYNC_TAX_CODE_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "An invoice, or the customer before there is one, has no tax code.",
        "Choose a tax code on the invoice, or on the company's Finance view.",
    ),
    Code.SYNC_CONTACT_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "A company has neither a billing nor a primary contact.",
        "Choose a billing contact on the company's Finance view in ConnectWise.",
    ),
    Code.SYNC_GL_MAPPING_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "An entry of an invoice has no item: its GL mapping is empty or has no Non-Product ID.",
        "Complete the GL mapping in ConnectWise, with its Non-Product ID.",
    ),
    Code.SYNC_NUMBER_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G5",
        "An invoice or purchase order has no number to be found by in the ledger.",
        "Give the record a number in ConnectWise.",
    ),
    Code.SYNC_NUMBER_LONG: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A number is longer than the 8 characters that MYOB keeps, and is cut.",
        "Use numbers of at most 8 characters, as PO_NUMBERING = connectwise may; look in "
        "MYOB for a number that the cut one meets.",
    ),
    Code.SYNC_ACCOUNT_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A company has no Account, which becomes its card id in MYOB.",
        "Enter the Account on the company's Finance view in ConnectWise.",
    ),
    Code.SYNC_ACCOUNT_LONG: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A card id is longer than the 15 characters that MYOB takes.",
        "Shorten the Account on the company's Finance view, or the supplier prefix.",
    ),
    Code.SYNC_ACCOUNT_SHARED: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "Several companies have the same Account, and would share a card in MYOB.",
        "Give each company an Account of its own.",
    ),
    Code.SYNC_PREFIX_MISSING: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G7",
        "A supplier and the customer would have the same card id in MYOB.",
        "Set the supplier card id prefix in Innovent's tool, and "
        "INVOICE_SYNC_SUPPLIER_PREFIX to the same.",
    ),
    Code.SYNC_ITEM_LONG: Reason(
        State.DONE,
        Who.PURCHASING,
        "G7",
        "A product id is longer than the 30 characters that the ledger's item list takes.",
        "Let the tool shorten it where it can, or give the catalog item a shorter identifier.",
    ),
    Code.SYNC_REMADE: Reason(
        State.DONE,
        Who.ACCOUNTING,
        "G6",
        "An invoice would be removed and made anew, which breaks its pairing in the ledger.",
        "Change the invoice instead. Where it has to be removed, void it in the ledger first.",
    ),
    Code.SYNC_NOT_READ: Reason(
        State.DONE,
        Who.OPERATOR,
        "G5",
        "Part of the check could not be read.",
        "Give the API member the permission that is named, then check again: demandlink "
        "orders readiness.",
    ),
}
