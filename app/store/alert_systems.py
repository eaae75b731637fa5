"""Connections as alerts: paused, not reached, or with a consent that ends.

Owns which of their states somebody has to hear of. The rows are `alerts.py`'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.domain.alerts import Alert, AlertCode
from app.domain.codes import Code
from app.domain.grants import SYSTEM_NAMES
from app.store import alert_states
from app.store.database import Session

LONG_MINUTES = 15  # a shorter pause of a vendor's is in the run of things
DOWN_SECONDS = 120  # a shorter absence is nobody's business
ENDING_DAYS = 14
# What a system is paused for by itself.
_AWAY = (Code.PEER_SICK.value, Code.CREDENTIALS_REFUSED.value)

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
# A system whose connection was found paused lately cannot be used for the same reason.
_PAUSED_LATELY = """
SELECT DISTINCT c.kind FROM connection AS c CROSS JOIN unnest($3::text[]) AS why
WHERE c.tenant_id = $1 AND EXISTS (
    SELECT FROM alert AS a WHERE a.tenant_id = c.tenant_id AND a.code = $2 AND a.seen_at > $4
      AND a.subject = 'connection:' || c.id || ':' || why)
"""
_GRANTS = """
SELECT c.id, c.kind, g.trouble, least(g.refresh_until, g.grant_until) AS until, now() AS now
FROM ledger_grant AS g JOIN connection AS c ON c.id = g.connection_id
WHERE c.tenant_id = $1
  AND (g.trouble IS NOT NULL
       OR least(g.refresh_until, g.grant_until) < now() + make_interval(days => $2))
"""


async def troubles(session: Session, tenant_id: int, lately: datetime) -> list[Alert]:
    """What is wrong with connections and has no beginning that anybody keeps. `lately`: what was seen
    after it stands."""
    now = await session.fetchval("SELECT now()")
    pauses = await session.fetch(_PAUSED, tenant_id, Code.RATE_LIMITED.value)
    found = [
        Alert(
            f"connection:{row['id']}:{row['pause_code']}",
            AlertCode.CONNECTION_PAUSED,
            now,
            _paused(row),
        )
        for row in pauses
    ]
    known = (tenant_id, AlertCode.CONNECTION_PAUSED.value, list(_AWAY), lately)
    paused = {row["kind"] for row in (*pauses, *await session.fetch(_PAUSED_LATELY, *known))}
    told = {_named(kind) for kind in paused}
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
        if row["system"] not in told
    )
    found.extend(
        Alert(
            f"connection:{row['id']}",
            AlertCode.CONSENT_ENDED,
            now,
            _tokenless(row["kind"], row["trouble"]),
        )
        for row in await session.fetch(_GRANTS, tenant_id, ENDING_DAYS)
        if row["trouble"] is not None
    )
    found.extend(await alert_states.unread(session, tenant_id))
    return found


async def long_pauses(session: Session, tenant_id: int) -> list[Alert]:
    """Pauses of vendors that last, each with the moment at which calls go on."""
    return [
        Alert(
            f"connection:{row['id']}:{Code.RATE_LIMITED.value}",
            AlertCode.CONNECTION_PAUSED,
            row["since"],
            f"{_called(row)} is not called; it goes on by itself at "
            f"{row['until']:%Y-%m-%d %H:%M} UTC: {row['pause_sentence']}",
        )
        for row in await session.fetch(_LONG, tenant_id, Code.RATE_LIMITED.value, LONG_MINUTES)
    ]


async def dated(session: Session, tenant_id: int, silence: float) -> list[Alert]:
    """What has its own moment: the end of a consent, the last delivery."""
    found = []
    for row in await session.fetch(_GRANTS, tenant_id, ENDING_DAYS):
        if row["until"] is None or row["trouble"] is not None:
            continue  # that it gives no token is told, and is the same thing
        over = row["until"] <= row["now"]
        told = "ended" if over else "ends"
        code = AlertCode.CONSENT_ENDED if over else AlertCode.CONSENT_ENDING
        sentence = (
            f"The consent to {_named(row['kind'])} {told} on {row['until']:%Y-%m-%d}. Sign in: "
            f"`demandlink connections sign-in {row['kind']}`."
        )
        found.append(Alert(f"connection:{row['id']}", code, row["until"], sentence))
    if silence > 0:
        found.extend(await alert_states.silent(session, tenant_id, silence))
    return found


def _named(kind: str) -> str:
    return SYSTEM_NAMES.get(kind, kind)


def _called(row: Any) -> str:
    """A connection as people call it; by its own name where there may be several."""
    return _named(row["kind"]) + (f" ({row['name']})" if row["name"] != "default" else "")


def _paused(row: Any) -> str:
    """Some reasons say themselves that it is not called."""
    why: str = row["pause_sentence"] or ""
    told = f"{_called(row)} is not called"
    return why if why.startswith(told) else f"{told}: {row['pause_code']}: {why}"


def _tokenless(kind: str, trouble: str) -> str:
    """What the vendor says tells its own name, or is told with it."""
    named = _named(kind)
    why = trouble if named in trouble else f"{named} gives no token: {trouble}"
    return f"{why} Sign in: `demandlink connections sign-in {kind}`."
