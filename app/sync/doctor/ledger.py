"""The doctor's look at the ledger: signed in, the right company, open books, accounts, tax codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.domain.admin_store import AdminStore
from app.domain.books import Books
from app.domain.checkup import LEDGER_ACCOUNTS, LEDGER_TAX_CODES, Finding, Outcome
from app.domain.grants import LEDGERS, advice
from app.domain.scenario import Scenario
from app.domain.views import ConnectionRow
from app.steps.ledger import named
from app.sync.doctor.asking import asked

AREA = "ledger"
SOON = timedelta(days=14)


async def findings(
    admin: AdminStore,
    tenant_id: int,
    books: Books | None,
    scenarios: Collection[Scenario],
    values: Mapping[str, Any],
    now: datetime,
) -> list[Finding]:
    """Nothing where no scenario posts to a ledger and none is set up."""
    steps = {use.name for scenario in scenarios for use in scenario.steps}
    posts = steps & LEDGER_ACCOUNTS.keys()
    if books is None:
        if not posts:
            return []
        told = "The chosen scenario posts to a ledger, and none is set up."
        fix = "Set QUICKBOOKS_CLIENT_ID or XERO_CLIENT_ID: docs/how-to/connect-a-ledger.md."
        return [Finding("ledger", AREA, Outcome.FAILED, told, fix=fix)]
    rows = [row for row in await admin.connections(tenant_id) if row.system in LEDGERS]
    signed_in = [_signed_in(row, now) for row in rows]
    if any(one.outcome is Outcome.FAILED for one in signed_in):
        return signed_in
    answer = await asked("company", AREA, "the company's own record", books.organisation)
    if isinstance(answer, Finding):
        return [*signed_in, answer]
    (company,) = answer
    found = [*signed_in, _currency(company.currency, str(values["commerce_currency"]))]
    told = f"{company.name} ({company.country}), books open"
    until = f" after {company.closed_until:%Y-%m-%d}" if company.closed_until else ""
    found.append(Finding("company", AREA, Outcome.OK, f"{told}{until}.", proven_by="its record"))
    # In one ledger a sales line names an account, in the other an item.
    with_items = company.capabilities.sales_lines_need_items
    of_sales = LEDGER_ACCOUNTS["post_invoice"] if "post_invoice" in posts else ()
    of_bills = LEDGER_ACCOUNTS["post_bill"] if "post_bill" in posts else ()
    found += await _named(books, (*of_bills, *(() if with_items else of_sales)), values)
    found += [await _item(books, name, values) for name in (of_sales if with_items else ())]
    codes = [name for step in LEDGER_TAX_CODES if step in posts for name in LEDGER_TAX_CODES[step]]
    found += await _tax_codes(books, dict.fromkeys(codes), values)
    return found


def _signed_in(row: ConnectionRow, now: datetime) -> Finding:
    name, proven = f"signed_in_{row.system}", "the consent that is kept"
    if todo := advice(row.system, row.grant):
        return Finding(
            name, AREA, Outcome.FAILED, todo.split(" Sign in:")[0], fix=todo, proven_by=proven
        )
    until = row.grant.until if row.grant is not None else None
    if until is None:
        told = "Signed in."
        return Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    told = f"Signed in until {until:%Y-%m-%d}."
    if until - now > SOON:
        return Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    fix = f"Sign in again before: `demandlink connections sign-in {row.system}`."
    return Finding(name, AREA, Outcome.WARNING, told, fix=fix, proven_by=proven)


def _currency(of_ledger: str, of_commerce: str) -> Finding:
    proven = "the company's own record"
    if of_ledger.upper() == of_commerce.upper():
        told = f"Commerce and the ledger both count in {of_ledger}."
        return Finding("currency", AREA, Outcome.OK, told, proven_by=proven)
    return Finding(
        "currency",
        AREA,
        Outcome.WARNING,
        f"Commerce states {of_commerce}, the ledger's home currency is {of_ledger}.",
        "Documents in a currency that the ledger does not keep are held.",
        "See that the ledger keeps that currency too, or correct COMMERCE_CURRENCY.",
        proven,
    )


async def _named(books: Books, wanted: Sequence[str], values: Mapping[str, Any]) -> list[Finding]:
    if not wanted:
        return []
    answer = await asked("accounts", AREA, "the chart of accounts", books.accounts)
    if isinstance(answer, Finding):
        return [answer]
    rows = [{"id": one.id, "code": one.code, "name": one.name} for one in answer[0]]
    return [_chosen(name, "account", rows, values, needed=True) for name in wanted]


async def _item(books: Books, name: str, values: Mapping[str, Any]) -> Finding:
    setting, wanted, proven = name.upper(), str(values.get(name) or ""), "the item by its code"
    held = "Documents that need it are held with SETTING_MISSING."
    if not wanted:
        told, fix = f"{setting} is not set.", "Set it to the code of an item of the ledger."
        return Finding(name, AREA, Outcome.FAILED, told, held, fix, proven)
    answer = await asked(name, AREA, proven, lambda: books.find_item(wanted))
    if isinstance(answer, Finding):
        return answer
    if answer[0] is not None and answer[0].active:
        told = f"{setting} {wanted!r} is an item of the ledger."
        return Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    told = f"{setting} names no active item of the ledger ({wanted!r})."
    fix = "Make the item in the ledger, or name another."
    return Finding(name, AREA, Outcome.FAILED, told, held, fix, proven)


async def _tax_codes(
    books: Books, wanted: Collection[str], values: Mapping[str, Any]
) -> list[Finding]:
    if not wanted:
        return []
    answer = await asked("tax_codes", AREA, "the tax codes", books.tax_codes)
    if isinstance(answer, Finding):
        return [answer]
    rows = [{"id": one.id, "code": "", "name": one.name} for one in answer[0]]
    return [_chosen(name, "tax code", rows, values, needed=False) for name in wanted]


def _chosen(
    name: str, what: str, rows: list[dict[str, Any]], values: Mapping[str, Any], *, needed: bool
) -> Finding:
    setting, wanted, proven = name.upper(), str(values.get(name) or ""), f"the list of each {what}"
    found = named(rows, wanted)
    if found is not None:
        told = f"{setting} is {found['name']!r}."
        return Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    if not wanted and not needed:
        told = f"{setting} is empty: the ledger decides."
        return Finding(name, AREA, Outcome.OK, told, proven_by=proven)
    have = ", ".join(" ".join((str(row["code"]), str(row["name"]))).strip() for row in rows[:30])
    said = f"names no {what} of the ledger ({wanted!r})" if wanted else "is not set"
    fix = f"Set it to one of: {have}." if have else f"Make an {what} in the ledger and set it."
    held = "Documents that need it are held with SETTING_MISSING."
    return Finding(name, AREA, Outcome.FAILED, f"{setting} {said}.", held, fix, proven)
