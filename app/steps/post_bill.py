"""post_bill: goods received in Commerce are owed in the ledger, a bill for each receipt or one for
each purchase order (A7, C6).

Owns the bill in the ledger's terms: vendor, accounts, tax. Goods go on accounts, not on items: a
tracked item would count stock a second time (accounting.md 2.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from app.domain import bills
from app.domain.books import (
    Capabilities,
    ContactKind,
    DocumentKind,
    LedgerLine,
    NewDocument,
    TaxMode,
)
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.errors import Hold
from app.domain.gates_of_buying import purchase_order_stays
from app.domain.order import OrderView
from app.domain.shut import Shut
from app.steps import fulfilment, growing_bill, ledger, ledger_documents, ledger_standing
from app.steps.effects import Effects

name = bills.STEP
version = 1
DESCRIPTION = 3900  # both ledgers take 4,000 characters; a connector may add to it


def subjects(view: OrderView) -> Sequence[str]:
    return bills.subjects(view)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    return bills.wanted(view, subject)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """H2, H3: what Commerce takes back, or gives to another sales order, after it was billed is for
    a person."""
    if (moved := purchase_order_stays(view, subject, view.now)) is not None:
        return moved
    po_id = int(subject.split(":")[1])
    for above in bills.above_receipt(view, subject):
        if view.decided_on(Code.BILL_ABOVE_RECEIPT, po_id, above) == "leave_bill":
            continue
        return Shut(
            Code.BILL_ABOVE_RECEIPT,
            f"{above['billed']} of line {above['line']} are billed on {view.label(subject)}, and "
            f"Commerce says that {above['received']} were received.",
            about=above,
        )
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    known = ("bill", str(want["subject"])) in view.refs
    return [f"{'change' if known else 'post'} bill {want['number']}"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    document = fx.view.purchase_order(int(want["purchase_order"]))
    assert document is not None  # noqa: S101 - want() found it
    if growing_bill.complete(fx, want):
        return
    can = (await ledger.organisation(fx)).capabilities
    await refuse_currency(fx, want["currency"])
    supplier = document.supplier
    vendor = await ledger.contact(
        fx, ContactKind.VENDOR, supplier.id, supplier.name, want["currency"]
    )
    lines = await fulfilment.linked(fx, want, await lines_of(fx, want, can), can)
    taxed = can.bills_take_tax and any(line.tax_amount for line in lines)
    number = ledger_documents.fitting(str(want["number"]), can.number_length)
    new = NewDocument(
        DocumentKind.BILL,
        vendor.id,
        date.fromisoformat(want["on"]),
        want["currency"],
        tuple(lines),
        ledger_documents.marker(fx, DocumentKind.BILL, str(want["subject"])),
        tax_mode=TaxMode.EXCLUSIVE if taxed else TaxMode.NONE,
        number=number if DocumentKind.BILL in can.own_numbering else None,
        due=date.fromisoformat(want["due"]) if want.get("due") else None,
        memo=f"{document.order_number} for {fx.view.row.name}, invoice {want['number']}",
        payable_account_id=await ledger.payables(fx),
    )
    total = sum((line.amount + (line.tax_amount or 0) for line in lines), Decimal(0))
    posting = ledger_standing.Posting(want, new, total, grows="freights" in want)
    try:
        posted = await ledger_documents.post(fx, posting)
    except Hold as hold:
        await growing_bill.seal(fx, posting, hold)
        return
    fulfilment.refuse_unlinked(fx, posting, posted)


async def refuse_currency(fx: Effects, currency: str) -> None:
    """D-12: books of one currency would take the amount as their own."""
    organisation = await ledger.organisation(fx)

    def kept() -> bool:
        return currency == organisation.currency or organisation.capabilities.multi_currency

    if not kept():
        organisation = await ledger.organisation(fx, fresh=True)  # it may be switched on since
    if not kept():
        raise Hold(
            Code.CURRENCY_NOT_KEPT,
            f"{fx.view.row.name} is in {currency}, and the ledger keeps {organisation.currency} only.",
        )


async def lines_of(fx: Effects, want: Mapping[str, Any], can: Capabilities) -> list[LedgerLine]:
    """Goods, then freight and costs, then the tax where it has to be a line of its own."""
    lines: list[LedgerLine] = []
    tax = Decimal(0)

    async def add(
        setting: str, what: str, quantity: Decimal, amount: Decimal, taxes: Decimal
    ) -> None:
        nonlocal tax
        tax += taxes
        code = "ledger_purchase_tax_code" if taxes else "ledger_no_tax_code"
        lines.append(
            LedgerLine(
                cut(what, DESCRIPTION),
                quantity,
                amount / quantity,
                amount,
                tax_amount=taxes if can.bills_take_tax else None,
                account_id=await ledger.account(fx, setting),
                tax_code_id=await ledger.tax_code(fx, code) if can.bills_take_tax else None,
            )
        )

    for line in want["lines"]:
        quantity = Decimal(int(line["to"]) - int(line["from"]))
        what = f"{line['sku']} {line['title']}".strip()
        amount, taxes = Decimal(str(line["amount"])), Decimal(str(line["tax"]))
        await add("ledger_purchase_goods", what, quantity, amount, taxes)
    if want["freight"] is not None:
        freight = bills.cents(Decimal(str(want["freight"])))
        await add("ledger_purchase_freight", "Freight", Decimal(1), freight, Decimal(0))
    for cost in want["costs"]:
        amount, taxes = Decimal(str(cost["amount"])), Decimal(str(cost["tax"]))
        what = str(cost["title"]) or "Costs"
        await add("ledger_purchase_freight", what, Decimal(1), amount, taxes)
    if tax and not can.bills_take_tax:
        own = await ledger.account(fx, "ledger_purchase_tax")
        lines.append(LedgerLine("Tax", Decimal(1), tax, tax, account_id=own))
    return lines
