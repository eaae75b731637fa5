"""What a person would do in Xero, so that integrations see changes they did not make.

Owns the list of acts. Each goes through the same rules as a request and is refused like one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.xero.model import contacts, documents, money
from sandbox.xero.model.books import Books
from sandbox.xero.model.documents import INVOICES, PURCHASE_ORDERS, Kind
from sandbox.xero.model.errors import Invalid, not_found
from sandbox.xero.model.store import Row

PERSON = "person"
Act = Callable[[Books, str, Mapping[str, Any]], tuple[str, Row]]


def _status(kind: Kind, status: str) -> Act:
    def act(books: Books, key: str, body: Mapping[str, Any]) -> tuple[str, Row]:
        change: dict[str, Any] = {"Status": status}
        if kind is INVOICES and status == "AUTHORISED":
            row = books.get(kind.table, key) or {}
            # Approving by hand, a person fills in the date that is asked for.
            change["DueDate"] = (row.get("DueDate") or row.get("Date") or books.today()).isoformat()
        saved = documents.save(kind, books, change, create=False, own=key, places=4)
        return kind.table, saved

    return act


def edit_invoice(books: Books, key: str, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Takes `changes`, in the words of the API; lines need their ids to stay."""
    changes = body.get("changes")
    if not isinstance(changes, Mapping):
        raise Invalid("edit_invoice needs changes")
    return "invoice", documents.save(INVOICES, books, changes, create=False, own=key, places=4)


def pay_invoice(books: Books, key: str, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Pays `amount`, or all that is due, from the first bank account."""
    invoice = books.get("invoice", key)
    if invoice is None:
        raise not_found()
    bank = next(row for row in books.store.rows("account") if row["Type"] == "BANK")
    payment = {
        "Invoice": {"InvoiceID": key},
        "Account": {"AccountID": bank["AccountID"]},
        "Amount": body.get("amount") or money.due(books, INVOICES, invoice),
    }
    money.save_payment(books, payment, own=None)
    return "invoice", books.get("invoice", key) or invoice


def archive_contact(books: Books, key: str, body: Mapping[str, Any]) -> tuple[str, Row]:
    change = {"ContactStatus": "ARCHIVED"}
    return "contact", contacts.save(books, change, create=False, own=key)


def restore_contact(books: Books, key: str, body: Mapping[str, Any]) -> tuple[str, Row]:
    change = {"ContactStatus": "ACTIVE"}
    return "contact", contacts.save(books, change, create=False, own=key)


def rename_contact(books: Books, key: str, body: Mapping[str, Any]) -> tuple[str, Row]:
    """Takes `name`."""
    change = {"Name": str(body.get("name") or "")}
    return "contact", contacts.save(books, change, create=False, own=key)


ACTS: Mapping[str, Act] = {
    "approve_invoice": _status(INVOICES, "AUTHORISED"),
    "delete_invoice": _status(INVOICES, "DELETED"),
    "void_invoice": _status(INVOICES, "VOIDED"),
    "edit_invoice": edit_invoice,
    "pay_invoice": pay_invoice,
    "delete_purchase_order": _status(PURCHASE_ORDERS, "DELETED"),
    "archive_contact": archive_contact,
    "restore_contact": restore_contact,
    "rename_contact": rename_contact,
}


def act(books: Books, body: Any) -> tuple[str, Row]:
    """Carries an act out; the table and the row it touched. Raises `Invalid`, `Refusal`."""
    name = body.get("act") if isinstance(body, Mapping) else None
    found = ACTS.get(str(name))
    if found is None:
        raise Invalid(f"there is no act {name}; there are: {', '.join(ACTS)}")
    with books.write(PERSON, "A person"):
        return found(books, str(body.get("id") or "").lower(), body)
