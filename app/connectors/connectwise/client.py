"""ConnectWise PSA for the service: the port `ConnectWise`, one method a call.

Owns the connection and the writes; the reads stand in `reads`, bodies in `translate`, sending and
failures in `caller`. Never decides, retries or remembers anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from app.connectors.connectwise import paths
from app.connectors.connectwise.caller import PEOPLE, SYSTEM, Access, Caller, for_reference
from app.connectors.connectwise.reads import Reads
from app.connectors.connectwise.translate import from_wire, product_changes, tickets, to_wire
from app.connectors.pacing import Pacing
from app.connectors.remote import Remote
from app.connectors.sealing import Seal
from app.connectors.transport import AiohttpTransport
from app.domain import psa, psa_tickets
from app.domain.budgets import Budget
from app.domain.ports import Clock
from app.domain.records import CallRecord


class ConnectWiseClient(Reads):
    """See `app.domain.ports.ConnectWise`, which this implements.

    `timeout` bounds each call in seconds. `transport` replaces the real one in tests.
    """

    def __init__(
        self,
        access: Access,
        *,
        clock: Clock,
        timeout: float = 20.0,
        ca_file: Path | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pacing: Pacing | None = None,
        on_call: Callable[[CallRecord], None] | None = None,
        budget: Budget | None = None,
        seal: Seal | None = None,
    ) -> None:
        self._timeout = timeout
        self._remote = Remote(
            system=SYSTEM,
            base_url=access.base_url.rstrip("/"),
            headers=access.headers,
            clock=clock,
            transport=transport or AiohttpTransport(total=timeout, ca_file=ca_file),
            pacing=pacing or Pacing(clock),
            on_call=on_call,
            people=PEOPLE,
            budget=budget,
            seal=seal,
        )
        super().__init__(Caller(self._remote))

    @property
    def timeout(self) -> float:
        return self._timeout

    async def aclose(self) -> None:
        """Close the connections. Calls still under way fail."""
        await self._remote.aclose()

    async def create_opportunity(self, new: psa.NewOpportunity) -> int:
        return await self._caller.post(
            paths.OPPORTUNITIES, lambda: to_wire.new_opportunity(new), from_wire.record_id
        )

    async def change_forecast(self, opportunity_id: int, forecast_id: int, included: bool) -> None:
        await self._caller.patch(
            f"{paths.forecast_of(opportunity_id)}/{forecast_id}",
            lambda: to_wire.forecast_change(included=included),
            _nothing,
        )

    async def set_opportunity_status(
        self, opportunity_id: int, status_id: int, closed_at: datetime | None
    ) -> psa.Opportunity:
        return await self._caller.patch(
            f"{paths.OPPORTUNITIES}/{opportunity_id}",
            lambda: to_wire.opportunity_status(status_id, closed_at),
            from_wire.opportunity,
        )

    async def convert_to_sales_order(
        self, opportunity_id: int, product_ids: Sequence[int]
    ) -> psa.SalesOrder:
        return await self._caller.post(
            f"{paths.OPPORTUNITIES}/{opportunity_id}/convertToSalesOrder",
            lambda: to_wire.conversion(product_ids),
            from_wire.sales_order,
        )

    async def create_sales_order(self, new: psa.NewSalesOrder) -> psa.SalesOrder:
        return await self._caller.post(
            paths.SALES_ORDERS, lambda: to_wire.new_sales_order(new), from_wire.sales_order
        )

    async def change_sales_order(
        self, sales_order_id: int, change: psa.SalesOrderChange
    ) -> psa.SalesOrder:
        return await self._caller.patch(
            f"{paths.SALES_ORDERS}/{sales_order_id}",
            lambda: to_wire.sales_order_change(change),
            from_wire.sales_order,
        )

    async def create_product(self, new: psa.NewProduct) -> psa.Product:
        return await self._caller.post(
            paths.PRODUCTS, lambda: to_wire.new_product(new), from_wire.product
        )

    async def change_product(self, product_id: int, change: psa.ProductChange) -> psa.Product:
        return await self._caller.patch(
            f"{paths.PRODUCTS}/{product_id}",
            lambda: product_changes.product_change(change),
            from_wire.product,
        )

    async def add_shipping(self, product_id: int, shipping: psa.Shipping) -> None:
        await self._caller.post(
            paths.shipping_of(product_id), lambda: to_wire.new_shipping(shipping), _nothing
        )

    async def change_shipping(self, product_id: int, detail_id: int, shipped: psa.Shipping) -> None:
        await self._caller.patch(
            f"{paths.shipping_of(product_id)}/{detail_id}",
            lambda: to_wire.shipping_change(shipped),
            _nothing,
            choose=lambda raw: _with_id(raw, detail_id),
        )

    async def create_catalog_item(self, new: psa.NewCatalogItem) -> int:
        return await self._caller.post(
            paths.CATALOG, lambda: to_wire.new_catalog_item(new), from_wire.record_id
        )

    async def purchase_demand(
        self,
        vendor_id: int,
        warehouse_id: int,
        demand: Sequence[psa.Demand],
        purchase_order_id: int | None = None,
    ) -> int | None:
        existing: Mapping[str, Any] | None = None
        if purchase_order_id is not None:
            existing = await self._caller.get(f"{paths.PURCHASE_ORDERS}/{purchase_order_id}", dict)
        return await self._caller.post(
            paths.PURCHASING_DEMANDS,
            lambda: to_wire.purchasing_demand(vendor_id, warehouse_id, demand, existing),
            from_wire.demanded_purchase_order,
        )

    async def create_purchase_order(self, new: psa.NewPurchaseOrder) -> psa.PurchaseOrder:
        return await self._caller.post(
            paths.PURCHASE_ORDERS, lambda: to_wire.new_purchase_order(new), from_wire.purchase_order
        )

    async def change_purchase_order(
        self, purchase_order_id: int, change: psa.PurchaseOrderChange
    ) -> psa.PurchaseOrder:
        return await self._caller.patch(
            f"{paths.PURCHASE_ORDERS}/{purchase_order_id}",
            lambda: to_wire.purchase_order_change(change),
            from_wire.purchase_order,
        )

    async def add_purchase_order_line(
        self, purchase_order_id: int, new: psa.NewPurchaseOrderLine
    ) -> psa.PurchaseOrderLine:
        return await self._caller.post(
            paths.lines_of(purchase_order_id),
            lambda: to_wire.new_purchase_order_line(new),
            from_wire.purchase_order_line,
        )

    async def change_purchase_order_line(
        self, purchase_order_id: int, line_id: int, change: psa.PurchaseOrderLineChange
    ) -> psa.PurchaseOrderLine:
        return await self._caller.patch(
            f"{paths.lines_of(purchase_order_id)}/{line_id}",
            lambda: to_wire.purchase_order_line_change(change),
            from_wire.purchase_order_line,
        )

    async def receive_line(
        self, purchase_order_id: int, line_id: int, receiving: psa.Receiving
    ) -> psa.PurchaseOrderLine:
        return await self._caller.patch(
            f"{paths.lines_of(purchase_order_id)}/{line_id}",
            lambda: to_wire.receiving(receiving),
            from_wire.purchase_order_line,
        )

    async def create_invoice(
        self,
        applied_to: int,
        company_id: int,
        reference: str,
        status_id: int | None = None,
        *,
        ticket: bool = False,
    ) -> int:
        return await self._caller.post(
            paths.INVOICES,
            lambda: to_wire.new_invoice(
                applied_to, company_id, reference, status_id, ticket=ticket
            ),
            from_wire.record_id,
        )

    async def create_ticket(self, new: psa_tickets.NewTicket) -> psa_tickets.Ticket:
        return await self._caller.post(
            paths.TICKETS, lambda: tickets.new_ticket(new), tickets.ticket
        )

    async def set_ticket_status(self, ticket_id: int, status_id: int) -> psa_tickets.Ticket:
        return await self._caller.patch(
            f"{paths.TICKETS}/{ticket_id}",
            lambda: tickets.ticket_status(status_id),
            tickets.ticket,
        )

    async def add_ticket_note(self, ticket_id: int, text: str) -> int:
        return await self._caller.post(
            paths.notes_of(ticket_id), lambda: tickets.internal_note(text), from_wire.record_id
        )

    async def create_callback(self, url: str, type_: str, description: str) -> int:
        with for_reference():
            return await self._caller.post(
                paths.CALLBACKS,
                lambda: to_wire.new_callback(url, type_, description),
                from_wire.record_id,
            )

    async def enable_callback(self, callback_id: int, url: str) -> None:
        with for_reference():
            await self._caller.patch(
                f"{paths.CALLBACKS}/{callback_id}", lambda: to_wire.callback_change(url), _nothing
            )


def _nothing(raw: Any) -> None:
    """For answers of which nothing is needed."""
    del raw


def _with_id(raw: Any, record_id: int) -> Any:
    """The record of that id in an answer that is a list, or the answer itself when it is none."""
    if not isinstance(raw, list):
        return raw
    same = (one for one in raw if isinstance(one, Mapping) and one.get("id") == record_id)
    return next(same, None)
