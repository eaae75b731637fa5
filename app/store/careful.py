"""Merging with care, after a worker died: one delivery at a time, with its beginning committed.

Owns `merge_try`. Where no worker died there is no care and no cost: a worker that leaves takes its
row with it, so a row without a session lock is one that died. A delivery that three workers died
of is set aside as POISON, as an order is (`app/store/poison.py`).
"""

from __future__ import annotations

from app.domain.codes import Code
from app.domain.records import Merge
from app.store.database import Session
from app.store.liveness import ALIVE

DEADLY = 3  # workers that died while they merged it alone
SENTENCE = "It ended the worker that merged it several times. Replay it once that is mended."

# What stands in the inbox when a worker joins after another died: that may have been its end.
BURIED = f"""
WITH dead AS (DELETE FROM worker WHERE id NOT IN ({ALIVE}) RETURNING id)
SELECT CASE WHEN EXISTS (SELECT FROM dead) OR EXISTS (SELECT FROM merge_try)
    THEN (SELECT max(id) FROM inbox_event WHERE status IN ('new', 'deferred')) END
"""  # noqa: S608 - constant text
_NEXT = """
SELECT id FROM inbox_event
WHERE id <= $1 AND (status = 'new' OR status = 'deferred' AND not_before <= now())
ORDER BY id LIMIT 1
"""
_TRY = "INSERT INTO merge_try (event_id, worker_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_DIED = f"""
SELECT count(*) FROM merge_try WHERE event_id = $1 AND worker_id NOT IN ({ALIVE})
"""  # noqa: S608 - constant text
FORGET = "DELETE FROM merge_try WHERE event_id = $1"


async def next_suspect(session: Session, limit: int, worker_id: int) -> tuple[int, bool] | None:
    """The next delivery up to `limit`, noted as begun by this worker, and whether it is deadly.
    None: no more is suspect."""
    event_id = await session.fetchval(_NEXT, limit)
    if event_id is None:
        return None
    await session.execute(_TRY, event_id, worker_id)
    return event_id, await session.fetchval(_DIED, event_id) >= DEADLY


def set_aside(event_id: int) -> Merge:
    return Merge(event_id, status="rejected", code=Code.POISON, cause=SENTENCE)
