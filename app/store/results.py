"""The results of replays: kept in the transaction in which an order comes to rest.

Owns when that is, as `domain.results.rests` says it, and that a result is kept once: the order and
its result are one commit, so that no death of a worker can come between them (docs/decisions/0071).
Whoever calls has the orders locked, which is why nobody keeps another one meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.results import ABORTED, ABORTED_SENTENCE, GOES_ON, MOMENTS, READING, UNDER_WAY
from app.store.database import Session

_GOES_ON = ", ".join(f"'{code}'" for code in sorted(GOES_ON))
# Of a row o of an order.
_RESTS = f"""(
    o.state <> 'running' AND o.lease_token IS NULL
    AND NOT (o.state = 'waiting' AND (
        coalesce(o.code, '') = 'DECIDE_FAILED'
        OR coalesce(o.code, '') IN ({_GOES_ON}) AND coalesce(o.who, 'nobody') = 'nobody'))
    AND (
        o.due_at IS NULL OR o.due_at > clock_timestamp() + make_interval(secs =>
            CASE WHEN coalesce(o.who, 'nobody') = 'nobody'
            THEN {MOMENTS.total_seconds()} ELSE {READING.total_seconds()} END)
    )
)"""


_RESULT = """
UPDATE replay_item AS i SET result_state = o.state, result_code = o.code,
    result_sentence = o.sentence, result_at = clock_timestamp()
"""


def keep(orders: str) -> str:
    """The statement that keeps the results of those of the orders that are in a run and rest."""
    return f"""
    {_RESULT} FROM {orders} AS o, replay AS p
    WHERE i.order_id = o.id AND i.result_state = '{UNDER_WAY}'
      AND p.id = i.replay_id AND p.state = 'running' AND {_RESTS}
    """


_KEEP = keep("(SELECT * FROM orders WHERE id = ANY ($1::bigint[]))")
_KEEP_HERE = f"""
{_RESULT} FROM orders AS o
WHERE i.replay_id = $1 AND i.state = 'woken' AND i.result_at IS NULL AND o.id = i.order_id AND {_RESTS}
"""
_OPEN = """
SELECT o.id FROM orders AS o WHERE o.id IN (
    SELECT order_id FROM replay_item WHERE replay_id = $1 AND state = 'woken' AND result_at IS NULL
) ORDER BY o.id FOR NO KEY UPDATE
"""
_ABORT = """
UPDATE replay_item SET result_state = $2, result_sentence = $3, result_at = clock_timestamp()
WHERE replay_id = $1 AND state = 'woken' AND result_at IS NULL
"""
# Through with its last order, whenever somebody looks.
_FINISH = """
UPDATE replay SET state = 'done', finished_at = coalesce(
    (SELECT max(result_at) FROM replay_item WHERE replay_id = $1), clock_timestamp())
WHERE id = $1 AND state = 'running'
"""


async def keep_results(session: Session, order_ids: Sequence[int]) -> None:
    await session.execute(_KEEP, list(order_ids))


async def finish(session: Session, replay_id: str) -> bool:
    """Note that a run is over if every order has its result, the caller having its row; whether it
    is. Orders that rest without one were started or given back by a process of an older version:
    theirs is where they stand."""
    waiting = await session.fetch(_OPEN, replay_id)
    if waiting:
        await session.execute(_KEEP_HERE, replay_id)
        waiting = await session.fetch(_OPEN, replay_id)
    if not waiting:
        await session.execute(_FINISH, replay_id)
    return not waiting


async def abort(session: Session, replay_id: str) -> None:
    """What is not through has been aborted; it goes on, but not as a part of the run."""
    await session.execute(_ABORT, replay_id, ABORTED, ABORTED_SENTENCE)
