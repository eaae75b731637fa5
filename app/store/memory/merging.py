"""Merging in memory: which events are taken, and what follows when a group fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter

from app.domain import traces
from app.domain.errors import StoreUnavailable
from app.domain.hints import Hint
from app.domain.records import Delivery, InboxEvent
from app.domain.views import Audit
from app.store import events
from app.store.events import Plan
from app.store.fairness import in_turn
from app.store.memory.database import Part, order_name, pause_of, seconds
from app.store.memory.shelf import MemoryShelf
from app.store.memory.story import audit as append
from app.store.memory.tables import Row, Tables
from app.store.texts import text, text_or_none

GROUP = 100
HINT_SECONDS = 60.0


class Merging(Part):
    """The part of the store that merges the inbox."""

    async def merge(self, plan: Plan, limit: int) -> int:
        taken: list[Row] = []
        try:
            async with self._db.writing("merge") as tables:
                now = self._db.now()
                taken = _due(tables, now)[: min(limit, GROUP)]
                taken.sort(key=lambda row: row["id"])
                await self._merge(tables, taken, plan, now)
            return len(taken)
        except StoreUnavailable:
            raise
        except Exception:
            if not taken:
                raise
        for row in taken:
            await self._merge_alone(row["id"], plan)
        return len(taken)

    async def _merge_alone(self, event_id: int, plan: Plan) -> None:
        try:
            async with self._db.writing("merge_alone") as tables:
                now = self._db.now()
                again = [row for row in _due(tables, now) if row["id"] == event_id]
                await self._merge(tables, again, plan, now)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            async with self._db.writing("refuse") as tables:
                shelf = MemoryShelf(tables, self._db.now())
                await shelf.settle([(events.not_merged(event_id, error), ())])

    @staticmethod
    async def _merge(tables: Tables, taken: Sequence[Row], plan: Plan, now: datetime) -> None:
        found = [{**full_event(tables, row), "now": now} for row in taken]
        await events.merge(MemoryShelf(tables, now), found, plan)

    async def hints(self, limit: int, each: int, busy: Sequence[int] = ()) -> list[Hint]:
        reading = Counter(busy)
        async with self._db.writing("hints") as tables:
            now = self._db.now()
            free: dict[int, list[Row]] = {}
            for row in tables.inbox_event.find("status", "hint"):
                waits = row["not_before"] is not None and row["not_before"] > now
                if not waits and _callable(tables, row, now):
                    free.setdefault(row["tenant_id"], []).append(row)
            due = [
                row
                for tenant, waiting in free.items()
                for row in waiting[: max(0, each - reading[tenant])]
            ]
            handed = in_turn(due, itemgetter("tenant_id"), itemgetter("id", "id"), reading, limit)
            until = now + seconds(HINT_SECONDS)
            for row in handed:
                tables.inbox_event.change(row["id"], not_before=until)
        given = ("id", "tenant_id", "event_type", "body")
        handed.sort(key=itemgetter("id"))
        return [Hint(**{name: row[name] for name in given}) for row in handed]

    async def replay_event(
        self, tenant_id: int, event: InboxEvent, read: Delivery, audit: Audit
    ) -> bool:
        async with self._db.writing("replay_event") as tables:
            row = tables.inbox_event.get(event.id)
            if row is None or (row["tenant_id"], row["status"]) != (tenant_id, event.status):
                return False
            tables.inbox_event.change(
                event.id,
                status="new",
                code=None,
                cause=None,
                not_before=None,
                event_type=text(read.event_type),
                routing=text_or_none(read.routing),
            )
            append(tables, tenant_id, audit, self._db.now())
        return True

    async def touch(self, tenant_id: int, routes: Sequence[tuple[str, str]]) -> int:
        async with self._db.writing("touch") as tables:
            shelf = MemoryShelf(tables, self._db.now())
            woken = await events.touch(shelf, 0, tenant_id, routes)
        return len(woken)

    async def settle_hint(self, event_id: int, routes: Sequence[tuple[str, str]]) -> int:
        async with self._db.writing("settle_hint") as tables:
            event = tables.inbox_event.get(event_id)
            assert event is not None  # noqa: S101 - it was handed out
            shelf = MemoryShelf(tables, self._db.now())
            return await events.settle_hint(shelf, event_id, event["tenant_id"], routes)


def _due(tables: Tables, now: datetime) -> list[Row]:
    """What can be merged: deferred events whose time has come, then new ones, the tenants in
    turn."""
    deferred = tables.inbox_event.find("status", "deferred")
    later = [row for row in deferred if row["not_before"] is not None and row["not_before"] <= now]
    later.sort(key=lambda row: (row["not_before"], row["id"]))
    new = tables.inbox_event.find("status", "new")
    moment = itemgetter("id", "id")
    return later + in_turn(new, itemgetter("tenant_id"), moment, {}, len(new))


def _callable(tables: Tables, event: Row, now: datetime) -> bool:
    """Whether the ConnectWise of an event's tenant may be asked now."""
    return pause_of(tables, event["tenant_id"], "connectwise", now) is None


def full_event(tables: Tables, row: Row) -> Row:
    """The event with the names of its connection and orders, as `rows.event` reads it."""
    connection = tables.connection.get(row["connection_id"])
    assert connection is not None  # noqa: S101 - connections are never removed
    orders = [one for one in map(tables.orders.get, row["order_ids"]) if one is not None]
    names = [order_name(one) for one in orders]
    told = {"orders": names, "trace": row["headers"].get(traces.HEADER)}
    return {**row, "connection": connection["name"], **told}
