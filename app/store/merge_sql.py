"""Merging on PostgreSQL: the statements behind `shelf.Shelf`, in the caller's transaction.

Owns `document` and what a purchase order takes along when it moves to another order. Locks come
in one order everywhere: documents and quotes by advisory lock, then opportunities by another, then
orders by id, then rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.domain.documents import Kind
from app.domain.facts import KEPT_FACTS, LEDGER_HINT
from app.domain.records import (
    JournalEntry,
    Merge,
)
from app.store import rows
from app.store.database import Session
from app.store.placing import Doc, Key, OrderKey
from app.store.shelf import Route
from app.store.story import JOURNAL, columns, journal_columns
from app.store.texts import as_json, key, text_or_none

_LOCK = """
SELECT pg_advisory_xact_lock(h) FROM (
    SELECT DISTINCT hashtextextended(k, 0) AS h FROM unnest($1::text[]) AS t (k) ORDER BY h
) AS keys
"""
# Tenants for whom a declined quote counts. What the environment says stands among the settings
# since the first start.
_LOSING = """
SELECT tenant_id FROM setting WHERE tenant_id = ANY ($1::bigint[])
    AND name = 'lost_on_decline' AND value #>> '{}' = 'true'
"""
_DECLINED = """
SELECT t.tenant_id, t.opportunity, d.order_id
FROM unnest($1::bigint[], $2::text[]) AS t (tenant_id, opportunity)
JOIN document AS d USING (tenant_id, opportunity)
WHERE d.kind = 'quote' AND d.order_id IS NOT NULL
"""


_READ = """
SELECT d.* FROM unnest($1::bigint[], $2::text[], $3::text[]) AS t (connection_id, kind, source_id)
JOIN document AS d USING (connection_id, kind, source_id)
"""
_RECEIPTS = """
SELECT d.* FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, purchase_order)
JOIN document AS d USING (connection_id, purchase_order) WHERE d.kind = 'receipt'
"""
_BY_QUOTE = """
SELECT d.connection_id, d.quote, d.order_id
FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, quote)
JOIN document AS d USING (connection_id, quote) WHERE d.kind = 'sales_order'
"""
_PLACEHOLDERS = """
INSERT INTO orders (tenant_id, connection_id, source_id)
SELECT c.tenant_id, t.connection_id, t.source_id
FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, source_id)
JOIN connection AS c ON c.id = t.connection_id
ORDER BY t.connection_id, t.source_id
ON CONFLICT (connection_id, source_id) DO NOTHING
"""
_ORDERS = """
SELECT o.id, o.connection_id, o.source_id
FROM unnest($1::bigint[], $2::text[]) AS t (connection_id, source_id)
JOIN orders AS o USING (connection_id, source_id)
"""
_LOCK_ORDERS = f"""
SELECT o.id, o.lease_token, {rows.ORDER_NAME} AS name FROM orders AS o
WHERE o.id = ANY ($1::bigint[]) ORDER BY o.id FOR NO KEY UPDATE
"""  # noqa: S608 - constant text

_WRITE = """
INSERT INTO document AS d (
    tenant_id, connection_id, kind, source_id, order_id, quote, purchase_order, opportunity,
    version, rank, own, extras, number, words
)
SELECT tenant_id, connection_id, kind, source_id, order_id, quote, purchase_order, opportunity,
    version, rank::json, own::json, extras::json, number, words
FROM unnest(
    $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]
) AS t (
    tenant_id, connection_id, kind, source_id, order_id, quote, purchase_order, opportunity,
    version, rank, own, extras, number, words
)
ON CONFLICT (connection_id, kind, source_id) DO UPDATE SET
    order_id = EXCLUDED.order_id, quote = EXCLUDED.quote,
    purchase_order = EXCLUDED.purchase_order, opportunity = EXCLUDED.opportunity,
    version = EXCLUDED.version, rank = EXCLUDED.rank, own = EXCLUDED.own,
    extras = EXCLUDED.extras, number = EXCLUDED.number, words = EXCLUDED.words,
    updated_at = now()
"""
_NAME = """
UPDATE orders AS o SET number = t.number, customer = coalesce(t.customer, o.customer)
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS t (id, number, customer)
WHERE o.id = t.id
"""

# Rows of a purchase order: subjects po:881, receipt:881:R-1, gap:881:…, surplus:881; references and facts of
# its records carry the bare id as their key.
_SUBJECT = """
split_part({0}, ':', 1) IN ('po', 'receipt', 'gap', 'surplus', 'bill') AND split_part({0}, ':', 2) = $2
"""
_KEYED = f"""
(({_SUBJECT.format("key")}) OR (kind LIKE 'purchase\\_order%' AND split_part(key, ':', 1) = $2))
"""
# What stands under the same name where it comes to gives way: a person may have left a step out there
# on a page that was older than the last move.
_MOVE = tuple(
    statement.format(subject=_SUBJECT.format("subject"), keyed=_KEYED)
    for statement in (
        """DELETE FROM applied WHERE order_id = $3 AND {subject} AND (step, subject) IN (
            SELECT step, subject FROM applied WHERE order_id = $1)""",
        """UPDATE applied SET order_id = $3, retry_at = NULL, retry_wake = NULL
        WHERE order_id = $1 AND {subject}""",
        """DELETE FROM intent WHERE order_id = $3 AND {subject} AND (step, subject, kind, key) IN (
            SELECT step, subject, kind, key FROM intent WHERE order_id = $1)""",
        "UPDATE intent SET order_id = $3 WHERE order_id = $1 AND {subject}",
        """DELETE FROM fact WHERE order_id = $3 AND {keyed} AND (kind, key) IN (
            SELECT kind, key FROM fact WHERE order_id = $1)""",
        "UPDATE fact SET order_id = $3 WHERE order_id = $1 AND {keyed}",
        """DELETE FROM order_ref WHERE order_id = $3 AND {keyed} AND (kind, key) IN (
            SELECT kind, key FROM order_ref WHERE order_id = $1)""",
        """WITH moved AS (
            UPDATE order_ref SET order_id = $3 WHERE order_id = $1 AND {keyed} RETURNING ref_id
        )
        UPDATE external_ref AS e SET order_id = $3 FROM moved
        WHERE e.id = moved.ref_id AND e.order_id = $1""",
    )
)
# Received, or sent to be received and not answered yet.
_RECEIVED = f"""
SELECT EXISTS (
    SELECT FROM applied WHERE order_id = $1 AND step IN ('receive_purchase_order', 'post_bill')
    AND want IS NOT NULL AND {_SUBJECT.format("subject")}
) OR EXISTS (
    SELECT FROM intent WHERE order_id = $1 AND step IN ('receive_purchase_order', 'post_bill')
    AND {_SUBJECT.format("subject")}
)
"""  # noqa: S608 - constant text
_POSTED = """
SELECT EXISTS (
    SELECT FROM applied WHERE order_id = $1 AND step = 'post_invoice' AND want IS NOT NULL
    AND subject = $2
) OR EXISTS (
    SELECT FROM intent WHERE order_id = $1 AND step = 'post_invoice' AND subject = $2
)
"""
_MOVED_FACT = """
INSERT INTO fact (tenant_id, order_id, kind, key, body, seen_at)
SELECT tenant_id, id, 'purchase_order_moved', $2, $3::text::json, now() FROM orders WHERE id = $1
ON CONFLICT (order_id, kind, key) DO UPDATE SET body = EXCLUDED.body, seen_at = EXCLUDED.seen_at
WHERE fact.body::text <> EXCLUDED.body::text
RETURNING key
"""
_BACK = """
DELETE FROM fact AS f USING unnest($1::bigint[], $2::text[]) AS t (order_id, key)
WHERE f.order_id = t.order_id AND f.kind = 'purchase_order_moved' AND f.key = t.key
"""

_SETTLE = """
UPDATE inbox_event AS e SET status = t.status, code = t.code, cause = t.cause,
    not_before = t.not_before, merged_at = CASE WHEN t.status = 'merged' THEN now() END,
    order_ids = ARRAY(SELECT json_array_elements_text(t.order_ids::json)::bigint)
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
    AS t (id, status, code, cause, not_before, order_ids)
WHERE e.id = t.id
"""

_ROUTES = """
SELECT DISTINCT t.event_id, r.order_id
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
    AS t (event_id, tenant_id, kind, external_id)
JOIN external_ref AS e USING (tenant_id, kind, external_id)
JOIN order_ref AS r ON r.ref_id = e.id
"""

# Somebody changed a record: what was read of the order's records may be old.
# So may be what a worker has read by now and not kept yet, so the order remembers when it was.
_STALE = """
WITH told AS (
    UPDATE orders SET stale_at = clock_timestamp() WHERE id = ANY ($1::bigint[])
)
UPDATE fact SET seen_at = 'epoch' WHERE order_id = ANY ($1::bigint[]) AND kind <> ALL ($2::text[])
"""

# A ledger's webhook named the document: it is read once for the last delivery that did.
_NOTE = """
INSERT INTO fact AS f (tenant_id, order_id, kind, key, body, seen_at)
SELECT r.tenant_id, r.order_id, $5, e.kind || '/' || e.external_id,
    json_build_object('event', max(t.event_id)), now()
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[])
    AS t (event_id, tenant_id, kind, external_id)
JOIN external_ref AS e USING (tenant_id, kind, external_id)
JOIN order_ref AS r ON r.ref_id = e.id
GROUP BY r.tenant_id, r.order_id, e.kind, e.external_id
ON CONFLICT (order_id, kind, key) DO UPDATE SET body = EXCLUDED.body, seen_at = EXCLUDED.seen_at
"""

# As claiming.WAKE, with the trace of what wakes each.
_WAKE = """
WITH told AS (SELECT * FROM unnest($1::bigint[], $2::text[]) AS t (id, trace)),
locked AS (
    SELECT id FROM orders WHERE id IN (SELECT id FROM told) ORDER BY id FOR NO KEY UPDATE
)
UPDATE orders AS o SET wake_seq = o.wake_seq + 1, updated_at = now(),
    due_at = CASE WHEN o.code = 'POISON' THEN NULL ELSE now() END,
    trace = coalesce(told.trace, o.trace)
FROM told JOIN locked USING (id) WHERE o.id = told.id
"""


class SqlShelf:
    """Implements shelf.Shelf."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def lock(self, names: Iterable[str]) -> None:
        await self._session.execute(_LOCK, sorted(names))

    async def documents(self, keys: Sequence[Key]) -> Sequence[Any]:
        given = [(connection, kind.value, source) for connection, kind, source in keys]
        found = list(await self._session.fetch(_READ, *columns(given))) if given else []
        purchase_orders = [(c, s) for c, kind, s in keys if kind is Kind.PURCHASE_ORDER]
        if purchase_orders:
            found += await self._session.fetch(_RECEIPTS, *columns(purchase_orders))
        return found

    async def by_quote(self, quotes: Sequence[tuple[int, str]]) -> Sequence[Any]:
        found: Sequence[Any] = await self._session.fetch(_BY_QUOTE, *columns(quotes))
        return found

    async def losing(self, tenants: Sequence[int]) -> Collection[int]:
        return {row["tenant_id"] for row in await self._session.fetch(_LOSING, tenants)}

    async def declined(self, named: Sequence[tuple[int, str]]) -> Sequence[Any]:
        found: Sequence[Any] = await self._session.fetch(_DECLINED, *columns(named))
        return found

    async def write(self, docs: Sequence[Doc]) -> None:
        written = [
            (
                doc.tenant_id,
                doc.connection_id,
                doc.kind.value,
                doc.source_id,
                doc.order_id,
                doc.quote,
                doc.purchase_order,
                text_or_none(doc.opportunity),
                doc.stored.version,
                as_json(doc.stored.rank),
                as_json(doc.stored.own),
                as_json(doc.stored.extras),
                key(doc.number) if doc.number is not None else None,
                doc.words,
            )
            for doc in docs
        ]
        await self._session.execute(_WRITE, *columns(written))

    async def orders(self, wanted: Sequence[OrderKey]) -> Mapping[OrderKey, int]:
        found = await self._session.fetch(_ORDERS, *columns(wanted))
        if len(found) < len(wanted):
            await self._session.execute(_PLACEHOLDERS, *columns(wanted))
            found = await self._session.fetch(_ORDERS, *columns(wanted))
        return {(row["connection_id"], row["source_id"]): row["id"] for row in found}

    async def lock_orders(self, ids: Sequence[int]) -> tuple[dict[int, str], set[int]]:
        found = await self._session.fetch(_LOCK_ORDERS, ids)
        busy = {row["id"] for row in found if row["lease_token"] is not None}
        return {row["id"]: row["name"] for row in found}, busy

    async def name(self, named: Sequence[tuple[int, str | None, str | None]]) -> None:
        await self._session.execute(_NAME, *columns(named))

    async def wake(self, orders: Mapping[int, str | None]) -> None:
        await self._session.execute(_WAKE, list(orders), list(orders.values()))

    async def journal(self, entries: Sequence[tuple[int, JournalEntry]]) -> None:
        await self._session.execute(JOURNAL, *journal_columns(entries))

    async def received(self, order_id: int, purchase_order: str) -> bool:
        found: bool = await self._session.fetchval(_RECEIVED, order_id, purchase_order)
        return found

    async def posted(self, order_id: int, invoice: str) -> bool:
        found: bool = await self._session.fetchval(_POSTED, order_id, f"invoice:{invoice}")
        return found

    async def keep_moved(self, order_id: int, purchase_order: str, body: Mapping[str, Any]) -> bool:
        given = (order_id, purchase_order, as_json(dict(body)))
        return await self._session.fetchval(_MOVED_FACT, *given) is not None

    async def move(self, order_id: int, purchase_order: str, target: int) -> None:
        for statement in _MOVE:
            await self._session.execute(statement, order_id, purchase_order, target)

    async def back(self, returned: Sequence[tuple[int, str]]) -> None:
        await self._session.execute(_BACK, *columns(returned))

    async def carriers(self, routes: Sequence[Route]) -> dict[int, set[int]]:
        carriers: dict[int, set[int]] = {}
        if routes:
            for row in await self._session.fetch(_ROUTES, *columns(_fitting(routes))):
                carriers.setdefault(row["event_id"], set()).add(row["order_id"])
        return carriers

    async def make_stale(self, orders: Sequence[int]) -> None:
        await self._session.execute(_STALE, orders, sorted(KEPT_FACTS))

    async def note(self, routes: Sequence[Route]) -> None:
        await self._session.execute(_NOTE, *columns(_fitting(routes)), LEDGER_HINT)

    async def settle(self, settled: Sequence[tuple[Merge, Sequence[int]]]) -> None:
        given = [
            (
                merge.event_id,
                merge.status,
                merge.code.value if merge.code is not None else None,
                text_or_none(merge.cause),
                merge.not_before,
                str(list(orders)),
            )
            for merge, orders in settled
        ]
        await self._session.execute(_SETTLE, *columns(given))


def _fitting(routes: Sequence[Route]) -> list[Route]:
    return [(event, tenant, kind, key(external)) for event, tenant, kind, external in routes]
