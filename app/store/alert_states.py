"""States beside orders and connections that somebody has to hear of: drift, and a Commerce that is
not read.

Owns which findings and which failures of the poll become an alert, and when one is over. The rows are
`alerts.py`'s.
"""

from __future__ import annotations

from app.domain.alerts import Alert, AlertCode, impersonal
from app.domain.errors import POLICIES, FailureKind
from app.domain.polling import PollState
from app.store import rows
from app.store.database import Session

# A finding that goes and comes within this is one difference, not many: it is told when it stays.
FINDING_HOURS = 24
# Tries of the poll in a row, each up to a minute after the other: about a quarter of an hour.
TRIES = 20

_KEY = "CASE WHEN length(f.key) > 200 THEN md5(f.key) ELSE f.key END"
_SUBJECT = f"'drift:' || coalesce(f.order_id::text, '-') || ':' || {_KEY}"
_NEW = f"""
SELECT {_SUBJECT} AS subject, f.since, f.sentence, f.who, o.customer,
    CASE WHEN o.id IS NOT NULL THEN {rows.ORDER_NAME} END AS number
FROM drift_finding AS f LEFT JOIN orders AS o ON o.id = f.order_id
WHERE f.tenant_id = $1 AND f.standing = 'open' AND NOT EXISTS (
    SELECT FROM alert AS a WHERE a.tenant_id = $1 AND a.code = $2 AND a.subject = {_SUBJECT}
      AND (a.since = f.since OR a.seen_at > now() - interval '{FINDING_HOURS} hours'))
ORDER BY f.id
"""  # noqa: S608 - constant text
# It still stands: retention looks at this, and so does the look for one that comes again.
_STANDS = f"""
UPDATE alert AS a SET seen_at = now() FROM drift_finding AS f
WHERE f.tenant_id = $1 AND f.standing IN ('open', 'fixing') AND a.tenant_id = $1 AND a.code = $2
  AND a.subject = {_SUBJECT} AND a.since = f.since AND a.seen_at < now() - interval '1 hour'
"""  # noqa: S608 - constant text
_OVER = f"""
UPDATE alert AS a SET over_at = now()
WHERE a.tenant_id = $1 AND a.code = $2 AND a.sent_at IS NULL AND a.over_at IS NULL
  AND starts_with(a.subject, 'drift:') AND NOT EXISTS (
    SELECT FROM drift_finding AS f WHERE f.tenant_id = $1 AND f.standing IN ('open', 'fixing')
      AND {_SUBJECT} = a.subject AND f.since = a.since)
"""  # noqa: S608 - constant text
_POLLS = "SELECT state FROM commerce_poll WHERE tenant_id = $1 AND state ->> 'failing' IS NOT NULL"


async def drift(session: Session, tenant_id: int) -> list[Alert]:
    """H12: each difference that newly needs a person."""
    code = AlertCode.DRIFT.value
    await session.execute(_STANDS, tenant_id, code)
    await session.execute(_OVER, tenant_id, code)
    return [
        Alert(
            row["subject"],
            code,
            row["since"],
            impersonal(row["sentence"], row["customer"]),
            row["number"],
            row["who"],
        )
        for row in await session.fetch(_NEW, tenant_id, code)
    ]


async def unread(session: Session, tenant_id: int) -> list[Alert]:
    """A Commerce that the poll does not get at: no order comes in and none waits, so that nothing else
    shows it. A pause of its connection is told by itself."""
    states = [PollState.of(row["state"]) for row in await session.fetch(_POLLS, tenant_id)]
    if not any(_lasts(one) for one in states):
        return []
    now = await session.fetchval("SELECT now()")
    sentence = "Commerce cannot be read: no order comes in by the poll. Ask `demandlink doctor`."
    return [Alert("system:Commerce", AlertCode.CONNECTION_DOWN, now, sentence)]


def _lasts(state: PollState) -> bool:
    """What a person has to mend at once; what may mend itself, when it has not for a while."""
    if state.failing is None or POLICIES[FailureKind(state.failing)].action == "pause":
        return False
    return not POLICIES[state.failing].base or state.failures >= TRIES
