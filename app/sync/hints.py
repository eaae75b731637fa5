"""Callbacks about ConnectWise records that no order is known to carry.

Owns the reading of such a record and the route from it to an order: by its sales order, else it is
dropped. A callback is only a hint; what it says about content is never trusted.
"""

from __future__ import annotations

from collections.abc import Callable
from logging import ERROR, WARNING

from app.connectors.transport import Calling, calling
from app.domain import json_values
from app.domain.errors import FailureKind, RemoteFailure, StoreUnavailable
from app.domain.ports import Clock, ConnectWise, Store
from app.domain.records import InboxEvent
from app.sync.beside import Turns
from app.sync.invoice_poll import applied_to
from app.telemetry import wide

# As many as can be read, with a vendor's usual 20 s for each, before they are handed out again
# (the store's HINT_SECONDS); a worker that dies leaves no more behind until then.
AT_ONCE = 3
Routes = list[tuple[str, str]]
# Kinds that can lead to an order although it does not carry them yet. A person's opportunity or
# ticket that no Commerce order names is nobody's: it costs no call.
READABLE = ("invoice", "purchaseorder")


class Hints:
    """Called by the worker's loop; reads beside it: a ConnectWise that answers slowly must not keep
    a worker from merging what came in and from claiming what is due."""

    def __init__(self, store: Store, cw: ConnectWise, clock: Clock) -> None:
        self._store = store
        self._cw = cw
        self._turns = Turns(clock)

    def follow(self, came: Callable[[], None]) -> None:
        """Look at what is handed out, unless that is under way. `came` is called when orders may
        have been woken."""
        self._turns.begin(lambda: self._turn(came), 0.0)

    async def stop(self) -> None:
        """End what is under way. What was not settled is handed out again."""
        await self._turns.stop()

    async def _turn(self, came: Callable[[], None]) -> None:
        """Raises nothing but cancellation."""
        try:
            while await follow(self._store, self._cw):
                came()
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
        except Exception as error:  # noqa: BLE001 - a worker never ends by what stands beside it
            wide("hints_failed", level=ERROR, error=type(error).__name__, exc_info=error)


async def follow(store: Store, cw: ConnectWise) -> int:
    """Look at what is handed out now, and say how many that were. A record that cannot be read now
    is handed out again."""
    handed = await store.hints(AT_ONCE)
    for event in handed:
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
    return len(handed)


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
