# ruff: noqa: S608 - conditions of this file
"""Retention of alerts: those that were settled long ago go, one page at a time.

Owns what "settled" is: sent or over, not seen to stand any more, and not of an open order. The row of
a state that still stands is what keeps it from being told a second time.
"""

from __future__ import annotations

from datetime import datetime

from app.domain.retention import Holding, Kept, Period, Pruned
from app.store.database import Session

PLACE = ("alert", "created_at")  # the table, and the moment of a row
ROWS = 2000  # deleted in one transaction
PAGES = 50  # at most, each time

# Of a row a, with $1: what is older has outlived its use.
_STAYS = """(
    coalesce(a.sent_at, a.over_at) IS NULL OR coalesce(a.sent_at, a.over_at) >= $1
    OR a.seen_at >= $1
    OR EXISTS (
        SELECT FROM orders AS o WHERE o.state NOT IN ('done', 'cancelled') AND o.id =
        CASE WHEN a.subject ~ '^order:[0-9]{1,18}$' THEN substring(a.subject FROM 7)::bigint END)
)"""
_HELD = f"""
SELECT count(*) AS outlived, count(*) FILTER (WHERE {_STAYS}) AS of_open
FROM alert AS a WHERE a.created_at < $1
"""
_PAGE = f"""
WITH page AS (
    SELECT id FROM alert AS a WHERE a.created_at < $1 AND NOT {_STAYS}
    ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM alert AS a USING page WHERE a.id = page.id RETURNING a.id
)
SELECT count(*) FROM gone
"""


async def holding(session: Session, period: Period, until: datetime | None) -> Holding:
    oldest = await session.fetchval("SELECT created_at FROM alert ORDER BY id LIMIT 1")
    if until is None:
        return Holding(period, None, oldest, 0, 0)
    (row,) = await session.fetch(_HELD, until)
    return Holding(period, until, oldest, row["outlived"], row["of_open"])


async def prune(session: Session, until: datetime) -> Pruned:
    rows = 0
    for _ in range(PAGES):
        gone: int = await session.fetchval(_PAGE, until, ROWS)
        rows += gone
        if gone < ROWS:
            return Pruned(Kept.ALERTS, rows)
    return Pruned(Kept.ALERTS, rows, busy=True)
