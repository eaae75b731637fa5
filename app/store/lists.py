"""What people read: orders, their story, the inbox, in pages.

Reads only, and only what the caller's tenant owns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.domain.drift import COMMERCE
from app.domain.records import InboxEvent, JournalEntry, OrderRow
from app.domain.views import CallRow, JournalRow, OrderFilter, Page, Unverified
from app.store import rows
from app.store.database import Part, Session, fetch_anew
from app.store.pages import LAST, after, number_or_source, page
from app.store.story import JOURNAL, journal_columns
from app.store.texts import escaped, text_or_none

# Lists are planned for what is asked for (`fetch_anew`): a condition that is not asked for falls away,
# and statistics say whether an index of what is rare serves it, or the newest rows as they come. $4 is
# one connection, or $5 the several of a tenant.
_ORDERS = f"""
SELECT {rows.ORDER_COLUMNS} FROM orders AS o JOIN connection AS c ON c.id = o.connection_id
WHERE o.tenant_id = $1 AND o.id < $2
  AND ($4::bigint IS NULL OR o.connection_id = $4)
  AND ($5::bigint[] IS NULL OR o.connection_id = ANY ($5))
  AND ($6::bigint[] IS NULL OR o.id = ANY ($6))
  AND ($7::text IS NULL OR lower(o.number) LIKE lower($7))
  AND ($8::text IS NULL OR o.source_id = $8)
  AND ($9::text IS NULL OR o.state = $9)
  AND ($10::text IS NULL OR o.code = $10)
  AND ($11::text IS NULL OR o.who = $11)
ORDER BY o.id DESC LIMIT $3
"""  # noqa: S608 - constant text
# Whether few have a number that begins so: statistics do not know it of a beginning.
_BEGINNING = """
SELECT id FROM orders WHERE tenant_id = $1 AND lower(number) LIKE lower($2) LIMIT $3
"""
_CONNECTIONS = """
SELECT array_agg(id) FROM connection
WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR name = $3)
"""
FEW = 500

_NAMED = f"""
SELECT {rows.ORDER_COLUMNS} FROM orders AS o JOIN connection AS c ON c.id = o.connection_id
WHERE o.tenant_id = $1 AND (o.number = $2 OR o.source_id = $3) ORDER BY o.id
"""  # noqa: S608 - constant text

_LAST_LINKED = """
SELECT coalesce(o.number, 'id:' || o.source_id) AS name, a.applied_at AS at
FROM applied AS a JOIN orders AS o ON o.id = a.order_id
WHERE a.tenant_id = $1 AND a.step = 'link_demand' AND a.applied_at IS NOT NULL
ORDER BY a.applied_at DESC LIMIT 1
"""

_BY_IDS = f"""
SELECT {rows.ORDER_COLUMNS} FROM orders AS o JOIN connection AS c ON c.id = o.connection_id
WHERE o.tenant_id = $1 AND o.id = ANY ($2::bigint[]) ORDER BY o.id
"""  # noqa: S608 - constant text

_JOURNAL = """
SELECT id, at, code, sentence, step, subject, actor, data FROM journal_event
WHERE order_id = $1 AND id > $2 ORDER BY id LIMIT $3
"""

# What is sealed of a call is read with that one call only.
_CALL_COLUMNS = """id, at, system, method, path, query, status, milliseconds, request, response,
    failure, step, subject, purpose"""
_CALLS = f"""
SELECT {_CALL_COLUMNS}, sealed IS NOT NULL AS is_sealed
FROM call WHERE order_id = $1 AND id > $2 ORDER BY id LIMIT $3
"""  # noqa: S608 - constant text
_CALL = f"""
SELECT {_CALL_COLUMNS}, sealed FROM call WHERE order_id = $1 AND id = $2
"""  # noqa: S608 - constant text

# Where a delivery came from is the kind of its connection. With a status it is asked for by its name,
# which has an index with it ($6); alone by the connections, of which there are few.
_EVENTS = f"""
SELECT {rows.EVENT_COLUMNS} FROM inbox_event AS e JOIN connection AS c ON c.id = e.connection_id
WHERE e.tenant_id = $1 AND e.id < $2
  AND ($4::bigint IS NULL OR e.connection_id = $4)
  AND ($5::bigint[] IS NULL OR e.connection_id = ANY ($5))
  AND ($6::text IS NULL OR e.source = $6)
  AND ($7::text IS NULL OR e.status = $7)
ORDER BY e.id DESC LIMIT $3
"""  # noqa: S608 - constant text

_EVENT = f"""
SELECT {rows.EVENT_COLUMNS} FROM inbox_event AS e JOIN connection AS c ON c.id = e.connection_id
WHERE e.tenant_id = $1 AND e.id = $2
"""  # noqa: S608 - constant text

_UNVERIFIED = """
SELECT number AS id, at, source, code, cause, head FROM inbox_unverified
WHERE ($1::text IS NULL OR source = $1) AND number < $2 ORDER BY number DESC LIMIT $3
"""


class Lists(Part):
    """The reading side of admin_store.AdminStore."""

    async def orders(
        self, tenant_id: int, wanted: OrderFilter, cursor: str | None, limit: int
    ) -> Page[OrderRow]:
        number, source_id = number_or_source(wanted.number)
        where = (tenant_id, after(cursor, LAST), limit + 1)
        chosen = (
            source_id,
            wanted.state.value if wanted.state is not None else None,
            wanted.code.value if wanted.code is not None else None,
            wanted.who.value if wanted.who is not None else None,
        )
        async with self._db.session() as session:
            name = text_or_none(wanted.connection)
            connections = await _connections(session, tenant_id, COMMERCE, name)
            begins = await _begins(session, tenant_id, number)
            found = await fetch_anew(session, _ORDERS, *where, *connections, *begins, *chosen)
        return page(found, limit, rows.order)

    async def named(self, tenant_id: int, number: str) -> Sequence[OrderRow]:
        plain, source_id = number_or_source(number)
        async with self._db.session() as session:
            found = await session.fetch(_NAMED, tenant_id, plain, source_id)
        return [rows.order(row) for row in found]

    async def by_ids(self, tenant_id: int, ids: Sequence[int]) -> Sequence[OrderRow]:
        async with self._db.session() as session:
            found = await session.fetch(_BY_IDS, tenant_id, list(ids))
        return [rows.order(row) for row in found]

    async def last_linked(self, tenant_id: int) -> tuple[str, datetime] | None:
        async with self._db.session() as session:
            found = await session.fetch(_LAST_LINKED, tenant_id)
        return (found[0]["name"], found[0]["at"]) if found else None

    async def journal(self, order_id: int, cursor: str | None, limit: int) -> Page[JournalRow]:
        async with self._db.session() as session:
            found = await session.fetch(_JOURNAL, order_id, after(cursor, 0), limit + 1)
        return page(found, limit, rows.journal)

    async def calls(self, order_id: int, cursor: str | None, limit: int) -> Page[CallRow]:
        async with self._db.session() as session:
            found = await session.fetch(_CALLS, order_id, after(cursor, 0), limit + 1)
        return page(found, limit, rows.call)

    async def call(self, order_id: int, call_id: int) -> CallRow | None:
        if not 0 < call_id <= LAST:
            return None
        async with self._db.session() as session:
            row = await session.fetchrow(_CALL, order_id, call_id)
        return None if row is None else rows.whole_call(row)

    async def note(self, order_id: int, entry: JournalEntry) -> None:
        async with self._db.session() as session:
            await session.execute(JOURNAL, *journal_columns([(order_id, entry)]))

    async def events(
        self,
        tenant_id: int,
        source: str | None,
        status: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[InboxEvent]:
        where = (tenant_id, after(cursor, LAST), limit + 1)
        async with self._db.session() as session:
            chosen: tuple[object, ...] = (None, None, text_or_none(source))
            if status is None:
                connections = await _connections(session, tenant_id, text_or_none(source))
                chosen = (*connections, None)
            found = await fetch_anew(session, _EVENTS, *where, *chosen, text_or_none(status))
        return page(found, limit, rows.event)

    async def event(self, tenant_id: int, event_id: int) -> InboxEvent | None:
        if not 0 < event_id <= LAST:
            return None
        async with self._db.session() as session:
            row = await session.fetchrow(_EVENT, tenant_id, event_id)
        return None if row is None else rows.event(row)

    async def unverified(
        self, source: str | None, cursor: str | None, limit: int
    ) -> Page[Unverified]:
        given = (text_or_none(source), after(cursor, LAST), limit + 1)
        async with self._db.session() as session:
            found = await session.fetch(_UNVERIFIED, *given)
        return page(found, limit, rows.unverified)


async def _connections(
    session: Session, tenant_id: int, kind: str | None, name: str | None = None
) -> tuple[int | None, list[int] | None]:
    """The one connection that is asked for, or the several."""
    found = await session.fetchval(_CONNECTIONS, tenant_id, kind, name) or []
    return (found[0], None) if len(found) == 1 else (None, found)


async def _begins(
    session: Session, tenant_id: int, number: str | None
) -> tuple[list[int] | None, str | None]:
    """The few orders whose number begins so, or the pattern of the many."""
    if number is None:
        return None, None
    pattern = f"{escaped(number)}%"
    few = await fetch_anew(session, _BEGINNING, tenant_id, pattern, FEW + 1)
    return ([row["id"] for row in few], None) if len(few) <= FEW else (None, pattern)
