"""Lines of a document: defaults from items and accounts, checks, tax, and what they add up to.

Owns amounts. Tax is rounded on each line and then summed (accounting.md 3.5). Quantities and unit
amounts have four decimals, unit amounts of invoices and credit notes two unless asked otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.xero.model import fields
from sandbox.xero.model.books import Books
from sandbox.xero.model.errors import Invalid
from sandbox.xero.model.store import Row
from sandbox.xero.model.tables import LINE
from sandbox.xero.model.values import cents, rounded

ZERO = Decimal(0)
HUNDRED = Decimal(100)
CLASSES = {
    "ASSET": "CanApplyToAssets",
    "EQUITY": "CanApplyToEquity",
    "EXPENSE": "CanApplyToExpenses",
    "LIABILITY": "CanApplyToLiabilities",
    "REVENUE": "CanApplyToRevenue",
}
# A person never books on these directly.
CLOSED_ACCOUNTS = {"DEBTORS", "CREDITORS"}


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a document bears on its lines. `places` are the decimals of unit amounts."""

    sales: bool
    tax: str  # Exclusive, Inclusive or NoTax
    discounts: bool
    places: int
    needs_accounts: bool


def read_lines(books: Books, given: Any, current: list[Row], terms: Terms) -> list[Row]:
    """The lines as they will stand. A line without an id is new, a known one keeps what is not
    named, and one that is left out is deleted. Raises `Invalid` with every fault found."""
    by_id = {line["LineItemID"]: line for line in current}
    lines: list[Row] = []
    problems: list[str] = []
    for each in fields.list_of(given, "LineItems"):
        body = fields.object_of(each, "a line item")
        try:
            line = _with_id(books, body, by_id)
            lines.append(completed(books, line, body, terms))
        except Invalid as fault:
            problems += fault.messages
    if problems:
        raise Invalid(*dict.fromkeys(problems))
    return lines


def _with_id(books: Books, body: Mapping[str, Any], by_id: dict[Any, Row]) -> Row:
    values = fields.read(LINE, body)
    own = values.get("LineItemID")
    if own is None:
        return {"LineItemID": books.new_guid()} | values
    known = by_id.pop(own, None)
    if known is None:
        raise Invalid(f"The line item {own} does not belong to this document")
    return known | values


def completed(books: Books, line: Row, body: Mapping[str, Any], terms: Terms) -> Row:
    """A line with its defaults, checks, amount and tax."""
    item = _item(books, line)
    if item is not None:
        details = item.get("SalesDetails" if terms.sales else "PurchaseDetails") or {}
        described = item.get("Description" if terms.sales else "PurchaseDescription")
        line = {
            "Description": described or item.get("Name") or item["Code"],
            "UnitAmount": details.get("UnitPrice"),
            "AccountCode": details.get("AccountCode"),
            "TaxType": details.get("TaxType"),
        } | line
    line = {name: value for name, value in line.items() if value is not None}
    if not line.get("Description"):
        raise Invalid("Description must be specified and at least 1 character long")
    account = _account(books, line, body)
    line = _with_tracking(books, line, body)
    _check_discount(line, terms)
    line = _with_amount(line, body, terms)
    if _is_text(line):
        return line | {"LineAmount": ZERO, "TaxAmount": ZERO}
    if account is None and terms.needs_accounts:
        raise Invalid("Account code must be specified")
    return _with_tax(books, line, body, account, terms)


def _is_text(line: Row) -> bool:
    """A line of words only, without an amount."""
    return not any(name in line for name in ("Quantity", "UnitAmount"))


def _item(books: Books, line: Row) -> Row | None:
    code = line.get("ItemCode")
    if not code:
        return None
    found = books.store.find("item", "Code", code)
    if not found:
        raise Invalid(f"Item code '{code}' is not valid")
    return found[0]


def _account(books: Books, line: Row, body: Mapping[str, Any]) -> Row | None:
    if "AccountID" in body and "AccountCode" not in body:
        account = books.get("account", line.get("AccountID"))
        code = line.get("AccountID")
    elif line.get("AccountCode"):
        code = line["AccountCode"]
        account = next(iter(books.store.find("account", "Code", code)), None)
    else:
        return None
    if (
        account is None
        or account["Status"] != "ACTIVE"
        or account["Type"] == "BANK"
        or account.get("SystemAccount") in CLOSED_ACCOUNTS
    ):
        raise Invalid(f"Account code '{code}' is not a valid code for this document.")
    line["AccountCode"], line["AccountID"] = account["Code"], account["AccountID"]
    return account


def _with_tracking(books: Books, line: Row, body: Mapping[str, Any]) -> Row:
    if body.get("Tracking") is None:
        return line
    given = fields.list_of(body["Tracking"], "Tracking")
    if len(given) > 2:
        raise Invalid("A line item can have at most 2 tracking categories")
    return line | {
        "Tracking": [_tracked(books, fields.object_of(one, "Tracking")) for one in given]
    }


def _tracked(books: Books, body: Mapping[str, Any]) -> Row:
    for category in books.store.rows("tracking"):
        if category["TrackingCategoryID"] != body.get("TrackingCategoryID") and category[
            "Name"
        ] != body.get("Name"):
            continue
        for option in category["Options"]:
            if option["TrackingOptionID"] == body.get("TrackingOptionID") or option[
                "Name"
            ] == body.get("Option"):
                return {
                    "TrackingCategoryID": category["TrackingCategoryID"],
                    "TrackingOptionID": option["TrackingOptionID"],
                    "Name": category["Name"],
                    "Option": option["Name"],
                }
    raise Invalid("The tracking category or its option does not exist")


def _check_discount(line: Row, terms: Terms) -> None:
    if not terms.discounts and (line.get("DiscountRate") or line.get("DiscountAmount")):
        raise Invalid("Discounts are only supported on sales invoices")
    if line.get("DiscountRate") and line.get("DiscountAmount"):
        raise Invalid("Only one of DiscountRate and DiscountAmount can be specified")


def _with_amount(line: Row, body: Mapping[str, Any], terms: Terms) -> Row:
    """LineAmount from quantity and unit amount, or what is missing of these from LineAmount."""
    line = dict(line)
    if "Quantity" in line:
        line["Quantity"] = rounded(line["Quantity"], 4)
    if "UnitAmount" in line:
        line["UnitAmount"] = rounded(line["UnitAmount"], terms.places)
    given = line["LineAmount"] if body.get("LineAmount") is not None else None
    if given is not None and "UnitAmount" not in line:
        quantity = line.setdefault("Quantity", Decimal(1))
        line["UnitAmount"] = rounded(given / quantity if quantity else ZERO, terms.places)
        return line | {"LineAmount": cents(given)}
    if "UnitAmount" not in line:
        return line
    gross = line.setdefault("Quantity", Decimal(1)) * line["UnitAmount"]
    less = gross * line["DiscountRate"] / HUNDRED if line.get("DiscountRate") else ZERO
    expected = cents(gross - less - line.get("DiscountAmount", ZERO))
    if given is not None and cents(given) != expected:
        raise Invalid(
            f"The line total {cents(given)} does not match the expected line total {expected}"
        )
    return line | {"LineAmount": expected}


def _with_tax(
    books: Books, line: Row, body: Mapping[str, Any], account: Row | None, terms: Terms
) -> Row:
    amount = line.get("LineAmount", ZERO)
    if terms.tax == "NoTax":
        return line | {"TaxType": "NONE", "TaxAmount": ZERO, "LineAmount": amount}
    tax_type = line.get("TaxType") or (account or {}).get("TaxType") or "NONE"
    rate = tax_rate(books, tax_type, account, sales=terms.sales)
    if body.get("TaxAmount") is not None:
        tax = cents(line["TaxAmount"])
    elif terms.tax == "Inclusive":
        tax = cents(amount - amount / (1 + rate / HUNDRED))
    else:
        tax = cents(amount * rate / HUNDRED)
    return line | {"TaxType": tax_type, "TaxAmount": tax, "LineAmount": amount}


def tax_rate(books: Books, tax_type: str, account: Row | None, *, sales: bool) -> Decimal:
    """The percentage of a tax type that may stand on such a line. Raises `Invalid`."""
    found = books.store.find("taxRate", "TaxType", tax_type)
    kind = (account or {}).get("Class") or ("REVENUE" if sales else "EXPENSE")
    if not found or found[0]["Status"] != "ACTIVE" or not found[0][CLASSES[kind]]:
        raise Invalid(
            f"The TaxType code '{tax_type}' does not exist or cannot be used for this type of "
            "transaction."
        )
    rate: Decimal = found[0]["EffectiveRate"]
    return rate


def totals(lines: list[Row], tax: str, rounding: Decimal = ZERO) -> dict[str, Decimal]:
    """SubTotal, TotalTax and Total of a document's lines."""
    amounts = sum((line["LineAmount"] for line in lines), ZERO)
    taxes = sum((line["TaxAmount"] for line in lines), ZERO)
    net = amounts - taxes if tax == "Inclusive" else amounts
    return {"SubTotal": net, "TotalTax": taxes, "Total": net + taxes + rounding}
