"""Callbacks about ConnectWise records that no order is known to carry.

Owns the reading of such a record and the route from it to an order: by its sales order, else it is
dropped. A callback is only a hint; what it says about content is never trusted. They are read beside
the worker's loop, the tenants in turn, so that a slow system delays only its own (decision 0049).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from logging import ERROR, WARNING

from app.connectors.transport import Calling, calling
from app.domain import json_values
from app.domain.errors import FailureKind, RemoteFailure, StoreUnavailable
from app.domain.hints import Hint
from app.domain.ports import ConnectWise, Store
from app.sync.invoice_poll import applied_to
from app.telemetry import metrics, wide

AT_ONCE = 20
EACH = 4  # of them for one tenant: a system that does not answer holds no more
Routes = list[tuple[str, str]]
# Kinds that can lead to an order although it does not carry them yet. A person's opportunity or
# ticket that no Commerce order names is nobody's: it costs no call.
READABLE = ("invoice", "purchaseorder")


class Hints:
    """The hints that one process reads. One that is not settled, because its record could not be
    read or its worker died, is handed out again."""

    def __init__(self, store: Store, cw: ConnectWise) -> None:
        self._store = store
        self._cw = cw
        self._came: Callable[[], None] | None = None  # None: no more are to be read
        self._one_takes = asyncio.Lock()
        self._more = False
        self._taking: asyncio.Task[None] | None = None
        self._reading: dict[asyncio.Task[bool], int] = {}  # with the tenant

    async def follow(self, came: Callable[[], None]) -> None:
        """Begin to read what is handed out now, as far as there is room. `came` is called when a
        hint led to an order. Raises StoreUnavailable."""
        self._came = came
        await self._take()

    async def stop(self, patience: float = 0.0) -> None:
        """End what is under way, after it had so many seconds to end by itself."""
        self._came = None
        if patience and self._reading:
            await asyncio.wait(self._reading, timeout=patience)
        tasks = [*self._reading, *([self._taking] if self._taking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self) -> None:
        async with self._one_takes:
            room = AT_ONCE - len(self._reading)
            if room <= 0:
                return
            for hint in await self._store.hints(room, EACH, list(self._reading.values())):
                task = asyncio.create_task(self._read(hint))
                self._reading[task] = hint.tenant_id
                task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[bool]) -> None:
        """Its place is free. After one that could not be read no more are taken than the loop's
        looks bring: by then the system may be paused."""
        self._reading.pop(task)
        if task.cancelled() or not task.result() or self._came is None:
            return
        self._more = True
        if self._taking is None:
            self._taking = asyncio.create_task(self._take_more())

    async def _take_more(self) -> None:
        try:
            while self._more:
                self._more = False
                await self._take()
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
        finally:
            self._taking = None

    async def _read(self, hint: Hint) -> bool:
        """Read one and settle it; whether that was done. Raises nothing but cancellation."""
        bound = calling.set(Calling(None, None, "hint"))
        try:
            orders = await self._store.settle_hint(hint.id, await self._routes(hint))
        except RemoteFailure as failure:
            wide("hint_not_read", hint=hint.id, kind=failure.kind.value, message=failure.message)
            return False
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
            return False
        except Exception as error:  # noqa: BLE001 - a worker never ends by what stands beside it
            metrics.TURNS_FAILED.labels("hints").inc()
            wide(
                "hint_failed", level=ERROR, hint=hint.id, error=type(error).__name__, exc_info=error
            )
            return False
        finally:
            calling.reset(bound)
        if orders and self._came is not None:
            self._came()
        return True

    async def _routes(self, hint: Hint) -> Routes:
        """Where a hint leads; nowhere where its record is gone. Raises RemoteFailure."""
        kind, record = hint.event_type.partition(".")[0], _record_id(hint)
        if kind not in READABLE or record is None:
            return []
        try:
            if kind == "invoice":
                return applied_to(await self._cw.invoice(record))
            lines = await self._cw.purchase_order_lines(record)
        except RemoteFailure as failure:
            if failure.kind in (FailureKind.GONE, FailureKind.REJECTED):
                return []
            raise
        return sorted(
            {("sales_order", str(order)) for line in lines for order in line.sales_order_ids}
        )


def _record_id(hint: Hint) -> int | None:
    """The record's id. Intake refused bodies without one."""
    record = json_values.loads(hint.body).get("ID")
    return record if isinstance(record, int) else None
