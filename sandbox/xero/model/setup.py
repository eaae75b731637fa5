"""Items, accounts, tax rates and currencies: the organisation's set-up, as far as clients write it.

Owns their checks. Tracked stock is not simulated: an item is a name with prices and accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.xero.model import fields
from sandbox.xero.model.books import Books
from sandbox.xero.model.errors import Invalid, not_found
from sandbox.xero.model.store import Row
from sandbox.xero.model.tables import ACCOUNT, CURRENCY, ITEM, ITEM_DETAILS, TAX_RATE
from sandbox.xero.model.values import rounded

CLASS_OF = {
    "BANK": "ASSET", "CURRENT": "ASSET", "FIXED": "ASSET", "INVENTORY": "ASSET",
    "NONCURRENT": "ASSET", "PREPAYMENT": "ASSET", "EQUITY": "EQUITY", "DEPRECIATN": "EXPENSE",
    "DIRECTCOSTS": "EXPENSE", "EXPENSE": "EXPENSE", "OVERHEADS": "EXPENSE",
    "CURRLIAB": "LIABILITY", "LIABILITY": "LIABILITY", "TERMLIAB": "LIABILITY",
    "OTHERINCOME": "REVENUE", "REVENUE": "REVENUE", "SALES": "REVENUE",
}  # fmt: skip


def save_item(
    books: Books, body: Mapping[str, Any], *, create: bool, own: str | None, places: int
) -> Row:
    values = fields.read(ITEM, body)
    for name in ("SalesDetails", "PurchaseDetails"):
        if body.get(name) is not None:
            values[name] = _details(books, fields.object_of(body[name], name), places)
    current = _current(books, "item", "ItemID", "Code", values, own)
    if create and current is not None:
        raise Invalid(f"Price List Item with Code '{current['Code']}' already exists")
    if current is None:
        if not values.get("Code"):
            raise Invalid("Price List Item Code must be specified")
        row: Row = {"IsSold": True, "IsPurchased": True, "IsTrackedAsInventory": False}
        row |= values | {"ItemID": books.new_guid()}
    else:
        row = current | values
        for other in books.store.find("item", "Code", row["Code"]):
            if other["ItemID"] != row["ItemID"]:
                raise Invalid(f"Price List Item with Code '{row['Code']}' already exists")
    return books.put("item", row["ItemID"], row)


def _details(books: Books, body: Mapping[str, Any], places: int) -> Row:
    values = fields.read(ITEM_DETAILS, body)
    if "UnitPrice" in values:
        values["UnitPrice"] = rounded(values["UnitPrice"], places)
    code = values.get("AccountCode")
    if code and not books.store.find("account", "Code", code):
        raise Invalid(f"Account code '{code}' is not a valid code for this item.")
    tax = values.get("TaxType")
    if tax and not books.store.find("taxRate", "TaxType", tax):
        raise Invalid(f"The TaxType code '{tax}' does not exist.")
    return values


def delete_item(books: Books, record_id: str) -> None:
    row = books.get("item", record_id)
    if row is None:
        raise not_found()
    books.store.put("item", record_id, None)


def save_account(books: Books, body: Mapping[str, Any], *, create: bool, own: str | None) -> Row:
    values = fields.read(ACCOUNT, body)
    current = _current(books, "account", "AccountID", "Code", values, own)
    if create and current is not None:
        raise Invalid("Please enter a unique Code.")
    row: Row = {"Status": "ACTIVE", "EnablePaymentsToAccount": False, "ShowInExpenseClaims": False}
    row |= (current or {"AccountID": books.new_guid(), "TaxType": "NONE"}) | values
    if not row.get("Code") or not row.get("Name") or not row.get("Type"):
        raise Invalid("Code, Name and Type of an account must be specified")
    if current is not None and current.get("SystemAccount") and values.get("Status"):
        raise Invalid("A system account cannot be archived or deleted")
    row["Class"] = CLASS_OF[row["Type"]]
    return books.put("account", row["AccountID"], row)


def save_tax_rate(books: Books, body: Mapping[str, Any], *, create: bool) -> Row:
    values = fields.read(TAX_RATE, body)
    parts = fields.list_of(body.get("TaxComponents") or [], "TaxComponents")
    same = [row for row in books.store.rows("taxRate") if row["Name"] == values.get("Name")]
    if create and same:
        raise Invalid(f"A tax rate of the name {values['Name']} exists")
    if not values.get("Name") or not (parts or same):
        raise Invalid("Name and TaxComponents of a tax rate must be specified")
    row = dict(same[0]) if same else _new_tax_rate(books) | values
    row |= {name: value for name, value in values.items() if name != "TaxType"}
    if parts:
        row["TaxComponents"] = [
            {
                "Name": str(one.get("Name") or values["Name"]),
                "Rate": Decimal(str(one.get("Rate") or 0)),
                "IsCompound": bool(one.get("IsCompound")),
                "IsNonRecoverable": bool(one.get("IsNonRecoverable")),
            }
            for one in (fields.object_of(each, "TaxComponents") for each in parts)
        ]
    rate = sum((one["Rate"] for one in row["TaxComponents"]), Decimal(0))
    row |= {"EffectiveRate": rate, "DisplayTaxRate": rate}
    return books.put("taxRate", row["TaxType"], row)


def _new_tax_rate(books: Books) -> Row:
    """Rates that users make are numbered."""
    made = [row for row in books.store.rows("taxRate") if row["TaxType"].startswith("TAX")]
    return {
        "TaxType": f"TAX{len(made) + 1:03d}",
        "Status": "ACTIVE",
        "ReportTaxType": "NONE",
        "CanApplyToAssets": True,
        "CanApplyToEquity": True,
        "CanApplyToExpenses": True,
        "CanApplyToLiabilities": True,
        "CanApplyToRevenue": True,
    }


def save_currency(books: Books, body: Mapping[str, Any], *, create: bool) -> Row:
    values = fields.read(CURRENCY, body)
    code = values.get("Code") or ""
    if len(code) != 3 or not code.isupper():
        raise Invalid("Code must be a currency's three letters")
    if not books.switches.multicurrency:
        raise Invalid("The organisation's plan has one currency only")
    if create and books.store.find("currency", "Code", code):
        raise Invalid(f"The currency {code} is subscribed already")
    return books.put("currency", code, {"Code": code, "Description": code, "Rate": Decimal(1)})


def _current(
    books: Books, table: str, id_field: str, key: str, values: Row, own: str | None
) -> Row | None:
    named = own or values.get(id_field)
    if named is not None:
        found = books.get(table, named)
        if found is None:
            raise not_found()
        return found
    text = values.get(key)
    same = books.store.find(table, key, text) if text else []
    return same[0] if same else None
