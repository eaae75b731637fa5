"""What is read in ConnectWise because no callback tells it: conversions, shipments, invoices.

Owns the polls of open orders. Reads only; what was read becomes facts with their as-of time, and
what a person changed there is told in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.domain import invoices, posted, psa, tickets
from app.domain.books import Books
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.facts import LEDGER_SEEN
from app.domain.order import OrderView
from app.domain.ports import ConnectWise
from app.domain.readiness import FACT
from app.domain.records import (
    Fact,
    JournalEntry,
    Ref,
)
from app.domain.release import invoiceable
from app.steps.tickets import state_of
from app.sync import readiness


@dataclass(slots=True)
class Looked:
    """What the looks brought."""

    facts: list[Fact] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)


def of_one_system(looks: Sequence[str]) -> tuple[str, ...]:
    """Those of ConnectWise first: the ledger's are read when there are no others."""
    return tuple(look for look in looks if look != posted.LOOK) or tuple(looks)


async def look_at(
    cw: ConnectWise, books: Books | None, view: OrderView, looks: Sequence[str]
) -> Looked:
    """Read what the looks ask for. May raise RemoteFailure."""
    looked = Looked()
    if "conversion" in looks:
        looked.facts.append(await _conversion(cw, view))
    if "shipping" in looks:
        looked.facts.append(await _shipping(cw, view))
    if "invoicing" in looks:
        await _invoicing(cw, view, looked)
    if FACT in looks:
        looked.facts.append(await readiness.read(cw, view))
    if posted.LOOK in looks:
        await _posted(books, view, looked)
    return looked


async def _conversion(cw: ConnectWise, view: OrderView) -> Fact:
    """D-3: whether a person converted the opportunity."""
    opportunity = view.ref("opportunity")
    orders = await cw.sales_orders_of_opportunity(opportunity) if opportunity is not None else []
    return Fact("conversion", "", {"sales_orders": [order.id for order in orders]}, view.now)


async def _shipping(cw: ConnectWise, view: OrderView) -> Fact:
    """D-14: what a person shipped, by sales order line, in whole units."""
    shipped: dict[str, int] = {}
    for line in view.sold_lines:
        product = view.ref("product", str(line.id))
        if product is None or not view.physical(line):
            continue
        details = await cw.shipping_details(product)
        total = sum((detail.shipped for detail in details), Decimal(0))
        shipped[str(line.id)] = int(total)
    return Fact("shipping", "", {"shipped": shipped}, view.now)


# Documents in the ledger ----------------------------------------------------------------------


async def _posted(books: Books | None, view: OrderView, looked: Looked) -> None:
    """C4: what a person did to a document that the ledger's webhook named. Without a ledger there
    is nothing to ask, and the hint is answered all the same."""
    for ref in posted.told(view):
        document = None
        if books is None:
            body = {"event": posted.event_of(view, ref)}
            looked.facts.append(Fact(LEDGER_SEEN, posted.key_of(ref), body, view.now))
            continue
        try:
            document = await books.read_document(posted.KINDS[ref.kind], ref.external_id)
        except RemoteFailure as failure:
            if failure.kind is not FailureKind.GONE:
                raise
        body = posted.noted(view, ref, document)
        entry = posted.by_person(view, ref, document, body)
        looked.facts.append(Fact(LEDGER_SEEN, posted.key_of(ref), body, view.now))
        if entry is not None:
            looked.journal.append(entry)


# Invoices --------------------------------------------------------------------------------------


async def _invoicing(cw: ConnectWise, view: OrderView, looked: Looked) -> None:
    """D-5, D-7: what of the sales order is on an invoice, and where the sales order stands."""
    number = view.parent
    if number is None:
        looked.facts.append(Fact(invoices.FACT, "", {"invoiced": {}}, view.now))
        return
    before = invoices.read(view)
    try:
        products, now = await _parent(cw, view, number, looked)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.GONE:
            raise
        looked.facts.append(Fact(invoices.FACT, "", {**before, "gone": True}, view.now))
        return
    body = invoices.noted(view, products, whole=True) | {"gone": False, **now}
    looked.facts.append(Fact(invoices.FACT, "", body, view.now))
    # So that a callback about the invoice finds the order, also when it is deleted.
    known = {ref.external_id for (kind, _), ref in view.refs.items() if kind == "invoice"}
    for invoice in sorted(set(body["on"].values())):
        if str(invoice) not in known:
            looked.refs.append(Ref("invoice", f"seen:{invoice}", str(invoice)))
    looked.journal.extend(_told(view, before, body))


async def _parent(
    cw: ConnectWise, view: OrderView, number: int, looked: Looked
) -> tuple[list[psa.Product], dict[str, Any]]:
    """The products of the sales order or ticket, and how that stands."""
    if not view.by_ticket:
        order = await cw.sales_order(number)
        found = await cw.sales_order_products(number)
        return found, {"status": order.status_id, "locked": order.bill_closed}
    ours = sorted(int(ref.external_id) for ref in view.refs.values() if ref.kind == "product")
    products = await cw.products(ours) if ours else []
    ticket, moved = await state_of(cw, view, number, products)
    if moved:
        looked.refs.append(Ref("ticket", "", str(ticket.id)))
        told = f"Ticket {number} was merged into ticket {ticket.id}; its products went along."
        looked.journal.append(JournalEntry("TICKET_FOLLOWED", told, tickets.STEP, "order"))
    body = tickets.noted(view, ticket)
    looked.facts.append(Fact(tickets.FACT, "", body, view.now))
    return products, {"status": ticket.status_id}


def _told(view: OrderView, before: Mapping[str, Any], now: Mapping[str, Any]) -> list[JournalEntry]:
    """What a person did since the reading before."""
    titles = {str(line.id): line.title for line in view.sold_lines}
    entries: list[JournalEntry] = []
    was, stands = before.get("on", {}), now["on"]
    for key in sorted(stands.keys() - was.keys()):
        title, quantity = titles.get(key, key), now["invoiced"][key]
        entries.append(
            _said(
                "INVOICE_SEEN",
                f"{quantity} {title} is on invoice {invoices.numbered(now, stands[key])}.",
            )
        )
        free = invoiceable(view).get(int(key), 0) if key.isdecimal() else quantity
        if quantity > free:
            told = f"{quantity} {title} is invoiced, but {free} were released for invoicing."
            entries.append(_said("INVOICED_ABOVE_RELEASE", told))
    for key in sorted(was.keys() - stands.keys()):
        told = (
            f"{titles.get(key, key)} is no longer on invoice {invoices.numbered(before, was[key])}."
        )
        entries.append(_said("INVOICE_REMOVED", told))
    written = view.facts.get(("status_written", ""))
    if written is not None and now["status"] not in (written.body["id"], before.get("status")):
        entries.append(
            _said(
                "STATUS_MOVED",
                f"{view.parent_named} no longer stands at {written.body['name']}: a person "
                "moved it. It is left so.",
            )
        )
    locks = view.behaviour.invoice_lock == "bill_closed_flag" and not invoiceable(view)
    if locks and now.get("locked") is False and before.get("locked") is not False:
        told = f"The invoice lock of sales order {view.parent} was taken off by a person."
        entries.append(_said("INVOICE_LOCK_OFF", told))
    return entries


def _said(code: str, sentence: str) -> JournalEntry:
    return JournalEntry(code, sentence, "release_invoice", "order")
