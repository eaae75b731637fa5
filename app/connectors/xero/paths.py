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
    the record has the field that opens our page; `web`: where a person opens it."""

    path: str
    id: str
    number: str
    type: str = ""
    url: bool = False
    web: str = ""

    @property
    def envelope(self) -> str:
        return self.path.removeprefix("/")


WEB = "https://go.xero.com"
FAMILIES: Mapping[DocumentKind, Family] = {
    DocumentKind.PURCHASE_ORDER: Family(PURCHASE_ORDERS, "PurchaseOrderID", "PurchaseOrderNumber"),
    DocumentKind.BILL: Family(
        INVOICES, "InvoiceID", "InvoiceNumber", "ACCPAY", url=True,
        web=f"{WEB}/AccountsPayable/Edit.aspx?InvoiceID=",
    ),
    DocumentKind.VENDOR_CREDIT: Family(
        CREDIT_NOTES, "CreditNoteID", "CreditNoteNumber", "ACCPAYCREDIT"
    ),
    DocumentKind.INVOICE: Family(
        INVOICES, "InvoiceID", "InvoiceNumber", "ACCREC", url=True,
        web=f"{WEB}/AccountsReceivable/Edit.aspx?InvoiceID=",
    ),
}  # fmt: skip
KINDS: Mapping[tuple[str, str], DocumentKind] = {
    (family.path, family.type): kind for kind, family in FAMILIES.items()
}
