"""One read for all orders: the invoices that changed since the last look (B1.12, D-7).

Owns the poll that finds what a lost callback would have told; each invoice leads to its orders,
which then read their own products. An invoice that was deleted shows in no list, so those that led
to an order are asked for again now and then, a hundred in a call.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from logging import ERROR, WARNING

from app.connectors.transport import Calling, calling
from app.domain import psa
from app.domain.errors import POLICIES, RemoteFailure, StoreUnavailable, clamp_retry_after
from app.domain.ports import Clock, ConnectWise, Paused, Store
from app.sync.beside import Turns, Watch
from app.telemetry import wide

SYSTEM = "connectwise"
KIND = "invoice_poll"
KEPT_SECONDS = 10 * 365 * 86400.0
FIRST_WINDOW = timedelta(hours=1)  # the two clocks may differ
OVERLAP = timedelta(minutes=10)  # a record may show later than its own time says
KNOWN_FOR = timedelta(days=90)  # who deletes an older invoice tells it by callback, or by hand
AT_ONCE = 100  # invoices in a call
EVERY = 10  # periods between two looks at one invoice


class InvoicePoll:
    """Called by the worker's loop; does something once in `seconds`, over all workers, and beside
    the loop, because calls are waited for."""

    def __init__(
        self,
        store: Store,
        cw: ConnectWise,
        clock: Clock,
        tenant_id: int,
        seconds: float,
        watch: Watch | None = None,
    ) -> None:
        self._store = store
        self._cw = cw
        self._tenant = tenant_id
        self._seconds = seconds
        self._turns = Turns(clock, watch)
        self._turns.again_in(seconds)

    def follow(self) -> None:
        """Look for changed invoices if it is time and no look is under way."""
        self._turns.begin(self._turn, self._seconds)

    async def stop(self) -> None:
        """End what is under way. What was not remembered is read again."""
        await self._turns.stop()

    async def _turn(self) -> None:
        try:
            await self.look()
            self._turns.ended()
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
        except Exception as error:  # noqa: BLE001 - a worker never ends by what stands beside it
            self._turns.ended(error)
            wide("invoice_poll_failed", level=ERROR, error=type(error).__name__, exc_info=error)

    async def look(self) -> None:
        """One look, where no other worker made it a moment ago. A read that fails is made again next
        time. Raises StoreUnavailable."""
        at = await self._store.now()
        known = await self._store.recall(self._tenant, KIND, "") or {}
        last = known.get("at")
        if last is not None and at < datetime.fromisoformat(last) + timedelta(
            seconds=self._seconds / 2
        ):
            return  # another worker looked a moment ago
        if await self._store.paused(self._tenant, SYSTEM) is not None:
            return
        since = known.get("since")
        start = datetime.fromisoformat(since) - OVERLAP if since else at - FIRST_WINDOW
        told: dict[str, str] = known.get("told", {})
        bound = calling.set(Calling(None, None, "poll"))
        try:
            found = await self._cw.invoices_since(start)
        except RemoteFailure as failure:
            await self._failed(failure, at)
            return
        finally:
            calling.reset(bound)
        fresh = [one for one in found if told.get(str(one.id)) != one.changed]
        kept: dict[str, dict[str, str]] = dict(known.get("known", {}))
        for one in fresh:
            orders = await self._store.touch(self._tenant, routes([one]))
            wide("invoice_changed", invoice=one.id, orders=orders)
            if orders:
                kept[str(one.id)] = {"since": at.isoformat(), "looked": at.isoformat()}
        kept = await self._still_there(kept, at)
        newest = max([_moment(one.changed, start) for one in found], default=None)
        body = {
            "at": at.isoformat(),
            "since": newest.isoformat() if newest is not None else since or start.isoformat(),
            "told": {str(one.id): one.changed for one in found},
            "known": kept,
        }
        await self._store.remember(self._tenant, KIND, "", body, KEPT_SECONDS)

    async def _still_there(
        self, known: dict[str, dict[str, str]], at: datetime
    ) -> dict[str, dict[str, str]]:
        """The invoices that led to an order and were not deleted since; one that was leads to it
        once more."""
        known = {
            key: one
            for key, one in known.items()
            if datetime.fromisoformat(one["since"]) > at - KNOWN_FOR
        }
        old = at - timedelta(seconds=self._seconds * EVERY)
        due = [k for k, one in known.items() if datetime.fromisoformat(one["looked"]) <= old]
        due = sorted(due, key=lambda key: known[key]["looked"])[:AT_ONCE]
        if not due:
            return known
        bound = calling.set(Calling(None, None, "poll"))
        try:
            there = await self._cw.standing_invoices([int(key) for key in due])
        except RemoteFailure as failure:
            await self._failed(failure, at)
            return known
        finally:
            calling.reset(bound)
        for key in due:
            if int(key) in there:
                known[key] = {**known[key], "looked": at.isoformat()}
                continue
            known.pop(key)
            orders = await self._store.touch(self._tenant, [("invoice", key)])
            wide("invoice_gone", invoice=int(key), orders=orders)
        return known

    async def _failed(self, failure: RemoteFailure, at: datetime) -> None:
        policy = POLICIES[failure.kind]
        wide("invoices_not_read", kind=failure.kind.value, message=failure.message)
        if policy.action == "pause" and not failure.unsent:
            wait = clamp_retry_after(failure.retry_after, policy.base)
            until = at + timedelta(seconds=wait)
            paused = Paused(until, policy.code, failure.message, "service")
            await self._store.pause(self._tenant, SYSTEM, paused)


def routes(invoices: Sequence[psa.Invoice]) -> list[tuple[str, str]]:
    """The records by which orders may know these invoices."""
    found: list[tuple[str, str]] = []
    for invoice in invoices:
        found.append(("invoice", str(invoice.id)))
        found.extend(applied_to(invoice))
    return sorted(set(found))


def applied_to(invoice: psa.Invoice) -> list[tuple[str, str]]:
    """The sales order or ticket that an invoice is of, by its reference or by what it applies to."""
    applied = invoice.apply_to_id
    order = invoice.sales_order_id or (applied if invoice.apply_to_type == "SalesOrder" else None)
    ticket = invoice.ticket_id or (applied if invoice.apply_to_type == "Ticket" else None)
    found = (("sales_order", order), ("ticket", ticket))
    return [(kind, str(record)) for kind, record in found if record is not None]


def _moment(text: str, fallback: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return fallback
