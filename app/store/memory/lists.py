"""What people read, in memory: orders, their story, the inbox, in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from app.domain.records import InboxEvent, JournalEntry, OrderRow
from app.domain.views import CallRow, JournalRow, OrderFilter, Page, Unverified
from app.store import rows
from app.store.memory.database import Part, full_order, order_name
from app.store.memory.merging import full_event
from app.store.memory.story import tell
from app.store.memory.tables import Row, Tables
from app.store.pages import LAST, after, number_or_source, page


class Lists(Part):
    """The reading side of admin_store.AdminStore."""

    async def orders(
        self, tenant_id: int, wanted: OrderFilter, cursor: str | None, limit: int
    ) -> Page[OrderRow]:
        before = after(cursor, LAST)
        tables = await self._db.read("orders")
        fits = _filter(tenant_id, wanted)
        mine = (full_order(tables, row) for row in reversed(tables.orders.all()))
        found = [row for row in mine if row["id"] < before and fits(row)]
        return page(found[: limit + 1], limit, rows.order)

    async def named(self, tenant_id: int, number: str) -> Sequence[OrderRow]:
        plain, source_id = number_or_source(number)
        tables = await self._db.read("named")
        return _orders(
            tables,
            (
                row
                for row in tables.orders.all()
                if row["tenant_id"] == tenant_id
                and (
                    (plain is not None and row["number"] == plain)
                    or (source_id is not None and row["source_id"] == source_id)
                )
            ),
        )

    async def by_ids(self, tenant_id: int, ids: Sequence[int]) -> Sequence[OrderRow]:
        tables = await self._db.read("by_ids")
        found = (tables.orders.get(number) for number in sorted(set(ids)))
        return _orders(
            tables, (row for row in found if row is not None and row["tenant_id"] == tenant_id)
        )

    async def last_linked(self, tenant_id: int) -> tuple[str, datetime] | None:
        tables = await self._db.read("last_linked")
        linked = [
            row
            for row in tables.applied.all()
            if (row["tenant_id"], row["step"]) == (tenant_id, "link_demand")
            and row["applied_at"] is not None
        ]
        last = max(linked, key=lambda row: row["applied_at"], default=None)
        order = tables.orders.get(last["order_id"]) if last is not None else None
        return (order_name(order), last["applied_at"]) if last is not None and order else None

    async def journal(self, order_id: int, cursor: str | None, limit: int) -> Page[JournalRow]:
        tables = await self._db.read("journal")
        found = _after(tables.journal_event.find("order", order_id), cursor)
        return page(found[: limit + 1], limit, rows.journal)

    async def calls(self, order_id: int, cursor: str | None, limit: int) -> Page[CallRow]:
        tables = await self._db.read("calls")
        found = _after(tables.call.find("order", order_id), cursor)
        listed = [{**row, "is_sealed": row["sealed"] is not None} for row in found[: limit + 1]]
        return page(listed, limit, rows.call)

    async def call(self, order_id: int, call_id: int) -> CallRow | None:
        tables = await self._db.read("call")
        row = tables.call.get(call_id)
        if row is None or row["order_id"] != order_id:
            return None
        return rows.whole_call(row)

    async def note(self, order_id: int, entry: JournalEntry) -> None:
        async with self._db.writing("note") as tables:
            tell(tables, [(order_id, entry)], self._db.now())

    async def events(
        self,
        tenant_id: int,
        source: str | None,
        status: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[InboxEvent]:
        before = after(cursor, LAST)
        tables = await self._db.read("events")
        found = [
            full_event(tables, row)
            for row in reversed(tables.inbox_event.all())
            if row["tenant_id"] == tenant_id
            and row["id"] < before
            and source in (None, row["source"])
            and status in (None, row["status"])
        ]
        return page(found[: limit + 1], limit, rows.event)

    async def event(self, tenant_id: int, event_id: int) -> InboxEvent | None:
        tables = await self._db.read("event")
        row = tables.inbox_event.get(event_id)
        if row is None or row["tenant_id"] != tenant_id:
            return None
        return rows.event(full_event(tables, row))

    async def unverified(
        self, source: str | None, cursor: str | None, limit: int
    ) -> Page[Unverified]:
        before = after(cursor, LAST)
        tables = await self._db.read("unverified")
        newest = sorted(tables.inbox_unverified.all(), key=lambda row: -row["number"])
        found = [
            {**row, "id": row["number"]}
            for row in newest
            if row["number"] < before and source in (None, row["source"])
        ]
        return page(found, limit, rows.unverified)


def _filter(tenant_id: int, wanted: OrderFilter) -> Callable[[Row], bool]:
    number, source_id = number_or_source(wanted.number)
    exact: dict[str, Any] = {
        "tenant_id": tenant_id,
        "source_id": source_id,
        "state": wanted.state.value if wanted.state is not None else None,
        "code": wanted.code.value if wanted.code is not None else None,
        "who": wanted.who.value if wanted.who is not None else None,
        "connection": wanted.connection,
    }
    asked = {name: value for name, value in exact.items() if value is not None}

    def fits(row: Row) -> bool:
        begins = number is None or (row["number"] or "").lower().startswith(number.lower())
        return begins and all(row[name] == value for name, value in asked.items())

    return fits


def _orders(tables: Tables, found: Iterable[Row]) -> list[OrderRow]:
    return [rows.order(full_order(tables, row)) for row in found]


def _after(found: Sequence[Row], cursor: str | None) -> list[Row]:
    last = after(cursor, 0)
    return [row for row in found if row["id"] > last]
