"""The records of the accounting API: path, table, verbs, scopes, paging.

Owns the registry that routes and scopes are read from. A write takes one element's body and gives
its row; `create` says that it came by PUT, which never updates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.xero.model import contacts, documents, money, setup, tables
from sandbox.xero.model.books import Books
from sandbox.xero.model.fields import Field
from sandbox.xero.model.store import Row

Save = Callable[[Books, Mapping[str, Any], bool, str | None, int], Row]
INVOICES_SCOPE = "accounting.invoices"
SETTINGS_SCOPE = "accounting.settings"
# The broad scopes of old apps, by the granular ones that they cover.
BROADER = {
    INVOICES_SCOPE: "accounting.transactions",
    "accounting.payments": "accounting.transactions",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record. `key` is the field that may stand for the id in a path. `paging`:
    always, asked (only then with lines), or never. `single`: one element a request."""

    name: str
    table: str
    what: str
    id: str
    fields: Mapping[str, Field]
    scope: str
    save: Save | None = None
    collection: frozenset[str] = frozenset()
    record: frozenset[str] = frozenset()
    key: str = ""
    paging: str = "never"
    single: bool = False
    history: bool = False
    attachments: bool = False


BOTH = frozenset({"PUT", "POST"})
CHANGED = frozenset({"POST"})


def _document(kind: documents.Kind) -> Save:
    def save(
        books: Books, body: Mapping[str, Any], create: bool, own: str | None, places: int
    ) -> Row:
        return documents.save(kind, books, body, create=create, own=own, places=places)

    return save


def _contact(
    books: Books, body: Mapping[str, Any], create: bool, own: str | None, places: int
) -> Row:
    return contacts.save(books, body, create=create, own=own)


def _item(books: Books, body: Mapping[str, Any], create: bool, own: str | None, places: int) -> Row:
    return setup.save_item(books, body, create=create, own=own, places=places)


def _account(
    books: Books, body: Mapping[str, Any], create: bool, own: str | None, places: int
) -> Row:
    return setup.save_account(books, body, create=create, own=own)


def _tax_rate(
    books: Books, body: Mapping[str, Any], create: bool, own: str | None, places: int
) -> Row:
    return setup.save_tax_rate(books, body, create=create)


def _currency(
    books: Books, body: Mapping[str, Any], create: bool, own: str | None, places: int
) -> Row:
    return setup.save_currency(books, body, create=create)


def _payment(
    books: Books, body: Mapping[str, Any], create: bool, own: str | None, places: int
) -> Row:
    return money.save_payment(books, body, own=own)


document = partial(Resource, scope=INVOICES_SCOPE, collection=BOTH, record=CHANGED, history=True)
LISTED = (
    Resource("Organisation", "organisation", "Organisation", "OrganisationID",
             tables.ORGANISATION, SETTINGS_SCOPE),
    Resource("Accounts", "account", "Account", "AccountID", tables.ACCOUNT, SETTINGS_SCOPE,
             _account, frozenset({"PUT"}), CHANGED, single=True, attachments=True),
    Resource("TaxRates", "taxRate", "TaxRate", "TaxType", tables.TAX_RATE, SETTINGS_SCOPE,
             _tax_rate, BOTH, single=True),
    Resource("Currencies", "currency", "Currency", "Code", tables.CURRENCY, SETTINGS_SCOPE,
             _currency, frozenset({"PUT"}), single=True),
    Resource("TrackingCategories", "tracking", "TrackingCategory", "TrackingCategoryID",
             tables.TRACKING, SETTINGS_SCOPE),
    Resource("Contacts", "contact", "Contact", "ContactID", tables.CONTACT,
             "accounting.contacts", _contact, BOTH, CHANGED, key="ContactNumber",
             paging="asked", history=True, attachments=True),
    Resource("Items", "item", "Item", "ItemID", tables.ITEM, INVOICES_SCOPE, _item, BOTH,
             frozenset({"POST", "DELETE"}), key="Code", history=True),
    document("Invoices", "invoice", "Invoice", "InvoiceID", tables.INVOICE,
             save=_document(documents.INVOICES), key="InvoiceNumber", paging="asked",
             attachments=True),
    document("CreditNotes", "creditNote", "CreditNote", "CreditNoteID", tables.CREDIT_NOTE,
             save=_document(documents.CREDIT_NOTES), key="CreditNoteNumber", paging="asked",
             attachments=True),
    document("PurchaseOrders", "purchaseOrder", "PurchaseOrder", "PurchaseOrderID",
             tables.PURCHASE_ORDER, save=_document(documents.PURCHASE_ORDERS),
             key="PurchaseOrderNumber", paging="always", attachments=True),
    Resource("Payments", "payment", "Payment", "PaymentID", tables.PAYMENT,
             "accounting.payments", _payment, BOTH, CHANGED, paging="asked", history=True),
)  # fmt: skip
RESOURCES: Mapping[str, Resource] = {resource.name: resource for resource in LISTED}


def envelope(resource: Resource) -> str:
    """The name of the list in an answer."""
    return "Organisations" if resource.name == "Organisation" else resource.name


def allowed(resource: Resource, scopes: frozenset[str], *, reads: bool, attachment: bool) -> bool:
    """Whether scopes suffice for a call."""
    scope = "accounting.attachments" if attachment else resource.scope
    enough = {scope}
    if scope in BROADER:
        enough.add(BROADER[scope])
    if reads:
        enough |= {f"{each}.read" for each in tuple(enough)}
    return bool(enough & scopes)
