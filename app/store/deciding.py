"""What a person decides about one order: a choice, a step left out, a hold and its end.

Owns these changes, each with its journal line, its audit row and the waking of the order in one
transaction. What a choice means is the gates' and steps' part.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.errors import StoreUnavailable
from app.domain.gone import Forgotten
from app.domain.records import Fact, JournalEntry
from app.domain.views import Audit, DecisionMade
from app.store import decided
from app.store.auditing import append
from app.store.claiming import WAKE
from app.store.database import Part, Session
from app.store.operating import ACTED, wake_as_a_person
from app.store.record_columns import DROP_LEDGER, DROP_REFS
from app.store.story import JOURNAL, columns, journal_columns
from app.store.texts import as_json, text, text_or_none

# First of all, as a worker's commit does.
_LOCK = "SELECT tenant_id FROM orders WHERE id = $1 FOR NO KEY UPDATE"
_DECIDE = """
INSERT INTO decision (tenant_id, order_id, step, subject, code, choice, reason, actor, about)
SELECT o.tenant_id, o.id, $2, $3, $4, $5, $6, $7, $8 FROM orders AS o WHERE o.id = $1
"""
# A step that a person leaves out keeps what it applied, so that the past stays told.
_SKIP = """
INSERT INTO applied (tenant_id, order_id, step, subject, state, sentence, since)
SELECT o.tenant_id, o.id, $2, $3, 'skipped', $4, now() FROM orders AS o WHERE o.id = $1
ON CONFLICT (order_id, step, subject) DO UPDATE SET
    state = 'skipped', sentence = EXCLUDED.sentence, code = NULL, who = NULL, choices = '[]',
    since = now(), retry_at = NULL, retry_wake = NULL
"""
_DROP_CLAIMS = """
DELETE FROM remote_claim WHERE order_id = $1 AND until IS NULL RETURNING tenant_id, kind, key
"""
_WAITERS = """
DELETE FROM claim_waiter AS w USING unnest($1::bigint[], $2::text[], $3::text[])
    AS t (tenant_id, kind, key)
WHERE w.tenant_id = t.tenant_id AND w.kind = t.kind AND w.key = t.key
RETURNING w.order_id
"""
_PINNED = """
SELECT tenant_id, scenario, scenario_version, behaviour FROM orders WHERE id = $1
FOR NO KEY UPDATE
"""
# A statement of its own: it sees what was begun while the lock was waited for.
_UNSURE = """
SELECT EXISTS (SELECT FROM intent WHERE order_id = $1 AND outcome IS NULL)
    OR EXISTS (SELECT FROM step_run WHERE order_id = $1 AND state = 'running')
"""
_REPIN = """
UPDATE orders AS o SET scenario = $2, scenario_version = $3, behaviour = $4::text::json,
    scenario_hash = (
        SELECT body_hash FROM scenario_body AS b
        WHERE b.tenant_id = o.tenant_id AND b.name = $2 AND b.version = $3
        ORDER BY seen_at DESC LIMIT 1),
    lease_owner = NULL, lease_token = NULL, lease_until = NULL
WHERE o.id = $1
"""
_FACT = """
INSERT INTO fact AS f (tenant_id, order_id, kind, key, body, seen_at)
SELECT o.tenant_id, o.id, $2, $3, $4::text::json, now() FROM orders AS o WHERE o.id = $1
ON CONFLICT (order_id, kind, key) DO UPDATE SET body = EXCLUDED.body, seen_at = EXCLUDED.seen_at
"""
_UNSEE = """
DELETE FROM fact AS f USING unnest($2::text[], $3::text[]) AS given (kind, key)
WHERE f.order_id = $1 AND f.kind = given.kind AND f.key = given.key
"""
_FORGET = "DELETE FROM intent WHERE order_id = $1 AND id = ANY($2::bigint[])"
_END_LEASE = """
UPDATE orders SET lease_owner = NULL, lease_token = NULL, lease_until = NULL WHERE id = $1
"""
_HOLD = "UPDATE orders SET held_by = $2 WHERE id = $1 RETURNING tenant_id"


class Deciding(Part):
    """The part of the store behind `decide`, `skip`, `hold` and `release`."""

    async def decide(self, made: DecisionMade) -> bool:
        """Keep a decision and wake the order with its retries reset. With `skip` the step is left
        out from now on; with `release` a person's hold ends. False, and nothing is kept: it would
        `forget` while a step is under way or a write is in doubt. Raises KeyError."""
        one = made.decision
        async with self._db.transaction() as session:
            tenant_id = await session.fetchval(_LOCK, made.order_id)
            if tenant_id is None:
                raise KeyError(made.order_id)
            if made.forget is not None:
                # Steps begin, and writes are announced, under the same lock.
                if await session.fetchval(_UNSURE, made.order_id):
                    return False
                await _forget(session, made.order_id, made.forget, made.intents)
            await session.execute(
                _DECIDE,
                made.order_id,
                one.step,
                one.subject,
                one.code.value,
                text(one.choice),
                text(one.reason),
                text(one.actor),
                one.about,
            )
            if made.skip:
                sentence = text(decided.left_out(one))
                await session.execute(_SKIP, made.order_id, one.step, one.subject, sentence)
            if made.release:
                await session.fetchval(_HOLD, made.order_id, None)
            await append(session, tenant_id, decided.audit(made))
            await wake_as_a_person(session, [made.order_id], decided.entry(made))
            dropped = []
            if made.drop_claims:
                dropped = await session.fetch(_DROP_CLAIMS, made.order_id)
        await self._wake_who_waited(dropped)
        return True

    async def _wake_who_waited(self, dropped: Sequence[Any]) -> None:
        """In a transaction of its own, as a commit does; who is missed looks at its own time."""
        if not dropped:
            return
        given = columns([(row["tenant_id"], row["kind"], row["key"]) for row in dropped])
        with contextlib.suppress(StoreUnavailable):
            async with self._db.transaction() as session:
                found = await session.fetch(_WAITERS, *given)
                await session.execute(WAKE, sorted({row["order_id"] for row in found}))

    async def hold(self, order_id: int, actor: str, reason: str) -> None:
        """Hold an order until `release_hold`. Raises KeyError."""
        held_by = f"{actor}: {reason}"
        await self._hold(order_id, held_by, decided.held(actor, reason), "order.hold")

    async def release_hold(self, order_id: int, actor: str, reason: str) -> None:
        """End a person's hold. Raises KeyError."""
        await self._hold(order_id, None, decided.released(actor, reason), "order.release")

    async def keep_fact(self, order_id: int, fact: Fact, entry: JournalEntry, audit: Audit) -> None:
        """Keep what a person said of an order, and wake it with its retries reset. Raises
        KeyError."""
        async with self._db.transaction() as session:
            tenant_id = await session.fetchval(_LOCK, order_id)
            if tenant_id is None:
                raise KeyError(order_id)
            await session.execute(_FACT, order_id, fact.kind, fact.key, as_json(dict(fact.body)))
            await append(session, tenant_id, audit)
            await wake_as_a_person(session, [order_id], entry)

    async def repin(
        self, order_id: int, pin: tuple[str, int, Mapping[str, Any]], actor: str, reason: str
    ) -> bool:
        """Pin the order anew. Its lease ends, so that a worker that read it before begins again:
        none has begun a step, so none has sent anything. Raises KeyError."""
        name, version, behaviour = pin
        async with self._db.transaction() as session:
            row = await session.fetchrow(_PINNED, order_id)
            if row is None:
                raise KeyError(order_id)
            # Steps begin, and writes are announced, under the same lock.
            if await session.fetchval(_UNSURE, order_id):
                return False
            await session.execute(_REPIN, order_id, name, version, as_json(dict(behaviour)))
            entry = decided.repinned(row, pin, actor, reason)
            audit = Audit(actor, "order.repin", str(order_id), entry.data)
            await append(session, row["tenant_id"], audit)
            await wake_as_a_person(session, [order_id], entry)
        return True

    async def _hold(
        self, order_id: int, held_by: str | None, entry: JournalEntry, action: str
    ) -> None:
        async with self._db.transaction() as session:
            tenant_id = await session.fetchval(_HOLD, order_id, text_or_none(held_by))
            if tenant_id is None:
                raise KeyError(order_id)
            audit = Audit(entry.actor, action, str(order_id), {"told": entry.sentence})
            await append(session, tenant_id, audit)
            await _tell_and_wake(session, order_id, entry)


async def _forget(
    session: Session, order_id: int, forget: Forgotten, intents: Sequence[int]
) -> None:
    """The order's lease ends, so that a worker that read it before begins again."""
    steps, subjects = zip(*forget.ledger, strict=True) if forget.ledger else ((), ())
    of = [order_id] * len(steps)
    await session.execute(DROP_LEDGER, of, list(steps), list(subjects))
    kinds, keys = zip(*forget.refs, strict=True) if forget.refs else ((), ())
    await session.execute(DROP_REFS, [order_id] * len(kinds), list(kinds), list(keys))
    kinds, keys = zip(*forget.facts, strict=True) if forget.facts else ((), ())
    await session.execute(_UNSEE, order_id, list(kinds), list(keys))
    await session.execute(_FORGET, order_id, list(intents))
    await session.execute(_END_LEASE, order_id)


async def _tell_and_wake(session: Session, order_id: int, entry: JournalEntry) -> None:
    await session.execute(JOURNAL, *journal_columns([(order_id, entry)]))
    await session.execute(ACTED, [order_id])
    await session.execute(WAKE, [order_id])
