"""The statements of a commit, each for the rows of many orders at once.

Owns how a write set's parts become rows. Every statement rests on the caller's lock of the
orders: a key is never written by two at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from app.domain.errors import RecordTaken
from app.domain.facts import KEPT_FACTS
from app.domain.records import Answer, Fact, LedgerRow, Ref, WriteSet
from app.domain.troubles import passes, stopped_by
from app.store.database import Session
from app.store.story import CALLS, JOURNAL, call_columns, columns, journal_columns
from app.store.texts import as_json, as_json_or_none, key, text, text_or_none

Kind: TypeAlias = tuple[
    str, Callable[[WriteSet], Sequence[Any]], Callable[[Any], list[list[object]]]
]

_KEPT = ", ".join(f"'{kind}'" for kind in sorted(KEPT_FACTS))
# A step that a person left out stays out: a round that began before it only adds what it applied.
_STANDING = ", ".join(
    f"{name} = CASE a.state WHEN 'skipped' THEN a.{name} ELSE EXCLUDED.{name} END"
    for name in ("state", "code", "sentence", "who", "choices", "since", "retry_at", "retry_wake")
)
LEDGER = f"""
INSERT INTO applied AS a (
    tenant_id, order_id, step, subject, state, want, want_version, applied_at, code, sentence, who,
    choices, since, attempts, tries, started_at, finished_at, retry_at, retry_wake
)
SELECT o.tenant_id, o.id, t.step, t.subject, t.state, t.want::json, t.want_version, t.applied_at,
    t.code, t.sentence, t.who, t.choices::json, t.since, t.attempts, t.tries, t.started_at,
    t.finished_at, t.retry_at, t.retry_wake
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::bigint[],
    $14::bigint[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::bigint[]
) AS t (
    order_id, step, subject, state, want, want_version, applied_at, code, sentence, who, choices,
    since, attempts, tries, started_at, finished_at, retry_at, retry_wake
)
JOIN orders AS o ON o.id = t.order_id
ON CONFLICT (order_id, step, subject) DO UPDATE SET
    want = EXCLUDED.want, want_version = EXCLUDED.want_version,
    applied_at = EXCLUDED.applied_at, attempts = EXCLUDED.attempts, tries = EXCLUDED.tries,
    started_at = EXCLUDED.started_at, finished_at = EXCLUDED.finished_at, {_STANDING}
"""  # noqa: S608 - constant text

DROP_LEDGER = """
DELETE FROM applied AS a USING unnest($1::bigint[], $2::text[], $3::text[])
    AS t (order_id, step, subject)
WHERE a.order_id = t.order_id AND a.step = t.step AND a.subject = t.subject
"""

# The record stays known; it is free again for others once its only order lets it go.
DROP_REFS = """
WITH gone AS (
    DELETE FROM order_ref AS r USING unnest($1::bigint[], $2::text[], $3::text[])
        AS t (order_id, kind, key)
    WHERE r.order_id = t.order_id AND r.kind = t.kind AND r.key = t.key
    RETURNING r.ref_id, r.order_id, r.kind, r.key
)
UPDATE external_ref AS e SET order_id = NULL FROM gone
WHERE e.id = gone.ref_id AND e.order_id = gone.order_id AND NOT EXISTS (
    SELECT FROM order_ref AS other WHERE other.ref_id = e.id AND other.order_id = gone.order_id
    AND (other.kind, other.key) NOT IN (SELECT kind, key FROM gone AS g
                                        WHERE g.order_id = gone.order_id))
"""

# A record that only one order may carry belongs to whom its row names: unique by its key, so
# that two orders can never both have it.
_REFS = """
WITH given AS (
    SELECT o.tenant_id, t.* FROM unnest(
        $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[]
    ) AS t (order_id, kind, key, external_id, data, exclusive)
    JOIN orders AS o ON o.id = t.order_id
), records AS (
    INSERT INTO external_ref AS e (tenant_id, kind, external_id, order_id)
    SELECT DISTINCT ON (tenant_id, kind, external_id)
        tenant_id, kind, external_id, CASE WHEN exclusive THEN order_id END
    FROM given ORDER BY tenant_id, kind, external_id, exclusive DESC, order_id
    ON CONFLICT (tenant_id, kind, external_id)
    DO UPDATE SET order_id = coalesce(e.order_id, EXCLUDED.order_id)
    RETURNING id, tenant_id, kind, external_id, order_id
)
INSERT INTO order_ref AS r (tenant_id, order_id, kind, key, ref_id, data)
SELECT given.tenant_id, given.order_id, given.kind, given.key, records.id, given.data::json
FROM given JOIN records USING (tenant_id, kind, external_id)
WHERE records.order_id IS NULL OR records.order_id = given.order_id
ON CONFLICT (order_id, kind, key) DO UPDATE SET
    ref_id = EXCLUDED.ref_id, data = EXCLUDED.data,
    learned_at = CASE WHEN r.ref_id = EXCLUDED.ref_id THEN r.learned_at ELSE now() END
RETURNING order_id
"""

# A reading that began before somebody changed a record is old when it comes to be kept.
FACTS = f"""
INSERT INTO fact AS f (tenant_id, order_id, kind, key, body, seen_at)
SELECT o.tenant_id, o.id, t.kind, t.key, t.body::json,
    CASE WHEN o.stale_at > t.seen_at AND t.kind NOT IN ({_KEPT})
        THEN 'epoch'::timestamptz ELSE t.seen_at END
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
    AS t (order_id, kind, key, body, seen_at)
JOIN orders AS o ON o.id = t.order_id
ON CONFLICT (order_id, kind, key) DO UPDATE SET body = EXCLUDED.body, seen_at = EXCLUDED.seen_at
"""  # noqa: S608 - constant text

# An inherited intent is another order's; only shared ones may be settled from outside.
OUTCOMES = """
UPDATE intent AS i SET outcome = t.outcome::json, outcome_at = clock_timestamp()
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS t (order_id, id, outcome)
JOIN orders AS o ON o.id = t.order_id
WHERE i.id = t.id AND i.tenant_id = o.tenant_id AND (i.order_id = o.id OR i.shared)
"""

LOOKED = """
UPDATE intent AS i SET looked_at = coalesce(i.looked_at, clock_timestamp())
FROM unnest($1::bigint[], $2::bigint[]) AS t (order_id, id)
JOIN orders AS o ON o.id = t.order_id
WHERE i.id = t.id AND i.tenant_id = o.tenant_id AND (i.order_id = o.id OR i.shared)
"""

REFUSED = """
DELETE FROM intent AS i USING unnest($1::bigint[], $2::bigint[]) AS t (order_id, id)
WHERE i.id = t.id AND i.order_id = t.order_id AND i.outcome IS NULL
"""

DROP_CLAIMS = """
DELETE FROM remote_claim AS r USING unnest($1::bigint[], $2::text[], $3::text[])
    AS t (order_id, kind, key), orders AS o
WHERE o.id = t.order_id AND r.tenant_id = o.tenant_id AND r.kind = t.kind AND r.key = t.key
  AND r.order_id = t.order_id
"""

_FINISH = """
UPDATE step_run AS r SET state = t.state, finished_at = clock_timestamp()
FROM unnest($1::bigint[], $2::text[]) AS t (order_id, state)
WHERE r.order_id = t.order_id AND r.state = 'running'
RETURNING r.order_id
"""

_START = """
INSERT INTO step_run (tenant_id, order_id, step, subject, attempt, state, finished_at)
SELECT o.tenant_id, o.id, t.step, t.subject, t.attempt, t.state,
    CASE WHEN t.state <> 'running' THEN clock_timestamp() END
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[])
    AS t (order_id, step, subject, attempt, state)
JOIN orders AS o ON o.id = t.order_id
"""


def _latest(rows: Sequence[tuple[int, Any]], name: Any) -> list[tuple[int, Any]]:
    """The last row given for each key: one statement may not write a row twice."""
    return list({(order_id, *name(item)): (order_id, item) for order_id, item in rows}.values())


def pairs(rows: Sequence[tuple[int, tuple[str, str]]]) -> list[list[object]]:
    return columns([(order_id, text(first), key(second)) for order_id, (first, second) in rows])


def numbers(rows: Sequence[tuple[int, int]]) -> list[list[object]]:
    return columns(list(rows))


def ledger(rows: Sequence[tuple[int, LedgerRow]]) -> list[list[object]]:
    return columns(
        [
            (
                order_id,
                row.step,
                key(row.subject),
                row.state.value,
                as_json_or_none(row.want),
                row.want_version,
                row.applied_at,
                row.code.value if row.code is not None else None,
                text_or_none(row.sentence),
                row.who.value if row.who is not None else None,
                as_json(list(row.choices)),
                row.since,
                row.attempts,
                row.tries,
                row.started_at,
                row.finished_at,
                row.retry_at,
                row.retry_wake,
            )
            for order_id, row in _latest(rows, lambda row: (row.step, row.subject))
        ]
    )


async def keep_refs(session: Session, rows: Sequence[tuple[int, Ref]]) -> None:
    """Keep references. Raises RecordTaken when another order carries one that only one may."""
    given = _latest(rows, lambda ref: (ref.kind, ref.key))
    kept = await session.fetch(
        _REFS,
        *columns(
            [
                (
                    order_id,
                    ref.kind,
                    key(ref.key),
                    key(ref.external_id),
                    as_json(dict(ref.data)),
                    ref.exclusive,
                )
                for order_id, ref in given
            ]
        ),
    )
    if len(kept) < len(given):
        told = ", ".join(sorted({f"{ref.kind} {ref.external_id}" for _, ref in given}))
        raise RecordTaken(f"another order carries one of: {told}")


def facts(rows: Sequence[tuple[int, Fact]]) -> list[list[object]]:
    return columns(
        [
            (order_id, fact.kind, key(fact.key), as_json(dict(fact.body)), fact.seen_at)
            for order_id, fact in _latest(rows, lambda fact: (fact.kind, fact.key))
        ]
    )


def outcomes(rows: Sequence[tuple[int, tuple[int, Mapping[str, Any]]]]) -> list[list[object]]:
    return columns([(order_id, intent, as_json(dict(told))) for order_id, (intent, told) in rows])


async def keep_runs(session: Session, writes: Sequence[WriteSet]) -> None:
    """Close and open running steps. What is finished is the running step, or, where none runs,
    the one that the same write set starts."""
    finished = {w.order_id: w.run_finished for w in writes if w.run_finished is not None}
    if finished:
        rows = await session.fetch(_FINISH, list(finished), list(finished.values()))
        for row in rows:
            del finished[row["order_id"]]
    started = [
        (w.order_id, w.run_started.step, key(w.run_started.subject), w.run_started.attempt)
        for w in writes
        if w.run_started is not None
    ]
    if started:
        await session.execute(
            _START, *columns([(*run, finished.get(run[0], "running")) for run in started])
        )


def pins(rows: Sequence[tuple[int, str, int, Mapping[str, Any]]]) -> list[list[object]]:
    return columns(
        [(order_id, name, version, as_json(dict(kept))) for order_id, name, version, kept in rows]
    )


def answers(rows: Sequence[tuple[int, Answer]]) -> list[list[object]]:
    return columns(
        [
            (
                order_id,
                answer.state.value,
                answer.code.value if answer.code is not None else None,
                text(answer.sentence),
                answer.who.value,
                answer.since,
                text(answer.next_look),
                as_json([text(choice) for choice in answer.choices]),
                stopped_by(answer),
                passes(answer),
            )
            for order_id, answer in rows
        ]
    )


# What a commit does with lists of a write set: the statement, the list, its columns.
REMOVALS: tuple[Kind, ...] = (
    (DROP_LEDGER, lambda write: write.drop_ledger, pairs),
    (DROP_REFS, lambda write: write.drop_refs, pairs),
)
ADDITIONS: tuple[Kind, ...] = (
    (LEDGER, lambda write: write.ledger, ledger),
    (FACTS, lambda write: write.facts, facts),
    (OUTCOMES, lambda write: write.outcomes, outcomes),
    (LOOKED, lambda write: write.looked, numbers),
    (REFUSED, lambda write: write.refused, numbers),
    (JOURNAL, lambda write: write.journal, journal_columns),
    (CALLS, lambda write: write.calls, call_columns),
    (DROP_CLAIMS, lambda write: write.drop_claims, pairs),
)
