"""What the console asks: sessions, issues, attempts, audit, and whether a page is old.

Owns these queries, each over an index. Sessions are kept by hashes only. Changes nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.codes import Code, State, Who
from app.domain.desk import AuditRow, Fingerprint, Issue, Run
from app.domain.records import OrderRow
from app.domain.views import Audit, Page, Replay
from app.store import rows
from app.store.auditing import append
from app.store.database import Part, fetch_anew
from app.store.pages import LAST, after, after_moment, moment_page, page
from app.store.texts import text

_OPEN_SESSION = """
INSERT INTO console_session (digest, tenant_id, key_digest, expires_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
"""
_SESSION = "SELECT key_digest FROM console_session WHERE digest = $1 AND expires_at > now()"

_STANDING = """
SELECT state, coalesce(who, 'nobody') AS who, count(*) AS many FROM orders
WHERE tenant_id = $1 AND state NOT IN ('done', 'cancelled') GROUP BY 1, 2
"""
_REASONS = """
SELECT code, count(*) AS many FROM orders
WHERE tenant_id = $1 AND state NOT IN ('done', 'cancelled') AND code IS NOT NULL
GROUP BY 1 ORDER BY many DESC, code
"""
_NEEDING = f"""
SELECT {rows.ORDER_COLUMNS} FROM orders AS o JOIN connection AS c ON c.id = o.connection_id
WHERE o.tenant_id = $1 AND o.state IN ('held', 'parked') ORDER BY o.since, o.id LIMIT $2
"""  # noqa: S608 - constant text

# An order that is held belongs to the step that stopped; where none did (a person's hold, poison),
# to none. Where one cause stops several steps it counts once, at the step that met it first; of the
# codes that name what is missing each thing is a cause of its own. The endpoint is that of the step's
# last failed call, with its ids taken out.
_ISSUES = """
WITH stopped AS (
    SELECT DISTINCT ON (o.id, coalesce(a.code, o.code), CASE
            WHEN a.code IN ('MAPPING_MISSING', 'SETTING_MISSING') THEN a.sentence END)
        o.id, coalesce(o.number, 'id:' || o.source_id) AS name, o.since,
        coalesce(a.code, o.code) AS code, coalesce(a.step, '') AS step,
        coalesce(a.sentence, o.sentence, '') AS sentence
    FROM orders AS o
    LEFT JOIN applied AS a ON a.order_id = o.id AND a.state IN ('held', 'parked')
        AND o.held_by IS NULL
    WHERE o.tenant_id = $1 AND o.state IN ('held', 'parked')
    ORDER BY 1, coalesce(a.code, o.code), CASE
            WHEN a.code IN ('MAPPING_MISSING', 'SETTING_MISSING') THEN a.sentence END,
        a.since, a.attempts DESC, a.step
), known AS (
    SELECT s.*, coalesce(f.endpoint, '') AS endpoint FROM stopped AS s
    LEFT JOIN LATERAL (
        SELECT c.system || ' ' || c.method || ' '
            || regexp_replace(c.path, '/[0-9]+|/[0-9a-fA-F-]{36}', '/{id}', 'g') AS endpoint
        FROM call AS c WHERE c.order_id = s.id AND c.step = s.step
          AND (c.failure IS NOT NULL OR c.status IS NULL OR c.status >= 400)
        ORDER BY c.id DESC LIMIT 1
    ) AS f ON s.step <> ''
    WHERE s.code IS NOT NULL
)
"""
_GROUPS = f"""{_ISSUES}
SELECT code, step, endpoint, count(DISTINCT id) AS many, min(since) AS since, max(since) AS newest,
    (array_agg(DISTINCT name))[1:6] AS names, (array_agg(sentence ORDER BY id DESC))[1] AS sentence
FROM known GROUP BY code, step, endpoint ORDER BY many DESC, code, step, endpoint
"""  # noqa: S608 - constant text
_OF_ISSUE = f"""{_ISSUES}
SELECT DISTINCT id FROM known WHERE code = $2 AND step = $3 AND endpoint = $4 ORDER BY id LIMIT $5
"""  # noqa: S608 - constant text

_RUNS = """
SELECT step, subject, attempt, state, started_at, finished_at FROM (
    SELECT * FROM step_run WHERE order_id = $1 ORDER BY id DESC LIMIT $2
) AS r ORDER BY id
"""
_AUDITS = """
SELECT id, at, actor, action, target, data FROM audit
WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3
"""
# By the moment of the plan and its id: ids of replays do not rise.
_REPLAYS = """
SELECT *, (extract(epoch FROM created_at) * 1000000)::bigint AS moment FROM replay
WHERE tenant_id = $1
  AND ($2::bigint IS NULL
       OR (created_at, id) < (to_timestamp(0) + $2 * interval '1 microsecond', $3))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
_ORDER_MARK = """
SELECT concat_ws('/', wake_seq, updated_at, state, code, sentence, held_by,
    (SELECT max(id) FROM journal_event WHERE order_id = $1),
    (SELECT max(id) FROM call WHERE order_id = $1))
FROM orders WHERE id = $1
"""
# Of any tenant: that a page is looked at once too often costs less than an index for each.
_MARK = """
SELECT concat_ws('/', (SELECT max(id) FROM journal_event), (SELECT max(id) FROM inbox_event),
    (SELECT max(id) FROM audit), (SELECT count(*) FROM inbox_event WHERE status = 'new'))
"""


class Desk(Part):
    """The part of the store behind the console."""

    async def open_session(
        self, tenant_id: int, digest: bytes, key_digest: bytes, seconds: float, audit: Audit
    ) -> None:
        async with self._db.transaction() as session:
            await session.execute("DELETE FROM console_session WHERE expires_at < now()")
            await session.execute(_OPEN_SESSION, digest, tenant_id, key_digest, seconds)
            await append(session, tenant_id, audit)

    async def session(self, digest: bytes) -> bytes | None:
        async with self._db.session() as session:
            found: bytes | None = await session.fetchval(_SESSION, digest)
        return found

    async def close_session(self, tenant_id: int, digest: bytes, audit: Audit) -> None:
        async with self._db.transaction() as session:
            await session.execute("DELETE FROM console_session WHERE digest = $1", digest)
            await append(session, tenant_id, audit)

    async def standing(self, tenant_id: int) -> Mapping[tuple[State, Who], int]:
        async with self._db.session() as session:
            found = await session.fetch(_STANDING, tenant_id)
        return {(State(row["state"]), Who(row["who"])): row["many"] for row in found}

    async def reasons(self, tenant_id: int) -> Mapping[Code, int]:
        async with self._db.session() as session:
            found = await session.fetch(_REASONS, tenant_id)
        return {Code(row["code"]): row["many"] for row in found if rows.code(row["code"])}

    async def needing(self, tenant_id: int, limit: int) -> Sequence[OrderRow]:
        async with self._db.session() as session:
            found = await session.fetch(_NEEDING, tenant_id, limit)
        return [rows.order(row) for row in found]

    async def issues(self, tenant_id: int) -> Sequence[Issue]:
        async with self._db.session() as session:
            found = await session.fetch(_GROUPS, tenant_id)
        return [
            Issue(
                Fingerprint(Code(row["code"]), row["step"], row["endpoint"]),
                row["many"],
                tuple(row["names"]),
                row["since"],
                row["newest"],
                row["sentence"],
            )
            for row in found
            if rows.code(row["code"]) is not None
        ]

    async def issue_orders(self, tenant_id: int, wanted: Fingerprint, limit: int) -> Sequence[int]:
        given = (wanted.code.value, text(wanted.step), text(wanted.endpoint))
        async with self._db.session() as session:
            found = await session.fetch(_OF_ISSUE, tenant_id, *given, limit)
        return [row["id"] for row in found]

    async def runs(self, order_id: int, limit: int) -> Sequence[Run]:
        async with self._db.session() as session:
            found = await session.fetch(_RUNS, order_id, limit)
        return [Run(**row) for row in found]

    async def audits(self, tenant_id: int, cursor: str | None, limit: int) -> Page[AuditRow]:
        async with self._db.session() as session:
            found = await session.fetch(_AUDITS, tenant_id, after(cursor, LAST), limit + 1)

        def read(row: Mapping[str, object]) -> AuditRow:
            kept = dict(row)
            number, at = kept.pop("id"), kept.pop("at")
            # The columns are the fields, by name.
            return AuditRow(number, at, Audit(**kept))  # type: ignore[arg-type]

        return page(found, limit, read)

    async def replays(self, tenant_id: int, cursor: str | None, limit: int) -> Page[Replay]:
        where = after_moment(cursor)
        async with self._db.session() as session:
            found = await fetch_anew(session, _REPLAYS, tenant_id, *where, limit + 1)
        return moment_page(found, limit, _replay)

    async def order_mark(self, order_id: int) -> str:
        async with self._db.session() as session:
            return str(await session.fetchval(_ORDER_MARK, order_id))

    async def mark(self, tenant_id: int) -> str:
        async with self._db.session() as session:
            return str(await session.fetchval(_MARK))


def _replay(row: Mapping[str, Any]) -> Replay:
    # The columns are the fields, by name.
    return Replay(**{name: value for name, value in row.items() if name != "moment"})
