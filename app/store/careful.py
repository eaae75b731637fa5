"""Merging with care, after a worker died: one delivery at a time, with its beginning committed.

Owns `merge_try`. Where no worker died there is no care and no cost: a worker that leaves takes its
row with it, so a row without a session lock is one that died. A delivery that three workers died
of is set aside as POISON, as an order is (`app/store/poison.py`).

A lost session is no death yet: a full disk or a restarted server ends sessions of workers that live.
These take their tries back when they join again, for which they get some seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.codes import Code
from app.domain.records import Merge
from app.store.database import Session
from app.store.liveness import ALIVE

DEADLY = 3  # workers that died while they merged it alone
# Seconds in which a worker that lives joins again after its session was lost.
BACK_WITHIN = 5.0
SENTENCE = "It ended the worker that merged it several times. Replay it once that is mended."

# What stands in the inbox when a worker joins after another died: that may have been its end.
BURIED = f"""
WITH dead AS (DELETE FROM worker WHERE id NOT IN ({ALIVE}) RETURNING id)
SELECT CASE WHEN EXISTS (SELECT FROM dead) OR EXISTS (SELECT FROM merge_try)
    THEN (SELECT max(id) FROM inbox_event WHERE status IN ('new', 'deferred')) END
"""  # noqa: S608 - constant text
# What a process that lives left behind under its earlier numbers.
TAKE_BACK = (
    "DELETE FROM merge_try WHERE worker_id = ANY ($1::bigint[])",
    "DELETE FROM worker WHERE id = ANY ($1::bigint[])",
)
# A server that starts ends every session, so what was tried before says nothing.
_NEXT = f"""
SELECT e.id, tried.died, tried.lately FROM inbox_event AS e CROSS JOIN LATERAL (
    SELECT count(*) AS died,
        coalesce(bool_or(at > now() - make_interval(secs => $2)), FALSE) AS lately
    FROM merge_try WHERE event_id = e.id AND at > pg_postmaster_start_time()
        AND worker_id NOT IN ({ALIVE})
) AS tried
WHERE e.id <= $1 AND (e.status = 'new' OR e.status = 'deferred' AND e.not_before <= now())
ORDER BY tried.lately, e.id LIMIT 1
"""  # noqa: S608 - constant text
_TRY = "INSERT INTO merge_try (event_id, worker_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
FORGET = "DELETE FROM merge_try WHERE event_id = $1"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A delivery to be merged alone. `wait`: whoever tried it last may live, and come back."""

    event_id: int
    deadly: bool = False
    wait: bool = False


async def next_suspect(session: Session, limit: int, worker_id: int) -> Suspect | None:
    """The next delivery up to `limit`, noted as begun by this worker unless it has to wait.
    None: no more is suspect."""
    found = await session.fetchrow(_NEXT, limit, BACK_WITHIN)
    if found is None:
        return None
    if found["lately"]:  # so is every other that is left
        return Suspect(found["id"], wait=True)
    await session.execute(_TRY, found["id"], worker_id)
    return Suspect(found["id"], deadly=found["died"] >= DEADLY)


def set_aside(event_id: int) -> Merge:
    return Merge(event_id, status="rejected", code=Code.POISON, cause=SENTENCE)
