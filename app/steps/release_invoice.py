"""release_invoice: the sales order or ticket is released for invoicing once its gate is open (B1.11, D-5).

Owns the ready status, the flags that ConnectWise bills by, and with `create_invoice` the invoice
and its read-back. With `shipped_only` every further shipment is a further release; with
`all_goods` the release is taken back when more goods are to come and nothing is invoiced (D-6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.domain import invoices, psa
from app.domain.choices import LEAVE_INVOICE, RELEASE_CLOSED
from app.domain.codes import Code
from app.domain.errors import Hold
from app.domain.gates_of_invoice import goods_missing, release_outstanding
from app.domain.order import OrderView
from app.domain.records import ORDER, Ref
from app.domain.release import STEP, wanted_release
from app.domain.shut import Shut
from app.steps.effects import Effects, Outcome
from app.steps.lines import Parent, parent_of, standing
from app.steps.release_ticket import mark_ready, mark_waiting
from app.steps.resolve import company, set_up, setting

name = STEP
version = 1


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    return wanted_release(view)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    """What is shipped later, or came after the release: the order is not done (D-6)."""
    return release_outstanding(view)


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if want.get("released") is False:
        return [f"set {view.parent_told} back to the waiting status"]
    writes = [f"set {view.parent_told} to the ready status"]
    return [*writes, "create its invoice"] if want["invoice"] else writes


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    parent = parent_of(fx)
    assert parent is not None  # noqa: S101 - gates sales_order_stands, ticket_products_stand
    if want.get("released") is False:
        await _take_back(fx, parent)
        return
    if want["invoice"]:
        await _refuse_while_incomplete(fx, want, parent)
    if parent.ticket is not None:
        products = await _products(fx, parent)
        ours = [one for one in products if invoices.key_of(fx.view, one) is not None]
        await mark_ready(fx, ours)
        parent = parent_of(fx) or parent  # a merge may have been followed
    else:
        await _mark_ready(fx, want, parent.id)
    if want["invoice"]:
        await _invoice(fx, want, parent)


async def _mark_ready(fx: Effects, want: Mapping[str, Any], sales_order: int) -> None:
    ready = await setting(fx, "connectwise_sales_order_status_ready")
    await _refuse_closed(fx, want, sales_order)
    change = psa.SalesOrderChange(
        status_id=ready.id,
        bill_shipped=bool(want["bill_shipped"]),
        bill_closed=False if fx.view.behaviour.invoice_lock == "bill_closed_flag" else None,
    )
    await fx.guard()
    await fx.cw.change_sales_order(sales_order, change)
    fx.see("status_written", {"id": ready.id, "name": ready.name})
    fx.journal(
        "RELEASED", f"Sales order {sales_order} is {ready.name}.", shipped=want.get("shipped")
    )


async def _refuse_closed(fx: Effects, want: Mapping[str, Any], sales_order: int) -> None:
    """A person who closed the sales order meant it. Asked only where the last look saw it moved."""
    seen = invoices.read(fx.view).get("status")
    written = fx.view.facts.get(("status_written", ""))
    if seen is None or written is None or seen == written.body["id"]:
        return
    if fx.view.decided(Code.SALES_ORDER_CLOSED, ORDER, want) == RELEASE_CLOSED.name:
        return
    order = await fx.cw.sales_order(sales_order)
    for record in await set_up(fx, psa.Setup.SALES_ORDER_STATUS):
        if record.id == order.status_id and record.closed:
            raise Hold(
                Code.SALES_ORDER_CLOSED,
                f"Sales order {sales_order} was closed by a person: it stands at {record.name}.",
            )


async def _take_back(fx: Effects, parent: Parent) -> None:
    """D-6: not released any more, unless goods were invoiced meanwhile."""
    view = fx.view
    missing = goods_missing(view)
    reason = missing.sentence if missing is not None else ""
    goods = {view.xref(str(line.id)) for line in view.sold_lines if view.physical(line)}
    products = await _products(fx, parent)
    after = invoices.with_reading(view, invoices.noted(view, products, whole=True))
    settled = {view.xref(key) for key in invoices.accepted_unlinked(after)}
    stands = [p for p in products if p.invoice_id is not None and p.xref in goods - settled]
    if stands:
        listed = ", ".join(sorted({p.sku for p in stands}))
        numbers = ", ".join(sorted({invoices.called(p) for p in stands}))
        raise Hold(
            Code.PO_AFTER_INVOICE,
            f"{listed} on {view.parent_told} is invoiced already (invoice {numbers}), but: {reason}",
        )
    if parent.ticket is not None:
        await mark_waiting(fx, reason)
        return
    sales_order = parent.id
    waiting = await setting(fx, "connectwise_sales_order_status_waiting")
    locked = True if view.behaviour.invoice_lock == "bill_closed_flag" else None
    await fx.guard()
    await fx.cw.change_sales_order(
        sales_order, psa.SalesOrderChange(status_id=waiting.id, bill_closed=locked)
    )
    fx.see("status_written", {"id": waiting.id, "name": waiting.name})
    fx.journal("RELEASE_TAKEN_BACK", f"Sales order {sales_order} is {waiting.name} again: {reason}")


async def _products(fx: Effects, parent: Parent) -> list[psa.Product]:
    """Its products, read now and noted as what stands on invoices."""
    products = await standing(fx, parent)
    fx.see(invoices.FACT, invoices.noted(fx.view, products, whole=True))
    return products


# The invoice of a release ------------------------------------------------------------------


async def _invoice(fx: Effects, want: Mapping[str, Any], parent: Parent) -> None:
    """D-5 create_invoice: one invoice a release, read back. An earlier one whose making is in
    doubt comes first: what it took, the next one must not be made for."""
    order = fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_stands
    own = _reference(want, order.order_number)
    doubtful = [one.key for one in fx.view.unanswered if (one.step, one.kind) == (name, "invoice")]
    for reference in dict.fromkeys([*doubtful, own]):
        expected = _to_invoice(fx, want, await _products(fx, parent))
        if expected or reference in doubtful or (name, ORDER, reference) in fx.view.outcomes:
            await _make(fx, want, parent, reference, expected)
            continue
        fx.journal(
            "NOTHING_TO_INVOICE",
            f"No invoice is made of this release of {fx.view.parent_told}: nothing that is "
            "whole stands uninvoiced.",
        )


async def _make(
    fx: Effects, want: Mapping[str, Any], parent: Parent, reference: str, expected: set[str]
) -> None:
    order = fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_stands
    owner = await company(fx, order.customer, order.connectwise.company_identifier)
    named = fx.view.names.get("connectwise_invoice_status")
    status = (await setting(fx, "connectwise_invoice_status")).id if named else None
    lines = sorted(expected)

    async def send() -> Outcome:
        made = await fx.cw.create_invoice(
            parent.id, owner.id, reference, status, ticket=parent.ticket is not None
        )
        return {"id": made, "lines": lines}

    async def look(known: Outcome) -> Outcome | None:
        found = await _invoices_of(fx, parent)
        ours = [invoice.id for invoice in found if invoice.reference == reference]
        return {"id": ours[0], "lines": known.get("lines", [])} if ours else None

    def learn(outcome: Outcome) -> list[Ref]:
        carried = {"lines": list(outcome.get("lines", ()))}
        return [Ref("invoice", reference, str(outcome["id"]), carried)]

    evidence = {parent.kind: parent.id, "reference": reference, "lines": lines}
    outcome = await fx.once("invoice", reference, evidence, send, look, learn)
    await _complete(fx, want, learn(outcome)[0], await _products(fx, parent))


async def _invoices_of(fx: Effects, parent: Parent) -> list[psa.Invoice]:
    if parent.ticket is not None:
        return await fx.cw.invoices_of_ticket(parent.ticket)
    return await fx.cw.invoices_of_sales_order(parent.id)


def _reference(want: Mapping[str, Any], number: str) -> str:
    """The natural key of a release's invoice, beside its sales order."""
    total = sum(want.get("shipped", {}).values())
    return f"{number}{f'-{total}' if total else ''}"[:50]


def _to_invoice(fx: Effects, want: Mapping[str, Any], products: Sequence[psa.Product]) -> set[str]:
    """Keys of our products that the invoice should take. ConnectWise keeps one invoice of a
    product, so with `shipped_only` goods are invoiced when they are shipped whole."""
    free = {
        key
        for product in products
        if (key := invoices.key_of(fx.view, product)) is not None
        if product.invoice_id is None and product.quantity > product.cancelled
    }
    sent = want.get("shipped")
    if sent is None:
        return free
    part = {
        str(line.id)
        for line in fx.view.sold_lines
        if fx.view.physical(line) and sent.get(str(line.id), 0) < line.quantity
    }
    return free - part


async def _refuse_while_incomplete(fx: Effects, want: Mapping[str, Any], parent: Parent) -> None:
    """No further release while an earlier invoice does not carry what it should."""
    earlier = [
        ref
        for (kind, _), ref in sorted(fx.view.refs.items())
        if kind == "invoice" and ref.data.get("lines") and not ref.data.get("whole")
    ]
    products = await _products(fx, parent) if earlier else []
    for ref in earlier:
        await _complete(fx, want, ref, products)


async def _complete(
    fx: Effects, want: Mapping[str, Any], invoice: Ref, products: Sequence[psa.Product]
) -> None:
    """Which products an invoice takes is not documented, so they are read back. Raises Hold, or
    Wait while ConnectWise may not show them yet."""
    standing_ones = {invoices.key_of(fx.view, product): product for product in products}
    expected = [p for key in invoice.data["lines"] if (p := standing_ones.get(key)) is not None]
    missing = sorted(product.sku for product in expected if product.invoice_id is None)
    left = fx.view.decided(Code.INVOICE_INCOMPLETE, ORDER, want) == LEAVE_INVOICE.name
    if not missing or left:
        on_it = [p for p in expected if p.invoice_id == int(invoice.external_id)]
        lines = sorted(str(invoices.key_of(fx.view, product)) for product in on_it)
        fx.learn(replace(invoice, data={"lines": lines, "whole": True}))
        carried = ", ".join(sorted(product.sku for product in on_it)) or "nothing of the order"
        fx.journal("INVOICED", f"Invoice {invoice.external_id} was made; it carries {carried}.")
        return
    sentence = (
        f"Invoice {invoice.external_id}, made of {fx.view.parent_told} as "
        f"{invoice.key}, does not carry {', '.join(missing)}."
    )
    if wait := await fx.lagging(None, sentence):
        raise wait
    raise Hold(Code.INVOICE_INCOMPLETE, sentence)
