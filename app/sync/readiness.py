"""Reading what an order's records look like to the tool that posts them (A9, G5 to G7).

Owns which records are asked for, and the check on demand. Reads ConnectWise only: one call for the
sales order or ticket, one for its invoices and one more for each, two for each purchase order, one
for the companies, and with Innovent one for each company's Account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from app.domain import psa
from app.domain.admin_store import AdminStore
from app.domain.decide import Plan
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.order import OrderView
from app.domain.ports import ConnectWise, Store
from app.domain.readiness import FACT, INNOVENT, checked, tool_of
from app.domain.records import Fact, JournalEntry, Snapshot
from app.domain.views import Audit
from app.sync.operations import Actor, Operations, Refusal, Story
from app.sync.tickets import asked

Planner = Callable[[Snapshot], tuple[OrderView, Plan]]
Read = TypeVar("Read")
# What is no reason to read again: nobody may see it, or it is not there.
SETTLED = (FailureKind.GONE, FailureKind.FORBIDDEN)


async def read(cw: ConnectWise, view: OrderView) -> Fact:
    """The records as they stand. Raises RemoteFailure, but for what may not be read or is gone,
    which becomes part of the answer."""
    tool, reader = tool_of(view), _Reader(cw)
    customer, invoices = await _sold(reader, view)
    orders: list[dict[str, Any]] = []
    for (kind, _), ref in sorted(view.refs.items()):
        if kind != "purchase_order":
            continue
        name = f"purchase order {ref.external_id}"
        order = await reader.ask(name, cw.purchase_order(int(ref.external_id)))
        lines = (
            await reader.ask(f"the lines of {name}", cw.purchase_order_lines(order.id))
            if order
            else None
        )
        if order is not None and lines is not None:
            orders.append(_order(order, lines))
    numbers = [customer, *(one["vendor"] for one in orders)]
    companies = await _companies(
        reader, [number for number in numbers if number is not None], unique=tool == INNOVENT
    )
    body = {
        "tool": tool,
        "customer": customer,
        "companies": companies,
        "purchase_orders": orders,
        "invoices": invoices,
        "not_read": reader.missed,
    }
    return Fact(FACT, "", body, view.now)


class _Reader:
    def __init__(self, cw: ConnectWise) -> None:
        self.cw = cw
        self.missed: list[str] = []

    async def ask(self, name: str, answer: Awaitable[Read]) -> Read | None:
        try:
            return await answer
        except RemoteFailure as failure:
            if failure.kind not in SETTLED:
                raise
            why = "is gone" if failure.kind is FailureKind.GONE else "may not be read"
            self.missed.append(f"{name[:1].upper()}{name[1:]} {why}: {failure.message}")
            return None


async def _sold(reader: _Reader, view: OrderView) -> tuple[int | None, list[dict[str, Any]]]:
    """The customer's company and the invoices of the sales order or ticket."""
    number, cw = view.parent, reader.cw
    if number is None:
        return None, []
    name = view.parent_told
    parent: Any
    if view.by_ticket:
        parent = await reader.ask(name, cw.ticket(number))
        found = await reader.ask(f"the invoices of {name}", cw.invoices_of_ticket(number))
    else:
        parent = await reader.ask(name, cw.sales_order(number))
        found = await reader.ask(f"the invoices of {name}", cw.invoices_of_sales_order(number))
    invoices = []
    for invoice in found or ():
        told = f"what invoice {invoice.number} posts"
        entries = await reader.ask(told, cw.gl_entries(invoice.id)) or ()
        invoices.append(
            {
                "id": invoice.id,
                "number": invoice.number,
                "taxed": invoice.tax_code_id is not None,
                "entries": [{"type": one.type, "item": one.item} for one in entries],
            }
        )
    return (parent.company_id if parent is not None else None), invoices


def _order(order: psa.PurchaseOrder, lines: list[psa.PurchaseOrderLine]) -> dict[str, Any]:
    return {
        "id": order.id,
        "number": order.number,
        "vendor": order.vendor_id,
        "supplier_invoice": order.supplier_invoice,
        "supplier_invoice_date": order.supplier_invoice_date,
        "lines": [
            {
                "line": line.line_number,
                "sku": line.sku,
                "received": bool(line.received),
                "closed": line.closed,
                "cancelled": line.cancelled,
                "slip": line.packing_slip,
            }
            for line in lines
        ],
    }


async def _companies(reader: _Reader, numbers: list[int], *, unique: bool) -> Mapping[str, Any]:
    if not numbers:
        return {}
    found = await reader.ask("the companies", reader.cw.posting_companies(numbers)) or []
    companies: dict[str, Any] = {}
    for company in found:
        shared: list[str] = []
        if unique and company.account:
            name = f"the Account of company {company.identifier}"
            same = await reader.ask(name, reader.cw.companies_of_account(company.account)) or []
            shared = sorted(one.identifier for one in same if one.id != company.id)
        companies[str(company.id)] = {
            "identifier": company.identifier,
            "account": company.account,
            "contact": company.contact,
            "taxed": company.taxed,
            "shared": shared,
        }
    return companies


class ReadinessCheck:
    """The check on demand. Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        store: Store,
        admin: AdminStore,
        cw: ConnectWise,
        operations: Operations,
        plan: Planner,
    ) -> None:
        self._store = store
        self._admin = admin
        self._cw = cw
        self._operations = operations
        self._plan = plan

    async def check(self, actor: Actor, number: str, connection: str | None = None) -> Story:
        """Read the order's records now, whether it is released or not, and keep the answer."""
        row = await self._operations.find(actor, number, connection)
        view, _ = self._plan(await self._store.peek(row.id))
        if tool_of(view) is None:
            raise Refusal("REQUEST_NOT_VALID", _no_tool(view))
        with asked():
            fact = await read(self._cw, view)
        fresh = checked(_with(view, fact))
        assert fresh is not None  # noqa: S101 - a tool is named
        entry = JournalEntry("READINESS_CHECKED", fresh.sentence, actor=actor.name)
        audit = Audit(actor.name, "order.readiness", str(row.id), {"defects": len(fresh.defects)})
        await self._admin.keep_fact(row.id, fact, entry, audit)
        await self._operations.wake()
        return await self._operations.story(row)


def _with(view: OrderView, fact: Fact) -> OrderView:
    return replace(view, facts={**view.facts, (FACT, ""): fact})


def _no_tool(view: OrderView) -> str:
    if view.by_commerce or view.of_quote:
        return f"No tool posts records of {view.row.name}: its sales invoice is not ConnectWise's."
    return "No tool is named that could post the order's records: set INVOICE_SYNC_TOOL."
