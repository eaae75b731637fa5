"""Intake: a verified delivery becomes an inbox row and counts once.

Owns `inbox_event` as it comes in, `inbox_seen` and the ring of refused requests. Reads no body:
what a delivery means was decided before, what it does is decided when it is merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.codes import Code
from app.domain.records import Accepted, Delivery
from app.store.database import Database, Part, Session
from app.store.entries import RING, RING_HEAD, Entry, as_reused
from app.store.grouping import GroupCommit
from app.store.story import columns
from app.store.texts import as_json, text, text_or_none

ACCEPT_SECONDS = 5.0  # a sender must hear soon that it has to come again
GROUP = 200

_COUNT = """
WITH given AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('inbox_event', 'id')) AS id, t.*
    FROM unnest(
        $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[]
    ) WITH ORDINALITY AS t (
        tenant_id, connection_id, source, seen_key, external_id, event_type, routing,
        headers, body, body_hash, status, code, cause, n
    )
), counted AS (
    -- In one order everywhere, so that two intakes with the same ids cannot block each other.
    INSERT INTO inbox_seen (connection_id, external_id, tenant_id, body_hash, event_id)
    SELECT connection_id, seen_key, tenant_id, body_hash, id FROM given
    WHERE status <> 'rejected' ORDER BY connection_id, seen_key, n
    ON CONFLICT DO NOTHING
    RETURNING event_id
), kept AS (
    INSERT INTO inbox_event (
        id, tenant_id, connection_id, source, external_id, event_type, routing, headers, body,
        body_hash, status, code, cause
    )
    SELECT id, tenant_id, connection_id, source, external_id, event_type, routing,
        headers::json, body, body_hash, status, code, cause
    FROM given WHERE status = 'rejected' OR id IN (SELECT event_id FROM counted)
    RETURNING id
)
SELECT given.n, kept.id FROM given LEFT JOIN kept USING (id) ORDER BY given.n
"""

_SEEN = """
SELECT t.n, seen.event_id, seen.body_hash
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS t (connection_id, external_id, n)
JOIN inbox_seen AS seen USING (connection_id, external_id)
"""

_RING = """
WITH given AS (SELECT nextval(pg_get_serial_sequence('inbox_unverified', 'number')) AS number)
INSERT INTO inbox_unverified (slot, number, at, source, code, cause, head)
SELECT number % $1, number, now(), $2, $3, $4, $5 FROM given
ON CONFLICT (slot) DO UPDATE SET
    number = EXCLUDED.number, at = EXCLUDED.at, source = EXCLUDED.source, code = EXCLUDED.code,
    cause = EXCLUDED.cause, head = EXCLUDED.head
"""


class Intake(Part):
    """The part of the store that takes deliveries."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._connections: dict[tuple[str, str], tuple[int, int]] = {}
        self._accepting = GroupCommit(self._accept, limit=GROUP)

    async def accept(self, delivery: Delivery) -> Accepted:
        """See ports.Store. Raises KeyError for a connection that does not exist."""
        tenant_id, connection_id = await self._connection(delivery.source, delivery.connection)
        entry = Entry.of(delivery, tenant_id, connection_id)
        return await self._accepting(entry, ACCEPT_SECONDS)

    async def _connection(self, kind: str, name: str) -> tuple[int, int]:
        known = self._connections.get((kind, name))
        if known is None:
            query = "SELECT tenant_id, id FROM connection WHERE kind = $1 AND name = $2"
            async with self._db.session() as session:
                row = await session.fetchrow(query, text(kind), text(name))
            if row is None:
                raise KeyError(f"{kind} connection {name}")
            known = self._connections[kind, name] = (row["tenant_id"], row["id"])
        return known

    async def _accept(self, entries: Sequence[Entry]) -> Sequence[Accepted]:
        answers: dict[int, Accepted] = {}
        async with self._db.session() as session:
            rows = await count(session, entries)
            known: list[int] = []
            for index, row in enumerate(rows):
                if row["id"] is not None:
                    answers[index] = Accepted(row["id"], duplicate=False)
                else:
                    known.append(index)
            if known:
                # A statement of its own: its snapshot sees what was committed meanwhile.
                seen = await session.fetch(
                    _SEEN,
                    [entries[index].connection_id for index in known],
                    [entries[index].seen_key for index in known],
                )
                by_place = {row["n"] - 1: row for row in seen}
                reused: list[int] = []
                for place, index in enumerate(known):
                    row = by_place[place]
                    if row["body_hash"] == entries[index].body_hash:
                        answers[index] = Accepted(row["event_id"], duplicate=True)
                    else:
                        reused.append(index)
                if reused:
                    refused = [as_reused(entries[index]) for index in reused]
                    rows = await count(session, refused)
                    for index, row in zip(reused, rows, strict=True):
                        answers[index] = Accepted(row["id"], duplicate=False, reused=True)
        return [answers[index] for index in range(len(entries))]

    async def note_unverified(self, source: str, code: Code, cause: str, head: bytes) -> None:
        async with self._db.session() as session:
            await session.execute(
                _RING, RING, text(source), code.value, text(cause)[:500], head[:RING_HEAD]
            )


async def count(session: Session, entries: Sequence[Entry]) -> Sequence[Any]:
    """Write the entries, each once: a row (n, id) for each, the id NULL where it was known."""
    found: Sequence[Any] = await session.fetch(_COUNT, *_columns(entries))
    return found


def _columns(entries: Sequence[Entry]) -> list[list[object]]:
    rows = [
        (
            entry.tenant_id,
            entry.connection_id,
            entry.delivery.source,
            entry.seen_key,
            text(entry.delivery.external_id),
            text(entry.delivery.event_type),
            text_or_none(entry.delivery.routing),
            as_json(dict(entry.delivery.headers)),
            entry.delivery.body,
            entry.body_hash,
            entry.delivery.status,
            entry.delivery.code.value if entry.delivery.code is not None else None,
            text_or_none(entry.delivery.cause),
        )
        for entry in entries
    ]
    return columns(rows)
