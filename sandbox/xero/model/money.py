"""Payments and allocations of credit notes: what turns an approved document into a paid one.

Owns both, and the status PAID, which nobody else may set.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.xero.model import fields
from sandbox.xero.model.books import Books
from sandbox.xero.model.documents import CREDIT_NOTES, INVOICES, Kind, credited, paid
from sandbox.xero.model.errors import Invalid, not_found
from sandbox.xero.model.store import Row
from sandbox.xero.model.tables import ALLOCATION, PAYMENT
from sandbox.xero.model.values import cents

TYPES = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "ACCPAYCREDIT": "APCREDITPAYMENT",
}


def due(books: Books, kind: Kind, row: Row) -> Decimal:
    """What is still open on an invoice, or still to give on a credit note."""
    rest: Decimal = row["Total"] - paid(books, row[kind.id]) - credited(books, kind, row[kind.id])
    return rest


def save_payment(books: Books, body: Mapping[str, Any], *, own: str | None) -> Row:
    """A new payment, or the end of one (`Status` DELETED)."""
    values = fields.read(PAYMENT, body)
    named = own or values.get("PaymentID")
    if named is not None:
        return _ended(books, named, values)
    kind, document = _document(books, body, values)
    day = values.setdefault("Date", books.today())
    _check_lock(books, day)
    if document["Status"] != "AUTHORISED":
        raise Invalid("Payments can only be made against Authorised documents")
    amount = cents(values.get("Amount", Decimal(0)))
    if amount <= 0:
        raise Invalid("Payment amount must be greater than zero")
    if amount > due(books, kind, document):
        raise Invalid("Payment amount exceeds the amount outstanding on this document")
    row = {
        "PaymentID": books.new_guid(),
        "DocumentID": document[kind.id],
        "DocumentTable": kind.table,
        "AccountID": _bank(books, body, values)["AccountID"],
        "Amount": amount,
        "Date": day,
        "Reference": values.get("Reference", ""),
        "CurrencyRate": values.get("CurrencyRate", Decimal(1)),
        "PaymentType": TYPES[document["Type"]],
        "Status": "AUTHORISED",
        "IsReconciled": bool(values.get("IsReconciled")),
    }
    stored = books.put("payment", row["PaymentID"], row)
    settle(books, kind, document[kind.id], day=day)
    return stored


def _ended(books: Books, payment_id: str, values: Row) -> Row:
    row = books.get("payment", payment_id)
    if row is None:
        raise not_found()
    if values.get("Status") != "DELETED" or row["Status"] == "DELETED":
        raise Invalid("A payment can only be deleted")
    _check_lock(books, row["Date"])
    stored = books.change("payment", payment_id, Status="DELETED")
    kind = INVOICES if row["DocumentTable"] == "invoice" else CREDIT_NOTES
    settle(books, kind, row["DocumentID"], day=row["Date"])
    return stored


def _document(books: Books, body: Mapping[str, Any], values: Row) -> tuple[Kind, Row]:
    for kind, name in ((INVOICES, "Invoice"), (CREDIT_NOTES, "CreditNote")):
        given = body.get(name)
        found = None
        if isinstance(given, Mapping):
            found = books.get(kind.table, given.get(kind.id))
            number = given.get(kind.number)
        else:
            number = values.get(kind.number)
        if found is None and isinstance(number, str):
            found = next(iter(books.store.find(kind.table, kind.number, number)), None)
        if found is not None:
            return kind, found
    raise Invalid("Invoice could not be found")


def _bank(books: Books, body: Mapping[str, Any], values: Row) -> Row:
    given = body.get("Account")
    account = given if isinstance(given, Mapping) else {"Code": values.get("Code")}
    found = books.get("account", account.get("AccountID"))
    if found is None and account.get("Code"):
        found = next(iter(books.store.find("account", "Code", account["Code"])), None)
    if found is None or not (found["Type"] == "BANK" or found["EnablePaymentsToAccount"]):
        raise Invalid("Account could not be found, or takes no payments")
    return found


def _check_lock(books: Books, day: Any) -> None:
    lock = books.switches.lock_day
    if lock is not None and day <= lock:
        raise Invalid("The payment date cannot be before the period lock date")


def settle(books: Books, kind: Kind, document_id: str, *, day: Any) -> None:
    """PAID when nothing is open, AUTHORISED again when something is."""
    row = books.get(kind.table, document_id)
    if row is None or row["Status"] not in {"AUTHORISED", "PAID"}:
        return
    done = due(books, kind, row) == 0
    row = row | {"Status": "PAID" if done else "AUTHORISED"}
    row["FullyPaidOnDate"] = day if done else None
    books.put(kind.table, document_id, row)


def allocate(books: Books, credit_note_id: str, body: Mapping[str, Any]) -> Row:
    """Gives a part of a credit note to an invoice."""
    note = books.get("creditNote", credit_note_id)
    if note is None:
        raise not_found()
    values = fields.read(ALLOCATION, body)
    given = body.get("Invoice")
    named = given.get("InvoiceID") if isinstance(given, Mapping) else None
    invoice = books.get("invoice", named)
    if invoice is None or invoice["ContactID"] != note["ContactID"]:
        raise Invalid("The invoice does not exist or is another contact's")
    if note["Status"] != "AUTHORISED" or invoice["Status"] != "AUTHORISED":
        raise Invalid("Credit can only be allocated between Authorised documents")
    if note["Type"] != f"{invoice['Type']}CREDIT":
        raise Invalid("Credit of a customer cannot be given to a supplier, nor the other way round")
    amount = cents(values.get("Amount", Decimal(0)))
    most = min(due(books, CREDIT_NOTES, note), due(books, INVOICES, invoice))
    if amount <= 0 or amount > most:
        raise Invalid("The amount allocated exceeds what is outstanding")
    day = values.get("Date", books.today())
    key = books.new_guid()
    row = books.put(
        "allocation",
        key,
        {
            "AllocationID": key,
            "CreditNoteID": credit_note_id,
            "InvoiceID": invoice["InvoiceID"],
            "Amount": amount,
            "Date": day,
        },
    )
    settle(books, CREDIT_NOTES, credit_note_id, day=day)
    settle(books, INVOICES, invoice["InvoiceID"], day=day)
    return row


def deallocate(books: Books, credit_note_id: str, allocation_id: str) -> Row:
    row = books.get("allocation", allocation_id)
    if row is None or row["CreditNoteID"] != credit_note_id:
        raise not_found()
    books.store.put("allocation", allocation_id, None)
    settle(books, CREDIT_NOTES, credit_note_id, day=row["Date"])
    settle(books, INVOICES, row["InvoiceID"], day=row["Date"])
    return row
