"""Callbacks about ConnectWise records that no order is known to carry.

Owns the reading of such a record and the route from it to an order: by its sales order, else it is
dropped. A callback is only a hint; what it says about content is never trusted.
"""

from __future__ import annotations

from app.connectors.transport import Calling, calling
from app.domain import json_values
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.ports import ConnectWise, Store
from app.domain.records import InboxEvent
from app.sync.invoice_poll import applied_to

AT_ONCE = 20
Routes = list[tuple[str, str]]
# Kinds that can lead to an order although it does not carry them yet. A person's opportunity or
# ticket that no Commerce order names is nobody's: it costs no call.
READABLE = ("invoice", "purchaseorder")


async def follow(store: Store, cw: ConnectWise) -> None:
    """Look at what is handed out now. A record that cannot be read now is handed out again."""
    for event in await store.hints(AT_ONCE):
        bound = calling.set(Calling(None, None, "hint"))
        try:
            routes = await _routes(cw, event)
        except RemoteFailure as failure:
            if failure.kind not in (FailureKind.GONE, FailureKind.REJECTED):
                continue
            routes = []
        finally:
            calling.reset(bound)
        await store.settle_hint(event.id, routes)


async def _routes(cw: ConnectWise, event: InboxEvent) -> Routes:
    kind, record = event.event_type.partition(".")[0], _record_id(event)
    if kind not in READABLE or record is None:
        return []
    if kind == "invoice":
        return applied_to(await cw.invoice(record))
    lines = await cw.purchase_order_lines(record)
    return sorted({("sales_order", str(order)) for line in lines for order in line.sales_order_ids})


def _record_id(event: InboxEvent) -> int | None:
    """The record's id. Intake refused bodies without one."""
    record = json_values.loads(event.body).get("ID")
    return record if isinstance(record, int) else None
