"""What the shell offers of what is kept: numbers and ids that begin so, the newest first.

Owns the queries and the time that they may take. Whoever presses the tab key waits for the answer,
so there is no pool and no second try: one connection, read-only, cut off by the server too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import asyncpg

from app.store.database import connection_settings
from app.store.pages import LAST
from app.store.rows import ORDER_NAME
from app.store.texts import escaped, text

MOST = 100  # more than a person reads
WITHIN_SECONDS = 1.0

# $1 tenant, $2 the pattern of the beginning, $3 how many. Each gives a value and a word about it, over
# an index (docs/decisions/0059).
# Beginnings of numbers are indexed in small letters; the shell takes only what begins just so.
_ORDERS = f"""
(SELECT {ORDER_NAME}, concat_ws(' ', o.state, o.code) FROM orders AS o
 WHERE o.tenant_id = $1 AND lower(o.number) LIKE lower($2) AND o.number LIKE $2
 ORDER BY o.id DESC LIMIT $3)
UNION ALL
(SELECT {ORDER_NAME}, concat_ws(' ', o.state, o.code) FROM orders AS o
 WHERE o.tenant_id = $1 AND o.number IS NULL AND 'id:' || o.source_id LIKE $2
 ORDER BY o.id DESC LIMIT $3)
LIMIT $3
"""  # noqa: S608 - constant text
_REPLAYS = """
SELECT id, state || ', ' || to_char(created_at, 'YYYY-MM-DD HH24:MI') FROM replay
WHERE tenant_id = $1 AND id LIKE $2{of_these}
ORDER BY created_at DESC LIMIT $3
"""
# The numbers that begin so are a few ranges: 7, 70 to 79, 700 to 799.
_NUMBERED = """
SELECT t.id::text, {told} FROM unnest($2::bigint[], $4::bigint[]) AS r (low, high)
CROSS JOIN LATERAL (
    SELECT * FROM {table} WHERE tenant_id = $1 AND id BETWEEN r.low AND r.high{of_these}
    ORDER BY id DESC LIMIT $3) AS t
ORDER BY t.id DESC LIMIT $3
"""
STATEMENTS: Mapping[str, str] = {
    "order": _ORDERS,
    "replay": _REPLAYS.format(of_these=""),
    # A plan that nobody began in time is refused.
    "replay to run": _REPLAYS.format(of_these=" AND state = 'planned' AND expires_at > now()"),
    "replay to abort": _REPLAYS.format(of_these=" AND state IN ('planned', 'running')"),
    # Not by its key: that of a contact is an e-mail address.
    "mapping": _NUMBERED.format(
        table="mapping", told="kind || ' ' || connectwise_key", of_these=""
    ),
    "finding": _NUMBERED.format(
        table="drift_finding",
        told="code || ', ' || standing",
        of_these=" AND standing <> 'closed'",
    ),
    "connection": _NUMBERED.format(table="connection", told="kind || ' ' || name", of_these=""),
}


NUMBERED = frozenset({"mapping", "finding", "connection"})


def ranges(incomplete: str) -> list[tuple[int, int]]:
    """The whole numbers from 1 on that are written so or begin so, as ranges with both ends."""
    if not incomplete:
        return [(1, LAST)]
    if not (incomplete.isascii() and incomplete.isdecimal()) or incomplete.startswith("0"):
        return []
    found = []
    low, width = int(incomplete), 1
    while low <= LAST:
        found.append((low, min(low + width - 1, LAST)))
        low, width = low * 10, width * 10
    return found


def query(what: str, tenant_id: int, incomplete: str) -> tuple[str, list[Any]]:
    """A statement of `STATEMENTS` with what it is given."""
    if what in NUMBERED:
        known = ranges(incomplete)
        lows, highs = [low for low, _ in known], [high for _, high in known]
        return STATEMENTS[what], [tenant_id, lows, MOST, highs]
    return STATEMENTS[what], [tenant_id, f"{escaped(text(incomplete))}%", MOST]


async def offered(url: str, what: str, tenant_id: int, incomplete: str) -> list[tuple[str, str]]:
    """Values of a kind of `STATEMENTS` that begin so, each once, with a word about it.

    Raises OSError, TimeoutError or asyncpg's errors: the caller has nothing to offer then.
    """
    settings = connection_settings("demandlink completion") | {
        "default_transaction_read_only": "on",
        "statement_timeout": f"{int(WITHIN_SECONDS * 1000)}",
    }
    async with asyncio.timeout(WITHIN_SECONDS):
        connection = await asyncpg.connect(url, server_settings=settings)
        try:
            statement, given = query(what, tenant_id, incomplete)
            found = await connection.fetch(statement, *given)
        finally:
            connection.terminate()
    return list({value: (value, told) for value, told in found}.values())
