"""From Commerce's names to ConnectWise's records: companies, contacts, members, set-up.

Owns D-10 (explicit mapping, then exact identifier, account number or e-mail, never a likeness)
and the choice of set-up records by name or flag. Reads are remembered; nothing is created.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.documents import Customer, Supplier
from app.domain.errors import Hold
from app.domain.psa import Setup, SetupRecord
from app.domain.wanted import no_company, no_contact, no_member
from app.steps.effects import Effects, chosen

REFERENCE_SECONDS = 3600.0
# Of companies, since their currency is kept: the release before could not read what is remembered.
KEPT = " and currency"

Flag = Callable[[SetupRecord], bool]

# How an empty setting is filled: the flag that says it, before "default" and "the only one".
FLAGS: dict[str, Flag] = {
    "connectwise_won_status": lambda record: record.won,
    "connectwise_lost_status": lambda record: record.lost,
    "connectwise_purchase_order_status_closed": lambda record: record.default_closed,
    "connectwise_purchase_order_status_cancelled": lambda record: record.closed,
}
# Statuses that no flag tells apart have to be set by name (`contracts/http.md`).
MUST_BE_SET = frozenset(
    {"connectwise_sales_order_status_waiting", "connectwise_sales_order_status_ready"}
)
KINDS: dict[str, Setup] = {
    "connectwise_won_status": Setup.OPPORTUNITY_STATUS,
    "connectwise_lost_status": Setup.OPPORTUNITY_STATUS,
    "connectwise_open_status": Setup.OPPORTUNITY_STATUS,
    "connectwise_opportunity_type": Setup.OPPORTUNITY_TYPE,
    "connectwise_sales_order_status_waiting": Setup.SALES_ORDER_STATUS,
    "connectwise_sales_order_status_ready": Setup.SALES_ORDER_STATUS,
    "connectwise_invoice_status": Setup.INVOICE_STATUS,
    "connectwise_purchase_order_status_open": Setup.PURCHASE_ORDER_STATUS,
    "connectwise_purchase_order_status_closed": Setup.PURCHASE_ORDER_STATUS,
    "connectwise_purchase_order_status_cancelled": Setup.PURCHASE_ORDER_STATUS,
    "connectwise_purchase_terms": Setup.BILLING_TERMS,
    "connectwise_unit_of_measure": Setup.UNIT_OF_MEASURE,
    "connectwise_product_type": Setup.PRODUCT_TYPE,
    "connectwise_product_subcategory": Setup.PRODUCT_SUBCATEGORY,
    "connectwise_warehouse": Setup.WAREHOUSE,
    "connectwise_warehouse_bin": Setup.WAREHOUSE_BIN,
    "connectwise_location": Setup.LOCATION,
    "connectwise_business_unit": Setup.DEPARTMENT,
    "connectwise_board": Setup.BOARD,
}


async def set_up(fx: Effects, kind: Setup, *, fresh: bool = False) -> list[SetupRecord]:
    """A list of set-up records, remembered for an hour."""
    known = None if fresh else await fx.recall("set_up", kind.value)
    if known is not None:
        return [SetupRecord(**record) for record in known["records"]]
    records = await fx.cw.set_up(kind)
    body = {"records": [asdict(record) for record in records]}
    await fx.remember("set_up", kind.value, body, REFERENCE_SECONDS)
    return list(records)


async def setting(fx: Effects, name: str, *, parent: int | None = None) -> SetupRecord:
    """The set-up record that a setting names, or that its flag says.

    Raises Hold(SETTING_MISSING), after one look past what is remembered.
    """
    records: list[SetupRecord] = []
    for fresh in (False, True):
        records = [
            record
            for record in await set_up(fx, KINDS[name], fresh=fresh)
            if not record.inactive and (parent is None or record.parent in (None, parent))
        ]
        found = pick(records, name, fx.view.names.get(name, ""))
        if found is not None:
            return found
    wanted = fx.view.names.get(name, "")
    what = KINDS[name].value.replace("_", " ")
    have = ", ".join(sorted(record.name for record in records)) or "none"
    said = f"names no active {what} ({wanted!r})" if wanted else "is not set"
    raise Hold(
        Code.SETTING_MISSING, f"{name.upper()} {said}; ConnectWise has: {have}.", who="operator"
    )


async def optional(fx: Effects, name: str) -> int | None:
    """Like `setting`, None where nothing is chosen and nothing can be told."""
    try:
        return (await setting(fx, name)).id
    except Hold:
        if fx.view.names.get(name):
            raise
        return None


def pick(records: list[SetupRecord], name: str, wanted: str) -> SetupRecord | None:
    if wanted:
        return chosen(records, wanted)
    if name in MUST_BE_SET:
        return None
    flag = FLAGS.get(name)
    if flag is not None:
        flagged = [record for record in records if flag(record)]
        if name == "connectwise_purchase_order_status_cancelled":
            # Closed without being received: no flag says it, so only where one alone fits.
            other = [record for record in flagged if not record.default_closed]
            flagged = other if len(other) == 1 else [r for r in flagged if r.default_closed]
        return flagged[0] if flagged else None
    if name in ("connectwise_open_status", "connectwise_purchase_order_status_open"):
        records = [record for record in records if not record.closed]
    defaults = [record for record in records if record.default]
    if defaults:
        return defaults[0]
    return records[0] if len(records) == 1 else None


async def company(fx: Effects, customer: Customer, hint: str | None) -> psa.Company:
    """The ConnectWise company of a Commerce customer. Raises Hold(MAPPING_MISSING)."""
    named = [hint, customer.account_number]
    return await _company(fx, "company", str(customer.id), customer.name, named)


async def vendor(fx: Effects, supplier: Supplier) -> psa.Company:
    """The ConnectWise vendor of a Commerce supplier. Raises Hold(MAPPING_MISSING)."""
    return await _company(fx, "vendor", str(supplier.id), supplier.name, [supplier.account_number])


async def refuse_currency(fx: Effects, owner: psa.Company, told: str | None, what: str) -> None:
    """D-12: ConnectWise takes amounts as the company's own, whatever they are in. Raises
    Hold(CURRENCY_NOT_KEPT)."""
    currency = (told or fx.view.names.get("commerce_currency", "")).strip().upper()
    if owner.currency in ("", currency):
        return
    now = await fx.cw.company_by_id(owner.id)  # it may be corrected since it was remembered
    if now is not None and now.currency not in ("", currency):
        raise Hold(
            Code.CURRENCY_NOT_KEPT,
            f"{what} is in {currency}, and company {now.name} is kept in {now.currency} in "
            "ConnectWise.",
        )


async def _company(
    fx: Effects, kind: str, key: str, name: str, identifiers: list[str | None]
) -> psa.Company:
    mapped = fx.view.mappings.get((kind, key))
    wanted = [mapped] if mapped else [text for text in identifiers if text]
    for text in wanted:
        known = await fx.recall(f"{kind}{KEPT}", text)
        if known is not None:
            return psa.Company(**known)
        found = await _find_company(fx, text, by_id=mapped is not None)
        if found is not None:
            await fx.remember(f"{kind}{KEPT}", text, asdict(found), REFERENCE_SECONDS)
            return found
    what = "customer" if kind == "company" else "supplier"
    raise Hold(Code.MAPPING_MISSING, no_company(kind, what, name, key, wanted))


async def _find_company(fx: Effects, text: str, *, by_id: bool) -> psa.Company | None:
    if by_id and text.isdecimal():
        found = await fx.cw.company_by_id(int(text))
        if found is not None:
            return found
    return await fx.cw.company(text)


async def contact(fx: Effects, company_id: int) -> int:
    """The order's contact by mapping or e-mail, else the company's default one (D-10)."""
    order = fx.view.sales_order
    email = (order.contact.email if order and order.contact else None) or ""
    mapped = fx.view.mappings.get(("contact", email.casefold())) if email else None
    if mapped:
        return int(mapped)
    known = await fx.recall("contacts", str(company_id))
    if known is None:
        contacts = await fx.cw.contacts(company_id)
        known = {
            "contacts": [
                {"id": c.id, "emails": [text.casefold() for text in c.emails], "default": c.default}
                for c in contacts
            ]
        }
        await fx.remember("contacts", str(company_id), known, 300.0)
    rows: list[Mapping[str, Any]] = list(known["contacts"])
    exact = [row for row in rows if email and email.casefold() in row["emails"]]
    default = [row for row in rows if row["default"]] or (rows if len(rows) == 1 else [])
    if exact or default:
        return int((exact or default)[0]["id"])
    raise Hold(Code.MAPPING_MISSING, no_contact(fx.view.row.name, company_id))


async def sales_rep(fx: Effects) -> int:
    """The member who owns the order: by mapping, by e-mail, else CONNECTWISE_SALES_REP."""
    order = fx.view.sales_order
    email = ((order.owner_email if order else None) or "").casefold()
    mapped = fx.view.mappings.get(("member", email)) if email else None
    if mapped:
        return int(mapped)
    known = await fx.recall("members", "")
    if known is None:
        rows = [
            {"id": m.id, "identifier": m.identifier, "emails": [e.casefold() for e in m.emails]}
            for m in await fx.cw.members()
        ]
        known = {"members": rows}
        await fx.remember("members", "", known, 300.0)
    fallback = fx.view.names.get("connectwise_sales_rep", "").casefold()
    for row in known["members"]:
        if email and email in row["emails"]:
            return int(row["id"])
    for row in known["members"]:
        if fallback and row["identifier"].casefold() == fallback:
            return int(row["id"])
    raise Hold(Code.MAPPING_MISSING, no_member(fx.view.row.name))


def described(record: Mapping[str, Any]) -> str:
    """A wanted line for a sentence: its quantity and title."""
    return f"{record['quantity']} x {record['title']}"
