"""Where Xero keeps what, and under which names, as `xero.openapi.json` has it.

Owns paths and field names of each kind of document. Must not know how a body is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.books import DocumentKind

ORGANISATION = "/Organisation"
ACTIONS = "/Organisation/Actions"
ACCOUNTS = "/Accounts"
TAX_RATES = "/TaxRates"
CONTACTS = "/Contacts"
ITEMS = "/Items"
INVOICES = "/Invoices"
CREDIT_NOTES = "/CreditNotes"
PURCHASE_ORDERS = "/PurchaseOrders"


@dataclass(frozen=True, slots=True)
class Family:
    """How one kind of document is called. `type` tells apart what shares a path; `url`: whether
    the record has the field that opens our page; `web`: where a person opens it, up to its id."""

    path: str
    id: str
    number: str
    web: str
    type: str = ""
    url: bool = False

    @property
    def envelope(self) -> str:
        return self.path.removeprefix("/")


# Only the first of these addresses is documented (accounting.md 7); the others follow its manner.
WEB = "https://go.xero.com"
FAMILIES: Mapping[DocumentKind, Family] = {
    DocumentKind.BILL: Family(
        INVOICES, "InvoiceID", "InvoiceNumber", f"{WEB}/AccountsPayable/Edit.aspx?InvoiceID=",
        "ACCPAY", url=True,
    ),
    DocumentKind.INVOICE: Family(
        INVOICES, "InvoiceID", "InvoiceNumber", f"{WEB}/AccountsReceivable/Edit.aspx?InvoiceID=",
        "ACCREC", url=True,
    ),
    DocumentKind.VENDOR_CREDIT: Family(
        CREDIT_NOTES, "CreditNoteID", "CreditNoteNumber",
        f"{WEB}/AccountsPayable/ViewCreditNote.aspx?creditNoteID=", "ACCPAYCREDIT",
    ),
    DocumentKind.PURCHASE_ORDER: Family(
        PURCHASE_ORDERS, "PurchaseOrderID", "PurchaseOrderNumber",
        f"{WEB}/Accounts/Payable/PurchaseOrders/View/",
    ),
}  # fmt: skip
KINDS: Mapping[tuple[str, str], DocumentKind] = {
    (family.path, family.type): kind for kind, family in FAMILIES.items()
}
