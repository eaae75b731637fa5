"""release_invoice: the sales order is released for invoicing once its gate is open (B1.11, D-5).

Owns the ready status and the bill-shipped flag, and with `create_invoice` the invoice itself.
With `shipped_only` every further shipment is a further release; with `all_goods` the release is
taken back when more goods are to come and nothing is invoiced (D-6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import psa
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.gates_of_goods import goods_missing, not_shipped
from app.domain.order import OrderView
from app.domain.quantities import shipped
from app.domain.records import ORDER, Ref
from app.domain.shut import Shut
from app.steps.effects import Effects, Outcome
from app.steps.resolve import company, setting

name = "release_invoice"
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    if view.sells_nothing and not view.finished("create_sales_order", ORDER):
        return None
    by_shipping = view.behaviour.invoice_policy == "shipped_only"
    wanted: dict[str, Any] = {"bill_shipped": by_shipping, "invoice": _invoices(view)}
    if by_shipping:
        sent = {str(line): quantity for line, quantity in sorted(shipped(view).items()) if quantity}
        wanted["shipped"] = sent
    elif view.applied(name, subject) is not None and goods_missing(view):
        wanted["released"] = False  # D-6: a purchase order or a line came after the release
    return wanted


def _invoices(view: OrderView) -> bool:
    return view.behaviour.invoice_action == "create_invoice"


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """What is shipped later, or came after the release: the order is not done (D-6)."""
    if view.behaviour.invoice_policy == "shipped_only":
        return not_shipped(view)
    return goods_missing(view)


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if want.get("released") is False:
        return [f"set sales order {view.ref('sales_order')} back to the waiting status"]
    writes = [f"set sales order {view.ref('sales_order')} to the ready status"]
    return [*writes, "create its invoice"] if want["invoice"] else writes


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    sales_order = fx.ref("sales_order")
    assert sales_order is not None  # noqa: S101 - gate sales_order_stands
    if want.get("released") is False:
        await _take_back(fx, sales_order)
        return
    ready = await setting(fx, "connectwise_sales_order_status_ready")
    change = psa.SalesOrderChange(status_id=ready.id, bill_shipped=bool(want["bill_shipped"]))
    await fx.guard()
    await fx.cw.change_sales_order(sales_order, change)
    fx.journal(
        "RELEASED", f"Sales order {sales_order} is {ready.name}.", shipped=want.get("shipped")
    )
    if want["invoice"]:
        await _invoice(fx, want, sales_order)


async def _take_back(fx: Effects, sales_order: int) -> None:
    """D-6: not released any more, unless goods were invoiced meanwhile."""
    view = fx.view
    missing = goods_missing(view)
    reason = missing.sentence if missing is not None else ""
    goods = {view.xref(str(line.id)) for line in view.sold_lines if view.physical(line)}
    products = await fx.cw.sales_order_products(sales_order)
    invoiced = sorted({p.sku for p in products if p.invoice_id is not None and p.xref in goods})
    if invoiced:
        raise Hold(
            Code.PO_AFTER_INVOICE,
            f"{', '.join(invoiced)} on sales order {sales_order} is invoiced already, but: {reason}",
        )
    waiting = await setting(fx, "connectwise_sales_order_status_waiting")
    await fx.guard()
    await fx.cw.change_sales_order(sales_order, psa.SalesOrderChange(status_id=waiting.id))
    fx.journal("RELEASE_TAKEN_BACK", f"Sales order {sales_order} is {waiting.name} again: {reason}")


async def _invoice(fx: Effects, want: Mapping[str, Any], sales_order: int) -> None:
    order = fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_stands
    owner = await company(fx, order.customer, order.connectwise.company_identifier)
    total = sum(want.get("shipped", {}).values())
    reference = f"{order.order_number}{f'-{total}' if total else ''}"[:50]

    async def send() -> Outcome:
        return {"id": await fx.cw.create_invoice(sales_order, owner.id, reference)}

    async def look(known: Outcome) -> Outcome | None:
        invoices = await fx.cw.invoices_of_sales_order(sales_order)
        found = [invoice.id for invoice in invoices if invoice.reference == reference]
        return {"id": found[0]} if found else None

    def learn(outcome: Outcome) -> list[Ref]:
        return [Ref("invoice", reference, str(outcome["id"]))]

    evidence = {"sales_order": sales_order, "reference": reference}
    await fx.once("invoice", reference, evidence, send, look, learn)
