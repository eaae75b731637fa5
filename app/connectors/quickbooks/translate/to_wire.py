"""Documents, contacts and items of the service as QuickBooks takes them.

Pure. Raises Refused for what QuickBooks has no place for; the caller turns it into INVALID, unsent.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from app.connectors.quickbooks.translate import wire_names as names
from app.domain.books import (
    Approval,
    ContactKind,
    DocumentKind,
    LedgerLine,
    LineLink,
    NewContact,
    NewDocument,
    NewItem,
    TaxMode,
)

Body = dict[str, Any]

NUMBER_LENGTH = 21
NOTE_LENGTH = 4000
DESCRIPTION_LENGTH = 4000
NAME_LENGTH = 500
ITEM_NAME_LENGTH = 100
CENT = Decimal("0.01")
# Prices and quantities keep five places (accounting.md 2.8).
PLACES = Decimal("0.00001")
ONE = Decimal(1)


class Refused(ValueError):
    """The content cannot be sent to QuickBooks; the text says why."""


def reference(value: str) -> Body:
    return {"value": value}


def document(new: NewDocument) -> Body:
    """The whole document. A tax amount is not sent: QuickBooks counts the tax itself, and who
    posts compares the total."""
    _check(new)
    body: Body = {
        names.contact_field(new.kind): reference(new.contact_id),
        "TxnDate": new.on.isoformat(),
        "CurrencyRef": reference(new.currency),
        "PrivateNote": _note(new),
        "GlobalTaxCalculation": "NotApplicable" if new.tax_mode is TaxMode.NONE else "TaxExcluded",
        "Line": [_line(new, line) for line in new.lines],
    }
    if new.number is not None:
        body["DocNumber"] = new.number
    if new.payable_account_id is not None:
        body["APAccountRef"] = reference(new.payable_account_id)
    links = _links(new)
    if links:
        body["LinkedTxn"] = links
    return body | _own_fields(new)


def _check(new: NewDocument) -> None:
    if new.approval is Approval.DRAFT:
        raise Refused("QuickBooks has no drafts: a document posts the moment it is made.")
    if names.MARKER.fullmatch(new.marker) is None:
        raise Refused("The marker has to be 1 to 100 letters, digits or :._/- characters.")
    if new.number is not None and not 1 <= len(new.number) <= NUMBER_LENGTH:
        raise Refused(f"The number {new.number} is longer than {NUMBER_LENGTH} characters.")
    if not new.lines:
        raise Refused("A document needs a line.")
    if new.kind is DocumentKind.PURCHASE_ORDER and new.payable_account_id is None:
        raise Refused("A purchase order names the payables account.")
    sale = new.kind in names.SALES
    if sale and new.payable_account_id is not None:
        raise Refused("A sale has no payables account.")
    if new.from_estimate is not None and new.kind is not DocumentKind.INVOICE:
        raise Refused("Only an invoice is made from an estimate.")


def _note(new: NewDocument) -> str:
    ours = names.note_of("", new.link, new.marker)
    return names.note_of(new.memo[: NOTE_LENGTH - len(ours) - 1], new.link, new.marker)


def _own_fields(new: NewDocument) -> Body:
    """What only some kinds have."""
    body: Body = {}
    if new.kind in names.SALES:
        # NeedToSend would queue a mail to the customer (accounting.md 2.5).
        body |= {"EmailStatus": "NotSet", "PrintStatus": "NotSet"}
        if new.reference:
            body["CustomerMemo"] = reference(new.reference)
    elif new.kind is DocumentKind.PURCHASE_ORDER and new.reference:
        body["Memo"] = new.reference
    if new.due is not None:
        name = "ExpirationDate" if new.kind is DocumentKind.ESTIMATE else "DueDate"
        if new.kind is not DocumentKind.VENDOR_CREDIT:
            body[name] = new.due.isoformat()
    return body


def _links(new: NewDocument) -> list[Body]:
    """A link stands twice: on the line, and on the document (accounting.md 2.7)."""
    orders = dict.fromkeys(line.fulfils.document_id for line in new.lines if line.fulfils)
    links = [{"TxnId": each, "TxnType": names.PURCHASE_ORDER} for each in orders]
    if new.from_estimate is not None:
        links.append({"TxnId": new.from_estimate, "TxnType": names.ESTIMATE})
    return links


def _line(new: NewDocument, line: LedgerLine) -> Body:
    amount = _amount(new, line)
    body: Body = {"Description": line.description[:DESCRIPTION_LENGTH], "Amount": amount}
    if line.id is not None:
        body["Id"] = line.id
    if line.fulfils is not None:
        if new.kind is not DocumentKind.BILL:
            raise Refused("Only a bill fulfils a purchase order.")
        body["LinkedTxn"] = [_link(line.fulfils)]
    name, detail = _detail(new, line)
    if line.tax_code_id is not None:
        detail["TaxCodeRef"] = reference(line.tax_code_id)
    if line.item_id is not None:
        quantity, price = measure(line.quantity, line.unit_price, amount)
        detail |= {"Qty": quantity, "UnitPrice": price}
    return body | {"DetailType": name, name: detail}


def _link(link: LineLink) -> Body:
    return {
        "TxnId": link.document_id,
        "TxnType": names.PURCHASE_ORDER,
        "TxnLineId": link.line_id,
    }


def _detail(new: NewDocument, line: LedgerLine) -> tuple[str, Body]:
    if new.kind in names.SALES:
        if line.item_id is None:
            raise Refused("A line of a sale names an item, in QuickBooks.")
        return "SalesItemLineDetail", {"ItemRef": reference(line.item_id)}
    if line.item_id is not None:
        return "ItemBasedExpenseLineDetail", {"ItemRef": reference(line.item_id)}
    if line.account_id is None:
        raise Refused("A line names an item or an account.")
    return "AccountBasedExpenseLineDetail", {"AccountRef": reference(line.account_id)}


def _amount(new: NewDocument, line: LedgerLine) -> Decimal:
    """The line's amount without tax: what an inclusive `Amount` means is not published."""
    amount = line.amount
    if new.tax_mode is TaxMode.INCLUSIVE:
        if line.tax_amount is None:
            raise Refused("A line with tax inside has to say how much of it is tax.")
        amount -= line.tax_amount
    if amount != amount.quantize(CENT):
        raise Refused(f"The amount {amount} is not in whole cents.")
    return amount


def measure(quantity: Decimal, price: Decimal, amount: Decimal) -> tuple[Decimal, Decimal]:
    """Quantity and unit price whose product QuickBooks rounds to the amount (its fault 6070): as
    given, or the price that the amount comes to, or one unit at the whole amount."""
    sent = quantity.quantize(PLACES, ROUND_HALF_UP)
    candidates = [price.quantize(PLACES, ROUND_HALF_UP)]
    if sent:
        candidates.append((amount / sent).quantize(PLACES, ROUND_HALF_UP))
    for candidate in candidates:
        if sent and (sent * candidate).quantize(CENT, ROUND_HALF_UP) == amount:
            return sent, candidate
    return ONE, amount


def contact(new: NewContact) -> Body:
    """`number` has a place with vendors only."""
    name = " ".join(new.name.replace(":", "-").split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise Refused(f"A name has 1 to {NAME_LENGTH} characters.")
    body: Body = {"DisplayName": name}
    if new.email:
        body["PrimaryEmailAddr"] = {"Address": new.email}
    if new.number and new.kind is ContactKind.VENDOR:
        body["AcctNum"] = new.number
    return body


def new_contact(new: NewContact) -> Body:
    """The currency is fixed for ever when the contact is made."""
    body = contact(new)
    return body | ({"CurrencyRef": reference(new.currency)} if new.currency else {})


def item(new: NewItem) -> Body:
    """Name and SKU are both our code: only the name has to be unique over there."""
    if not 1 <= len(new.code) <= ITEM_NAME_LENGTH:
        raise Refused(f"An item's code has 1 to {ITEM_NAME_LENGTH} characters.")
    text = (new.description or new.name)[:DESCRIPTION_LENGTH]
    body: Body = {
        "Name": item_name(new.code),
        "Sku": new.code,
        "Type": "Service" if new.service else "NonInventory",
        "Description": text,
        "PurchaseDesc": text[:1000],
    }
    if new.income_account_id is not None:
        body["IncomeAccountRef"] = reference(new.income_account_id)
    if new.expense_account_id is not None:
        body["ExpenseAccountRef"] = reference(new.expense_account_id)
    return body


def item_name(code: str) -> str:
    """An item's name may hold no colon, tab or line break."""
    return " ".join(code.replace(":", "-").split())


def changed(body: Body, record_id: str, version: str) -> Body:
    """An update that leaves alone what is not in it. Lines are always sent whole: a partial list
    of lines cuts the document short (accounting.md 2.9)."""
    return body | {"Id": record_id, "SyncToken": version, "sparse": True}


def ended(record_id: str, version: str) -> Body:
    return {"Id": record_id, "SyncToken": version}


def closed_order(record_id: str, version: str, vendor_id: str) -> Body:
    body = {"VendorRef": reference(vendor_id), "POStatus": "Closed"}
    return changed(body, record_id, version)
