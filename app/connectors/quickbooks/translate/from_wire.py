"""QuickBooks' records in the service's own terms.

Pure; each function takes parsed JSON and raises pydantic's ValidationError for what it cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from app.connectors.quickbooks import schemas
from app.connectors.quickbooks.translate import wire_names as names
from app.connectors.quickbooks.translate.to_wire import NUMBER_LENGTH
from app.domain.books import (
    Account,
    AccountKind,
    Capabilities,
    Change,
    Contact,
    ContactKind,
    Document,
    DocumentKind,
    Item,
    LedgerLine,
    LineLink,
    Organisation,
    Status,
    TaxCode,
)

# Document pages for a person (accounting.md 7; those but the bill's are inferred).
PAGES: dict[DocumentKind, str] = {
    DocumentKind.PURCHASE_ORDER: "purchaseorder",
    DocumentKind.BILL: "bill",
    DocumentKind.VENDOR_CREDIT: "vendorcredit",
    DocumentKind.INVOICE: "invoice",
    DocumentKind.ESTIMATE: "estimate",
}
ACCOUNT_KINDS: dict[str, AccountKind] = {
    "Income": AccountKind.INCOME,
    "Other Income": AccountKind.INCOME,
    "Expense": AccountKind.EXPENSE,
    "Other Expense": AccountKind.EXPENSE,
    "Cost of Goods Sold": AccountKind.COST_OF_GOODS,
    "Accounts Payable": AccountKind.PAYABLE,
    "Accounts Receivable": AccountKind.RECEIVABLE,
}
INVENTORY = "Inventory"
NO_LINES = frozenset({"SubTotalLineDetail"})  # QuickBooks' own sums
ENDED_ESTIMATES = frozenset({"Closed", "Rejected", "Converted"})
OWN_PURCHASE_NUMBERS = "VendorAndPurchasesPrefs.UseCustomTxnNumbers"
AMERICA = "US"


def document(raw: Any, kind: DocumentKind, app_url: str) -> Document:
    wire = schemas.Transaction.model_validate(raw)
    contact = wire.customer_ref if kind in names.SALES else wire.vendor_ref
    return Document(
        kind=kind,
        id=wire.id,
        version=wire.sync_token,
        status=_status(wire, kind),
        contact_id=_value(contact) or "",
        currency=_value(wire.currency_ref) or "",
        total=wire.total_amt,
        number=wire.doc_number or None,
        on=date.fromisoformat(wire.txn_date[:10]) if wire.txn_date else None,
        tax=wire.txn_tax_detail.total_tax if wire.txn_tax_detail else Decimal(0),
        paid=wire.total_amt - wire.balance if wire.balance is not None else Decimal(0),
        marker=names.marker_in(wire.private_note),
        lines=tuple(_line(line) for line in wire.line if line.detail_type not in NO_LINES),
        fulfilled_by=tuple(
            link.txn_id
            for link in wire.linked_txn
            if kind is DocumentKind.PURCHASE_ORDER and link.txn_type == names.BILL
        ),
        url=f"{app_url}/app/{PAGES[kind]}?txnId={wire.id}",
    )


def payables_account(raw: Any) -> str | None:
    return _value(schemas.Transaction.model_validate(raw).ap_account_ref)


def _status(wire: schemas.Transaction, kind: DocumentKind) -> Status:
    if wire.status == "Deleted":
        return Status.DELETED
    if kind is DocumentKind.PURCHASE_ORDER:
        return Status.CLOSED if wire.po_status == "Closed" else Status.OPEN
    if kind is DocumentKind.ESTIMATE:
        return Status.CLOSED if wire.txn_status in ENDED_ESTIMATES else Status.OPEN
    # Voiding writes this word before the note and leaves nothing to pay; there is no other sign.
    if wire.private_note.startswith("Voided") and not wire.total_amt:
        return Status.VOIDED
    return Status.OPEN if wire.balance is None or wire.balance else Status.PAID


def _line(wire: schemas.Line) -> LedgerLine:
    detail = wire.detail or schemas.Detail()
    quantity = detail.qty if detail.qty is not None else Decimal(1)
    fulfils = next(
        (
            LineLink(link.txn_id, link.txn_line_id)
            for link in wire.linked_txn
            if link.txn_type == names.PURCHASE_ORDER and link.txn_line_id
        ),
        None,
    )
    return LedgerLine(
        description=wire.description,
        quantity=quantity,
        unit_price=detail.unit_price if detail.unit_price is not None else wire.amount,
        amount=wire.amount,
        account_id=_value(detail.account_ref),
        item_id=_value(detail.item_ref),
        tax_code_id=_value(detail.tax_code_ref),
        fulfils=fulfils,
        id=wire.id or None,
    )


def contact(raw: Any, kind: ContactKind) -> Contact:
    wire = schemas.Name.model_validate(raw)
    return Contact(
        id=wire.id,
        kind=kind,
        name=wire.display_name,
        version=wire.sync_token,
        active=wire.active is not False,
        currency=_value(wire.currency_ref),
        email=wire.primary_email_addr.address if wire.primary_email_addr else "",
    )


def item(raw: Any) -> Item:
    wire = schemas.Item.model_validate(raw)
    return Item(
        id=wire.id,
        code=wire.sku or wire.name,
        name=wire.name,
        version=wire.sync_token,
        active=wire.active is not False,
        tracked=wire.type == INVENTORY,
    )


def account(raw: Any) -> Account:
    wire = schemas.Account.model_validate(raw)
    kind = ACCOUNT_KINDS.get(wire.account_type, AccountKind.OTHER)
    if wire.account_sub_type == INVENTORY:
        kind = AccountKind.INVENTORY
    return Account(wire.id, wire.acct_num, wire.name, kind, _value(wire.currency_ref))


def tax_rate(raw: Any) -> tuple[str, Decimal | None]:
    """A rate's id and its percent."""
    wire = schemas.TaxRate.model_validate(raw)
    return wire.id, wire.rate_value


def tax_code(raw: Any, percent: Mapping[str, Decimal | None]) -> TaxCode:
    """A code with the sum of its rates; None where it has none of its own, as the two codes of a US
    company. `percent` is that of each rate."""
    wire = schemas.TaxCode.model_validate(raw)
    sales, purchases = _rate_ids(wire.sales_tax_rate_list), _rate_ids(wire.purchase_tax_rate_list)
    known = [percent.get(each) for each in sales or purchases]
    found = [each for each in known if each is not None]
    return TaxCode(
        id=wire.id,
        name=wire.name,
        rate=sum(found, Decimal(0)) if known and len(found) == len(known) else None,
        for_purchases=bool(purchases),
        for_sales=bool(sales) or not purchases,
    )


def _rate_ids(listed: schemas.TaxRateList | None) -> list[str]:
    details = listed.tax_rate_detail if listed is not None else []
    return [value for each in details if (value := _value(each.tax_rate_ref))]


def organisation(company: Any, preferences: Any, realm: str) -> Organisation:
    wire = schemas.CompanyInfo.model_validate(company)
    prefs = schemas.Preferences.model_validate(preferences)
    closed = prefs.accounting_info_prefs.book_close_date
    return Organisation(
        id=realm,
        name=wire.company_name,
        country=wire.country,
        currency=_value(prefs.currency_prefs.home_currency) or "",
        closed_until=date.fromisoformat(closed[:10]) if closed else None,
        capabilities=_capabilities(wire, prefs),
    )


def _capabilities(wire: schemas.CompanyInfo, prefs: schemas.Preferences) -> Capabilities:
    """accounting.md 2.5 to 2.8, and what the preferences say."""
    numbered = {DocumentKind.BILL}  # a bill's number is the supplier's, and never counted
    if prefs.sales_forms_prefs.custom_txn_numbers:
        numbered |= {DocumentKind.INVOICE, DocumentKind.ESTIMATE}
    others = {each.name: each.value.lower() for each in prefs.other_prefs.name_value}
    if others.get(OWN_PURCHASE_NUMBERS) == "true":
        numbered |= {DocumentKind.PURCHASE_ORDER, DocumentKind.VENDOR_CREDIT}
    orders = prefs.product_and_services_prefs.inventory_and_purchase_order
    return Capabilities(
        has_drafts=False,
        purchase_orders=orders,
        links_purchase_orders=orders,
        estimates=prefs.sales_forms_prefs.allow_estimates,
        multi_currency=prefs.currency_prefs.multi_currency_enabled,
        own_numbering=frozenset(numbered),
        number_length=NUMBER_LENGTH,
        bills_take_tax=wire.country != AMERICA,
        computes_sales_tax=prefs.tax_prefs.partner_tax_enabled,
        sales_lines_need_items=True,
    )


def changes(raw: Any) -> list[Change]:
    """What change data capture tells. Payments and the like of which we did not ask are left out."""
    answers = raw if isinstance(raw, list) else []
    pages = [
        page
        for answer in answers
        if isinstance(answer, Mapping)
        for page in answer.get("QueryResponse") or ()
        if isinstance(page, Mapping)
    ]
    found = []
    for page in pages:
        for name, records in page.items():
            kind = names.KINDS.get(name)
            if kind is None or not isinstance(records, list):
                continue
            for record in records:
                wire = schemas.Record.model_validate(record)
                found.append(Change(kind, wire.id, wire.status == "Deleted"))
    return found


def _value(reference: schemas.Reference | None) -> str | None:
    return (reference.value or None) if reference is not None else None
