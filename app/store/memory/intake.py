"""Intake in memory: a verified delivery becomes an inbox row and counts once."""

from __future__ import annotations

from datetime import datetime

from app.domain.codes import Code
from app.domain.records import Accepted, Delivery
from app.store.entries import RING, RING_HEAD, Entry, as_reused
from app.store.memory.database import Part, fixed, plain
from app.store.memory.tables import NotUnique, Tables
from app.store.texts import text, text_or_none


class Intake(Part):
    """The part of the store that takes deliveries."""

    async def accept(self, delivery: Delivery) -> Accepted:
        """See ports.Store. Raises KeyError for a connection that does not exist."""
        async with self._db.writing("accept") as tables:
            tenant_id, connection_id = connection_of(tables, delivery.source, delivery.connection)
            entry = Entry.of(delivery, tenant_id, connection_id)
            now = self._db.now()
            event_id = count(tables, entry, now)
            if event_id is not None:
                return Accepted(event_id, duplicate=False)
            seen = tables.inbox_seen.get((connection_id, entry.seen_key))
            assert seen is not None  # noqa: S101 - it is why the entry was not kept
            if seen["body_hash"] == entry.body_hash:
                return Accepted(seen["event_id"], duplicate=True)
            event_id = keep(tables, as_reused(entry), now)
            return Accepted(event_id, duplicate=False, reused=True)

    async def note_unverified(self, source: str, code: Code, cause: str, head: bytes) -> None:
        async with self._db.writing("note_unverified") as tables:
            number = tables.inbox_unverified.next_id()
            row = {
                "number": number,
                "at": self._db.now(),
                "source": text(source),
                "code": code.value,
                "cause": text(cause)[:500],
                "head": head[:RING_HEAD],
            }
            tables.inbox_unverified.put(number % RING, row)


def connection_of(tables: Tables, system: str, name: str) -> tuple[int, int]:
    """Tenant and id of a connection. Raises KeyError."""
    for row in tables.connection.all():
        if row["kind"] == text(system) and row["name"] == text(name):
            return row["tenant_id"], row["id"]
    raise KeyError(f"{system} connection {name}")


def count(tables: Tables, entry: Entry, now: datetime) -> int | None:
    """Keep a delivery, once; the event's id, None where its id was counted before."""
    if entry.delivery.status == "rejected":
        return keep(tables, entry, now)
    seen_as = (entry.connection_id, entry.seen_key)
    if tables.inbox_seen.get(seen_as) is not None:
        return None
    event_id = keep(tables, entry, now)
    seen = {"body_hash": entry.body_hash, "event_id": event_id, "seen_at": now}
    tables.inbox_seen.put(seen_as, seen)
    return event_id


def keep(tables: Tables, entry: Entry, now: datetime) -> int:
    given = entry.delivery
    if given.body is None:
        raise NotUnique("inbox_event: null value in body")
    row = tables.inbox_event.add(
        tenant_id=entry.tenant_id,
        connection_id=entry.connection_id,
        source=given.source,
        external_id=text(given.external_id),
        event_type=text(given.event_type),
        routing=text_or_none(given.routing),
        headers=plain(dict(given.headers)),
        body=given.body,
        body_hash=entry.body_hash,
        status=fixed(given.status),
        code=given.code.value if given.code is not None else None,
        cause=text_or_none(given.cause),
        received_at=now,
        not_before=None,
        merged_at=None,
        order_ids=(),
    )
    event_id: int = row["id"]
    return event_id
