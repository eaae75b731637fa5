"""Before a write is sent: intents, and claims on records that several orders may want.

Owns `intent` until its outcome is recorded, `remote_claim` and who waits for one. Everything here
is committed when it returns, and only while the order's token holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.errors import LeaseLost
from app.domain.ports import SharedClaim
from app.domain.records import QUOTE, CallRecord, Claim, Intent
from app.store import rows
from app.store.database import Part
from app.store.story import CALLS, call_columns
from app.store.texts import as_json, text
from app.store.texts import key as index_key

# The order's row is locked, so that nobody can take the order over between the look at the token
# and the commit: whoever takes it over afterwards sees the intent.
_BEGIN = f"""
WITH held AS MATERIALIZED (
    SELECT id, tenant_id FROM orders WHERE id = $1 AND lease_token = $2 FOR NO KEY UPDATE
), fresh AS (
    INSERT INTO intent AS i (
        tenant_id, order_id, step, subject, kind, key, evidence, shared, committed_at
    )
    SELECT tenant_id, id, $3, $4, $5, $6, $7::text::json, $8, clock_timestamp() FROM held
    ON CONFLICT (order_id, step, subject, kind, key) DO NOTHING
    RETURNING {rows.INTENT_COLUMNS}, true AS fresh
), known AS (
    SELECT {rows.INTENT_COLUMNS}, false AS fresh FROM intent AS i JOIN held ON held.id = i.order_id
    WHERE i.step = $3 AND i.subject = $4 AND i.kind = $5 AND i.key = $6
)
SELECT * FROM fresh UNION ALL SELECT * FROM known
"""  # noqa: S608 - constant text

# An inherited intent (another order's, shared) may be announced again by who took it over.
_AGAIN = f"""
WITH held AS MATERIALIZED (
    SELECT id, tenant_id FROM orders WHERE id = $1 AND lease_token = $2 FOR NO KEY UPDATE
)
UPDATE intent AS i SET attempt = attempt + 1, committed_at = clock_timestamp(), looked_at = NULL
FROM held
WHERE i.id = $3 AND i.tenant_id = held.tenant_id AND (i.order_id = held.id OR i.shared)
RETURNING {rows.INTENT_COLUMNS}
"""  # noqa: S608 - constant text

# A claim is free when it ran out and nobody drives its order, which may be about to create by it,
# or when its order needs it no more.
_TAKE = """
INSERT INTO remote_claim AS mine (tenant_id, kind, key, order_id, until)
SELECT tenant_id, $2, $3, id, now() + make_interval(secs => $4) FROM orders WHERE id = $1
ON CONFLICT (tenant_id, kind, key) DO UPDATE
SET order_id = EXCLUDED.order_id, until = EXCLUDED.until, claimed_at = now()
WHERE mine.order_id = EXCLUDED.order_id
   OR EXISTS (
       SELECT FROM orders WHERE id = mine.order_id
       AND (state IN ('done', 'cancelled')
            OR mine.until <= now() AND (lease_token IS NULL OR lease_until <= now())))
RETURNING until
"""
_STILL_HELD = (
    "SELECT tenant_id, wake_seq FROM orders WHERE id = $1 AND lease_token = $2 FOR NO KEY UPDATE"
)
_INHERITED = f"""
SELECT {rows.INTENT_COLUMNS} FROM intent AS i
WHERE i.tenant_id = $1 AND i.kind = $2 AND i.shared AND i.outcome IS NULL AND i.order_id <> $4
  AND (i.key = $3 OR i.evidence->>'also' = $3)
ORDER BY i.id
"""  # noqa: S608 - constant text
_WAIT = """
INSERT INTO claim_waiter (tenant_id, kind, key, order_id) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_NO_LONGER_WAITS = """
DELETE FROM claim_waiter WHERE tenant_id = $1 AND kind = $2 AND key = $3 AND order_id = $4
"""
# Declined quotes alone carry such intents; they carry the opportunity before they announce one.
_MARKED_LOST = f"""
SELECT {rows.ORDER_NAME} AS name, coalesce(i.outcome_at, i.committed_at) AS at
FROM external_ref AS e JOIN order_ref AS r ON r.ref_id = e.id
JOIN orders AS o ON o.id = r.order_id AND starts_with(o.source_id, $3)
JOIN intent AS i ON i.order_id = o.id AND i.kind = 'lost_opportunity'
    AND starts_with(i.key, e.external_id || '@')
WHERE e.tenant_id = $1 AND e.kind = 'opportunity' AND e.external_id = $2
ORDER BY i.committed_at DESC LIMIT 1
"""  # noqa: S608 - constant text
_UNTIL = """
SELECT greatest(coalesce(r.until, now() + interval '1 minute'), o.lease_until)
FROM remote_claim AS r JOIN orders AS o ON o.id = r.order_id
WHERE r.tenant_id = $1 AND r.kind = $2 AND r.key = $3
"""


class Announcing(Part):
    """The part of the store that makes doubt resolvable."""

    async def begin(
        self,
        claim: Claim,
        *,
        step: str,
        subject: str,
        kind: str,
        key: str,
        evidence: Mapping[str, Any],
        shared: bool = False,
        calls: Sequence[CallRecord] = (),
    ) -> Intent:
        given = (
            claim.order_id,
            claim.token,
            step,
            index_key(subject),
            kind,
            index_key(key),
            as_json(dict(evidence)),
            shared,
        )
        async with self._db.session() as session:
            if not calls:
                row = await session.fetchrow(_BEGIN, *given)
            else:
                async with session.transaction():
                    row = await session.fetchrow(_BEGIN, *given)
                    if row is not None:
                        columns = call_columns([(claim.order_id, call) for call in calls])
                        await session.execute(CALLS, *columns)
        if row is None:
            raise LeaseLost
        return rows.intent(row, fresh=row["fresh"])

    async def announce_again(self, claim: Claim, intent_id: int) -> Intent:
        async with self._db.session() as session:
            row = await session.fetchrow(_AGAIN, claim.order_id, claim.token, intent_id)
        if row is None:
            raise LeaseLost
        return rows.intent(row, fresh=True)

    async def claim_shared(
        self, claim: Claim, kind: str, key: str, lease: float | None
    ) -> SharedClaim:
        record = (text(kind), index_key(key))
        async with self._db.transaction() as session:
            # The claim's row first, the order's second: a commit that drops the claim holds its
            # own orders and then takes the claim, so the two cannot wait for each other.
            taken = await session.fetchrow(_TAKE, claim.order_id, *record, lease)
            held = await session.fetchrow(_STILL_HELD, claim.order_id, claim.token)
            if held is None:
                raise LeaseLost
            tenant_id: int = held["tenant_id"]
            if taken is None:
                # The conflict locked the claim: it is dropped after this commit, and wakes us.
                await session.execute(_WAIT, tenant_id, *record, claim.order_id)
                until: datetime | None = await session.fetchval(_UNTIL, tenant_id, *record)
                return SharedClaim(owned=False, until=until)
            await session.execute(_NO_LONGER_WAITS, tenant_id, *record, claim.order_id)
            open_intents = await session.fetch(_INHERITED, tenant_id, *record, claim.order_id)
        inherited = tuple(rows.intent(row) for row in open_intents)
        return SharedClaim(True, taken["until"], inherited, held["wake_seq"])

    async def marked_lost(self, tenant_id: int, opportunity: int) -> tuple[str, datetime] | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_MARKED_LOST, tenant_id, str(opportunity), QUOTE)
        return (row["name"], row["at"]) if row is not None else None
