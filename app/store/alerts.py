"""Alerts: which states somebody has to hear of, kept once each, and who sends them.

Owns `alert`. Rows are made by a look at the states in this database, so that no change is lost with
a worker; they are unique by (tenant, subject, code, since), so that none is told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from app.domain.alerts import Alert, AlertCode, AlertRow
from app.domain.troubles import EPISODE
from app.domain.views import Page
from app.store import alert_orders, alert_states, alert_systems
from app.store.database import Part, Session
from app.store.pages import LAST, after, page
from app.store.texts import key, text
from app.telemetry import scrub

LOCK_SPACE = 0x616C72  # "alr"; the second number is the tenant's
# The longest time without any look that is bridged: what stood before it and stands after it is one.
UNSEEN = timedelta(days=1)
# All that is no order's and no difference: what is not seen any more is over.
PASSING = tuple(one.value for one in AlertCode if one is not AlertCode.DRIFT)

# When it was looked last: while no worker ran nobody could see that a trouble stood. Kept seldom.
_SWEPT = """
SELECT now() AS now, (
    SELECT (body ->> 'at')::timestamptz FROM reference_cache
    WHERE tenant_id = $1 AND kind = 'alerts' AND key = 'swept') AS swept
"""
_SWEEPS = """
INSERT INTO reference_cache AS r (tenant_id, kind, key, body, expires_at)
VALUES ($1, 'alerts', 'swept', json_build_object('at', now()), now() + interval '10 years')
ON CONFLICT (tenant_id, kind, key) DO UPDATE SET body = EXCLUDED.body, expires_at = EXCLUDED.expires_at
WHERE (r.body ->> 'at')::timestamptz < now() - interval '1 minute'
"""
# What was sent is noted while nobody looks: each changes many rows, in an order of its own.
_ALONE = """
SELECT pg_advisory_xact_lock($1, tenant_id::int)
FROM (SELECT tenant_id FROM alert WHERE id = ANY ($2::bigint[]) LIMIT 1) AS one
"""
_TURN = "SELECT pg_try_advisory_xact_lock($1, $2)"
# What begins at a moment of its own is one row for that moment. The sentence is that of now until somebody
# was told it; and what was over before it was told, and is so again, has to be told after all.
_KEEP = """
INSERT INTO alert AS a (tenant_id, subject, code, since, sentence, order_number, who)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id, subject, code, since) DO UPDATE SET seen_at = now(),
    sentence = CASE WHEN a.told = '{}' THEN EXCLUDED.sentence ELSE a.sentence END,
    over_at = CASE WHEN a.sent_at IS NULL THEN NULL ELSE a.over_at END
WHERE a.seen_at < now() - interval '1 minute' OR (a.over_at IS NOT NULL AND a.sent_at IS NULL)
RETURNING xmax = 0 AS new
"""
# A trouble without a beginning of its own goes on as long as it is seen again in time.
_SEEN = """
UPDATE alert AS a SET seen_at = now(),
    sentence = CASE WHEN a.told = '{}' THEN $5 ELSE a.sentence END,
    over_at = CASE WHEN a.sent_at IS NULL THEN NULL ELSE a.over_at END
WHERE id = (
    SELECT id FROM alert WHERE tenant_id = $1 AND subject = $2 AND code = $3
    ORDER BY since DESC LIMIT 1)
  AND seen_at > $4
RETURNING id
"""
_RECOVERED = """
UPDATE alert SET over_at = now()
WHERE tenant_id = $1 AND sent_at IS NULL AND over_at IS NULL
  AND code = ANY ($2::text[]) AND seen_at < now() - interval '5 minutes'
"""
# Only what was never tried is waited for: what a place would not take yet keeps no burst from gathering.
_TAKE = """
WITH due AS (
    SELECT id, created_at, attempts FROM alert
    WHERE tenant_id = $1 AND sent_at IS NULL AND over_at IS NULL AND due_at <= now()
      AND (lease_until IS NULL OR lease_until <= now())
    FOR UPDATE SKIP LOCKED
)
UPDATE alert SET lease_until = now() + make_interval(secs => $3)
WHERE id IN (SELECT id FROM due) AND (
    SELECT coalesce(min(created_at) FILTER (WHERE attempts = 0), '-infinity') FROM due
) <= now() - make_interval(secs => $2)
RETURNING *
"""
_SENT = """
UPDATE alert SET told = array_append(told, $2) WHERE id = ANY ($1::bigint[]) AND NOT $2 = ANY (told)
"""
_END = """
UPDATE alert SET
    sent_at = CASE WHEN told @> $2::text[] THEN now() END,
    trouble = CASE WHEN told @> $2::text[] THEN NULL ELSE $3 END,
    attempts = attempts + 1, lease_until = NULL, due_at = now() + make_interval(secs => $4)
WHERE id = ANY ($1::bigint[])
"""
_LIST = "SELECT * FROM alert WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"


class Alerts(Part):
    """The part of the store that implements alerts.AlertStore."""

    async def sweep_alerts(self, tenant_id: int, silence: float) -> int | None:
        async with self._db.transaction() as session:
            if not await session.fetchval(_TURN, LOCK_SPACE, tenant_id):
                return None
            looked = await _looked(session, tenant_id)
            kept = await alert_orders.sweep(session, tenant_id)
            for one in await alert_states.drift(session, tenant_id, looked):
                kept += await _keep(session, tenant_id, one)
            for one in await alert_systems.troubles(session, tenant_id, looked - EPISODE):
                if not await _seen(session, tenant_id, one, looked - EPISODE):
                    kept += await _keep(session, tenant_id, one)
            for one in await alert_systems.dated(session, tenant_id, silence):
                kept += await _keep(session, tenant_id, one)
            for one in await alert_systems.long_pauses(session, tenant_id):
                kept += await _keep(session, tenant_id, one)
            await session.execute(_RECOVERED, tenant_id, list(PASSING))
        return kept

    async def take_alerts(self, tenant_id: int, gather: float, lease: float) -> list[AlertRow]:
        async with self._db.session() as session:
            found = await session.fetch(_TAKE, tenant_id, gather, lease)
        return sorted((_row(one) for one in found), key=lambda one: one.id)

    async def alerts_sent(self, ids: Sequence[int], place: str) -> None:
        async with self._db.transaction() as session:
            await session.fetch(_ALONE, LOCK_SPACE, list(ids))
            await session.execute(_SENT, list(ids), place)

    async def end_alerts(
        self, ids: Sequence[int], places: Sequence[str], trouble: str | None, again: float
    ) -> None:
        async with self._db.transaction() as session:
            await session.fetch(_ALONE, LOCK_SPACE, list(ids))
            await session.execute(_END, list(ids), list(places), trouble, again)

    async def alerts(self, tenant_id: int, cursor: str | None, limit: int) -> Page[AlertRow]:
        async with self._db.session() as session:
            found = await session.fetch(_LIST, tenant_id, after(cursor, LAST), limit + 1)
        return page(found, limit, _row)


async def _looked(session: Session, tenant_id: int) -> datetime:
    """When the states were looked at last, at most a minute late; and that they are now."""
    (row,) = await session.fetch(_SWEPT, tenant_id)
    await session.execute(_SWEEPS, tenant_id)
    now: datetime = row["now"]
    return max(row["swept"] or now, now - UNSEEN)


async def _seen(session: Session, tenant_id: int, alert: Alert, lately: datetime) -> bool:
    """Whether a trouble is one that is known and goes on."""
    named = (key(alert.subject), key(alert.code), lately, text(scrub(alert.sentence)))
    return await session.fetchval(_SEEN, tenant_id, *named) is not None


async def _keep(session: Session, tenant_id: int, alert: Alert) -> int:
    """Keep an alert, or that it still stands; how many are new."""
    new = await session.fetchval(
        _KEEP,
        tenant_id,
        key(alert.subject),
        key(alert.code),
        alert.since,
        text(scrub(alert.sentence)),
        alert.order,
        alert.who,
    )
    return int(bool(new))


def _row(row: Any) -> AlertRow:
    alert = Alert(
        row["subject"], row["code"], row["since"], row["sentence"], row["order_number"], row["who"]
    )
    return AlertRow(
        id=row["id"],
        alert=alert,
        created_at=row["created_at"],
        sent_at=row["sent_at"],
        over_at=row["over_at"],
        told=tuple(row["told"]),
        attempts=row["attempts"],
        trouble=row["trouble"],
    )
