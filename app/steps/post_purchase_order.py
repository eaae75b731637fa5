"""post_purchase_order: a purchase order of Commerce stands in the ledger, beside its bills (A6, A7).

Owns the purchase order in the ledger's terms, its end, and what is done where the ledger's plan has
none: then there are bills only, and nothing is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from app.domain import bills, ledger_orders
from app.domain.books import Capabilities, ContactKind, DocumentKind, NewDocument, TaxMode
from app.domain.codes import Code, Who
from app.domain.documents import PurchaseOrder
from app.domain.errors import FailureKind, Hold, RemoteFailure, Wait
from app.domain.ledger_orders import Ends
from app.domain.order import OrderView
from app.domain.shut import Shut
from app.steps import ledger, ledger_documents, ledger_endings
from app.steps.effects import Effects
from app.steps.ledger_standing import Posting
from app.steps.post_bill import lines_of, refuse_currency

name = ledger_orders.STEP
version = 1
KIND = DocumentKind.PURCHASE_ORDER


def subjects(view: OrderView) -> Sequence[str]:
    return ledger_orders.subjects(view)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    return ledger_orders.wanted(view, subject)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """D-11: what Commerce changes after the first bill is for a person."""
    changed = ledger_orders.changed(view, subject)
    if changed is None:
        return None
    return Shut(
        Code.CHANGED_AFTER_FREEZE,
        f"{view.label(subject)} changed in Commerce after it was billed, and bills are linked to it "
        "in the ledger as it was.",
        who=Who.ACCOUNTING,
        about=changed,
    )


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    known = ledger_orders.known(view, str(want["subject"]))
    stays = known and Ends(want["ends"]) is not Ends.REMOVED
    if stays and bills.billed(view, int(want["purchase_order"])):
        return []  # it is frozen; whether it has to be closed only the ledger knows
    does = {Ends.OPEN: "change" if known else "post", Ends.CLOSED: "close", Ends.REMOVED: "remove"}
    return [f"{does[Ends(want['ends'])]} purchase order {want['number']} in the ledger"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    subject, ends = str(want["subject"]), Ends(want["ends"])
    named = f"Purchase order {want['number']}"
    if ends is Ends.REMOVED:
        await ledger_endings.remove(fx, KIND, subject, named, want)
        return
    known = (ledger_orders.REF, subject) in fx.view.refs
    frozen = known and bool(bills.billed(fx.view, int(want["purchase_order"])))
    can = (await ledger.organisation(fx)).capabilities
    if not can.purchase_orders:
        can = (await ledger.organisation(fx, fresh=True)).capabilities  # the plan may be another
    if not frozen and not await _posted(fx, want, can):
        return
    if ends is Ends.CLOSED:
        await ledger_endings.close(fx, subject, named, want)


async def _posted(fx: Effects, want: Mapping[str, Any], can: Capabilities) -> bool:
    """False where the ledger has no purchase orders, by its plan or by its answer."""
    if can.purchase_orders:
        posting = await _posting(fx, want, can)
        try:
            await ledger_documents.post(fx, posting)
            return True
        except Hold as hold:
            if hold.code is Code.REMOTE_EXISTS and await _leaves(fx, posting):
                raise Wait(
                    Code.CLAIMED_ELSEWHERE,
                    f"{posting.named()} still stands in the ledger for the sales order that it "
                    "belonged to before.",
                    fx.view.now + fx.view.live.poll,
                ) from hold
            raise
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.FORBIDDEN:
                raise
            if (await ledger.organisation(fx, fresh=True)).capabilities.purchase_orders:
                raise
    if ("no_purchase_orders", "") not in fx.view.facts:
        fx.see("no_purchase_orders", {"number": want["number"]})
        fx.journal(
            "LEDGER_WITHOUT_PURCHASE_ORDERS",
            "The ledger's plan has no purchase orders: it gets the bills only.",
        )
    return False


async def _leaves(fx: Effects, posting: Posting) -> bool:
    """Whether the number is the service's own, of an order that has not removed it yet (H3)."""
    new = posting.new
    found = await ledger.books_of(fx).find_documents(KIND, new.contact_id, new.on, new.number)
    return any(one.number == new.number and one.marker is not None for one in found)


async def _posting(fx: Effects, want: Mapping[str, Any], can: Capabilities) -> Posting:
    document = fx.view.purchase_order(int(want["purchase_order"]))
    assert document is not None  # noqa: S101 - one that is gone is only removed
    await refuse_currency(fx, want["currency"])
    supplier = document.supplier
    vendor = await ledger.contact(
        fx, ContactKind.VENDOR, supplier.id, supplier.name, want["currency"]
    )
    lines = await lines_of(fx, want, can)
    taxed = can.bills_take_tax and any(line.tax_amount for line in lines)
    number = ledger_documents.fitting(str(want["number"]), can.number_length)
    new = NewDocument(
        KIND,
        vendor.id,
        date.fromisoformat(want["on"]),
        want["currency"],
        tuple(lines),
        ledger_documents.marker(fx, KIND, str(want["subject"])),
        tax_mode=TaxMode.EXCLUSIVE if taxed else TaxMode.NONE,
        number=number if KIND in can.own_numbering else None,
        memo=f"{document.order_number} for {fx.view.row.name}",
        payable_account_id=await _payables(fx, document, can),
    )
    total = sum((line.amount + (line.tax_amount or 0) for line in lines), Decimal(0))
    keys = tuple(str(line["line"]) for line in want["lines"])
    return Posting(want, new, total, line_keys=keys)


async def _payables(fx: Effects, document: PurchaseOrder, can: Capabilities) -> str | None:
    """A purchase order that bills are linked to names the account that it will be owed on."""
    found = await ledger.payables(fx)
    if found is None and can.links_purchase_orders:
        raise Hold(
            Code.SETTING_MISSING,
            f"The ledger has no payables account, or several, so {document.order_number} cannot name "
            "one. Leave one active there, or skip this step: its bills are then posted without it.",
            who="accounting",
        )
    return found
