"""Records as Xero answers them: what of a row is shown, in which form, with what it refers to.

Owns the answer's shape: whole or as in a list, dates in both forms, unit amounts by `unitdp`.
Deriving a value that only answers have (what is due, what was paid) belongs here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.xero.model import tables
from sandbox.xero.model.books import Books
from sandbox.xero.model.documents import CREDIT_NOTES, INVOICES, PURCHASE_ORDERS, Kind
from sandbox.xero.model.fields import Field
from sandbox.xero.model.fields import Kind as FieldKind
from sandbox.xero.model.store import Row, View
from sandbox.xero.model.values import iso_date, rounded, wire

# Dates that Xero answers in ISO form as well, beside Microsoft's.
TWICE = ("Date", "DueDate", "DeliveryDate")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Asked:
    """How an answer is wanted. Lists without paging have no lines (`whole` False)."""

    books: Books
    view: View
    places: int = 2
    whole: bool = True
    summary: bool = False


def plain(fields: Mapping[str, Field], row: Row) -> dict[str, Any]:
    """The fields of a table that hold something, with dates twice where Xero does that."""
    shown: dict[str, Any] = {}
    for name, field in fields.items():
        value = row.get(name)
        if value is None or field.kind is FieldKind.OBJECT:
            continue
        shown[name] = wire(value)
        if name in TWICE:
            shown[f"{name}String"] = iso_date(value)
    return shown


def organisation(asked: Asked, row: Row) -> dict[str, Any]:
    lock = asked.books.switches.lock_day
    extra = {} if lock is None else {"PeriodLockDate": wire(lock)}
    return plain(tables.ORGANISATION, row) | extra | {
        "Addresses": [], "Phones": [], "ExternalLinks": [], "PaymentTerms": {},
    }  # fmt: skip


def account(asked: Asked, row: Row) -> dict[str, Any]:
    return plain(tables.ACCOUNT, row) | {"HasAttachments": False}


def tax_rate(asked: Asked, row: Row) -> dict[str, Any]:
    return plain(tables.TAX_RATE, row)


def currency(asked: Asked, row: Row) -> dict[str, Any]:
    return plain(tables.CURRENCY, row)


def tracking(asked: Asked, row: Row) -> dict[str, Any]:
    return plain(tables.TRACKING, row)


def contact(asked: Asked, row: Row) -> dict[str, Any]:
    shown = plain(tables.CONTACT, row)
    shown |= {"ContactGroups": [], "HasAttachments": attached(asked, row["ContactID"])}
    if asked.summary:
        for name in ("Addresses", "Phones", "ContactPersons", "ContactGroups"):
            shown.pop(name, None)
    return shown | {"HasValidationErrors": False}


def item(asked: Asked, row: Row) -> dict[str, Any]:
    shown = plain(tables.ITEM, row)
    for name in ("SalesDetails", "PurchaseDetails"):
        details = dict(row.get(name) or {})
        if "UnitPrice" in details:
            details["UnitPrice"] = rounded(details["UnitPrice"], asked.places)
        shown[name] = details
    return shown


def attached(asked: Asked, record_id: str) -> bool:
    return bool(asked.view.find("attachment", "DocumentID", record_id))


def line(row: Row, places: int) -> dict[str, Any]:
    shown = {name: wire(value) for name, value in row.items() if value is not None}
    if "UnitAmount" in shown:
        shown["UnitAmount"] = rounded(shown["UnitAmount"], places)
    return shown | {"Tracking": row.get("Tracking", [])}


def _document(asked: Asked, kind: Kind, row: Row) -> dict[str, Any]:
    shown = plain(kind.fields, row)
    who = asked.view.get("contact", row["ContactID"]) or {"ContactID": row["ContactID"]}
    whole = asked.whole and not asked.summary
    shown["Contact"] = (
        contact(asked, who)
        if whole and "Name" in who
        else {name: who[name] for name in ("ContactID", "Name") if name in who}
    )
    places = asked.places if kind.posts else 4
    shown["LineItems"] = [line(each, places) for each in row["LineItems"]] if whole else []
    if asked.summary:
        del shown["LineItems"]
    return shown | {"HasAttachments": attached(asked, row[kind.id])}


def _payments(asked: Asked, document_id: str) -> list[dict[str, Any]]:
    return [
        {
            "PaymentID": row["PaymentID"],
            "Date": wire(row["Date"]),
            "Amount": row["Amount"],
            "Reference": row["Reference"],
            "CurrencyRate": row["CurrencyRate"],
            "HasAccount": False,
            "HasValidationErrors": False,
        }
        for row in asked.view.find("payment", "DocumentID", document_id)
        if row["Status"] == "AUTHORISED"
    ]


def invoice(asked: Asked, row: Row) -> dict[str, Any]:
    shown = _document(asked, INVOICES, row)
    payments = _payments(asked, row["InvoiceID"])
    allocated = asked.view.find("allocation", "InvoiceID", row["InvoiceID"])
    paid = sum((one["Amount"] for one in payments), ZERO)
    credited = sum((one["Amount"] for one in allocated), ZERO)
    dead = row["Status"] in {"DELETED", "VOIDED"}
    shown |= {
        "AmountDue": ZERO if dead else row["Total"] - paid - credited,
        "AmountPaid": paid,
        "AmountCredited": credited,
        "IsDiscounted": any(
            each.get("DiscountRate") or each.get("DiscountAmount") for each in row["LineItems"]
        ),
        "HasErrors": False,
    }
    if asked.summary:
        return shown
    return shown | {
        "Payments": payments,
        "CreditNotes": [_credit_of(asked, one) for one in allocated],
        "Prepayments": [],
        "Overpayments": [],
        "InvoiceAddresses": [],
    }


def _credit_of(asked: Asked, allocated: Row) -> dict[str, Any]:
    note = asked.view.get("creditNote", allocated["CreditNoteID"]) or {}
    return {
        "CreditNoteID": allocated["CreditNoteID"],
        "CreditNoteNumber": note.get("CreditNoteNumber", ""),
        "AppliedAmount": allocated["Amount"],
        "Date": wire(allocated["Date"]),
        "Total": note.get("Total", ZERO),
        "HasErrors": False,
    }


def credit_note(asked: Asked, row: Row) -> dict[str, Any]:
    given = asked.view.find("allocation", "CreditNoteID", row["CreditNoteID"])
    payments = _payments(asked, row["CreditNoteID"])
    used = sum((one["Amount"] for one in given), ZERO)
    paid = sum((one["Amount"] for one in payments), ZERO)
    return _document(asked, CREDIT_NOTES, row) | {
        "RemainingCredit": row["Total"] - used - paid,
        "Allocations": [allocation(asked, one) for one in given],
        "Payments": payments,
        "HasErrors": False,
    }


def allocation(asked: Asked, row: Row) -> dict[str, Any]:
    other = asked.view.get("invoice", row["InvoiceID"]) or {}
    return {
        "AllocationID": row["AllocationID"],
        "Amount": row["Amount"],
        "Date": wire(row["Date"]),
        "Invoice": {
            "InvoiceID": row["InvoiceID"],
            "InvoiceNumber": other.get("InvoiceNumber", ""),
        },
    }


def purchase_order(asked: Asked, row: Row) -> dict[str, Any]:
    return _document(asked, PURCHASE_ORDERS, row)


def payment(asked: Asked, row: Row) -> dict[str, Any]:
    shown = plain(tables.PAYMENT, row)
    sales = row["DocumentTable"] == "invoice"
    kind = INVOICES if sales else CREDIT_NOTES
    document = asked.view.get(kind.table, row["DocumentID"]) or {}
    who = asked.view.get("contact", document.get("ContactID")) or {}
    bank = asked.view.get("account", row["AccountID"]) or {}
    return shown | {
        "Account": {"AccountID": row["AccountID"], "Code": bank.get("Code", "")},
        ("Invoice" if sales else "CreditNote"): {
            kind.id: row["DocumentID"],
            kind.number: document.get(kind.number) or "",
            "Type": document.get("Type"),
            "Contact": {"ContactID": who.get("ContactID"), "Name": who.get("Name")},
        },
        "HasAccount": True,
        "HasValidationErrors": False,
    }


def history(row: Row) -> dict[str, Any]:
    return {
        "Changes": row["Changes"],
        "DateUTC": wire(row["DateUTC"]),
        "User": row["User"],
        "Details": row["Details"],
    }


Show = Callable[[Asked, Row], dict[str, Any]]
SHOWN: Mapping[str, Show] = {
    "organisation": organisation,
    "account": account,
    "taxRate": tax_rate,
    "currency": currency,
    "tracking": tracking,
    "contact": contact,
    "item": item,
    "invoice": invoice,
    "creditNote": credit_note,
    "purchaseOrder": purchase_order,
    "payment": payment,
    "allocation": allocation,
}
