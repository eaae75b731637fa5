"""Xero's answers in the domain's words.

Owns what a record means to the service. Pure. Raises pydantic's ValidationError for an answer that
cannot be read, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from app.connectors.xero import schemas
from app.connectors.xero.paths import Family
from app.connectors.xero.translate import marks
from app.domain import books

# A record without its id is no record.
ID: TypeAdapter[str] = TypeAdapter(schemas.Id)
ALLOWED = "ALLOWED"
NUMBER_LENGTH = 255

ACCOUNT_KINDS: Mapping[str, books.AccountKind] = {
    "REVENUE": books.AccountKind.INCOME,
    "SALES": books.AccountKind.INCOME,
    "OTHERINCOME": books.AccountKind.INCOME,
    "EXPENSE": books.AccountKind.EXPENSE,
    "OVERHEADS": books.AccountKind.EXPENSE,
    "DIRECTCOSTS": books.AccountKind.COST_OF_GOODS,
    "INVENTORY": books.AccountKind.INVENTORY,
}
SYSTEM_ACCOUNTS: Mapping[str, books.AccountKind] = {
    "CREDITORS": books.AccountKind.PAYABLE,
    "DEBTORS": books.AccountKind.RECEIVABLE,
}
STATUSES: Mapping[str, books.Status] = {
    "DRAFT": books.Status.DRAFT,
    "SUBMITTED": books.Status.DRAFT,
    "AUTHORISED": books.Status.OPEN,
    "PAID": books.Status.PAID,
    "BILLED": books.Status.CLOSED,
    "VOIDED": books.Status.VOIDED,
    "DELETED": books.Status.DELETED,
}


def version(updated: str) -> str:
    """What tells one state of a record from the next: the moment of its last change."""
    read = schemas.moment(updated)
    return "" if read is None else str(round(read.timestamp() * 1000))


def organisation(raw: Mapping[str, Any], actions: Sequence[Any]) -> books.Organisation:
    read = schemas.Organisation.model_validate(raw)
    can = {
        action.name
        for action in (schemas.Action.model_validate(one) for one in actions)
        if action.status == ALLOWED
    }
    locks = [day for day in (read.period_lock, read.year_lock) if day is not None]
    return books.Organisation(
        id=read.id,
        name=read.name,
        country=read.country,
        currency=read.currency,
        closed_until=max(locks, default=None),
        capabilities=books.Capabilities(
            has_drafts=True,
            purchase_orders=True,
            links_purchase_orders=False,
            estimates=False,
            multi_currency="UseMulticurrency" in can,
            own_numbering=frozenset(
                {
                    books.DocumentKind.PURCHASE_ORDER,
                    books.DocumentKind.BILL,
                    books.DocumentKind.VENDOR_CREDIT,
                    books.DocumentKind.INVOICE,
                }
            ),
            number_length=NUMBER_LENGTH,
            bills_take_tax=True,
            computes_sales_tax=False,
            sales_lines_need_items=False,
        ),
    )


def account(raw: Any) -> books.Account | None:
    """None for one that no line can name: archived, a bank's, or without a code."""
    read = schemas.Account.model_validate(raw)
    if read.status != "ACTIVE" or not read.code or read.type == "BANK":
        return None
    kind = SYSTEM_ACCOUNTS.get(read.system) or ACCOUNT_KINDS.get(read.type)
    return books.Account(
        id=read.code,
        code=read.code,
        name=read.name,
        kind=kind or books.AccountKind.OTHER,
        currency=read.currency or None,
    )


def tax_code(raw: Any) -> books.TaxCode | None:
    """None for a rate that is no longer in use."""
    read = schemas.TaxRate.model_validate(raw)
    if read.status != "ACTIVE":
        return None
    return books.TaxCode(
        id=read.type,
        name=read.name,
        rate=read.rate,
        for_purchases=read.expenses,
        for_sales=read.revenue,
    )


def contact(raw: Any, kind: books.ContactKind) -> books.Contact:
    """One list holds both kinds, so it is of the kind that was asked for."""
    read = schemas.Contact.model_validate(raw)
    return books.Contact(
        id=read.id,
        kind=kind,
        name=read.name,
        version=version(read.updated),
        active=read.status == "ACTIVE",
        currency=read.currency or None,
        email=read.email,
    )


def item(raw: Any) -> books.Item:
    """Lines name an item by its code, so the code is its id."""
    read = schemas.Item.model_validate(raw)
    return books.Item(
        id=read.code,
        code=read.code,
        name=read.name,
        version=version(read.updated),
        tracked=read.tracked,
    )


def document(raw: Any, family: Family, kind: books.DocumentKind) -> books.Document:
    read = schemas.Document.model_validate(raw)
    own = raw.get(family.id) if isinstance(raw, Mapping) else None
    number = raw.get(family.number) if isinstance(raw, Mapping) else None
    own = ID.validate_python(own)
    paid = read.paid + read.credited
    if read.remaining is not None:
        paid = read.total - read.remaining
    return books.Document(
        kind=kind,
        id=own,
        version=version(read.updated),
        status=STATUSES.get(read.status, books.Status.OPEN),
        contact_id=read.contact.id,
        currency=read.currency,
        total=read.total,
        number=str(number) if number else None,
        on=read.on,
        tax=read.tax,
        paid=paid,
        marker=marks.found(read),
        lines=tuple(_line(line) for line in read.lines if not line.is_words),
        url=f"{family.web}{own}",
    )


def _line(read: schemas.Line) -> books.LedgerLine:
    return books.LedgerLine(
        description=read.description,
        quantity=read.quantity if read.quantity is not None else Decimal(1),
        unit_price=read.unit if read.unit is not None else read.amount,
        amount=read.amount,
        tax_amount=read.tax,
        account_id=read.account or None,
        item_id=read.item or None,
        tax_code_id=read.tax_type or None,
        id=read.id or None,
    )
