# ruff: noqa: S608 - names of our own tables, conditions of this file
"""Retention: what has outlived its use goes, a month's partition at once where it can.

Owns what an open order keeps: its rows are moved to the default partition before their month is
dropped, and stay there until it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from app.domain.retention import Extent, Holding, Kept, Period, Pruned
from app.store import partitions, settled
from app.store.database import Part, Session, translated
from app.store.partitions import GROWING, LOCK_SECONDS

PRUNING = 0x444C_0002  # an advisory lock: one prunes at a time
PATIENCE_SECONDS = 60  # of a statement that reads a month
ROWS = 2000  # that are looked at, and deleted, in one transaction
PAGES = 50  # at most, each time

_OPEN_STATES = "state NOT IN ('done', 'cancelled')"
_OF_ORDER = f"EXISTS (SELECT FROM orders AS o WHERE o.id = p.order_id AND o.{_OPEN_STATES})"
_UNMERGED = "p.status IN ('new', 'deferred', 'hint')"
# Of a row p: whether it stays, however old it is.
_STAYS = {
    Kept.JOURNAL: _OF_ORDER,
    Kept.CALLS: _OF_ORDER,
    Kept.INBOX: f"({_UNMERGED} OR EXISTS (SELECT FROM orders AS o"
    f" WHERE o.id = ANY (p.order_ids) AND o.{_OPEN_STATES}))",
}

# Ids and moments rise together, but for the seconds that a commit takes: the first rows by id are
# the oldest. A delivery that a person sent on its way again meanwhile is seen by the DELETE itself.
_PAGE = """
WITH page AS MATERIALIZED (
    SELECT p.id, p.{moment} AS moment, {stays} AS stays FROM {part} AS p
    WHERE p.id > $1 ORDER BY p.id LIMIT $3
), gone AS (
    DELETE FROM {part} AS p USING page
    WHERE p.id = page.id AND page.moment < $2 AND NOT page.stays AND NOT {still} RETURNING p.id
)
SELECT count(*) AS seen, max(id) AS last, count(*) FILTER (WHERE moment >= $2) AS younger,
    (SELECT count(*) FROM gone) AS gone
FROM page
"""

# A month that is dropped in this moment has no size any more.
_SIZE = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM (
    SELECT $1::text::regclass::oid AS oid
    UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = $1::text::regclass
) AS parts
"""


class Retaining(Part):
    """The part of the store that ends what grows."""

    async def make_room(self) -> Sequence[str]:
        async with self._db.session() as session:
            return await partitions.make_room(session)

    async def holding(self, period: Period) -> Holding:
        if period.kept is Kept.ALERTS:
            async with self._db.session() as session:
                until = period.until(await session.fetchval("SELECT now()"))
                return await settled.holding(session, period, until)
        table, moment = GROWING[period.kept].table, GROWING[period.kept].moment
        async with self._db.transaction() as session:
            await _patient(session)
            now = await session.fetchval("SELECT now()")
            oldest = await session.fetchval(f"SELECT {moment} FROM {table} ORDER BY id LIMIT 1")
            until = period.until(now)
            if until is None:
                return Holding(period, None, oldest, 0, 0)
            query = f"""
                SELECT count(*) AS outlived, count(*) FILTER (WHERE {_STAYS[period.kept]}) AS of_open
                FROM {table} AS p WHERE p.{moment} < $1
            """
            (row,) = await session.fetch(query, until, timeout=PATIENCE_SECONDS)
        return Holding(period, until, oldest, row["outlived"], row["of_open"])

    async def extent(self, period: Period) -> Extent:
        growing = GROWING.get(period.kept)
        table, moment = (growing.table, growing.moment) if growing else settled.PLACE
        async with self._db.session() as session:
            now = await session.fetchval("SELECT now()")
            oldest = await session.fetchval(f"SELECT {moment} FROM {table} ORDER BY id LIMIT 1")
            size = await session.fetchval(_SIZE, table)
        return Extent(period, period.until(now), oldest, size)

    async def prune(self, period: Period) -> Pruned:
        # The lock outlives many transactions, and ends with this connection.
        async with self._db.dedicated() as session:
            with translated():
                if not await session.fetchval("SELECT pg_try_advisory_lock($1)", PRUNING):
                    return Pruned(period.kept, 0, busy=True)
                return await self._prune(session, period)

    async def _prune(self, session: Session, period: Period) -> Pruned:
        until = period.until(await session.fetchval("SELECT now()"))
        if until is None:
            return Pruned(period.kept, 0)
        if period.kept is Kept.ALERTS:
            return await settled.prune(session, until)
        rows, busy = 0, False
        for name, upper in await partitions.parts(session, GROWING[period.kept].table):
            if upper is None or (upper > until and name.endswith("_before")):
                gone, more = await _row_by_row(session, period.kept, name, until)
                rows, busy = rows + gone, busy or more
            elif upper <= until:
                try:
                    rows += await _drop(session, period.kept, name)
                except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                    busy = True
        return Pruned(period.kept, rows, busy=busy)


async def _patient(session: Session) -> None:
    await session.execute(f"SET LOCAL statement_timeout = '{PATIENCE_SECONDS}s'")


async def _drop(session: Session, kept: Kept, part: str) -> int:
    """Drop a month, but for what stays of it; how many rows went."""
    table = GROWING[kept].table
    async with session.transaction():
        await _patient(session)
        await session.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        # Before anybody is kept waiting; an order that is done now and opened again in this moment
        # was not open.
        (found,) = await session.fetch(
            f"SELECT count(*) AS rows, array_agg(p.id) FILTER (WHERE {_STAYS[kept]}) AS stay"
            f" FROM {part} AS p",
            timeout=PATIENCE_SECONDS,
        )
        stay = set(found["stay"] or ())
        await session.execute(f"ALTER TABLE {table} DETACH PARTITION {part}")
        if kept is Kept.INBOX:
            again = await session.fetch(f"SELECT p.id FROM {part} AS p WHERE {_UNMERGED}")
            stay |= {row["id"] for row in again}
        if stay:
            await session.execute(
                f"INSERT INTO {table} SELECT * FROM {part} WHERE id = ANY ($1::bigint[])",
                sorted(stay),
            )
        await session.execute(f"DROP TABLE {part}")
    return int(found["rows"]) - len(stay)


async def _row_by_row(session: Session, kept: Kept, part: str, until: datetime) -> tuple[int, bool]:
    """Delete what has outlived its use; how many rows, and whether there may be more."""
    statement = _PAGE.format(
        part=part,
        moment=GROWING[kept].moment,
        stays=_STAYS[kept],
        still=_UNMERGED if kept is Kept.INBOX else "false",
    )
    rows, cursor = 0, 0
    for _ in range(PAGES):
        (page,) = await session.fetch(statement, cursor, until, ROWS)
        rows += page["gone"]
        # The default partition holds old and young: only a page without anything old ends it.
        if page["seen"] < ROWS or page["younger"] == page["seen"]:
            return rows, False
        cursor = page["last"]
    return rows, True
