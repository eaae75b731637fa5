"""Orders that need a person, as alerts: which are news, which only went on, and which are settled.

Owns these queries. What makes a trouble the same is `domain.troubles`; the order's row says since when
its own stands (`recording._ANSWER`), and when a person acted on it.
"""

from __future__ import annotations

from typing import Any

from app.domain.alerts import impersonal
from app.domain.troubles import EPISODE, trouble_of
from app.store import rows
from app.store.database import Session
from app.store.texts import text
from app.telemetry import scrub

# Of an order o. Without `stood_since` it was stopped by a release before there was one.
_SINCE = "coalesce(o.stood_since, o.since, o.created_at)"
# A person's own hold is no news to people; nor is what stood when a person acted, until it was looked at.
_STOPPED = """(o.state IN ('held', 'parked') AND o.code IS NOT NULL AND o.held_by IS NULL
    AND (o.stood_as IS NOT NULL OR o.stood_since IS NULL))"""
# The alert a still stands: it is told, or the order is only being looked at (`troubles.passes`).
_STANDS = f"""(a.since = {_SINCE} AND CASE WHEN o.state IN ('held', 'parked')
    THEN {_STOPPED} AND o.code = a.code
    ELSE o.state NOT IN ('done', 'cancelled') AND o.held_by IS NULL AND o.stood_until IS NULL
        AND coalesce(starts_with(o.stood_as, a.code || ' '), false) END)"""
_OF_ALERT = """o.id =
    CASE WHEN a.subject ~ '^order:[0-9]{1,18}$' THEN substring(a.subject FROM 7)::bigint END"""
_ORDERS = """
INSERT INTO alert (tenant_id, subject, code, since, sentence, order_number, who)
SELECT $1, subject, code, since, sentence, number, who
FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
    AS new (subject, code, since, sentence, number, who)
ON CONFLICT (tenant_id, subject, code, since) DO NOTHING RETURNING id
"""
# With the alerts of the same code that were seen to stand lately, since nobody acted, newest last.
_NEW = f"""
SELECT 'order:' || o.id AS subject, o.code, {_SINCE} AS since, o.sentence,
    {rows.ORDER_NAME} AS number, coalesce(o.who, 'operator') AS who, o.customer, known.ids, known.told
FROM orders AS o CROSS JOIN LATERAL (
    SELECT array_agg(a.id ORDER BY a.id) AS ids, array_agg(a.sentence ORDER BY a.id) AS told
    FROM alert AS a
    WHERE a.tenant_id = $1 AND a.subject = 'order:' || o.id AND a.code = o.code
      AND a.seen_at > now() - interval '{int(EPISODE.total_seconds())} seconds'
      AND a.created_at > coalesce(o.acted_at, '-infinity')
) AS known
WHERE o.tenant_id = $1 AND {_STOPPED} AND NOT EXISTS (
    SELECT FROM alert AS a WHERE a.tenant_id = $1 AND a.subject = 'order:' || o.id
    AND a.code = o.code AND a.since = {_SINCE})
"""  # noqa: S608 - constant text
# It is the same one: its row goes on under the new beginning, so that the next look knows it.
_GOES_ON = """
UPDATE alert AS a SET since = t.since, seen_at = now(),
    over_at = CASE WHEN a.sent_at IS NULL THEN NULL ELSE a.over_at END
FROM unnest($1::bigint[], $2::timestamptz[]) AS t (id, since) WHERE a.id = t.id
"""
# Seldom, because a sweep comes every few seconds; and what was over before it was told, and is so again,
# has to be told after all.
_SEEN = f"""
UPDATE alert AS a SET seen_at = now(),
    over_at = CASE WHEN a.sent_at IS NULL THEN NULL ELSE a.over_at END
FROM orders AS o
WHERE o.tenant_id = $1 AND o.state IN ('held', 'parked')
  AND a.tenant_id = $1 AND a.subject = 'order:' || o.id AND {_STANDS}
  AND (a.seen_at < now() - interval '5 minutes' OR (a.over_at IS NOT NULL AND a.sent_at IS NULL))
"""  # noqa: S608 - constant text
# What nobody was told yet is told as it stands now.
_UNTOLD = f"""
SELECT a.id, a.sentence AS kept, o.sentence, o.customer FROM alert AS a JOIN orders AS o ON {_OF_ALERT}
WHERE a.tenant_id = $1 AND a.sent_at IS NULL AND a.over_at IS NULL AND a.told = '{{}}'
  AND o.state IN ('held', 'parked') AND {_STANDS}
"""  # noqa: S608 - constant text
_SAYS = "UPDATE alert SET sentence = $2 WHERE id = $1 AND told = '{}'"
# No longer so: whom no message has reached yet, one would only puzzle.
_OVER = f"""
UPDATE alert AS a SET over_at = now() FROM orders AS o
WHERE a.tenant_id = $1 AND a.sent_at IS NULL AND a.over_at IS NULL AND {_OF_ALERT}
  AND o.state <> 'running' AND NOT {_STANDS}
"""  # noqa: S608 - constant text


async def sweep(session: Session, tenant_id: int) -> int:
    """H11: each order that newly needs a person, or ran out of retries; how many are news."""
    await session.execute(_SEEN, tenant_id)
    for row in await session.fetch(_UNTOLD, tenant_id):
        if (sentence := _sentence(row)) != row["kept"]:
            await session.execute(_SAYS, row["id"], sentence)
    new, known = [], []
    for row in await session.fetch(_NEW, tenant_id):
        sentence = _sentence(row)
        number = _same(row, sentence)
        if number is None:
            new.append((row, sentence))
        else:
            known.append((number, row["since"]))
    if known:
        await session.execute(_GOES_ON, [one for one, _ in known], [since for _, since in known])
    kept = []
    if new:
        columns = (
            [row["subject"] for row, _ in new],
            [row["code"] for row, _ in new],
            [row["since"] for row, _ in new],
            [sentence for _, sentence in new],
            [row["number"] for row, _ in new],
            [row["who"] for row, _ in new],
        )
        kept = await session.fetch(_ORDERS, tenant_id, *columns)
    await session.execute(_OVER, tenant_id)
    return len(kept)


def _sentence(row: Any) -> str:
    return text(scrub(impersonal(row["sentence"] or "", row["customer"])))


def _same(row: Any, sentence: str) -> int | None:
    """The alert that an order's trouble is already, None: it is news."""
    trouble = trouble_of(row["code"], sentence)
    for number, told in reversed(list(zip(row["ids"] or (), row["told"] or (), strict=True))):
        if trouble_of(row["code"], told) == trouble:
            return int(number)
    return None
