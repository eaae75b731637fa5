"""Retention in memory: what has outlived its use goes. There are no partitions to make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.domain.retention import Extent, Holding, Kept, Period, Pruned
from app.store.memory.database import Part
from app.store.memory.tables import Row, Table, Tables

_UNMERGED = ("new", "deferred", "hint")


class Retaining(Part):
    """The part of the store that ends what grows."""

    async def make_room(self) -> Sequence[str]:
        return []

    async def holding(self, period: Period) -> Holding:
        if period.kept is Kept.ALERTS:  # which are not kept in memory
            return Holding(period, period.until(self._db.now()), None, 0, 0)
        tables = await self._db.read("holding")
        table, moment, stays = _of(tables, period.kept)
        oldest = min((row[moment] for row in table.all()[:1]), default=None)
        until = period.until(self._db.now())
        old = _older(table, moment, until)
        return Holding(period, until, oldest, len(old), sum(map(stays, old)))

    async def extent(self, period: Period) -> Extent:
        oldest = None
        if period.kept is not Kept.ALERTS:
            table, moment, _ = _of(await self._db.read("extent"), period.kept)
            oldest = min((row[moment] for row in table.all()[:1]), default=None)
        return Extent(period, period.until(self._db.now()), oldest, None)

    async def prune(self, period: Period) -> Pruned:
        if period.kept is Kept.ALERTS:
            return Pruned(period.kept, 0)
        async with self._db.writing("prune") as tables:
            table, moment, stays = _of(tables, period.kept)
            old = _older(table, moment, period.until(self._db.now()))
            gone = [row["id"] for row in old if not stays(row)]
            for number in gone:
                table.remove(number)
        return Pruned(period.kept, len(gone))


def _older(table: Table, moment: str, until: datetime | None) -> list[Row]:
    return [] if until is None else [row for row in table.all() if row[moment] < until]


def _of(tables: Tables, kept: Kept) -> tuple[Table, str, Callable[[Row], bool]]:
    """The table, the column of its moments, and whether a row stays however old it is."""

    def of_open(*order_ids: int | None) -> bool:
        found = [tables.orders.get(order_id) for order_id in order_ids]
        return any(row and row["state"] not in ("done", "cancelled") for row in found)

    if kept is Kept.INBOX:
        return (
            tables.inbox_event,
            "received_at",
            lambda row: row["status"] in _UNMERGED or of_open(*row["order_ids"]),
        )
    table = tables.journal_event if kept is Kept.JOURNAL else tables.call
    return table, "at", lambda row: of_open(row["order_id"])
