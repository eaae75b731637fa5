"""What our kinds are called in QuickBooks, and how our marker stands in a note.

Owns these names for both directions of translation. Pure.
"""

from __future__ import annotations

import re

from app.domain.books import ContactKind, DocumentKind

ENTITIES: dict[DocumentKind, str] = {
    DocumentKind.PURCHASE_ORDER: "PurchaseOrder",
    DocumentKind.BILL: "Bill",
    DocumentKind.VENDOR_CREDIT: "VendorCredit",
    DocumentKind.INVOICE: "Invoice",
    DocumentKind.ESTIMATE: "Estimate",
}
KINDS = {name: kind for kind, name in ENTITIES.items()}
CONTACTS: dict[ContactKind, str] = {
    ContactKind.VENDOR: "Vendor",
    ContactKind.CUSTOMER: "Customer",
}
SALES = frozenset({DocumentKind.INVOICE, DocumentKind.ESTIMATE})
PURCHASE_ORDER = ENTITIES[DocumentKind.PURCHASE_ORDER]
ESTIMATE = ENTITIES[DocumentKind.ESTIMATE]
BILL = ENTITIES[DocumentKind.BILL]

# PrivateNote cannot be queried and people write into it too: the word before the marker is what
# tells it from their text.
MARKED = re.compile(r"\bDemandlink: ([A-Za-z0-9:._/-]{1,100})(?![A-Za-z0-9:._/-])")
MARKER = re.compile(r"[A-Za-z0-9:._/-]{1,100}")


def entity_of(kind: DocumentKind) -> str:
    return ENTITIES[kind]


def contact_field(kind: DocumentKind) -> str:
    return "CustomerRef" if kind in SALES else "VendorRef"


def note_of(memo: str, link: str, marker: str) -> str:
    return "\n".join(part for part in (memo, link, f"Demandlink: {marker}") if part)


def marker_in(note: str) -> str | None:
    """Our marker in a note; the last one, where a copied document carries two."""
    found = MARKED.findall(note)
    return found[-1] if found else None
