"""Merging: inbox events become documents, documents find their orders, orders are woken.

Owns that one transaction and what follows when it fails: a group is tried again one event at a
time, an event that fails alone is kept as rejected. What an event means is the given plan's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.records import KEPT_FACTS, LEDGER_HINT, Delivery, InboxEvent, Merge
from app.domain.views import Audit
from app.store import rows
from app.store.claiming import WAKE
from app.store.connections import CALLABLE
from app.store.database import Clash, Part, Session, key, text, text_or_none
from app.store.documents import Documents
from app.store.placing import Delivered
from app.store.setup import append
from app.store.story import columns

GROUP = 100  # each takes up to three advisory locks, of which a server has some thousands
TRIES = 3
HINT_SECONDS = 60.0
Plan = Callable[[InboxEvent, datetime], Merge]

_TAKE = f"""
WITH fresh AS (
    SELECT id FROM inbox_event WHERE status = 'new' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), later AS (
    SELECT id FROM inbox_event WHERE status = 'deferred' AND not_before <= now()
    ORDER BY not_before LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    SELECT id FROM later UNION ALL SELECT id FROM fresh LIMIT $1
)
SELECT {rows.EVENT_COLUMNS}, e.tenant_id, e.connection_id, clock_timestamp() AS now
FROM taken JOIN inbox_event AS e USING (id) JOIN connection AS c ON c.id = e.connection_id
ORDER BY e.id
"""  # noqa: S608 - constant text

_TAKE_ONE = f"""
SELECT {rows.EVENT_COLUMNS}, e.tenant_id, e.connection_id, clock_timestamp() AS now
FROM inbox_event AS e JOIN connection AS c ON c.id = e.connection_id
WHERE e.id = $1 AND (e.status = 'new' OR e.status = 'deferred' AND e.not_before <= now())
FOR UPDATE OF e SKIP LOCKED
"""  # noqa: S608 - constant text

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
_STALE = """
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
_UNKNOWN = "No order is known to carry this record; the ledger was not asked."

_AGAIN = """
UPDATE inbox_event SET status = 'new', code = NULL, cause = NULL, not_before = NULL,
    event_type = $4, routing = $5
WHERE tenant_id = $1 AND id = $2 AND status = $3 RETURNING id
"""

_HINTS = f"""
WITH taken AS (
    SELECT id FROM inbox_event
    WHERE status = 'hint' AND (not_before IS NULL OR not_before <= now()) AND {CALLABLE}
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), handed AS (
    UPDATE inbox_event AS e SET not_before = now() + make_interval(secs => $2)
    FROM taken WHERE e.id = taken.id
    RETURNING e.*
)
SELECT {rows.EVENT_COLUMNS} FROM handed AS e JOIN connection AS c ON c.id = e.connection_id
ORDER BY e.id
"""  # noqa: S608 - constant text


class Merging(Part):
    """The part of the store that merges the inbox."""

    async def merge(self, plan: Plan, limit: int) -> int:
        tries = TRIES
        while True:
            taken: list[int] = []
            try:
                async with self._db.transaction() as session:
                    found = await session.fetch(_TAKE, min(limit, GROUP))
                    taken.extend(row["id"] for row in found)
                    await _merge(session, found, plan)
                return len(taken)
            except Clash:
                tries -= 1
                if tries == 0:
                    raise
            except StoreUnavailable:
                raise
            except Exception:
                if not taken:
                    raise
                break
        for event_id in taken:
            await self._merge_alone(event_id, plan)
        return len(taken)

    async def _merge_alone(self, event_id: int, plan: Plan) -> None:
        try:
            async with self._db.transaction() as session:
                await _merge(session, await session.fetch(_TAKE_ONE, event_id), plan)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            refused = Merge(
                event_id,
                status="rejected",
                code=Code.BODY_NOT_VALID,
                cause=f"It could not be merged: {type(error).__name__}.",
            )
            async with self._db.transaction() as session:
                await _settle(session, [(refused, ())])

    async def hints(self, limit: int) -> list[InboxEvent]:
        async with self._db.session() as session:
            found = await session.fetch(_HINTS, limit, HINT_SECONDS)
        return [rows.event(row) for row in found]

    async def replay_event(
        self, tenant_id: int, event: InboxEvent, read: Delivery, audit: Audit
    ) -> bool:
        given = (text(read.event_type), text_or_none(read.routing))
        async with self._db.transaction() as session:
            found = await session.fetchval(_AGAIN, tenant_id, event.id, event.status, *given)
            if found is not None:
                await append(session, tenant_id, audit)
        return found is not None

    async def touch(self, tenant_id: int, routes: Sequence[tuple[str, str]]) -> int:
        async with self._db.transaction() as session:
            given = [(0, tenant_id, *route) for route in routes]
            orders = sorted((await _carriers(session, given)).get(0, ()))
            await session.execute(WAKE, orders)
            await session.execute(_STALE, orders, sorted(KEPT_FACTS))
        return len(orders)

    async def settle_hint(self, event_id: int, routes: Sequence[tuple[str, str]]) -> int:
        async with self._db.transaction() as session:
            tenant_id = await session.fetchval(
                "SELECT tenant_id FROM inbox_event WHERE id = $1", event_id
            )
            given = [(event_id, tenant_id, *route) for route in routes]
            orders = sorted((await _carriers(session, given)).get(event_id, ()))
            await session.execute(WAKE, orders)
            await session.execute(_STALE, orders, sorted(KEPT_FACTS))
            settled = Merge(event_id) if orders else Merge(event_id, status="dropped")
            await _settle(session, [(settled, orders)])
        return len(orders)


async def _merge(session: Session, found: Sequence[Any], plan: Plan) -> None:
    """Merge the taken events in the caller's transaction."""
    if not found:
        return
    planned = {row["id"]: (row, _planned(plan, rows.event(row), row["now"])) for row in found}
    delivered = [
        Delivered.of(event_id, row["tenant_id"], row["connection_id"], place)
        for event_id, (row, merge) in planned.items()
        for place in merge.documents
    ]
    routes = [
        (event_id, row["tenant_id"], kind, external_id)
        for event_id, (row, merge) in planned.items()
        for kind, external_id in merge.routes
    ]
    woken = await _carriers(session, routes)
    routed = sorted(set().union(*woken.values()))
    of_ledger = {event_id for event_id, (_, merge) in planned.items() if merge.of_ledger}
    called = set().union(*(orders for event, orders in woken.items() if event not in of_ledger))
    documents = Documents(session)
    postponed = await documents.place(delivered, routed)
    await session.execute(_STALE, sorted(called), sorted(KEPT_FACTS))
    await _note(session, [route for route in routes if route[0] in of_ledger])
    settled: list[tuple[Merge, Sequence[int]]] = []
    for event_id, (row, merge) in planned.items():
        if event_id in postponed:
            # The order that its purchase order leaves is being worked on: come again soon.
            again = row["now"] + timedelta(seconds=1)
            settled.append((Merge(event_id, status="deferred", not_before=again), ()))
        elif merge.of_ledger and event_id not in woken:
            settled.append((Merge(event_id, status="unhandled", cause=_UNKNOWN), ()))
        elif merge.routes and event_id not in woken:
            settled.append((Merge(event_id, status="hint"), ()))
        else:
            orders = documents.of_event.get(event_id, set()) | woken.get(event_id, set())
            settled.append((merge, sorted(orders)))
    await session.execute(WAKE, sorted(documents.woken.union(routed)))
    await _settle(session, settled)


def _planned(plan: Plan, event: InboxEvent, now: datetime) -> Merge:
    try:
        return plan(event, now)
    except Exception as error:  # noqa: BLE001 - a body that an older door let in
        return Merge(
            event.id,
            status="rejected",
            code=Code.BODY_NOT_VALID,
            cause=f"It could not be read: {type(error).__name__}.",
        )


async def _note(session: Session, routes: Sequence[tuple[int, int, str, str]]) -> None:
    if routes:
        given = [(event, tenant, kind, key(external)) for event, tenant, kind, external in routes]
        await session.execute(_NOTE, *columns(given), LEDGER_HINT)


async def _carriers(
    session: Session, routes: Sequence[tuple[int, int, str, str]]
) -> dict[int, set[int]]:
    """The orders that carry the records, by event."""
    carriers: dict[int, set[int]] = {}
    if not routes:
        return carriers
    given = [(event, tenant, kind, key(external)) for event, tenant, kind, external in routes]
    for row in await session.fetch(_ROUTES, *columns(given)):
        carriers.setdefault(row["event_id"], set()).add(row["order_id"])
    return carriers


async def _settle(session: Session, settled: Sequence[tuple[Merge, Sequence[int]]]) -> None:
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
    await session.execute(_SETTLE, *columns(given))
