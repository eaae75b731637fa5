"""Merging: inbox events become documents, documents find their orders, orders are woken.

Owns that one transaction and what follows when it fails: a group is tried again one event at a
time, an event that fails alone is kept as rejected. What an event means is the given plan's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain import traces
from app.domain.errors import StoreUnavailable
from app.domain.hints import Hint
from app.domain.records import Delivery, InboxEvent
from app.domain.views import Audit
from app.store import careful, events, rows
from app.store.auditing import append
from app.store.connections import CALLABLE
from app.store.database import Clash, Part
from app.store.events import Plan
from app.store.fairness import skip_scan
from app.store.merge_sql import SqlShelf
from app.store.texts import text, text_or_none
from app.telemetry import tracing

GROUP = 100  # each takes up to three advisory locks, of which a server has some thousands
TRIES = 3
HINT_SECONDS = 60.0
_HINT_DUE = "status = 'hint' AND (not_before IS NULL OR not_before <= now())"

# A group is shared among the tenants that have new events; what one leaves is taken with the next.
_TAKE = f"""
WITH RECURSIVE tenants AS ({skip_scan("inbox_event", "status = 'new'")}),
shares AS (
    SELECT tenant_id, count(*) AS share FROM (
        SELECT tenant_id FROM (
            SELECT t.tenant_id, oldest.id FROM tenants AS t CROSS JOIN LATERAL (
                SELECT id FROM inbox_event WHERE status = 'new' AND tenant_id = t.tenant_id
                ORDER BY id LIMIT 1
            ) AS oldest ORDER BY oldest.id LIMIT $1
        ) AS t CROSS JOIN generate_series(1, $1::int) AS k ORDER BY k, t.id LIMIT $1
    ) AS places GROUP BY tenant_id
), fresh AS (
    SELECT e.* FROM shares AS s CROSS JOIN LATERAL (
        SELECT * FROM inbox_event WHERE status = 'new' AND tenant_id = s.tenant_id
        ORDER BY id LIMIT s.share FOR UPDATE SKIP LOCKED
    ) AS e
), later AS (
    SELECT * FROM inbox_event WHERE status = 'deferred' AND not_before <= now()
    ORDER BY not_before LIMIT $1 FOR UPDATE SKIP LOCKED
), taken AS (
    SELECT * FROM later UNION ALL SELECT * FROM fresh LIMIT $1
)
SELECT {rows.EVENT_COLUMNS}, e.tenant_id, e.connection_id, clock_timestamp() AS now
FROM taken AS e JOIN connection AS c ON c.id = e.connection_id
ORDER BY e.id
"""  # noqa: S608 - constant text

_TAKE_ONE = f"""
SELECT {rows.EVENT_COLUMNS}, e.tenant_id, e.connection_id, clock_timestamp() AS now
FROM inbox_event AS e JOIN connection AS c ON c.id = e.connection_id
WHERE e.id = $1 AND (e.status = 'new' OR e.status = 'deferred' AND e.not_before <= now())
FOR UPDATE OF e SKIP LOCKED
"""  # noqa: S608 - constant text

_AGAIN = """
UPDATE inbox_event SET status = 'new', code = NULL, cause = NULL, not_before = NULL,
    event_type = $4, routing = $5
WHERE tenant_id = $1 AND id = $2 AND status = $3 RETURNING id
"""

# As many of each tenant as it may still have, and of those the ones whose turn it is. Nothing is
# probed while no hint is due. $3: the tenant of each that is read already; $4: places of each.
_HINTS = f"""
WITH tenants AS (
    SELECT c.tenant_id, (SELECT count(*) FROM unnest($3::bigint[]) AS b WHERE b = c.tenant_id) AS busy
    FROM ({CALLABLE}) AS c
    WHERE EXISTS (SELECT FROM inbox_event WHERE {_HINT_DUE})
), free AS (
    SELECT t.tenant_id, t.busy, e.id FROM tenants AS t CROSS JOIN LATERAL (
        SELECT id FROM inbox_event WHERE tenant_id = t.tenant_id AND {_HINT_DUE}
        ORDER BY id LIMIT greatest($4::int - t.busy, 0) FOR UPDATE SKIP LOCKED
    ) AS e
), taken AS (
    SELECT id FROM (
        SELECT id, busy + row_number() OVER (PARTITION BY tenant_id ORDER BY id) AS turn FROM free
    ) AS turns ORDER BY turn, id LIMIT $1
)
UPDATE inbox_event AS e SET not_before = now() + make_interval(secs => $2)
-- Not a join, which would be planned as if it were of many rows.
WHERE e.id = ANY (ARRAY(SELECT id FROM taken))
RETURNING e.id, e.tenant_id, e.event_type, e.body
"""  # noqa: S608 - constant text


class Merging(Part):
    """The part of the store that merges the inbox."""

    _suspect_to: int | None = None  # what came in up to it is merged with care
    _worker_id = 0

    def _mind(self, worker_id: int, suspect_to: int | None) -> None:
        """A worker joined; `suspect_to`: another had died, and these deliveries stood there."""
        self._worker_id, self._suspect_to = worker_id, suspect_to

    async def _merge_with_care(self, plan: Plan, limit: int) -> int | None:
        """How many were merged; None: no more is suspect."""
        async with self._db.transaction() as session:
            suspect = await careful.next_suspect(session, limit, self._worker_id)
        if suspect is None:
            self._suspect_to = None
            return None
        if suspect.wait:
            return 0  # nor is what came in later merged: it would be taken together with this
        if suspect.deadly:
            async with self._db.transaction() as session:
                await SqlShelf(session).settle([(careful.set_aside(suspect.event_id), ())])
        else:
            await self._merge_alone(suspect.event_id, plan)
        async with self._db.session() as session:
            await session.execute(careful.FORGET, suspect.event_id)
        return 1

    async def merge(self, plan: Plan, limit: int) -> int:
        if self._suspect_to is not None:
            merged = await self._merge_with_care(plan, self._suspect_to)
            if merged is not None:
                return merged
        tries = TRIES
        while True:
            taken: list[int] = []
            try:
                async with self._db.transaction() as session:
                    began = tracing.now()
                    found = await session.fetch(_TAKE, min(limit, GROUP))
                    taken.extend(row["id"] for row in found)
                    await events.merge(SqlShelf(session), found, plan)
                _trace(found, began)
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
                began = tracing.now()
                taken = await session.fetch(_TAKE_ONE, event_id)
                await events.merge(SqlShelf(session), taken, plan)
            _trace(taken, began)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            async with self._db.transaction() as session:
                await SqlShelf(session).settle([(events.not_merged(event_id, error), ())])

    async def hints(self, limit: int, each: int, busy: Sequence[int] = ()) -> list[Hint]:
        async with self._db.session() as session:
            found = await session.fetch(_HINTS, limit, HINT_SECONDS, list(busy), each)
        return [Hint(**row) for row in sorted(found, key=lambda row: row["id"])]

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
            return len(await events.touch(SqlShelf(session), 0, tenant_id, routes))

    async def settle_hint(self, event_id: int, routes: Sequence[tuple[str, str]]) -> int:
        async with self._db.transaction() as session:
            tenant_id = await session.fetchval(
                "SELECT tenant_id FROM inbox_event WHERE id = $1", event_id
            )
            return await events.settle_hint(SqlShelf(session), event_id, tenant_id, routes)


def _trace(merged: Sequence[Any], began: int) -> None:
    """Tell the spans of what was committed. How long a delivery lay in the inbox stands in it."""
    if not tracing.on():
        return
    for row in merged:
        waited = (row["now"] - row["received_at"]).total_seconds()
        tracing.note(
            "merge",
            traces.of_merge(row["trace"]),
            row["trace"],
            began,
            "consumer",
            demandlink__event_id=row["id"],
            demandlink__event_type=row["event_type"],
            demandlink__waited_seconds=round(waited, 3),
        )
