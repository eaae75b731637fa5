"""Partitions by month of the tables that only grow: which there are, and those of the months ahead.

Owns their names and bounds (docs/decisions/0039). `_before` holds what stood before there were
partitions, `_default` what no month takes: rows of open orders whose month is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from app.domain.retention import Kept

AHEAD = 3  # months; nobody looks after an installation that no worker served for so long
LOCK_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Growing:
    """A table that only grows, and the moment by which it is divided."""

    table: str
    moment: str


GROWING = {
    Kept.JOURNAL: Growing("journal_event", "at"),
    Kept.CALLS: Growing("call", "at"),
    Kept.INBOX: Growing("inbox_event", "received_at"),
}

_PARTS = """
SELECT c.relname AS name, substring(
    pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz AS upper
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass($1) ORDER BY 2 NULLS LAST
"""


async def parts(session: Any, table: str) -> list[tuple[str, datetime | None]]:
    """The partitions of a table with the end of what they take, oldest first; None: the default."""
    return [(row["name"], row["upper"]) for row in await session.fetch(_PARTS, table)]


async def make_room(session: Any) -> list[str]:
    """Make the partitions that are missing up to AHEAD months from now; their names.

    Needs to own the tables. A month that began in the default partition stays there: its rows are
    found, and pruned, as any others.
    """
    made = []
    now = await session.fetchval("SELECT now()")
    for growing in GROWING.values():
        table = growing.table
        known = await parts(session, table)
        if not known:
            continue  # a database that is still to be migrated
        begin = max([_month(now), *(upper for _, upper in known if upper is not None)])
        while begin < after(_month(now), AHEAD + 1):
            name = f"{table}_{begin:%Y_%m}"
            try:
                async with session.transaction():
                    await session.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
                    await session.execute(
                        f"CREATE TABLE {name} PARTITION OF {table}"
                        f" FOR VALUES FROM ('{begin:%Y-%m-%d} 00:00:00+00')"
                        f" TO ('{after(begin, 1):%Y-%m-%d} 00:00:00+00')"
                    )
                made.append(name)
            except asyncpg.CheckViolationError:
                pass  # its rows are in the default partition
            begin = after(begin, 1)
    return made


def _month(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def after(month: datetime, months: int) -> datetime:
    """The first moment of a month so many months later."""
    count = month.year * 12 + month.month - 1 + months
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
