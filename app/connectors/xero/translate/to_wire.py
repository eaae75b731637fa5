"""Requests to Xero as JSON bodies, from the domain's words.

Owns what is sent and its limits (accounting.md 3.5). Pure. Raises Refused for what Xero would
refuse or cut, so that it is told before anything leaves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.connectors.xero.paths import Family
from app.connectors.xero.translate import marks
from app.domain import books

CENT = Decimal("0.01")
UNIT = Decimal("0.0001")
NAME, CODE, ITEM_NAME, TEXT, NUMBER, KEY, EMAIL = 255, 30, 50, 4_000, 255, 50, 255
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

TAX_MODES: Mapping[books.TaxMode, str] = {
    books.TaxMode.NONE: "NoTax",
    books.TaxMode.EXCLUSIVE: "Exclusive",
    books.TaxMode.INCLUSIVE: "Inclusive",
}
STATUSES: Mapping[books.Approval, str] = {
    books.Approval.DRAFT: "DRAFT",
    books.Approval.APPROVED: "AUTHORISED",
}


class Refused(ValueError):
    """The request may not be sent."""


def _text(field: str, value: str, longest: int) -> str:
    cleaned = CONTROL.sub(" ", value)
    if len(cleaned) > longest:
        raise Refused(f"{field} has {len(cleaned)} characters, Xero takes {longest}.")
    return cleaned


def _required(field: str, value: str, longest: int) -> str:
    cleaned = _text(field, value, longest)
    if not cleaned.strip():
        raise Refused(f"{field} is empty, and Xero requires it.")
    return cleaned


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Only what there is: Xero takes an empty text for the wish to clear the field."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def contact(new: books.NewContact) -> dict[str, Any]:
    return _given(
        {
            "Name": _required("The contact's name", new.name, NAME),
            "EmailAddress": _text("The contact's e-mail address", new.email, EMAIL),
            "ContactNumber": _text("The contact's number", new.number, KEY),
            "DefaultCurrency": new.currency,
        }
    )


def contact_change(new: books.NewContact, current: Mapping[str, Any]) -> dict[str, Any]:
    """Name, e-mail and number. People are sent back as they were: Xero deletes those left out
    (accounting.md 3.5)."""
    changed = contact(new)
    changed.pop("DefaultCurrency", None)
    people = current.get("ContactPersons")
    return changed | ({"ContactPersons": people} if people else {})


def item(new: books.NewItem) -> dict[str, Any]:
    """An item without stock. A name too long is cut: it is only for show."""
    described = _text("The item's description", new.description, TEXT)
    return _given(
        {
            "Code": _required("The item's code", new.code, CODE),
            "Name": CONTROL.sub(" ", new.name)[:ITEM_NAME].strip(),
            "Description": described,
            "PurchaseDescription": described,
            "SalesDetails": _account(new.income_account_id),
            "PurchaseDetails": _account(new.expense_account_id),
        }
    )


def _account(account_id: str | None) -> dict[str, str] | None:
    return {"AccountCode": account_id} if account_id else None


def document(new: books.NewDocument, family: Family, *, status: str | None) -> dict[str, Any]:
    """A whole document. `status` None leaves it as it stands. Only the contact's id is sent: any
    other field of it would overwrite the contact (accounting.md 3.5)."""
    if not new.lines:
        raise Refused("A document without lines cannot be sent.")
    if new.from_estimate is not None:
        raise Refused("Xero makes no invoice of an estimate by this way.")
    posted = family.type != ""
    body: dict[str, Any] = {
        "Type": family.type or None,
        "Contact": {"ContactID": new.contact_id},
        "Date": new.on.isoformat(),
        # An approved invoice needs one; whoever gives none wants to be paid at once.
        "DueDate": (new.due or new.on).isoformat() if family.url else None,
        "CurrencyCode": new.currency,
        "LineAmountTypes": TAX_MODES[new.tax_mode],
        family.number: _text("The document's number", new.number or "", NUMBER),
        "Status": status,
    }
    lines = [line(each, new) for each in new.lines]
    marked = marks.place(new, family)
    if marked.url and "xero" in marked.url.lower():
        raise Refused(
            "Xero takes no address that holds its name, and the marker or PUBLIC_URL does."
        )
    body |= {"Url": marked.url, "Reference": _text("The reference", marked.reference, NUMBER)}
    if marked.note and posted:
        lines.append({"Description": _text("The note", marked.note, TEXT)})
    return _given(body) | {"LineItems": lines}


def line(each: books.LedgerLine, new: books.NewDocument) -> dict[str, Any]:
    """A line whose numbers give exactly its amount in Xero's own reckoning."""
    if not each.account_id and not each.item_id:
        raise Refused(f"The line {each.description[:40]!r} has neither an account nor an item.")
    described = _required("A line's description", each.description, TEXT)
    quantity, unit, told = _numbers(each)
    taxed = new.tax_mode is not books.TaxMode.NONE
    return _given(
        {
            "LineItemID": each.id,
            "Description": _text("A line's description", f"{described}{told}", TEXT),
            "Quantity": quantity,
            "UnitAmount": unit,
            "LineAmount": each.amount,
            "TaxAmount": each.tax_amount if taxed else None,
            "TaxType": each.tax_code_id if taxed else None,
            "AccountCode": each.account_id,
            "ItemCode": each.item_id,
        }
    )


def _numbers(each: books.LedgerLine) -> tuple[Decimal, Decimal, str]:
    """Quantity and unit amount of at most four decimals whose product is the amount, and what the
    description has to say where they cannot be the line's own."""
    if each.amount != each.amount.quantize(CENT):
        raise Refused(f"A line's amount has more than two decimals: {each.amount}.")
    whole = each.quantity == each.quantity.quantize(UNIT)
    for unit in _candidates(each) if whole and each.quantity else ():
        if (each.quantity * unit).quantize(CENT, ROUND_HALF_UP) == each.amount:
            return each.quantity, unit, ""
    return Decimal(1), each.amount, f" ({_plain(each.quantity)} × {_plain(each.unit_price)})"


def _candidates(each: books.LedgerLine) -> tuple[Decimal, ...]:
    """The price as given, and the one that discount and rounding left."""
    own = each.unit_price.quantize(UNIT, ROUND_HALF_UP)
    net = (each.amount / each.quantity).quantize(UNIT, ROUND_HALF_UP)
    return own, net


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
