"""Vendors, customers, items, accounts, terms: what such a record must obey.

Vendors and customers share one name space (employees too, which are not built); items and accounts
have one each.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.quickbooks.model import errors
from sandbox.quickbooks.model.store import Row
from sandbox.quickbooks.model.tables import Entity
from sandbox.quickbooks.model.world import World

ONE_NAME_SPACE = ("Vendor", "Customer")
NOT_IN_NAMES = (":", "\t", "\n")
BY_ACCOUNT_TYPE = {
    "Bank": "Asset",
    "Accounts Receivable": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Cost of Goods Sold": "Expense",
    "Expense": "Expense",
    "Other Expense": "Expense",
}


def complete(world: World, spec: Entity, values: Row, old: Row | None) -> Row:
    """The record as it will stand. Raises Fault."""
    row = dict(values)
    row.setdefault("Active", True)
    if spec.family == "name":
        _person(world, spec, row, old)
    elif spec.name == "Item":
        _item(world, row, old)
    elif spec.name == "Account":
        _account(world, row, old)
    elif spec.name == "Term":
        row.setdefault("Type", "STANDARD")
        _unique(world, ("Term",), "Name", row["Name"], old)
    return row


def home_currency(world: World) -> str:
    return {"US": "USD", "GB": "GBP", "AU": "AUD"}[world.switches.country]


def _person(world: World, spec: Entity, row: Row, old: Row | None) -> None:
    parts = [row.get(part) for part in ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")]
    full = " ".join(part for part in parts if part)
    name = row.get("DisplayName") or full
    if not name:
        raise errors.missing("DisplayName")
    _plain(name, "DisplayName")
    _unique(world, ONE_NAME_SPACE, "DisplayName", name, old)
    row["DisplayName"] = name
    row.setdefault("PrintOnCheckName", name[:110])
    row["Balance"] = (old or {}).get("Balance", Decimal(0))
    if spec.name == "Customer":
        row["FullyQualifiedName"] = name
        row.setdefault("Job", False)
        row.setdefault("Taxable", True)
    else:
        row.setdefault("Vendor1099", False)
    home = home_currency(world)
    currency = row.get("CurrencyRef", {}).get(
        "value", (old or {}).get("CurrencyRef", {}).get("value")
    )
    currency = currency or home
    if not world.switches.multi_currency and currency != home:
        raise errors.business("Multicurrency is not switched on for this company.")
    if old is not None and currency != old["CurrencyRef"]["value"]:
        raise errors.business("The currency of a name cannot be changed.")
    row["CurrencyRef"] = {"value": currency}


def _item(world: World, row: Row, old: Row | None) -> None:
    _plain(row["Name"], "Name")
    _unique(world, ("Item",), "Name", row["Name"], old)
    row["FullyQualifiedName"] = row["Name"]
    kind = row.setdefault("Type", "Service")
    row.setdefault("TrackQtyOnHand", kind == "Inventory")
    needed = {
        "Inventory": ("IncomeAccountRef", "ExpenseAccountRef", "AssetAccountRef"),
        "Service": (),
        "NonInventory": (),
    }.get(kind)
    if needed is None:
        raise errors.business(f"Items of type {kind} cannot be made here.")
    for name in needed:
        if name not in row:
            raise errors.missing(name)
    if kind == "Inventory":
        if not world.switches.purchase_orders:
            raise errors.not_in_plan("Inventory")
        if old is None and ("QtyOnHand" not in row or "InvStartDate" not in row):
            raise errors.missing("QtyOnHand")
    elif "IncomeAccountRef" not in row and "ExpenseAccountRef" not in row:
        raise errors.missing("IncomeAccountRef")
    row.setdefault("UnitPrice", Decimal(0))


def _account(world: World, row: Row, old: Row | None) -> None:
    _plain(row["Name"], "Name")
    _unique(world, ("Account",), "Name", row["Name"], old)
    if "AccountType" not in row:
        raise errors.missing("AccountType")
    row["Classification"] = BY_ACCOUNT_TYPE.get(row["AccountType"], "Asset")
    row["FullyQualifiedName"] = row["Name"]
    row.setdefault("SubAccount", False)
    row.setdefault("CurrencyRef", {"value": home_currency(world)})
    row["CurrentBalance"] = (old or {}).get("CurrentBalance", Decimal(0))


def _plain(name: str, field: str) -> None:
    if any(each in name for each in NOT_IN_NAMES):
        raise errors.business(f"{field} may not hold a colon, tab or line break.")


def _unique(
    world: World, entities: tuple[str, ...], field: str, name: Any, old: Row | None
) -> None:
    wanted = str(name).casefold()
    for entity in entities:
        for each in world.store.rows(entity):
            if each is not old and str(each.get(field, "")).casefold() == wanted:
                raise errors.duplicate_name(str(name))
