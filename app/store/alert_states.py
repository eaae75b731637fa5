"""States beside orders and connections that somebody has to hear of: drift, a Commerce that is not
read, webhooks that do not come any more.

Owns which findings, failures of the poll and of what else is done beside the orders, and silences become
an alert, and when one is over. The rows are `alerts.py`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from app.domain.alerts import Alert, AlertCode, impersonal
from app.domain.errors import POLICIES, FailureKind
from app.domain.polling import PollState
from app.domain.watching import KIND, Seen, Standing
from app.store import rows
from app.store.database import Session

# A finding that goes and comes within this is one difference, not many.
FINDING = timedelta(hours=24)
# Tries of the poll in a row, each up to a minute after the other: about a quarter of an hour.
TRIES = 20
COMMERCE = "system:Commerce"
LONGEST_DAYS = 28  # of deliveries, from which the usual silence is taken
# Callbacks come only of what people do: what is usual needs some to be told from.
CALLBACKS = 20
SILENT: Mapping[str, str] = {
    "commerce": "No webhook of Commerce{name} has come for {hours} hours, longer than usual. See "
    "whether Commerce still sends them.",
    "connectwise": "No callback of ConnectWise has come for {hours} hours, longer than usual. Ask `demandlink "
    "doctor` whether they are still registered; until they come, ConnectWise is polled.",
}

_KEY = "CASE WHEN length(f.key) > 200 THEN md5(f.key) ELSE f.key END"
_SUBJECT = f"'drift:' || coalesce(f.order_id::text, '-') || ':' || {_KEY}"
# The newest alert of the same difference, where it was seen to stand lately and nobody settled anything
# since: then it only went on, as lists that lag show it, and its row is the one.
_NEW = f"""
SELECT {_SUBJECT} AS subject, f.since, f.sentence, f.who, o.customer, known.id AS known,
    CASE WHEN o.id IS NOT NULL THEN {rows.ORDER_NAME} END AS number
FROM drift_finding AS f LEFT JOIN orders AS o ON o.id = f.order_id
LEFT JOIN LATERAL (
    SELECT a.id, a.since, a.seen_at FROM alert AS a
    WHERE a.tenant_id = $1 AND a.code = $2 AND a.subject = {_SUBJECT}
    ORDER BY a.since DESC LIMIT 1
) AS known ON known.seen_at > $3 AND NOT EXISTS (
    SELECT FROM drift_finding AS g WHERE g.tenant_id = $1 AND g.actor IS NOT NULL
      AND g.key = f.key AND g.order_id IS NOT DISTINCT FROM f.order_id AND g.since >= known.since)
WHERE f.tenant_id = $1 AND f.standing = 'open' AND NOT EXISTS (
    SELECT FROM alert AS a
    WHERE a.tenant_id = $1 AND a.code = $2 AND a.subject = {_SUBJECT} AND a.since = f.since)
ORDER BY f.id
"""  # noqa: S608 - constant text
_GOES_ON = """
UPDATE alert AS a SET since = $2, seen_at = now(),
    over_at = CASE WHEN a.sent_at IS NULL THEN NULL ELSE a.over_at END
WHERE a.id = $1
"""
# It still stands: retention looks at this, and so does the look for one that comes again. What was over
# before it was told, and stands again, has to be told after all.
_STANDS = f"""
UPDATE alert AS a SET seen_at = now(),
    over_at = CASE WHEN a.sent_at IS NULL THEN NULL ELSE a.over_at END
FROM drift_finding AS f
WHERE f.tenant_id = $1 AND f.standing IN ('open', 'fixing') AND a.tenant_id = $1 AND a.code = $2
  AND a.subject = {_SUBJECT} AND a.since = f.since
  AND (a.seen_at < now() - interval '1 hour' OR (a.over_at IS NOT NULL AND a.sent_at IS NULL))
"""  # noqa: S608 - constant text
_OVER = f"""
UPDATE alert AS a SET over_at = now()
WHERE a.tenant_id = $1 AND a.code = $2 AND a.sent_at IS NULL AND a.over_at IS NULL
  AND starts_with(a.subject, 'drift:') AND NOT EXISTS (
    SELECT FROM drift_finding AS f WHERE f.tenant_id = $1 AND f.standing IN ('open', 'fixing')
      AND {_SUBJECT} = a.subject AND f.since = a.since)
"""  # noqa: S608 - constant text
_TURNS = "SELECT key, body FROM reference_cache WHERE tenant_id = $1 AND kind = $2"
_POLLS = "SELECT state FROM commerce_poll WHERE tenant_id = $1 AND state ->> 'failing' IS NOT NULL"

# What the poll put in says nothing of webhooks.
_LAST = """
SELECT c.id, c.kind, c.name, last.received_at, now() - last.received_at AS silent
FROM connection AS c CROSS JOIN LATERAL (
    SELECT e.received_at FROM inbox_event AS e
    WHERE e.connection_id = c.id AND e.tenant_id = $1 AND e.source = c.kind
      AND NOT starts_with(e.external_id, 'poll:')
    ORDER BY e.id DESC LIMIT 1
) AS last
WHERE c.tenant_id = $1 AND c.kind IN ('commerce', 'connectwise')
  AND last.received_at < now() - make_interval(secs => $2)
"""
_LONGEST = """
SELECT max(gap) AS longest, count(*) AS many FROM (
    SELECT received_at - lag(received_at) OVER (ORDER BY received_at) AS gap FROM inbox_event
    WHERE tenant_id = $1 AND connection_id = $2 AND source = $4
      AND NOT starts_with(external_id, 'poll:') AND received_at > now() - make_interval(days => $3)
) AS gaps
"""


async def drift(session: Session, tenant_id: int, looked: datetime) -> list[Alert]:
    """H12: each difference that newly needs a person. `looked`: when they were looked at last."""
    code = AlertCode.DRIFT.value
    found = []
    for row in await session.fetch(_NEW, tenant_id, code, looked - FINDING):
        if row["known"] is not None:
            await session.execute(_GOES_ON, row["known"], row["since"])
            continue
        sentence = impersonal(row["sentence"], row["customer"])
        found.append(Alert(row["subject"], code, row["since"], sentence, row["number"], row["who"]))
    await session.execute(_STANDS, tenant_id, code)
    await session.execute(_OVER, tenant_id, code)
    return found


async def unread(session: Session, tenant_id: int) -> list[Alert]:
    """A Commerce that the poll does not get at: no order comes in and none waits, so that nothing else
    shows it. A pause of its connection is told by itself. And what else fails beside the orders, each for
    a reason that nobody foresaw."""
    now = await session.fetchval("SELECT now()")
    found = [
        _failing(part, standing.sentence(part, now), now)
        for row in await session.fetch(_TURNS, tenant_id, KIND)
        if (part := _seen(row["key"])) is not None
        if (standing := Standing.of(row["body"])).lasts(now)
    ]
    states = [_state(row["state"]) for row in await session.fetch(_POLLS, tenant_id)]
    known = any(one.subject == COMMERCE for one in found)
    if known or not any(_lasts(one) for one in states if one is not None):
        return found
    sentence = "Commerce cannot be read: no order comes in by the poll. Ask `demandlink doctor`."
    return [*found, Alert(COMMERCE, AlertCode.CONNECTION_DOWN, now, sentence)]


def _failing(part: Seen, sentence: str, now: datetime) -> Alert:
    """Of Commerce it is the same as of one that does not answer: no order comes in."""
    if part is Seen.COMMERCE_POLL:
        return Alert(COMMERCE, AlertCode.CONNECTION_DOWN, now, sentence)
    return Alert(f"turns:{part}", AlertCode.TURN_FAILING, now, sentence)


def _seen(key: str) -> Seen | None:
    """None: what an earlier or later version saw to."""
    return next((one for one in Seen if one == key), None)


def _state(kept: Any) -> PollState | None:
    """None where it cannot be read: then the poll fails by it, and that is told."""
    try:
        return PollState.of(kept)
    except ValidationError:
        return None


async def silent(session: Session, tenant_id: int, silence: float) -> list[Alert]:
    """No webhook for longer than usual: than `silence` hours, and than ever in the last weeks."""
    found = []
    for row in await session.fetch(_LAST, tenant_id, silence * 3600):
        (usual,) = await session.fetch(_LONGEST, tenant_id, row["id"], LONGEST_DAYS, row["kind"])
        if usual["longest"] is not None and row["silent"] <= usual["longest"]:
            continue
        if row["kind"] != "commerce" and usual["many"] < CALLBACKS:
            continue
        hours = int(row["silent"].total_seconds() // 3600)
        name = f" ({row['name']})" if row["name"] != "default" else ""
        sentence = SILENT[row["kind"]].format(name=name, hours=hours)
        code = AlertCode.WEBHOOKS_SILENT
        found.append(Alert(f"webhooks:{row['id']}", code, row["received_at"], sentence))
    return found


def _lasts(state: PollState) -> bool:
    """What a person has to mend at once; what may mend itself, when it has not for a while."""
    if state.failing is None or POLICIES[FailureKind(state.failing)].action == "pause":
        return False
    return not POLICIES[state.failing].base or state.failures >= TRIES
