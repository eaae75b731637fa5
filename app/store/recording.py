"""The outcome of a round: many orders' write sets in one transaction.

Owns the commit of ledger, references, facts, outcomes and story, and the conditional release.
A write set counts only while its token is the order's; a lost one drops only its own rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.domain.errors import StoreUnavailable
from app.domain.ports import Committed
from app.domain.records import Release, WriteSet
from app.domain.troubles import EPISODE
from app.store import record_columns as c
from app.store.claiming import WAKE
from app.store.database import Database, Part, Session
from app.store.grouping import GroupCommit
from app.store.results import keep

GROUP = 100
T = TypeVar("T")

# Locked in id order, as everywhere.
_HELD = """
SELECT o.id FROM orders AS o
JOIN unnest($1::bigint[], $2::text[]) AS t (id, token) ON t.id = o.id AND t.token = o.lease_token
ORDER BY o.id FOR NO KEY UPDATE OF o
"""

_PROGRESS = """
UPDATE orders SET claims_without_progress = 0, updated_at = now() WHERE id = ANY ($1::bigint[])
RETURNING id, lease_until
"""

_PIN = """
UPDATE orders AS o SET scenario = t.name, scenario_version = t.version,
    behaviour = t.behaviour::json,
    scenario_hash = (
        SELECT body_hash FROM scenario_body AS b
        WHERE b.tenant_id = o.tenant_id AND b.name = t.name AND b.version = t.version
        ORDER BY seen_at DESC LIMIT 1)
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[])
    AS t (order_id, name, version, behaviour)
WHERE o.id = t.order_id
"""

# The answer is kept whether or not the order is given back. What stops it is followed as
# `troubles.after` does: a trouble that was only not seen for a moment stands since it began.
_SINCE = "coalesce(t.since, CASE WHEN o.code IS NOT DISTINCT FROM t.code THEN o.since END, now())"
_GOES_ON = f"""(t.trouble = o.stood_as AND (
    o.stood_until IS NULL OR o.stood_until > now() - interval '{int(EPISODE.total_seconds())} seconds'))"""
_ANSWER = f"""
UPDATE orders AS o SET
    since = CASE WHEN {_GOES_ON} THEN least({_SINCE}, o.stood_since) ELSE {_SINCE} END,
    stood_as = coalesce(t.trouble, o.stood_as),
    stood_since = CASE WHEN t.trouble IS NULL OR {_GOES_ON} THEN o.stood_since
                  WHEN o.stood_since IS NULL THEN {_SINCE} ELSE now() END,
    stood_until = CASE WHEN t.trouble IS NOT NULL THEN NULL
                  WHEN t.passes OR o.stood_as IS NULL THEN o.stood_until
                  ELSE coalesce(o.stood_until, now()) END,
    state = t.state, code = t.code, sentence = t.sentence, who = t.who, next_look = t.next_look,
    choices = ARRAY(SELECT json_array_elements_text(t.choices::json))
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
    $8::text[], $9::text[], $10::boolean[]
) AS t (order_id, state, code, sentence, who, since, next_look, choices, trouble, passes)
WHERE o.id = t.order_id
"""  # noqa: S608 - constant text

_RELEASE = """
UPDATE orders AS o SET lease_owner = NULL, lease_token = NULL, lease_until = NULL, due_at = t.due_at
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[])
    AS t (order_id, token, wake_seq, due_at)
WHERE o.id = t.order_id AND o.lease_token = t.token AND o.wake_seq = t.wake_seq
RETURNING o.id, o.state, o.code, o.sentence, o.who, o.due_at, o.lease_token
"""

# How it ended for the replays that the order is in, in the same statement.
_RELEASE_AND_KEEP = f"""
WITH given AS ({_RELEASE}), kept AS ({keep("given")}) SELECT id FROM given
"""  # noqa: S608 - constant text

# In a transaction of its own after the commit: an order that waits may be locked by a commit
# that waits for ours. If we die before it, the waiters look by themselves at their time.
_WAITERS = """
DELETE FROM claim_waiter AS w USING unnest($1::bigint[], $2::text[], $3::text[])
    AS t (order_id, kind, key), orders AS o
WHERE o.id = t.order_id AND w.tenant_id = o.tenant_id AND w.kind = t.kind AND w.key = t.key
RETURNING w.order_id
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A write set with its release."""

    writes: WriteSet
    release: Release | None


def _of(writes: Sequence[WriteSet], pick: Callable[[WriteSet], Iterable[T]]) -> list[tuple[int, T]]:
    return [(write.order_id, item) for write in writes for item in pick(write)]


class Recording(Part):
    """The part of the store that commits what a round did."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._committing: GroupCommit[_Entry, Committed] = GroupCommit(
            self._commit, limit=GROUP, alike=lambda entry: entry.writes.order_id
        )

    async def commit(self, writes: WriteSet, release: Release | None = None) -> Committed:
        return await self._committing(_Entry(writes, release))

    async def _commit(self, entries: Sequence[_Entry]) -> Sequence[Committed]:
        async with self._db.transaction() as session:
            tokens = [(e.writes.order_id, e.writes.token) for e in entries]
            rows = await session.fetch(_HELD, [i for i, _ in tokens], [t for _, t in tokens])
            locked = {row["id"] for row in rows}
            held = [entry for entry in entries if entry.writes.order_id in locked]
            until: dict[int, Any] = {}
            released: set[int] = set()
            if held:
                await self._write(session, [entry.writes for entry in held])
                rows = await session.fetch(_PROGRESS, sorted(locked))
                until = {row["id"]: row["lease_until"] for row in rows}
                released = await self._release(session, held)
        await self._wake_waiters([entry.writes for entry in held])
        return [
            Committed(
                held=entry.writes.order_id in locked,
                released=entry.writes.order_id in released,
                lease_until=until.get(entry.writes.order_id),
            )
            for entry in entries
        ]

    @staticmethod
    async def _write(session: Session, writes: Sequence[WriteSet]) -> None:
        for statement, pick, columns in c.REMOVALS:
            if given := _of(writes, pick):
                await session.execute(statement, *columns(given))
        if refs := _of(writes, lambda write: write.refs):
            await c.keep_refs(session, refs)
        for statement, pick, columns in c.ADDITIONS:
            if given := _of(writes, pick):
                await session.execute(statement, *columns(given))
        await c.keep_runs(session, writes)
        if pins := [(write.order_id, *write.pin) for write in writes if write.pin is not None]:
            await session.execute(_PIN, *c.pins(pins))

    @staticmethod
    async def _release(session: Session, held: Sequence[_Entry]) -> set[int]:
        given = [(e.writes, e.release) for e in held if e.release is not None]
        if not given:
            return set()
        answers = [(writes.order_id, release.answer) for writes, release in given]
        await session.execute(_ANSWER, *c.answers(answers))
        rows = await session.fetch(
            _RELEASE_AND_KEEP,
            [writes.order_id for writes, _ in given],
            [writes.token for writes, _ in given],
            [release.wake_seq for _, release in given],
            [release.due_at for _, release in given],
        )
        return {row["id"] for row in rows}

    async def _wake_waiters(self, writes: Sequence[WriteSet]) -> None:
        dropped = [(write.order_id, pair) for write in writes for pair in write.drop_claims]
        if not dropped:
            return
        # The commit stands: an absent database only means that the waiters are not woken now.
        with contextlib.suppress(StoreUnavailable):
            async with self._db.transaction() as session:
                rows = await session.fetch(_WAITERS, *c.pairs(dropped))
                await session.execute(WAKE, sorted({row["order_id"] for row in rows}))
