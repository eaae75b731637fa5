"""What is read in ConnectWise because no callback tells it: conversions, shipments, invoices.

Owns the polls of open orders. Reads only; what was read becomes facts with their as-of time, and
what a person changed there is told in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from app.domain import invoices, psa
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.order import OrderView
from app.domain.ports import ConnectWise
from app.domain.records import Fact, JournalEntry, Ref
from app.domain.release import invoiceable


@dataclass(slots=True)
class Looked:
    """What the looks brought."""

    facts: list[Fact] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)


async def look_at(cw: ConnectWise, view: OrderView, looks: Sequence[str]) -> Looked:
    """Read what the looks ask for. May raise RemoteFailure."""
    looked = Looked()
    if "conversion" in looks:
        looked.facts.append(await _conversion(cw, view))
    if "shipping" in looks:
        looked.facts.append(await _shipping(cw, view))
    if "invoicing" in looks:
        await _invoicing(cw, view, looked)
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


# Invoices --------------------------------------------------------------------------------------


async def _invoicing(cw: ConnectWise, view: OrderView, looked: Looked) -> None:
    """D-5, D-7: what of the sales order is on an invoice, and where the sales order stands."""
    number = view.ref("sales_order")
    if number is None:
        looked.facts.append(Fact(invoices.FACT, "", {"invoiced": {}}, view.now))
        return
    before = invoices.read(view)
    try:
        order = await cw.sales_order(number)
    except RemoteFailure as failure:
        if failure.kind is not FailureKind.GONE:
            raise
        looked.facts.append(Fact(invoices.FACT, "", {**before, "gone": True}, view.now))
        return
    products = await cw.sales_order_products(number)
    body = invoices.noted(view, products, whole=True)
    body |= {"gone": False, "status": order.status_id, "locked": order.bill_closed}
    looked.facts.append(Fact(invoices.FACT, "", body, view.now))
    # So that a callback about the invoice finds the order, also when it is deleted.
    known = {ref.external_id for (kind, _), ref in view.refs.items() if kind == "invoice"}
    for invoice in sorted(set(body["on"].values())):
        if str(invoice) not in known:
            looked.refs.append(Ref("invoice", f"seen:{invoice}", str(invoice)))
    looked.journal.extend(_told(view, before, body, order))


def _told(
    view: OrderView, before: Mapping[str, Any], now: Mapping[str, Any], order: psa.SalesOrder
) -> list[JournalEntry]:
    """What a person did since the reading before."""
    titles = {str(line.id): line.title for line in view.sold_lines}
    entries: list[JournalEntry] = []
    was, stands = before.get("on", {}), now["on"]
    for key in sorted(stands.keys() - was.keys()):
        title, quantity = titles.get(key, key), now["invoiced"][key]
        entries.append(_said("INVOICE_SEEN", f"{quantity} {title} is on invoice {stands[key]}."))
        free = invoiceable(view).get(int(key), 0) if key.isdecimal() else quantity
        if quantity > free:
            told = f"{quantity} {title} is invoiced, but {free} were released for invoicing."
            entries.append(_said("INVOICED_ABOVE_RELEASE", told))
    for key in sorted(was.keys() - stands.keys()):
        told = f"{titles.get(key, key)} is no longer on invoice {was[key]}."
        entries.append(_said("INVOICE_REMOVED", told))
    written = view.facts.get(("status_written", ""))
    if written is not None and order.status_id not in (written.body["id"], before.get("status")):
        entries.append(
            _said(
                "STATUS_MOVED",
                f"Sales order {order.id} no longer stands at {written.body['name']}: a person "
                "moved it. It is left so.",
            )
        )
    locks = view.behaviour.invoice_lock == "bill_closed_flag" and not invoiceable(view)
    if locks and order.bill_closed is False and before.get("locked") is not False:
        told = f"The invoice lock of sales order {order.id} was taken off by a person."
        entries.append(_said("INVOICE_LOCK_OFF", told))
    return entries


def _said(code: str, sentence: str) -> JournalEntry:
    return JournalEntry(code, sentence, "release_invoice", "order")
