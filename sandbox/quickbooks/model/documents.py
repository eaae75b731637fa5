"""Purchase orders, bills, credits, invoices, estimates: dates, numbers, currency, totals.

Owns what holds for each of these alone; what ties them together is in `links` and `payments`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal

from sandbox.quickbooks.model import amounts, errors, links
from sandbox.quickbooks.model.store import Row
from sandbox.quickbooks.model.tables import Entity
from sandbox.quickbooks.model.world import World, named

FIRST_NUMBER = 1001
AUTO_GENERATE = "AUTO_GENERATE"
ALLOW_DUPLICATES = "allowduplicatedocnum"
SALES = ("Invoice", "Estimate")
BY_CONTACT = ("Bill", "VendorCredit")  # their numbers are the supplier's
PAYABLE = "Accounts Payable"
RECEIVABLE = "Accounts Receivable"


def complete(
    world: World, spec: Entity, values: Row, old: Row | None, include: Collection[str]
) -> Row:
    """The document as it will stand, before it has an id. Raises Fault."""
    if spec.name == "PurchaseOrder" and not world.switches.purchase_orders:
        raise errors.not_in_plan("PurchaseOrder")
    row = dict(values)
    _contact(world, spec, row)
    row.setdefault("TxnDate", world.today())
    _check_open(world, row, old)
    _accounts(world, spec, row)
    _currency(world, spec, row)
    row["Line"] = amounts.read_lines(world, spec, row.get("Line", []), old)
    amounts.total(world, spec, row)
    _number(world, spec, row, old, include)
    _terms(world, spec, row)
    _defaults(spec, row, old)
    links.read(world, spec, row, old)
    if spec.name not in {"PurchaseOrder", "Estimate"}:
        row["Balance"] = row["TotalAmt"]
    return row


def _contact(world: World, spec: Entity, row: Row) -> None:
    target = spec.fields[spec.contact].target
    row[spec.contact] = named(world.referred(target, row[spec.contact], spec.contact))


def _check_open(world: World, row: Row, old: Row | None) -> None:
    check_open(world, row["TxnDate"])
    if old is not None:
        check_open(world, old["TxnDate"])


def check_open(world: World, day: str) -> None:
    closed = world.switches.books_closed
    if closed is not None and day <= closed:
        raise errors.books_closed(world.switches.books_closed_code)


def _accounts(world: World, spec: Entity, row: Row) -> None:
    if spec.name == "PurchaseOrder" and "APAccountRef" not in row:
        raise errors.missing("APAccountRef")
    name, needed = ("ARAccountRef", RECEIVABLE) if spec.name in SALES else ("APAccountRef", PAYABLE)
    if name in row:
        account = world.referred("Account", row[name], name)
        if account["AccountType"] != needed:
            raise errors.wrong_account(name, needed)
        row[name] = named(account)
    elif spec.name not in SALES:
        row[name] = named(first_account(world, needed))


def first_account(world: World, kind: str) -> Row:
    return next(row for row in world.store.rows("Account") if row["AccountType"] == kind)


def _currency(world: World, spec: Entity, row: Row) -> None:
    contact = world.row(spec.fields[spec.contact].target, row[spec.contact]["value"])
    fixed = contact["CurrencyRef"]["value"]
    given = row.get("CurrencyRef", {}).get("value")
    if world.switches.multi_currency:
        if given is None:
            raise errors.missing("CurrencyRef")
        row.setdefault("ExchangeRate", Decimal(1))
    if given is not None and given != fixed:
        raise errors.business(f"The currency of {contact['DisplayName']} is {fixed}, not {given}.")
    row["CurrencyRef"] = {"value": fixed}
    if not world.switches.multi_currency:
        row.pop("ExchangeRate", None)


def _number(
    world: World, spec: Entity, row: Row, old: Row | None, include: Collection[str]
) -> None:
    """accounting.md 2.6: who counts, and what is refused as a duplicate."""
    given = row.get("DocNumber")
    switches = world.switches
    if spec.name in SALES:
        counted = not switches.custom_txn_numbers
        if given == AUTO_GENERATE:
            row["DocNumber"] = _next(world, spec.name)
            return
    else:
        counted = spec.name != "Bill" and not switches.custom_purchase_numbers
    if given is None:
        if counted:
            row["DocNumber"] = (old or {}).get("DocNumber") or _next(world, spec.name)
        return
    if ALLOW_DUPLICATES in include:
        return
    for each in world.store.rows(spec.name):
        if each is old or each.get("DocNumber") != given:
            continue
        if spec.name in BY_CONTACT and each[spec.contact]["value"] != row[spec.contact]["value"]:
            continue
        raise errors.duplicate_number(given, spec.name, each["Id"])


def _next(world: World, entity: str) -> str:
    numbers = [
        int(row["DocNumber"])
        for row in world.store.rows(entity)
        if str(row.get("DocNumber", "")).isdigit()
    ]
    return str(max([FIRST_NUMBER - 1, *numbers]) + 1)


def _terms(world: World, spec: Entity, row: Row) -> None:
    if spec.name not in {"Bill", "Invoice"} or "DueDate" in row:
        return
    days = 0
    if "SalesTermRef" in row:
        term = world.referred("Term", row["SalesTermRef"], "SalesTermRef")
        row["SalesTermRef"] = named(term)
        days = int(term.get("DueDays", 0))
    row["DueDate"] = (date.fromisoformat(row["TxnDate"]) + timedelta(days=days)).isoformat()


def _defaults(spec: Entity, row: Row, old: Row | None) -> None:
    if spec.name in SALES:
        row.setdefault("EmailStatus", "NotSet")
        row.setdefault("PrintStatus", "NotSet")
        row.setdefault("ApplyTaxAfterDiscount", False)
        if row["EmailStatus"] == "NeedToSend" and not row.get("BillEmail", {}).get("Address"):
            raise errors.business("An e-mail address is needed to send the document.")
    if spec.name == "Estimate":
        row.setdefault("TxnStatus", "Pending")
    if spec.name == "PurchaseOrder":
        status = row.setdefault("POStatus", "Open")
        # Closed by a person stays closed; closed by its bills opens again when one goes.
        if status == "Open":
            row.pop("ManuallyClosed", None)
        elif old is None or old["POStatus"] == "Open":
            row["ManuallyClosed"] = True
        elif "ManuallyClosed" in old:
            row["ManuallyClosed"] = old["ManuallyClosed"]
        row.setdefault("EmailStatus", "NotSet")
