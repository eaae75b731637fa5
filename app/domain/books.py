"""A ledger (QuickBooks Online, Xero) in the service's own terms, and the ports to it.

Owns what steps read from and write to the books: contacts, items, documents and what a ledger can
do. Money and quantity are Decimal, a currency travels with every amount (D-12). Must not know a
vendor's fields, nor decide who posts what (rules G9): that is the scenario's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class ContactKind(StrEnum):
    """A ledger may keep both in one list (Xero) or in two with one name space (QuickBooks)."""

    VENDOR = "vendor"
    CUSTOMER = "customer"


class DocumentKind(StrEnum):
    PURCHASE_ORDER = "purchase_order"  # posts nothing, in either product
    BILL = "bill"
    VENDOR_CREDIT = "vendor_credit"
    INVOICE = "invoice"
    ESTIMATE = "estimate"  # D-9: stands in for a draft where there is none


class Approval(StrEnum):
    """In which state a document is to be made. A ledger without drafts refuses DRAFT as INVALID:
    the service keeps such a draft itself and asks for APPROVED once a person approved it."""

    DRAFT = "draft"
    APPROVED = "approved"


class Status(StrEnum):
    """How a document stands in the books.

    OPEN: posted, and unpaid or paid in part; a purchase order or estimate that is in use. CLOSED:
    a purchase order whose goods are billed, an estimate that was invoiced or turned down. PAID:
    nothing is left to pay. VOIDED keeps the number, DELETED keeps nothing.
    """

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"
    VOIDED = "voided"
    DELETED = "deleted"


class TaxMode(StrEnum):
    """Whether the amounts of the lines hold tax."""

    NONE = "none"
    EXCLUSIVE = "exclusive"
    INCLUSIVE = "inclusive"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this organisation's books can do: of the product, its plan and its preferences.

    `own_numbering`: the kinds that take a number of ours; for the others none may be sent.
    `bills_take_tax`: False where purchase lines carry no tax code, so that a supplier's tax is a
    line of its own. `computes_sales_tax`: what is sent as tax on sales may be replaced.
    `sales_lines_need_items`: an invoice line refers to an item, never to an account alone.
    """

    has_drafts: bool
    purchase_orders: bool
    links_purchase_orders: bool
    estimates: bool
    multi_currency: bool
    own_numbering: frozenset[DocumentKind]
    number_length: int
    bills_take_tax: bool
    computes_sales_tax: bool
    sales_lines_need_items: bool


@dataclass(frozen=True, slots=True)
class Organisation:
    """The company whose books these are. Nothing dated on or before `closed_until` is taken."""

    id: str
    name: str
    country: str
    currency: str
    closed_until: date | None
    capabilities: Capabilities


class AccountKind(StrEnum):
    """As far as the service chooses by it; everything else is OTHER."""

    INCOME = "income"
    EXPENSE = "expense"
    COST_OF_GOODS = "cost_of_goods"
    INVENTORY = "inventory"
    PAYABLE = "payable"
    RECEIVABLE = "receivable"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Account:
    """An active account. `id` is what a line refers to; `code` is the number that people know."""

    id: str
    code: str
    name: str
    kind: AccountKind
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class TaxCode:
    """What a line names to be taxed. `rate` in percent, None where it depends on the address."""

    id: str
    name: str
    rate: Decimal | None
    for_purchases: bool
    for_sales: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A vendor or customer. `version` as for documents."""

    id: str
    kind: ContactKind
    name: str
    version: str
    active: bool = True
    currency: str | None = None
    email: str = ""


@dataclass(frozen=True, slots=True)
class NewContact:
    """`number` is our own key of the contact, kept where the ledger has a place for it."""

    kind: ContactKind
    name: str
    email: str = ""
    currency: str | None = None
    number: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A product or service. `id` is what a line refers to; `code` is our SKU."""

    id: str
    code: str
    name: str
    version: str
    active: bool = True
    # Quantities of a tracked item rise with each bill: stock may be counted twice.
    tracked: bool = False


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item that keeps no stock."""

    code: str
    name: str
    description: str = ""
    service: bool = False
    income_account_id: str | None = None
    expense_account_id: str | None = None


@dataclass(frozen=True, slots=True)
class LineLink:
    """The purchase order line that a bill's line fulfils."""

    document_id: str
    line_id: str


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line of a document, to be written or as it stands.

    `amount` is quantity x unit price in whole cents, after discount, in the document's tax mode; a
    connector sends numbers that give exactly it, whatever the ledger's own rounding. `tax_amount`
    is given where the tax is known; None leaves it to the ledger. Account or item: at least one.
    `id` is the ledger's own; None: a new line.
    """

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    tax_amount: Decimal | None = None
    account_id: str | None = None
    item_id: str | None = None
    tax_code_id: str | None = None
    fulfils: LineLink | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document as it should stand in the books.

    `marker` is ours alone, at most 100 characters of letters, digits and `:._-/`; by it a document
    is known again. `link` is the address of our page about it, empty where there is none.
    `number`: the supplier's for a bill or vendor credit, else ours; None leaves it to the ledger.
    `reference` is shown to the other side, `memo` only to those who keep the books. `on` is the
    document's date. `from_estimate`: the estimate that an invoice makes good. `payable_account_id`:
    what a purchase is owed on, where a ledger wants to be told.
    """

    kind: DocumentKind
    contact_id: str
    on: date
    currency: str
    lines: tuple[LedgerLine, ...]
    marker: str
    approval: Approval = Approval.APPROVED
    tax_mode: TaxMode = TaxMode.NONE
    number: str | None = None
    due: date | None = None
    reference: str = ""
    memo: str = ""
    link: str = ""
    from_estimate: str | None = None
    payable_account_id: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it stands in the books.

    `version` changes whenever anybody changes the document. `total` holds tax. `paid` is what was
    paid or credited so far. `marker` is None where there is none of ours. `fulfilled_by` names the
    bills of a purchase order, where the ledger keeps them. `url` opens it for a person.
    """

    kind: DocumentKind
    id: str
    version: str
    status: Status
    contact_id: str
    currency: str
    total: Decimal
    number: str | None = None
    on: date | None = None
    tax: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    marker: str | None = None
    lines: tuple[LedgerLine, ...] = ()
    fulfilled_by: tuple[str, ...] = ()
    url: str = ""

    @property
    def unlinked(self) -> tuple[LedgerLine, ...]:
        """Lines without a purchase order. A ledger may drop a link that was sent, and say
        nothing: who sent links compares."""
        return tuple(line for line in self.lines if line.fulfils is None)


@dataclass(frozen=True, slots=True)
class Change:
    """A document that changed. VOIDED may show only when it is read."""

    kind: DocumentKind
    id: str
    deleted: bool


class Books(Protocol):
    """One organisation's ledger. Every method may raise RemoteFailure; kinds as in `errors`:

    EXISTS: a number or a name that is taken (look, adopt by marker). CONFLICT: the version is not
    the current one. REJECTED with `frozen`: the books are closed for that date, or the document is
    paid or locked. FORBIDDEN: the plan or the user's role lacks it. GONE: the id is unknown.

    `key` on a write, at most 50 characters, lets the ledger answer a repeated call without doing it
    twice, for a short time. The same key only with the same content and only after an unknown
    outcome; another one after any definite answer. Ids are the ledger's, opaque.
    """

    @property
    def timeout(self) -> float:
        """Seconds after which a call counts as unanswered."""

    async def organisation(self) -> Organisation:
        """Name, lock date and what these books can do. Worth keeping for a while."""

    async def accounts(self) -> list[Account]: ...
    async def tax_codes(self) -> list[TaxCode]: ...

    async def find_contact(self, kind: ContactKind, name: str) -> Contact | None:
        """By exact name, without case, active or not. A name that another kind of contact holds is
        not found here, and still cannot be taken: `create_contact` says EXISTS."""

    async def read_contact(self, kind: ContactKind, contact_id: str) -> Contact: ...
    async def create_contact(self, new: NewContact, key: str) -> Contact: ...
    async def update_contact(
        self, contact_id: str, version: str, new: NewContact, key: str
    ) -> Contact:
        """Name, email and number only; the rest stays as people keep it."""

    async def find_item(self, code: str) -> Item | None:
        """By exact code, without case, active or not."""

    async def read_item(self, item_id: str) -> Item: ...
    async def create_item(self, new: NewItem, key: str) -> Item: ...
    async def update_item(self, item_id: str, version: str, new: NewItem, key: str) -> Item: ...

    async def find_documents(
        self, kind: DocumentKind, contact_id: str, on: date, number: str | None = None
    ) -> list[Document]:
        """Documents of the contact with that date or that number, whole, to be compared with a
        marker by the caller. Deleted ones are not found, voided ones are."""

    async def read_document(self, kind: DocumentKind, document_id: str) -> Document:
        """GONE when deleted, unless the ledger keeps deleted ones: then DELETED."""

    async def create_document(self, new: NewDocument, key: str) -> Document:
        """Made as given, or not at all; but links may be missing in the answer."""

    async def update_document(
        self, document_id: str, version: str, new: NewDocument, key: str
    ) -> Document:
        """The whole document anew: lines with an id stay, others are new, absent ones go."""

    async def close_purchase_order(self, document_id: str, version: str, key: str) -> Document:
        """No more goods are expected on it. Already closed: nothing is changed."""

    async def remove_document(
        self, kind: DocumentKind, document_id: str, version: str, key: str
    ) -> None:
        """Take it out of the books, by whichever of void and delete the ledger has for it."""

    async def changed_since(self, kinds: Sequence[DocumentKind], moment: datetime) -> list[Change]:
        """Documents that anybody changed at or after the moment, at least 24 hours back."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """An OAuth2 grant as it stands. `refresh_until`: unused, the refresh token dies then;
    `grant_until`: used or not, a person has to consent again by then (None: no such end)."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    access_until: datetime
    refresh_until: datetime | None = None
    grant_until: datetime | None = None


class HeldTokens(Protocol):
    """A connection's tokens while nobody else may refresh them."""

    @property
    def tokens(self) -> Tokens:
        """As they stood when the lock was taken, or as stored since."""

    async def store(self, new: Tokens) -> None:
        """Keep both tokens. Returns after the commit; not before that may either be used."""


class TokenVault(Protocol):
    """Where the tokens of one connection are kept, encrypted, for all processes.

    Raises StoreUnavailable, and RemoteFailure UNAUTHENTICATED when nobody has consented yet.
    """

    async def now(self) -> datetime:
        """The clock by which `Tokens` are dated: the store's own."""

    async def tokens(self) -> Tokens:
        """As they stand, without waiting for a refresh under way."""

    def refreshing(self) -> AbstractAsyncContextManager[HeldTokens]:
        """Hold the only right to refresh, across processes. Read the tokens again inside: another
        process may have refreshed them meanwhile."""
