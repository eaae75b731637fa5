"""Which record in ConnectWise is a probe's own: by its number, or by the mark that it carries.

Owns the looks only. A list that lags shows nothing; nothing is made or removed here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from app.domain.errors import RemoteFailure
from app.domain.probing import Made, Probed, ProbeRecord

Answer = TypeVar("Answer")


async def looked(question: Callable[[], Awaitable[Answer]]) -> Answer | None:
    """The answer; None: there was none, for whatever reason."""
    try:
        return await question()
    except RemoteFailure:
        return None


async def find(cw: Probed, kind: Made, mark: str, data: Mapping[str, Any]) -> int | None:
    """The record that was announced so, wherever it is listed. Raises RemoteFailure."""
    if kind is Made.CATALOG_ITEM:
        items = await cw.catalog_items([mark])
        return next((item.id for item in items if item.identifier == mark), None)
    if kind is Made.TICKET:
        tickets = await cw.tickets_of_company(data["company"])
        return next((one.id for one in tickets if one.xref == mark), None)
    if kind is Made.SALES_ORDER:
        orders = await cw.sales_orders_of_company(data["company"])
        return next((one.id for one in orders if one.notes.strip() == mark), None)
    if kind is Made.PRODUCT:
        on_ticket = data["on"] == Made.TICKET.value
        host = data["host"]
        found = await (cw.ticket_products(host) if on_ticket else cw.sales_order_products(host))
        return next((one.id for one in found if one.xref == mark), None)
    for order in await cw.purchase_orders_above(data["vendor"], data["floor"]):
        if await _holds(cw, order.id, data["item"]):
            return order.id
    return None


async def is_own(cw: Probed, record: ProbeRecord, number: int) -> bool | None:
    """Whether the record of that number carries the probe's mark, and nothing of anybody else's.
    None: it is not there. Raises RemoteFailure, GONE for the same."""
    mark, kind = record.mark, record.kind
    if kind is Made.CATALOG_ITEM:
        found = await find(cw, kind, mark, record.data)
        return None if found is None else found == number
    if kind is Made.TICKET:
        return (await cw.ticket(number)).xref == mark
    if kind is Made.SALES_ORDER:
        order = await cw.sales_order(number)
        return order.notes.strip() == mark and not order.invoice_ids
    if kind is Made.PRODUCT:
        products = await cw.products([number])
        return all(one.xref == mark for one in products) if products else None
    await cw.purchase_order(number)
    return await _only_of(cw, number, record.data["item"])


async def _holds(cw: Probed, order: int, item: int) -> bool:
    return bool(await cw.purchase_order_lines(order)) and await _only_of(cw, order, item)


async def _only_of(cw: Probed, order: int, item: int) -> bool:
    """A purchase order of nothing but the probe's item, of which nothing was received."""
    lines = await cw.purchase_order_lines(order)
    return all(line.catalog_item_id == item and not line.received for line in lines)
