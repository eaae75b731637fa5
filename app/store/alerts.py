"""Alerts: which states somebody has to hear of, kept once each, and who sends them.

Owns `alert`. Rows are made by a look at the states in this database, so that no change is lost with
a worker; they are unique by (tenant, subject, code, since), so that none is told twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.alerts import Alert, AlertCode, AlertRow, impersonal
from app.domain.codes import Code
from app.domain.views import Page
from app.store import alert_states, rows
from app.store.database import Part, Session
from app.store.pages import LAST, after, page
from app.store.texts import key, text
from app.telemetry import scrub

LOCK_SPACE = 0x616C72  # "alr"; the second number is the tenant's
# A connection, or an order, that comes and goes within this is one trouble, not many.
EPISODE_MINUTES = 30
LONG_MINUTES = 15  # a shorter pause of a vendor's is in the run of things
DOWN_SECONDS = 120  # a shorter absence is nobody's business
ENDING_DAYS = 14
PASSING = (AlertCode.CONNECTION_DOWN, AlertCode.CONNECTION_PAUSED, AlertCode.TURN_FAILING)

_TURN = "SELECT pg_try_advisory_xact_lock($1, $2)"
# A person's own hold is no news to people.
_ORDERS = """
INSERT INTO alert (tenant_id, subject, code, since, sentence, order_number, who)
SELECT $1, subject, code, since, sentence, number, who
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
    AS new (subject, code, since, sentence, number, who)
ON CONFLICT (tenant_id, subject, code, since) DO NOTHING RETURNING id
"""
_NEW = f"""
SELECT 'order:' || o.id AS subject, o.code, coalesce(o.since, o.created_at) AS since, o.sentence,
    {rows.ORDER_NAME} AS number, coalesce(o.who, 'operator') AS who, o.customer,
    (SELECT a.sentence FROM alert AS a
     WHERE a.tenant_id = $1 AND a.subject = 'order:' || o.id AND a.code = o.code AND a.told <> '{{}}'
       AND a.created_at > now() - interval '{EPISODE_MINUTES} minutes'
     ORDER BY a.since DESC LIMIT 1) AS told_lately
FROM orders AS o
WHERE o.tenant_id = $1 AND o.state IN ('held', 'parked') AND o.code IS NOT NULL
  AND o.held_by IS NULL AND NOT EXISTS (
    SELECT FROM alert AS a WHERE a.tenant_id = $1 AND a.subject = 'order:' || o.id
    AND a.code = o.code AND a.since = coalesce(o.since, o.created_at))
"""  # noqa: S608 - constant text
_PAUSED = """
SELECT id, kind, name, pause_code, pause_sentence FROM connection
WHERE tenant_id = $1 AND paused AND paused_by = 'service' AND pause_code <> $2
  AND (paused_until IS NULL OR paused_until > now() - interval '2 minutes')
"""
# A pause that a vendor asked for, as for the rest of its day. Extended, it is the same pause.
_LONG = """
SELECT id, kind, name, paused_since AS since, paused_until AS until, pause_sentence FROM connection
WHERE tenant_id = $1 AND paused AND paused_by = 'service' AND pause_code = $2
  AND paused_until > now() AND paused_until > paused_since + make_interval(mins => $3)
"""
# Sentences of failures begin with the system: "ConnectWise (GET /x): ..." or "The ledger: ...".
_DOWN = """
SELECT split_part(split_part(sentence, ':', 1), ' (', 1) AS system, count(*) AS orders
FROM orders
WHERE tenant_id = $1 AND state = 'waiting' AND code = ANY ($2::text[])
  AND since < now() - make_interval(secs => $3)
GROUP BY 1
"""
_GRANTS = """
SELECT c.id, c.kind, g.trouble, least(g.refresh_until, g.grant_until) AS until, now() AS now
FROM ledger_grant AS g JOIN connection AS c ON c.id = g.connection_id
WHERE c.tenant_id = $1
  AND (g.trouble IS NOT NULL
       OR least(g.refresh_until, g.grant_until) < now() + make_interval(days => $2))
"""
_KEEP = """
INSERT INTO alert (tenant_id, subject, code, since, sentence, order_number, who)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, subject, code, since) DO NOTHING
RETURNING id
"""
# It still stands: retention looks at this (`settled.py`). Seldom, because a sweep comes every few seconds.
_STANDS = """
UPDATE alert SET seen_at = now()
WHERE tenant_id = $1 AND subject = $2 AND code = $3 AND since = $4
  AND seen_at < now() - interval '1 hour'
"""
# A trouble without a beginning of its own goes on as long as it is seen again in time.
_SEEN = f"""
UPDATE alert SET seen_at = now() WHERE id = (
    SELECT id FROM alert WHERE tenant_id = $1 AND subject = $2 AND code = $3
    ORDER BY since DESC LIMIT 1)
  AND seen_at > now() - interval '{EPISODE_MINUTES} minutes'
RETURNING id
"""  # noqa: S608 - constant text
_STILL = """
UPDATE alert SET seen_at = now() WHERE tenant_id = $1 AND subject = $2 AND code = $3 AND since = $4
RETURNING id
"""
# No longer so: whom no message has reached yet, one would only puzzle.
_OVER = """
UPDATE alert AS a SET over_at = now() FROM orders AS o
WHERE a.tenant_id = $1 AND a.sent_at IS NULL AND a.over_at IS NULL
  AND a.subject = 'order:' || o.id AND o.state <> 'running'
  AND (o.state NOT IN ('held', 'parked') OR o.held_by IS NOT NULL
       OR o.code IS DISTINCT FROM a.code OR coalesce(o.since, o.created_at) <> a.since)
"""
_RECOVERED = """
UPDATE alert SET over_at = now()
WHERE tenant_id = $1 AND sent_at IS NULL AND over_at IS NULL
  AND code = ANY ($2::text[]) AND seen_at < now() - interval '5 minutes'
"""
_TAKE = """
WITH due AS (
    SELECT id FROM alert
    WHERE tenant_id = $1 AND sent_at IS NULL AND over_at IS NULL AND due_at <= now()
      AND (lease_until IS NULL OR lease_until <= now())
    FOR UPDATE SKIP LOCKED
)
UPDATE alert SET lease_until = now() + make_interval(secs => $3)
WHERE id IN (SELECT id FROM due) AND (
    SELECT min(created_at) FROM alert WHERE id IN (SELECT id FROM due)
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

    async def sweep_alerts(self, tenant_id: int, silence: float) -> int:
        async with self._db.transaction() as session:
            if not await session.fetchval(_TURN, LOCK_SPACE, tenant_id):
                return 0
            kept = await _orders(session, tenant_id)
            for one in await alert_states.drift(session, tenant_id):
                kept += await _keep(session, tenant_id, one)
            for one in await _troubles(session, tenant_id):
                if await session.fetchval(_SEEN, tenant_id, one.subject, one.code) is None:
                    kept += await _keep(session, tenant_id, one)
            for one in await _dated(session, tenant_id, silence):
                kept += await _keep(session, tenant_id, one)
            for one in await _long(session, tenant_id):
                known = (tenant_id, one.subject, one.code, one.since)
                if await session.fetchval(_STILL, *known) is None:
                    kept += await _keep(session, tenant_id, one)
            await session.execute(_OVER, tenant_id)
            passing = [one.value for one in PASSING]
            await session.execute(_RECOVERED, tenant_id, passing)
        return kept

    async def take_alerts(self, tenant_id: int, gather: float, lease: float) -> list[AlertRow]:
        async with self._db.session() as session:
            found = await session.fetch(_TAKE, tenant_id, gather, lease)
        return sorted((_row(one) for one in found), key=lambda one: one.id)

    async def alerts_sent(self, ids: Sequence[int], place: str) -> None:
        async with self._db.session() as session:
            await session.execute(_SENT, list(ids), place)

    async def end_alerts(
        self, ids: Sequence[int], places: Sequence[str], trouble: str | None, again: float
    ) -> None:
        async with self._db.session() as session:
            await session.execute(_END, list(ids), list(places), trouble, again)

    async def alerts(self, tenant_id: int, cursor: str | None, limit: int) -> Page[AlertRow]:
        async with self._db.session() as session:
            found = await session.fetch(_LIST, tenant_id, after(cursor, LAST), limit + 1)
        return page(found, limit, _row)


async def _keep(session: Session, tenant_id: int, alert: Alert) -> int:
    kept = await session.fetchval(
        _KEEP,
        tenant_id,
        key(alert.subject),
        key(alert.code),
        alert.since,
        text(scrub(alert.sentence)),
        alert.order,
        alert.who,
    )
    if kept is None:
        named = (key(alert.subject), key(alert.code), alert.since)
        await session.execute(_STANDS, tenant_id, *named)
    return int(kept is not None)


async def _orders(session: Session, tenant_id: int) -> int:
    """H11: each order that newly needs a person, or ran out of retries. One that comes back to the very
    same sentence is told again only when it stays."""
    new = [
        (row, sentence)
        for row in await session.fetch(_NEW, tenant_id)
        if (sentence := text(scrub(impersonal(row["sentence"] or "", row["customer"]))))
        != row["told_lately"]
    ]
    if not new:
        return 0
    columns = (
        [row["subject"] for row, _ in new],
        [row["code"] for row, _ in new],
        [row["since"] for row, _ in new],
        [sentence for _, sentence in new],
        [row["number"] for row, _ in new],
        [row["who"] for row, _ in new],
    )
    return len(await session.fetch(_ORDERS, tenant_id, *columns))


async def _troubles(session: Session, tenant_id: int) -> list[Alert]:
    """What is wrong with connections and has no beginning that anybody keeps."""
    now = await session.fetchval("SELECT now()")
    found = [
        Alert(
            f"connection:{row['id']}",
            AlertCode.CONNECTION_PAUSED,
            now,
            f"The connection {row['name']} of {row['kind']} is not called: "
            f"{row['pause_code']}: {row['pause_sentence']}",
        )
        for row in await session.fetch(_PAUSED, tenant_id, Code.RATE_LIMITED.value)
    ]
    away = [Code.CONNECTION_UNREACHABLE.value, Code.REMOTE_UNWELL.value]
    found.extend(
        Alert(
            f"system:{row['system']}",
            AlertCode.CONNECTION_DOWN,
            now,
            f"{row['system']} cannot be used; {row['orders']} order"
            f"{'s wait' if row['orders'] > 1 else ' waits'} for it.",
        )
        for row in await session.fetch(_DOWN, tenant_id, away, float(DOWN_SECONDS))
    )
    found.extend(
        Alert(
            f"connection:{row['id']}",
            AlertCode.CONSENT_ENDED,
            now,
            f"{row['kind'].capitalize()} gives no token: {row['trouble']} Sign in again.",
        )
        for row in await session.fetch(_GRANTS, tenant_id, ENDING_DAYS)
        if row["trouble"] is not None
    )
    found.extend(await alert_states.unread(session, tenant_id))
    return found


async def _long(session: Session, tenant_id: int) -> list[Alert]:
    """Pauses of vendors that last, each with the moment at which calls go on."""
    return [
        Alert(
            f"connection:{row['id']}",
            AlertCode.CONNECTION_PAUSED,
            row["since"],
            f"The connection {row['name']} of {row['kind']} is not called; it goes on by itself at "
            f"{row['until']:%Y-%m-%d %H:%M} UTC: {row['pause_sentence']}",
        )
        for row in await session.fetch(_LONG, tenant_id, Code.RATE_LIMITED.value, LONG_MINUTES)
    ]


async def _dated(session: Session, tenant_id: int, silence: float) -> list[Alert]:
    """What has its own moment: the end of a consent, the last delivery."""
    found = []
    for row in await session.fetch(_GRANTS, tenant_id, ENDING_DAYS):
        if row["until"] is None:
            continue
        over = row["until"] <= row["now"]
        told = "ended" if over else "ends"
        code = AlertCode.CONSENT_ENDED if over else AlertCode.CONSENT_ENDING
        sentence = (
            f"The consent to {row['kind']} {told} on {row['until']:%Y-%m-%d}. Sign in: "
            f"`demandlink connections sign-in {row['kind']}`."
        )
        found.append(Alert(f"connection:{row['id']}", code, row["until"], sentence))
    if silence > 0:
        found.extend(await alert_states.silent(session, tenant_id, silence))
    return found


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
