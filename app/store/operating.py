"""What operators do with orders: wake and replay.

Owns the journal line of each and the plans of replays, bound to the orders as they stood. Only
here does a poisoned order go on, because only a person decides that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain import traces
from app.domain.records import JournalEntry
from app.domain.results import UNDER_WAY
from app.domain.views import Audit, Replay, ReplayState
from app.store import results, rows
from app.store.auditing import append
from app.store.claiming import WAKE
from app.store.database import Part, Session
from app.store.replaying import audited, replayed, stale, still_planned, told, woken_by
from app.store.story import JOURNAL, columns, journal_columns
from app.store.texts import as_json, text
from app.telemetry import tracing

_UNPOISON = """
UPDATE orders SET claims_without_progress = 0, state = 'running', code = NULL, sentence = NULL,
    who = NULL, since = NULL, next_look = NULL
WHERE id = ANY ($1::bigint[]) AND code = 'POISON'
"""
# What stops the orders from now on is news, whatever stopped them before (`domain.troubles`).
ACTED = """
UPDATE orders SET stood_as = NULL, stood_since = coalesce(stood_since, since), acted_at = now()
WHERE id = ANY ($1::bigint[])
"""
# Without the marks a step is tried as if nothing had stopped it; what is applied stays applied.
_RETRY = """
UPDATE applied SET retry_at = now(), retry_wake = NULL, tries = 0
WHERE order_id = ANY ($1::bigint[]) AND state IN ('waiting', 'held', 'parked')
  AND (retry_at IS NOT NULL OR retry_wake IS NOT NULL OR state = 'parked')
"""

_TRACES = """
UPDATE orders AS o SET trace = t.trace
FROM unnest($1::bigint[], $2::text[]) AS t (id, trace) WHERE o.id = t.id
"""
_ADD = """
INSERT INTO replay (id, tenant_id, state, reason, actor, from_step, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_ADD_ITEMS = """
INSERT INTO replay_item (
    replay_id, position, order_id, order_name, connection, wake_seq, state, steps, sentence
)
SELECT replay_id, position, order_id, order_name, connection, wake_seq, state, steps::json, sentence
FROM unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[],
    $8::text[], $9::text[]
) AS t (
    replay_id, position, order_id, order_name, connection, wake_seq, state, steps, sentence
)
"""
_ABORT = """
UPDATE replay SET state = 'aborted', finished_at = clock_timestamp()
WHERE id = $1 AND state IN ('planned', 'running')
"""
_REPLAY = "SELECT * FROM replay WHERE tenant_id = $1 AND id = $2"
_ITEMS = "SELECT * FROM replay_item WHERE replay_id = $1 ORDER BY position"
_STANDING = f"""
SELECT o.id, o.wake_seq, o.trace, {rows.ORDER_NAME} AS name FROM orders AS o
WHERE o.tenant_id = $1 AND o.id = ANY ($2::bigint[]) ORDER BY o.id FOR NO KEY UPDATE
"""  # noqa: S608 - constant text


class Operating(Part):
    """The part of the store behind an operator's buttons."""

    async def wake_orders(
        self, tenant_id: int, order_ids: Sequence[int], actor: str, reason: str
    ) -> int:
        """Make orders due now with their retries reset, poisoned ones too, each with a journal
        line; how many."""
        async with self._db.transaction() as session:
            found = await session.fetch(_STANDING, tenant_id, list(order_ids))
            woken = [row["id"] for row in found]
            await wake_as_a_person(session, woken, woken_by(actor, reason))
        return len(woken)

    # Replays --------------------------------------------------------------------------------

    async def add_replay(self, replay: Replay) -> None:
        items = [
            (
                replay.id,
                position,
                item.order_id,
                text(item.order),
                item.connection,
                item.wake_seq,
                item.state,
                as_json([dict(step) for step in item.steps]),
                text(item.sentence),
            )
            for position, item in enumerate(replay.items)
        ]
        async with self._db.transaction() as session:
            await session.execute(
                _ADD,
                replay.id,
                replay.tenant_id,
                replay.state,
                text(replay.reason),
                text(replay.actor),
                replay.from_step,
                replay.created_at,
                replay.expires_at,
            )
            if items:
                await session.execute(_ADD_ITEMS, *columns(items))
            data = {"reason": replay.reason, "orders": [item.order for item in replay.items]}
            audit = Audit(replay.actor, "replay.plan", replay.id, data)
            await append(session, replay.tenant_id, audit)

    async def replay(self, tenant_id: int, replay_id: str) -> Replay | None:
        async with self._db.session() as session:
            return await _read(session, tenant_id, replay_id)

    async def start_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        async with self._db.transaction() as session:
            replay = await _read(session, tenant_id, replay_id, lock=True)
            if replay is None:
                raise KeyError(replay_id)
            if replay.state != ReplayState.PLANNED:
                return replay
            began = tracing.now()
            standing = await self._start(session, replay, actor)
            started = await _read(session, tenant_id, replay_id)
        assert started is not None  # noqa: S101 - it was read in this transaction
        told(started, standing, began)
        return started

    @staticmethod
    async def _start(session: Session, replay: Replay, actor: str) -> Sequence[Any]:
        """The orders as they stood before."""
        planned = still_planned(replay)
        found = await session.fetch(_STANDING, replay.tenant_id, list(planned))
        if refusal := stale(planned, found):
            raise refusal
        entry = replayed(replay, actor)
        await wake_as_a_person(session, sorted(planned), entry)
        contexts = [traces.of_replay(replay.id, order_id) for order_id in planned]
        await session.execute(_TRACES, list(planned), contexts)
        await session.execute(
            "UPDATE replay_item SET state = $2, result_state = $4 WHERE replay_id = $1 AND state = $3",
            replay.id,
            ReplayState.WOKEN,
            ReplayState.PLANNED,
            UNDER_WAY,
        )
        await session.execute(
            "UPDATE replay SET state = $2 WHERE id = $1", replay.id, ReplayState.RUNNING
        )
        await append(session, replay.tenant_id, audited(replay, actor, "replay.run"))
        return found

    async def finish_replay(self, tenant_id: int, replay_id: str) -> Replay:
        async with self._db.transaction() as session:
            replay = await _read(session, tenant_id, replay_id, lock=True)
            if replay is None:
                raise KeyError(replay_id)
            if replay.state != ReplayState.RUNNING:
                return replay
            await results.finish(session, replay_id)
            looked = await _read(session, tenant_id, replay_id)
        assert looked is not None  # noqa: S101 - it was read in this transaction
        return looked

    async def abort_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        async with self._db.transaction() as session:
            replay = await _read(session, tenant_id, replay_id, lock=True)
            if replay is None:
                raise KeyError(replay_id)
            through = replay.state == ReplayState.RUNNING and await results.finish(
                session, replay_id
            )
            if replay.state in (ReplayState.PLANNED, ReplayState.RUNNING) and not through:
                await results.abort(session, replay_id)
                await session.execute(_ABORT, replay_id)
                await append(session, tenant_id, audited(replay, actor, "replay.abort"))
            ended = await _read(session, tenant_id, replay_id)
        assert ended is not None  # noqa: S101 - it was read in this transaction
        return ended


async def wake_as_a_person(session: Session, order_ids: Sequence[int], entry: JournalEntry) -> None:
    """Wake orders as a person does: poison and retry marks are taken off. The orders come before
    their steps, as in a worker's commit: the other way round the two could lock each other out."""
    if not order_ids:
        return
    await session.execute(ACTED, order_ids)
    await session.execute(_UNPOISON, order_ids)
    await session.execute(WAKE, order_ids)
    await session.execute(_RETRY, order_ids)
    await session.execute(JOURNAL, *journal_columns([(order, entry) for order in order_ids]))


async def _read(
    session: Session, tenant_id: int, replay_id: str, *, lock: bool = False
) -> Replay | None:
    query = f"{_REPLAY} FOR UPDATE" if lock else _REPLAY
    row = await session.fetchrow(query, tenant_id, text(replay_id))
    if row is None:
        return None
    items = await session.fetch(_ITEMS, row["id"])
    return rows.replay(row, items)
