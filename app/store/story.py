"""Journal and calls: the rows that tell an order's story.

Owns how they are appended, many at once. Append only: nothing here changes or removes a line.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.records import CallRecord, JournalEntry
from app.store.texts import as_json, text, text_or_none

MAX_TEXT = 200_000  # of a request or an answer; what is longer is cut, and says so

# The rows of one order stay in the order in which they were given.
JOURNAL = """
INSERT INTO journal_event (tenant_id, order_id, code, sentence, step, subject, actor, data)
SELECT o.tenant_id, o.id, t.code, t.sentence, t.step, t.subject, t.actor, t.data::json
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]
) WITH ORDINALITY AS t (order_id, code, sentence, step, subject, actor, data, n)
JOIN orders AS o ON o.id = t.order_id ORDER BY t.n
"""

CALLS = """
INSERT INTO call (
    tenant_id, order_id, system, method, path, query, status, milliseconds, request, response,
    failure, step, subject, purpose, sealed
)
SELECT o.tenant_id, o.id, t.system, t.method, t.path, t.query, t.status, t.milliseconds,
    t.request, t.response, t.failure, t.step, t.subject, t.purpose, t.sealed
FROM unnest(
    $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::float8[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bytea[]
) WITH ORDINALITY AS t (
    order_id, system, method, path, query, status, milliseconds, request, response, failure,
    step, subject, purpose, sealed, n
)
JOIN orders AS o ON o.id = t.order_id ORDER BY t.n
"""


def columns(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """Rows as the columns that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]


def journal_columns(entries: Sequence[tuple[int, JournalEntry]]) -> list[list[object]]:
    return columns(
        [
            (
                order_id,
                entry.code,
                text(entry.sentence),
                entry.step,
                text_or_none(entry.subject),
                text(entry.actor),
                as_json(dict(entry.data)),
            )
            for order_id, entry in entries
        ]
    )


def call_columns(calls: Sequence[tuple[int, CallRecord]]) -> list[list[object]]:
    return columns(
        [
            (
                order_id,
                call.system,
                call.method,
                text(call.path),
                text(call.query),
                call.status,
                call.milliseconds,
                cut(call.request),
                cut(call.response),
                text_or_none(call.failure),
                call.step,
                text_or_none(call.subject),
                call.purpose,
                call.sealed,
            )
            for order_id, call in calls
        ]
    )


def cut(value: str | None) -> str | None:
    """A request or an answer as it is kept."""
    if value is None:
        return None
    if len(value) > MAX_TEXT:
        value = f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    return text(value)
