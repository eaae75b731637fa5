# ruff: noqa: S608 - names of our own tables and columns
"""A year of history, copied from orders that were really run.

Every row of an order is copied with its numbers moved on: ids by a stride of their table, so that they
rise with time as they do in service, numbers of Commerce and of the vendors by digits put behind them,
wherever they stand in texts and JSON. So references, subjects and wants still agree with one another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from app.store import partitions

MARK = "\u2042"  # where the number of a copy goes
DIGITS = 4
OPEN_COPIES = 150  # of an order that is not through: the others of a year ended long ago
BESIDE = 50  # copies that are under way at a time
DAYS = 365
PAST = "<past>"  # how long ago a copy was: the last one now, the first a year ago

# Each table with the column that names its order, and the table that each of its numbers counts.
TABLES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "orders": ("id", {"id": "orders"}),
    "document": ("order_id", {"id": "document", "order_id": "orders"}),
    "external_ref": ("year_order", {"id": "external_ref", "order_id": "orders"}),
    "applied": ("order_id", {"order_id": "orders"}),
    "intent": ("order_id", {"id": "intent", "order_id": "orders"}),
    "order_ref": ("order_id", {"order_id": "orders", "ref_id": "external_ref"}),
    "fact": ("order_id", {"order_id": "orders"}),
    "decision": ("order_id", {"id": "decision", "order_id": "orders"}),
    "step_run": ("order_id", {"id": "step_run", "order_id": "orders"}),
    "inbox_event": ("year_order", {"id": "inbox_event"}),
    "inbox_seen": ("year_order", {"event_id": "inbox_event"}),
    "journal_event": ("order_id", {"id": "journal_event", "order_id": "orders"}),
    "call": ("order_id", {"id": "call", "order_id": "orders"}),
    "audit": ("year_order", {"id": "audit"}),
}
# The order of a row, where no column says it.
_ORDER_OF = {
    "external_ref": "(SELECT min(r.order_id) FROM order_ref AS r WHERE r.ref_id = t.id)",
    "inbox_event": "t.order_ids[1]",
    "inbox_seen": "(SELECT e.order_ids[1] FROM inbox_event AS e WHERE e.id = t.event_id)",
    "audit": "CASE WHEN t.action LIKE 'order.%' AND t.target ~ '^[0-9]+$' THEN t.target::bigint END",
}
# Numbers of Commerce and of the vendors, which a copy has to have for itself.
_NUMBERS = """
SELECT order_id, array_agg(DISTINCT number) AS numbers FROM (
    SELECT order_id, (regexp_match(source_id, '^[0-9]+'))[1] AS number FROM document
    UNION SELECT order_id, number FROM document WHERE number ~ '[0-9]{4}$'
    UNION SELECT order_id, quote FROM document
    UNION SELECT order_id, purchase_order FROM document
    UNION SELECT r.order_id, e.external_id FROM order_ref AS r
        JOIN external_ref AS e ON e.id = r.ref_id WHERE length(e.external_id) >= 4
    UNION SELECT e.order_ids[1], e.external_id FROM inbox_event AS e WHERE e.order_ids <> '{}'
) AS known WHERE order_id IS NOT NULL AND number IS NOT NULL GROUP BY order_id
"""
_OPPORTUNITIES = """
SELECT r.order_id, e.external_id FROM order_ref AS r JOIN external_ref AS e ON e.id = r.ref_id
WHERE e.kind = 'opportunity'
UNION SELECT order_id, opportunity FROM document WHERE opportunity IS NOT NULL AND order_id IS NOT NULL
"""
_COLUMNS = """
SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
_EMPTY_AFTER = {"orders": ("due_at", "lease_owner", "lease_token", "lease_until")}
# What stands beside the orders: what was refused at the door, found, told, planned and mapped.
_BESIDE = (
    """INSERT INTO inbox_event (tenant_id, connection_id, source, external_id, event_type, headers, body,
        body_hash, status, code, cause, received_at)
    SELECT tenant_id, connection_id, source, external_id || 'x', event_type, headers, body, body_hash,
        CASE id % 3 WHEN 0 THEN 'rejected' WHEN 1 THEN 'unhandled' ELSE 'dropped' END,
        CASE id % 3 WHEN 0 THEN 'EVENT_NOT_VALID' END, 'no such field', received_at
    FROM inbox_event WHERE id % 50 < 3 ORDER BY id""",
    """INSERT INTO drift_finding (tenant_id, order_id, key, digest, standing, code, system, kind, record,
        about, step, subject, says, stands, sentence, who, since, seen_at, closed_at)
    SELECT 1, id, 'connectwise/ticket', 'd', CASE WHEN id % 1000 < 5 THEN 'open' ELSE 'closed' END,
        'DRIFT_MISSING', 'connectwise', 'ticket', id::text, 'ticket', 'raise_ticket', 'order', 'there',
        'gone', 'The ticket is gone.', 'operator', updated_at, updated_at,
        CASE WHEN id % 1000 >= 5 THEN updated_at END FROM orders AS o
    WHERE id % 10 = 0 ORDER BY o.id""",
    """INSERT INTO alert (tenant_id, subject, code, since, sentence, order_number, who, created_at,
        seen_at, sent_at, told)
    SELECT 1, 'order:' || id, coalesce(code, 'TOTAL_MISMATCH'), coalesce(since, created_at),
        'Total differs.', number, 'operator', created_at, created_at, created_at, '{place}'
    FROM orders WHERE state = 'held' OR id % 10 = 1 ORDER BY id""",
    """INSERT INTO replay (id, tenant_id, state, reason, actor, created_at, expires_at, finished_at)
    SELECT 'replay-' || n, 1, 'done', 'the mapping was wrong', 'anna', at, at + interval '1 hour', at
    FROM (SELECT n, now() - n * interval '4 hours' AS at FROM generate_series(1, 2000) AS n) AS made""",
    """INSERT INTO replay_item (replay_id, position, order_id, order_name, connection, wake_seq, state)
    SELECT 'replay-' || n, p, o.id, o.number, 'commerce', 1, 'woken'
    FROM generate_series(1, 2000) AS n CROSS JOIN generate_series(1, 5) AS p
    JOIN orders AS o ON o.id = n * 10 + p""",
    """INSERT INTO audit (tenant_id, at, actor, action, target)
    SELECT 1, now() - n * interval '10 minutes', 'anna', 'console.sign_in', ''
    FROM generate_series(52000, 1, -1) AS n""",
    """INSERT INTO mapping (tenant_id, kind, commerce_key, connectwise_key, updated_by)
    SELECT 1, 'product', 'part-' || n || '-eu', 'PART-' || n, 'anna' FROM generate_series(1, 4000) AS n""",
    """INSERT INTO mapping (tenant_id, kind, commerce_key, connectwise_key, updated_by)
    SELECT 1, CASE n % 2 WHEN 0 THEN 'company' ELSE 'contact' END,
        CASE n % 2 WHEN 0 THEN (100000 + n)::text ELSE 'buyer' || n || '@customer.example' END,
        CASE n % 2 WHEN 0 THEN 'CUSTOMER' || n ELSE n::text END, 'anna'
    FROM generate_series(1, 1000) AS n""",
)


@dataclass(frozen=True, slots=True)
class Year:
    """What a year was filled with: rows by table, and the bytes of the whole database."""

    rows: Mapping[str, int]
    size: int


async def fill(database_url: str, orders: int) -> None:
    """Copy the orders that stand there until there are about so many, spread over a year."""
    connection = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"})
    try:
        # Foreign keys hold by construction, and asking for each row takes most of the time.
        await connection.execute(
            "SET session_replication_role = replica; SET synchronous_commit = off; SET jit = off"
        )
        await past_months(connection)
        copies = await _copies(connection, orders)
        await _templates(connection)
        for table in ("external_ref", "inbox_seen", *TABLES):  # before what says whose they are
            of = _ORDER_OF.get(table, f"t.{TABLES[table][0]}")
            await connection.execute(f"DELETE FROM {table} AS t WHERE {of} IS NOT NULL")
        for table in TABLES:
            await _multiply(connection, table, copies)
        await _beside(connection)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def past_months(connection: Any, many: int = 13) -> None:
    """The partitions of the months that are over, as they would stand had each been made in time."""
    for growing in partitions.GROWING.values():
        known = {name for name, _ in await partitions.parts(connection, growing.table)}
        begin = partitions.after(datetime.now(UTC), -many)
        while (name := f"{growing.table}_{begin:%Y_%m}") not in known:
            end = partitions.after(begin, 1)
            await connection.execute(
                f"CREATE TABLE {name} PARTITION OF {growing.table}"
                f" FOR VALUES FROM ('{begin}') TO ('{end}')"
            )
            begin = end


async def _copies(connection: Any, orders: int) -> int:
    through = await connection.fetchval(
        "SELECT count(*) FROM orders WHERE state IN ('done', 'cancelled')"
    )
    return max(1, min(orders // max(through, 1), 10**DIGITS - 1))


async def _templates(connection: Any) -> None:
    """Each table's rows as text, with a mark behind each number that is a copy's own."""
    numbers = await connection.fetch(_NUMBERS)
    opportunities = await connection.fetch(_OPPORTUNITIES)
    for table, (order, _) in TABLES.items():
        columns = await connection.fetch(_COLUMNS, table)
        texts = ", ".join(f"{_as_text(one)} AS {one['name']}" for one in columns)
        of = _ORDER_OF.get(table, f"t.{order}")
        await connection.execute(
            f"CREATE TEMP TABLE year_{table} AS SELECT {texts}, {of} AS year_order FROM {table} AS t"
        )
        await connection.execute(f"DELETE FROM year_{table} WHERE year_order IS NULL")
        marked = [one["name"] for one in columns if _is_marked(one)]
        for row in numbers:
            told = "|".join(re.escape(one) for one in sorted(row["numbers"], key=len, reverse=True))
            await _mark(connection, table, marked, row["order_id"], rf"\m({told})\M")
        for order_id, opportunity in opportunities:
            # Two or three digits, so only where the words before say what they are.
            pattern = rf"(opportunit[a-z_]*[\"'/: ]+{opportunity})\M"
            await _mark(connection, table, marked, order_id, pattern)
            await _whole(connection, table, order_id, opportunity)


def _as_text(column: Any) -> str:
    name = column["name"]
    return f"convert_from(t.{name}, 'UTF8')" if column["type"] == "bytea" else f"t.{name}::text"


def _is_marked(column: Any) -> bool:
    return column["type"] in ("text", "json", "bytea", "text[]") and column["name"] != "kind"


async def _mark(
    connection: Any, table: str, columns: Sequence[str], order_id: int, pattern: str
) -> None:
    # A time stands after T, an amount after a point: neither is a number of ours.
    told = ", ".join(f"{one} = regexp_replace({one}, $2, '\\1{MARK}', 'gi')" for one in columns)
    await connection.execute(
        f"UPDATE year_{table} SET {told} WHERE year_order = $1", order_id, pattern
    )


async def _whole(connection: Any, table: str, order_id: int, opportunity: str) -> None:
    for of, column in (("document", "opportunity"), ("external_ref", "external_id")):
        if table == of:
            await connection.execute(
                f"UPDATE year_{of} SET {column} = {column} || '{MARK}'"
                f" WHERE year_order = $1 AND {column} = $2",
                order_id, opportunity,
            )  # fmt: skip


async def _multiply(connection: Any, table: str, copies: int) -> None:
    """Copies of each row, the oldest first; those of an order that is not through only at the end."""
    _, counted = TABLES[table]
    columns = await connection.fetch(_COLUMNS, table)
    strides = {
        name: await connection.fetchval(f"SELECT coalesce(max(id::bigint), 0) FROM year_{of}") + 1
        for name, of in {**counted, "": "orders"}.items()
    }
    into = ", ".join(one["name"] for one in columns)
    given = ", ".join(_copied(table, one, strides, counted) for one in columns)
    past = f"make_interval(secs => {DAYS * 86400.0} * ({copies - 1} - k) / {copies})"
    rising = next((name for name in counted if name in ("id", "event_id")), "year_order")
    await connection.execute(
        f"INSERT INTO {table} ({into}) OVERRIDING SYSTEM VALUE SELECT {given.replace(PAST, past)}"
        f" FROM year_{table} AS t"
        " JOIN year_orders AS o ON o.id::bigint = t.year_order"
        f" CROSS JOIN generate_series(0, {copies - 1}) AS k"
        f" WHERE o.state IN ('done', 'cancelled') OR k >= {copies - OPEN_COPIES}"
        # An order takes days, so that others' rows stand between its own.
        f" ORDER BY k / {BESIDE}, t.{rising}::bigint, k",
        timeout=3600,
    )
    if "id" in counted:
        sequence = await connection.fetchval("SELECT pg_get_serial_sequence($1, 'id')", table)
        await connection.execute(f"SELECT setval('{sequence}', (SELECT max(id) FROM {table}))")


def _copied(table: str, column: Any, strides: Mapping[str, int], counted: Mapping[str, str]) -> str:
    name, type_ = column["name"], column["type"]
    value = f"t.{name}"
    if name in _EMPTY_AFTER.get(table, ()):
        return f"NULL::{type_}"
    if name in counted:
        return f"{value}::bigint + k * {strides[name]}"
    if name == "order_ids":
        return f"ARRAY[t.year_order + k * {strides['']}]"
    if table == "audit" and name == "target":
        return f"({value}::bigint + k * {strides['']})::text"
    if type_ == "timestamp with time zone":
        return f"{value}::timestamptz - {PAST}"
    if type_ == "bytea":
        return f"convert_to(replace({value}, '{MARK}', lpad(k::text, {DIGITS}, '0')), 'UTF8')"
    if type_ in ("text", "json", "text[]"):
        return f"replace({value}, '{MARK}', lpad(k::text, {DIGITS}, '0'))::{type_}"
    return f"{value}::{type_}"


async def _beside(connection: Any) -> None:
    for table in TABLES:
        await connection.execute(f"DROP TABLE year_{table}")
    for statement in _BESIDE:
        await connection.execute(statement, timeout=600)


async def told(database_url: str) -> Year:
    """What stands there."""
    connection = await asyncpg.connect(database_url)
    names = (*TABLES, "drift_finding", "alert", "replay", "replay_item", "mapping")
    rows = {name: await connection.fetchval(f"SELECT count(*) FROM {name}") for name in names}
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    await connection.close()
    return Year(rows, size)
