"""Invoices, bills, credit notes and purchase orders: what may be created, changed and when.

Owns statuses and their transitions, numbers, lock dates and the freeze of paid documents
(accounting.md 3.5). Amounts are the lines' part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from sandbox.xero.model import contacts, fields, lines, tables
from sandbox.xero.model.books import Books
from sandbox.xero.model.errors import Invalid, not_found, post_data
from sandbox.xero.model.fields import Field
from sandbox.xero.model.store import Row
from sandbox.xero.model.values import cents

MOST_ROUNDING = Decimal("0.10")
EARLY_APPROVALS = {True: 20, False: 5}  # sales invoices and bills a month on the oldest plan
POSTED = {"AUTHORISED", "PAID", "VOIDED"}
# What may still change on a paid document (accounting.md 3.5: "in few fields").
OPEN_WHEN_PAID = {"Reference", "Url", "SentToContact", "ExpectedPaymentDate", "PlannedPaymentDate"}
NOT_MODIFIABLE = "Invoice not of valid status for modification"
PAID_FOR = "This document cannot be edited as it has a payment or credit note allocated to it."

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "DRAFT": frozenset({"SUBMITTED", "AUTHORISED", "DELETED"}),
    "SUBMITTED": frozenset({"AUTHORISED", "DRAFT", "DELETED"}),
    "AUTHORISED": frozenset({"VOIDED"}),
    "PAID": frozenset(),
    "DELETED": frozenset(),
    "VOIDED": frozenset(),
}
ORDER_TRANSITIONS: Mapping[str, frozenset[str]] = {
    "DRAFT": frozenset({"SUBMITTED", "AUTHORISED", "DELETED"}),
    "SUBMITTED": frozenset({"AUTHORISED", "DRAFT", "DELETED"}),
    "AUTHORISED": frozenset({"DELETED"}),
    "BILLED": frozenset(),
    "DELETED": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """One family of documents. `sales_types` are the types that go to customers."""

    table: str
    id: str
    number: str
    prefix: str
    fields: Mapping[str, Field]
    transitions: Mapping[str, frozenset[str]]
    sales_types: frozenset[str] = frozenset()
    posts: bool = True  # stands in the ledger once approved, and obeys its lock dates

    def is_sales(self, row: Mapping[str, Any]) -> bool:
        return row.get("Type") in self.sales_types


INVOICES = Kind(
    "invoice", "InvoiceID", "InvoiceNumber", "INV-", tables.INVOICE, TRANSITIONS,
    frozenset({"ACCREC"}),
)  # fmt: skip
CREDIT_NOTES = Kind(
    "creditNote", "CreditNoteID", "CreditNoteNumber", "CN-", tables.CREDIT_NOTE, TRANSITIONS,
    frozenset({"ACCRECCREDIT"}),
)  # fmt: skip
PURCHASE_ORDERS = Kind(
    "purchaseOrder", "PurchaseOrderID", "PurchaseOrderNumber", "PO-", tables.PURCHASE_ORDER,
    ORDER_TRANSITIONS, posts=False,
)  # fmt: skip


def save(
    kind: Kind, books: Books, body: Mapping[str, Any], *, create: bool, own: str | None, places: int
) -> Row:
    """Creates or updates one document. `create` is for PUT, which never updates; `own` is the id
    in the path. Raises `Invalid`, `Refusal`."""
    values = fields.read(kind.fields, body)
    current = _current(kind, books, values, own, create=create)
    if current is None:
        return _created(kind, books, body, values, places)
    return _changed(kind, books, body, values, current, places)


def _current(
    kind: Kind, books: Books, values: Mapping[str, Any], own: str | None, *, create: bool
) -> Row | None:
    named = own or values.get(kind.id)
    if create:
        if named is not None:
            raise Invalid(f"{kind.id} must not be given when a document is created")
        return None
    if named is not None:
        found = books.get(kind.table, named)
        if found is None and own is None:
            raise Invalid(f"{kind.id} {named} is not valid")
        if found is None:
            raise not_found()
        return found
    number = values.get(kind.number)
    return _by_number(kind, books, values, number) if number else None


def _by_number(kind: Kind, books: Books, values: Mapping[str, Any], number: str) -> Row | None:
    """The document whose number it is, where numbers are unique: sales and purchase orders."""
    if kind.posts and not kind.is_sales(values):
        return None
    for row in books.store.find(kind.table, kind.number, number):
        if row["Status"] != "DELETED" and row.get("Type") == values.get("Type"):
            return row
    return None


def _created(kind: Kind, books: Books, body: Mapping[str, Any], values: Row, places: int) -> Row:
    if kind.posts and not values.get("Type"):
        raise Invalid("The Type of the document must be specified")
    sales = kind.is_sales(values)
    contact = contacts.of_document(books, body, may_create=kind.posts)
    row: Row = {
        "Date": books.today(),
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        "CurrencyCode": contact.get("DefaultCurrency") or books.base_currency,
        "SentToContact": False,
        "LineItems": [],
    } | values
    row |= {kind.id: books.new_guid(), "ContactID": contact["ContactID"], "App": books.app}
    if row["Status"] not in {"DRAFT", "SUBMITTED", "AUTHORISED"}:
        raise Invalid(f"A document cannot be created with the status {row['Status']}")
    if not sales and kind.posts:
        row.pop("Reference", None)
    _number(kind, books, row, sales=sales)
    _lines(kind, books, body, row, [], places)
    _check(kind, books, row, None)
    books.note(row[kind.id], "Created", f"{row.get(kind.number) or 'Document'} was created.")
    return _stored(kind, books, row, None)


def _changed(
    kind: Kind,
    books: Books,
    body: Mapping[str, Any],
    values: Row,
    current: Row,
    places: int,
) -> Row:
    status: str = values.get("Status") or current["Status"]
    moves = status != current["Status"]
    _check_transition(kind, books, current, status)
    edits = set(body) - {"Status", "Type", kind.id, "StatusAttributeString"}
    if current["Status"] in {"DELETED", "VOIDED"}:
        raise Invalid(NOT_MODIFIABLE)
    if _used(kind, books, current) and (edits - OPEN_WHEN_PAID or moves):
        raise Invalid(PAID_FOR)
    if moves and status in {"DELETED", "VOIDED"}:
        # Whatever else is sent along with the end of a document is not looked at.
        _check_lock(kind, books, current)
        row = current | {"Status": status}
        books.note(current[kind.id], status.capitalize(), f"Status is {status} now.")
        return _stored(kind, books, row, current)
    if values.get("Type", current.get("Type")) != current.get("Type"):
        raise Invalid("The Type of a document cannot be changed")
    row = current | values
    if isinstance(body.get("Contact"), Mapping):
        row["ContactID"] = contacts.of_document(books, body, may_create=kind.posts)["ContactID"]
    sales = kind.is_sales(row)
    if not sales and kind.posts:
        row.pop("Reference", None)
    if row.get(kind.number) != current.get(kind.number):
        _number(kind, books, row, sales=sales)
    _lines(kind, books, body, row, current["LineItems"], places)
    _check_lock(kind, books, current)
    _check(kind, books, row, current)
    books.note(row[kind.id], "Approved" if moves and status == "AUTHORISED" else "Edited", "")
    return _stored(kind, books, row, current)


def _check_transition(kind: Kind, books: Books, current: Row, status: str) -> None:
    before = current["Status"]
    allowed = set(kind.transitions[before]) | {before}
    if kind is PURCHASE_ORDERS:
        if before in books.switches.billed_from:
            allowed.add("BILLED")
        if before == "BILLED" and books.switches.billed_reopens:
            allowed.add("AUTHORISED")
    if status not in allowed:
        if kind is PURCHASE_ORDERS:
            raise Invalid(f"A purchase order of status {before} cannot be set to {status}")
        raise Invalid(NOT_MODIFIABLE)


def _used(kind: Kind, books: Books, row: Row) -> bool:
    """Whether money stands against a document."""
    if kind is PURCHASE_ORDERS:
        return False
    applied = paid(books, row[kind.id]) + credited(books, kind, row[kind.id])
    return row["Status"] == "PAID" or bool(applied)


def paid(books: Books, document_id: str) -> Decimal:
    found = books.store.find("payment", "DocumentID", document_id)
    return sum((row["Amount"] for row in found if row["Status"] == "AUTHORISED"), Decimal(0))


def credited(books: Books, kind: Kind, document_id: str) -> Decimal:
    """What credit notes took off an invoice, or what a credit note gave to invoices."""
    found = books.store.find("allocation", kind.id, document_id)
    return sum((row["Amount"] for row in found), Decimal(0))


def _number(kind: Kind, books: Books, row: Row, *, sales: bool) -> None:
    unique = sales or not kind.posts
    number = row.get(kind.number)
    if not number and unique:
        row[kind.number] = books.next_number(
            kind.table, kind.prefix, lambda text: _by_number(kind, books, row, text) is not None
        )
    elif number and unique:
        other = _by_number(kind, books, row, number)
        if other is not None and other[kind.id] != row[kind.id]:
            what = (
                "Invoice #"
                if kind is INVOICES
                else "Order number"
                if not kind.posts
                else "Credit note #"
            )
            raise Invalid(f"{what} must be unique.")


def _lines(
    kind: Kind, books: Books, body: Mapping[str, Any], row: Row, current: list[Row], places: int
) -> None:
    if row["LineAmountTypes"] not in tables.LINE_AMOUNT_TYPES:
        raise post_data(f"LineAmountTypes {row['LineAmountTypes']!r} is not one of Xero's")
    sales = kind.is_sales(row)
    terms = lines.Terms(
        sales=sales,
        tax=row["LineAmountTypes"],
        discounts=sales and kind is INVOICES,
        places=places if kind.posts else 4,
        needs_accounts=kind.posts and row["Status"] != "DRAFT",
    )
    given = body.get("LineItems")
    if given is None:
        # Read again, because the status or the kind of amounts may ask more of them now.
        given = [{"LineItemID": line["LineItemID"]} for line in current]
        terms = _as_kept(terms)
    row["LineItems"] = lines.read_lines(books, given, current, terms)
    row |= lines.totals(
        row["LineItems"], row["LineAmountTypes"], row.get("RoundingAmount") or Decimal(0)
    )


def _as_kept(terms: lines.Terms) -> lines.Terms:
    """Unit amounts that are only read again keep their decimals."""
    return lines.Terms(terms.sales, terms.tax, terms.discounts, 4, terms.needs_accounts)


def _check(kind: Kind, books: Books, row: Row, current: Row | None) -> None:
    """Everything that must hold of a document as it will stand, told at once."""
    problems = [*_missing(kind, row), *_currency(books, row), *_web(row), *_sent(kind, row)]
    problems += _rounding(kind, row)
    approved = row["Status"] == "AUTHORISED" and (
        current is None or current["Status"] != "AUTHORISED"
    )
    if approved and kind is INVOICES and _approvals_are_used_up(books, row):
        problems.append("Your organisation's plan allows no more approvals this month.")
    if problems:
        raise Invalid(*problems)
    _check_lock(kind, books, row)


def _missing(kind: Kind, row: Row) -> list[str]:
    problems = []
    if (row["Status"] != "DRAFT" or not kind.posts) and not row["LineItems"]:
        problems.append("One or more line items must be specified")
    if kind is INVOICES and row["Status"] in POSTED and row.get("DueDate") is None:
        problems.append("Due Date cannot be empty")
    if kind.posts and row["Status"] in POSTED and row["Total"] < 0:
        problems.append("The total of an approved document cannot be negative")
    return problems


def _currency(books: Books, row: Row) -> list[str]:
    code = row["CurrencyCode"]
    enabled = code == books.base_currency or (
        books.switches.multicurrency and bool(books.store.find("currency", "Code", code))
    )
    if not enabled:
        return [f"Organisation is not subscribed to currency {code}"]
    if row.get("CurrencyRate") is None:
        known = books.store.find("currency", "Code", code)
        row["CurrencyRate"] = known[0]["Rate"] if known else Decimal(1)
    return []


def _web(row: Row) -> list[str]:
    address = row.get("Url")
    if not address:
        return []
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return ["Url must be a valid absolute url"]
    return ["Url must not contain xero"] if "xero" in address.lower() else []


def _sent(kind: Kind, row: Row) -> list[str]:
    allowed = POSTED if kind.posts else {"AUTHORISED", "BILLED"}
    if row.get("SentToContact") and row["Status"] not in allowed:
        return ["SentToContact can only be set once the document is approved"]
    return []


def _rounding(kind: Kind, row: Row) -> list[str]:
    amount = row.get("RoundingAmount")
    if not amount:
        return []
    if abs(amount) > MOST_ROUNDING or amount != cents(amount):
        return ["RoundingAmount must lie between -0.10 and 0.10"]
    if row["Status"] not in POSTED:
        return ["RoundingAmount is for approved documents only"]
    return []


def _approvals_are_used_up(books: Books, row: Row) -> bool:
    if books.switches.plan != "early":
        return False
    sales = row["Type"] == "ACCREC"
    today = books.today()
    approved = sum(
        1
        for other in books.store.rows("invoice")
        if (other["Type"] == "ACCREC") == sales
        and other["Status"] in POSTED
        and other.get("ApprovedOn") is not None
        and (other["ApprovedOn"].year, other["ApprovedOn"].month) == (today.year, today.month)
    )
    return approved >= EARLY_APPROVALS[sales]


def _check_lock(kind: Kind, books: Books, row: Row) -> None:
    day = books.switches.lock_day
    if kind.posts and day is not None and row["Date"] <= day:
        raise Invalid("The document date cannot be before the period lock date")


def _stored(kind: Kind, books: Books, row: Row, current: Row | None) -> Row:
    if row["Status"] == "AUTHORISED" and (current or {}).get("Status") != "AUTHORISED":
        row = row | {"ApprovedOn": books.today()}
    contacts.used(books, row["ContactID"], sales=kind.is_sales(row))
    return books.put(kind.table, row[kind.id], row)
