"""Leases: who is alive, who works on what, what is due.

Owns liveness (a session lock on a connection of its own), claims, heartbeats and wakes. A lease
names worker and token; every write of an order carries the token (`design.md`, section 2).
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from logging import WARNING
from operator import itemgetter
from typing import Any

from app.domain.codes import Code
from app.domain.facts import INTERRUPTED
from app.domain.ports import Worker
from app.domain.reasons import CODES
from app.domain.records import (
    Claim,
)
from app.store.careful import BURIED, TAKE_BACK
from app.store.database import Part, Session, translated
from app.store.fairness import in_turn, skip_scan
from app.store.liveness import ALIVE, LIVENESS
from app.store.poison import NEXT_LOOK, POISON_AFTER, POISON_SENTENCE, POISONED, batch
from app.store.restoring import RESTORED_AT, look_at_home
from app.store.results import keep_results
from app.telemetry import wide

# Poisoned orders stay where they are: only a person wakes them.
WAKE = """
UPDATE orders SET wake_seq = wake_seq + 1, updated_at = now(),
    due_at = CASE WHEN code = 'POISON' THEN NULL ELSE now() END
WHERE id IN (SELECT id FROM orders WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE)
"""


# Leased rows stand in the index too: their owner may be dead, which is found out below.
_FREE = f"""
due_at <= now() AND id <> ALL ($2::bigint[])
AND (lease_owner IS NULL OR lease_until <= now() OR lease_owner NOT IN ({ALIVE}))
"""

# The places are shared among the tenants first, over an index by tenant, so that a flood of one is
# neither read nor locked for the others. $2: taken already; $3: tenants that have no more.
_DUE = f"""
WITH RECURSIVE tenants AS ({skip_scan("orders", "due_at IS NOT NULL")}),
under_way AS (
    SELECT tenant_id, count(*) AS many FROM (
        SELECT tenant_id FROM orders WHERE lease_token IS NOT NULL AND lease_until > now()
        UNION ALL SELECT tenant_id FROM orders WHERE id = ANY ($2::bigint[])
    ) AS worked_on GROUP BY tenant_id
), due AS (
    SELECT t.tenant_id, coalesce(u.many, 0) AS many, oldest.due_at
    FROM tenants AS t LEFT JOIN under_way AS u USING (tenant_id) CROSS JOIN LATERAL (
        SELECT due_at FROM orders WHERE tenant_id = t.tenant_id AND {_FREE}
        ORDER BY due_at, id LIMIT 1
    ) AS oldest
    WHERE t.tenant_id <> ALL ($3::bigint[]) ORDER BY 2, 3 LIMIT $1
), shares AS (
    SELECT tenant_id, many, count(*) AS share FROM (
        SELECT tenant_id, many FROM due CROSS JOIN generate_series(1, $1::int) AS k
        ORDER BY many + k, due_at LIMIT $1
    ) AS places GROUP BY tenant_id, many
)
SELECT s.tenant_id, s.many, s.share, o.* FROM shares AS s CROSS JOIN LATERAL (
    SELECT id, due_at, lease_owner, lease_until > now() AS leased,
        claims_without_progress AS claims
    FROM orders WHERE tenant_id = s.tenant_id AND {_FREE}
    ORDER BY due_at, id LIMIT s.share FOR NO KEY UPDATE SKIP LOCKED
) AS o
"""  # noqa: S608 - constant text

_POISON = """
WITH parked AS (
    UPDATE orders SET
        state = 'parked', code = 'POISON', sentence = $2, who = $3, since = now(),
        stood_as = $5, stood_since = now(), stood_until = NULL,
        next_look = $4, choices = '{}', due_at = NULL,
        lease_owner = NULL, lease_token = NULL, lease_until = NULL, updated_at = now()
    WHERE id = ANY ($1::bigint[])
    RETURNING id, tenant_id
)
INSERT INTO journal_event (tenant_id, order_id, code, sentence, actor)
SELECT tenant_id, id, 'POISON', $2, 'service' FROM parked ORDER BY id
"""

_INTERRUPT = """
WITH ended AS (
    UPDATE step_run SET state = 'interrupted', finished_at = now()
    WHERE order_id = ANY ($1::bigint[]) AND state = 'running'
    RETURNING tenant_id, order_id, step
), kept AS (
    INSERT INTO fact (tenant_id, order_id, kind, key, body, seen_at)
    SELECT tenant_id, order_id, $2, step, json_build_object('at',
        to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00'), now()
    FROM ended
    ON CONFLICT (order_id, kind, key)
    DO UPDATE SET body = EXCLUDED.body, seen_at = EXCLUDED.seen_at
)
SELECT order_id, step FROM ended
"""

_CLAIM = f"""
UPDATE orders SET
    lease_owner = $2, lease_token = gen_random_uuid()::text,
    lease_until = now() + make_interval(secs => $3),
    claims_without_progress = claims_without_progress + 1
WHERE id = ANY ($1::bigint[])
RETURNING id, lease_token, lease_until, claims_without_progress, due_at, {RESTORED_AT} AS restored
"""  # noqa: S608 - constant text

_HEARTBEAT = """
WITH seen AS (
    UPDATE worker SET seen_at = now() WHERE id = $1
)
UPDATE orders SET lease_until = now() + make_interval(secs => $3)
WHERE lease_token = ANY ($2::text[]) AND lease_owner = $1
RETURNING lease_token
"""

_NEXT = """
SELECT least(
    (SELECT min(due_at) FROM orders WHERE due_at IS NOT NULL AND lease_owner IS NULL),
    (SELECT min(greatest(due_at, lease_until)) FROM orders
     WHERE due_at IS NOT NULL AND lease_owner IS NOT NULL),
    (SELECT received_at FROM inbox_event WHERE status = 'new' ORDER BY tenant_id, id LIMIT 1),
    (SELECT min(coalesce(not_before, received_at)) FROM inbox_event WHERE status = 'deferred')
)
"""

# A commit wakes who waits for a claim that it dropped, after its end. Where it died in between,
# the waiters are found here.
_FORGOTTEN = """
DELETE FROM claim_waiter AS w WHERE NOT EXISTS (
    SELECT FROM remote_claim AS r
    WHERE r.tenant_id = w.tenant_id AND r.kind = w.kind AND r.key = w.key)
RETURNING order_id
"""

# What has outlived its use, a bounded part at a time. Ids are counted for 90 days (design.md).
_OUTLIVED = (
    "DELETE FROM worker WHERE seen_at < now() - interval '1 day'",
    """DELETE FROM inbox_seen WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM inbox_seen WHERE seen_at < now() - interval '90 days' LIMIT 20000))""",
    "DELETE FROM idempotency_key WHERE created_at < now() - interval '2 days'",
    "DELETE FROM reference_cache WHERE expires_at < now() - interval '1 day'",
)


class Claiming(Part):
    """The part of the store that hands orders to workers."""

    # Numbers under which this process was alive until its session was lost.
    _left: tuple[int, ...] = ()

    def _mind(self, worker_id: int, suspect_to: int | None) -> None:
        """Told to the part that merges."""

    @asynccontextmanager
    async def join(self) -> AsyncIterator[Worker]:
        async with self._db.dedicated() as connection:
            with translated():  # a standby that takes no writes is no database for a worker
                for statement in _OUTLIVED:
                    await connection.execute(statement)
                if self._left:
                    await self._take_back(connection)
                async with connection.transaction():
                    if (restored := await look_at_home(connection)) is not None:
                        wide("database_restored", level=WARNING, at=restored.at.isoformat())
                    # The lock outlives the transaction; with the row it comes to be seen at once, so
                    # that a row without a lock is always a worker that died.
                    number = await connection.fetchval(
                        "INSERT INTO worker DEFAULT VALUES RETURNING id"
                    )
                    await connection.execute(
                        "SELECT pg_advisory_lock($1::int, $2::int)", LIVENESS, number
                    )
                self._mind(number, await connection.fetchval(BURIED))
            lost = False

            def gone(_: object) -> None:
                nonlocal lost
                lost = True

            connection.add_termination_listener(gone)
            try:
                yield Worker(number, lambda: not lost)
            finally:
                connection.remove_termination_listener(gone)
                lost = True
                # Its leases end with the lock, so the row and what it began to merge is all that is
                # left. Where the session is lost, they go when this process joins again.
                self._left = (*self._left, number)
                with contextlib.suppress(Exception):
                    await self._take_back(connection)

    async def _take_back(self, connection: Session) -> None:
        """This process lives: nobody is to take its earlier numbers for deaths."""
        left = self._left
        async with connection.transaction():
            for statement in TAKE_BACK:
                await connection.execute(statement, list(left))
        self._left = tuple(number for number in self._left if number not in left)

    async def claim(self, worker: Worker, limit: int, lease: float) -> list[Claim]:
        if not worker.alive() or limit < 1:
            return []
        async with self._db.transaction() as session:
            free = await self._free(session, await self._due(session, limit))
            poisoned = [row["id"] for row in free if row["claims"] >= POISON_AFTER]
            if poisoned:
                who = CODES[Code.POISON].who.value
                await session.execute(_POISON, poisoned, POISON_SENTENCE, who, NEXT_LOOK, POISONED)
                await keep_results(session, poisoned)
            taken = batch([row for row in free if row["claims"] < POISON_AFTER])
            if not taken:
                forgotten = await session.fetch(_FORGOTTEN)
                if forgotten:
                    await session.execute(WAKE, [row["order_id"] for row in forgotten])
                return []
            interrupted: dict[int, list[str]] = {}
            for row in await session.fetch(_INTERRUPT, taken, INTERRUPTED):
                interrupted.setdefault(row["order_id"], []).append(row["step"])
            claimed = await session.fetch(_CLAIM, taken, worker.id, lease)
        return [
            Claim(
                order_id=row["id"],
                token=row["lease_token"],
                lease_until=row["lease_until"],
                claims_without_progress=row["claims_without_progress"],
                restored=row["restored"],
                interrupted=tuple(interrupted.get(row["id"], ())),
            )
            for row in sorted(claimed, key=lambda row: (row["due_at"], row["id"]))
        ]

    @staticmethod
    async def _due(session: Session, limit: int) -> list[Any]:
        """Locked rows, in turn. What a tenant leaves of its share is shared among the others."""
        found: list[Any] = []
        exhausted: set[int] = set()
        under_way: dict[int, int] = {}
        while len(found) < limit:
            taken = [row["id"] for row in found]
            more = await session.fetch(_DUE, limit - len(found), taken, list(exhausted))
            found += more
            given = Counter(row["tenant_id"] for row in more)
            for row in more:
                under_way.setdefault(row["tenant_id"], row["many"])
            short = {row["tenant_id"] for row in more if given[row["tenant_id"]] < row["share"]}
            exhausted |= short
            if not short or short == set(given):
                break
        return in_turn(found, itemgetter("tenant_id"), itemgetter("due_at", "id"), under_way, limit)

    @staticmethod
    async def _free(session: Session, due: Sequence[Any]) -> list[Any]:
        """The rows that nobody alive holds. The locks are read after the rows were locked, so
        that a worker that joined and claimed meanwhile is seen."""
        if not any(row["leased"] for row in due):
            return list(due)
        alive = {row["objid"] for row in await session.fetch(ALIVE)}
        return [row for row in due if not row["leased"] or row["lease_owner"] not in alive]

    async def heartbeat(self, worker: Worker, tokens: Sequence[str], lease: float) -> set[str]:
        if not worker.alive():
            return set()
        async with self._db.session() as session:
            held = await session.fetch(_HEARTBEAT, worker.id, list(tokens), lease)
        return {row["lease_token"] for row in held}

    async def drop(self, claim: Claim, seconds: float, *, waited: bool = False) -> None:
        statement = """
            UPDATE orders SET lease_owner = NULL, lease_token = NULL, lease_until = NULL,
                due_at = now() + make_interval(secs => $3), updated_at = now(),
                claims_without_progress = greatest(claims_without_progress - $4::int, 0)
            WHERE id = $1 AND lease_token = $2
        """
        async with self._db.session() as session:
            await session.execute(statement, claim.order_id, claim.token, seconds, int(waited))

    async def wake(self, order_ids: Sequence[int]) -> None:
        async with self._db.session() as session:
            await session.execute(WAKE, list(order_ids))

    async def next_due(self) -> datetime | None:
        async with self._db.session() as session:
            moment: datetime | None = await session.fetchval(_NEXT)
        return moment
