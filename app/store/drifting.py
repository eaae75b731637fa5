"""What the drift sweep found, how far it came, and the turn that one worker at a time has (H12).

Owns `drift_sweep` and `drift_finding`. What one comparison found is one transaction under the
order's lock, so that two comparisons of an order never add a finding twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.codes import Code, Who
from app.domain.documents import Kind
from app.domain.drift import (
    COMMERCE,
    Drift,
    Finding,
    Standing,
    Sweep,
    SweepTurn,
    SweepView,
    after,
)
from app.domain.gone import Forgotten
from app.domain.views import Audit, Page
from app.store import pages, rows
from app.store.auditing import append
from app.store.database import Part, Session, fetch_anew
from app.store.liveness import ALIVE
from app.store.texts import as_json, as_json_or_none, key, text, text_or_none

_BEGIN = """
INSERT INTO drift_sweep (tenant_id, due_at) VALUES ($1, now() + make_interval(secs => $2))
ON CONFLICT DO NOTHING
"""
_TAKE = f"""
UPDATE drift_sweep SET
    lease_owner = $2, lease_token = gen_random_uuid()::text,
    lease_until = now() + make_interval(secs => $3)
WHERE tenant_id = $1 AND due_at <= now()
  AND (lease_owner IS NULL OR lease_until <= now() OR lease_owner NOT IN ({ALIVE}))
RETURNING lease_token, state, commerce, due_at, now() AS now
"""  # noqa: S608 - constant text
_SWEEP = f"""
SELECT due_at, state, commerce, now() AS now, lease_owner IS NOT NULL AND lease_until > now()
    AND lease_owner IN ({ALIVE}) AS taken
FROM drift_sweep WHERE tenant_id = $1
"""  # noqa: S608 - constant text
_KEEP = """
UPDATE drift_sweep SET
    state = $3::text::json, commerce = $6::text::json,
    lease_until = now() + make_interval(secs => $4::float8),
    lease_owner = CASE WHEN $4::float8 IS NULL THEN NULL ELSE lease_owner END,
    lease_token = CASE WHEN $4::float8 IS NULL THEN NULL ELSE lease_token END,
    due_at = CASE WHEN $4::float8 IS NULL THEN now() + make_interval(secs => $5::float8)
             ELSE due_at END
WHERE tenant_id = $1 AND lease_token = $2 RETURNING tenant_id
"""
_ASK = """
INSERT INTO drift_sweep (tenant_id) VALUES ($1)
ON CONFLICT (tenant_id) DO UPDATE SET due_at = least(drift_sweep.due_at, now())
"""
# Open ones, and those that moved lately; never what is no order yet (a placeholder). OFFSET 0: by the
# index of what closed, not by going through the ids until there are enough.
_TO_COMPARE = """
SELECT id FROM (
    (SELECT id FROM orders
     WHERE tenant_id = $1 AND id > $2 AND scenario IS NOT NULL
       AND state NOT IN ('done', 'cancelled') ORDER BY id LIMIT $4)
    UNION ALL
    (SELECT id FROM orders
     WHERE tenant_id = $1 AND id > $2 AND scenario IS NOT NULL
       AND state IN ('done', 'cancelled') AND updated_at > now() - make_interval(days => $3) OFFSET 0)
) AS open_or_new ORDER BY id LIMIT $4
"""
_LOCK = "SELECT tenant_id FROM orders WHERE id = $1 FOR NO KEY UPDATE"
_LOCK_TENANT = "SELECT id FROM tenant WHERE id = $1 FOR NO KEY UPDATE"
_STANDING = """
SELECT id, key, digest, standing, system FROM drift_finding
WHERE order_id = $1 AND standing <> 'closed'
"""
_UNTOLD = """
SELECT id, key, digest, standing, system FROM drift_finding
WHERE tenant_id = $1 AND order_id IS NULL AND standing <> 'closed'
"""
_KNOWN = """
SELECT d.source_id FROM document AS d JOIN connection AS c ON c.id = d.connection_id
WHERE c.kind = 'commerce' AND c.name = $1 AND d.kind = $2 AND d.source_id = ANY ($3::text[])
"""
_ADD = """
INSERT INTO drift_finding (
    tenant_id, order_id, key, digest, standing, code, system, kind, record, about, step, subject,
    says, stands, sentence, who, url, fix
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
    $18::text::json)
"""
# One that was settled and differs anew is open from now on.
_AGAIN = """
UPDATE drift_finding SET digest = $2, standing = $3, says = $4, stands = $5, sentence = $6,
    url = $7, fix = $8::text::json, seen_at = now(),
    since = CASE WHEN $3 = 'open' AND standing IN ('adopted', 'ignored') THEN now() ELSE since END
WHERE id = $1
"""
_CLOSE = """
UPDATE drift_finding SET standing = 'closed', closed_at = now() WHERE id = ANY ($1::bigint[])
"""
_FINDINGS = f"""
SELECT f.*, {rows.ORDER_NAME} AS order_name FROM drift_finding AS f
LEFT JOIN orders AS o ON o.id = f.order_id
WHERE f.tenant_id = $1 AND f.id < $2
  AND ($4::bigint IS NULL OR f.order_id = $4)
  AND ($5::text IS NULL OR f.standing = $5)
  AND ($6::text IS NULL OR f.code = $6)
ORDER BY f.id DESC LIMIT $3
"""  # noqa: S608 - constant text
_FINDING = f"""
SELECT f.*, {rows.ORDER_NAME} AS order_name FROM drift_finding AS f
LEFT JOIN orders AS o ON o.id = f.order_id WHERE f.tenant_id = $1 AND f.id = $2
"""  # noqa: S608 - constant text
_SETTLE = """
UPDATE drift_finding SET standing = $2, actor = $4, reason = $5
WHERE id = $1 AND digest = $3 AND standing <> 'closed' RETURNING tenant_id, order_id, key
"""


class Drifting(Part):
    """The part of the store that implements drift.DriftStore."""

    # The sweep ----------------------------------------------------------------------------------

    async def take_sweep(
        self, tenant_id: int, worker: int, lease: float, first: float
    ) -> SweepTurn:
        async with self._db.transaction() as session:
            await session.execute(_BEGIN, tenant_id, first)
            taken = await session.fetchrow(_TAKE, tenant_id, worker, lease)
            if taken is None:
                later = await session.fetch(_SWEEP, tenant_id)
                return SweepTurn(later[0]["now"], later[0]["due_at"])
        sweep = Sweep.of(taken["state"], taken["commerce"])
        return SweepTurn(taken["now"], taken["due_at"], taken["lease_token"], sweep)

    async def keep_sweep(
        self, tenant_id: int, token: str, sweep: Sweep, *, lease: float | None, rest: float = 0.0
    ) -> bool:
        kept, in_commerce = as_json(sweep.kept()), as_json(sweep.commerce.kept())
        given = (tenant_id, token, kept, lease, rest, in_commerce)
        async with self._db.session() as session:
            return await session.fetchval(_KEEP, *given) is not None

    async def ask_sweep(self, tenant_id: int) -> None:
        async with self._db.session() as session:
            await session.execute(_ASK, tenant_id)

    async def sweep(self, tenant_id: int) -> SweepView:
        async with self._db.session() as session:
            row = await session.fetchrow(_SWEEP, tenant_id)
        if row is None:
            return SweepView(Sweep(), None, under_way=False)
        sweep = Sweep.of(row["state"], row["commerce"])
        under_way = row["taken"] or sweep.after is not None
        return SweepView(sweep, row["due_at"], under_way=under_way)

    async def to_compare(self, tenant_id: int, after: int, days: int, limit: int) -> list[int]:
        async with self._db.session() as session:
            found = await fetch_anew(session, _TO_COMPARE, tenant_id, after, days, limit)
        return [row["id"] for row in found]

    # Findings -----------------------------------------------------------------------------------

    async def keep_findings(
        self, order_id: int, found: Sequence[Drift], *, commerce: bool = True
    ) -> int:
        async with self._db.transaction() as session:
            tenant_id = await session.fetchval(_LOCK, order_id)
            if tenant_id is None:
                raise KeyError(order_id)
            known = await session.fetch(_STANDING, order_id)
            read = [row for row in known if commerce or row["system"] != COMMERCE]
            return await _keep(session, (tenant_id, order_id), found, read)

    async def keep_untold(self, tenant_id: int, found: Sequence[Drift]) -> int:
        async with self._db.transaction() as session:
            await session.execute(_LOCK_TENANT, tenant_id)
            known = await session.fetch(_UNTOLD, tenant_id)
            return await _keep(session, (tenant_id, None), found, known)

    async def documents_known(
        self, connection: str, kind: Kind, source_ids: Sequence[str]
    ) -> set[str]:
        wanted = [key(one) for one in source_ids]
        async with self._db.session() as session:
            found = await session.fetch(_KNOWN, text(connection), kind.value, wanted)
        return {row["source_id"] for row in found}

    async def findings(
        self,
        tenant_id: int,
        *,
        order_id: int | None,
        standing: Standing | None,
        code: Code | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Finding]:
        chosen = (order_id, standing.value if standing else None, code.value if code else None)
        last = pages.after(cursor, pages.LAST)
        async with self._db.session() as session:
            found = await fetch_anew(session, _FINDINGS, tenant_id, last, limit + 1, *chosen)
        return pages.page(found, limit, _finding)

    async def finding(self, tenant_id: int, finding_id: int) -> Finding | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_FINDING, tenant_id, finding_id)
        return _finding(row) if row is not None else None

    async def settle_finding(
        self, finding_id: int, standing: Standing, digest: str, actor: str, reason: str
    ) -> bool:
        given = (finding_id, standing.value, digest, text(actor), text(reason))
        async with self._db.transaction() as session:
            row = await session.fetchrow(_SETTLE, *given)
            if row is not None and row["order_id"] is None:
                data = {"standing": standing.value, "reason": reason, "finding": row["key"]}
                audit = Audit(actor, "drift.settle", str(finding_id), data)
                await append(session, row["tenant_id"], audit)
        return row is not None


async def _keep(
    session: Session,
    whose: tuple[int, int | None],
    found: Sequence[Drift],
    rows_known: Sequence[Any],
) -> int:
    """New ones are added, known ones seen again, the others closed. How many are new."""
    by_key = {key(one.key): one for one in found}
    known = {row["key"]: row for row in rows_known}
    for name, one in by_key.items():
        row = known.get(name)
        if row is None:
            await session.execute(_ADD, *whose, name, *_columns(one))
            continue
        standing = after(Standing(row["standing"]), row["digest"], one)
        told = (text(one.says), text(one.stands), text(one.sentence))
        more = (text_or_none(one.url), as_json_or_none(_fix(one.fix)))
        await session.execute(_AGAIN, row["id"], one.digest, standing.value, *told, *more)
    gone = [row["id"] for name, row in known.items() if name not in by_key]
    await session.execute(_CLOSE, gone)
    return len(by_key.keys() - known.keys())


def _columns(one: Drift) -> tuple[Any, ...]:
    names = (one.code.value, one.system, one.kind, one.record, one.about, one.step, one.subject)
    told = (one.says, one.stands, one.sentence, one.who.value)
    return (
        one.digest,
        Standing.OPEN.value,
        *(text(name) for name in (*names, *told)),
        text_or_none(one.url),
        as_json_or_none(_fix(one.fix)),
    )


def _fix(fix: Forgotten | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    return {
        "ledger": fix.ledger, "refs": fix.refs, "intents": fix.intents, "facts": fix.facts,
    }  # fmt: skip


def _forgotten(body: Any) -> Forgotten | None:
    if body is None:
        return None
    names = ("ledger", "refs", "intents", "facts")  # the last one since 0018
    parts = {name: tuple(tuple(one) for one in body.get(name, ())) for name in names}
    return Forgotten(**parts)


def _finding(row: Any) -> Finding:
    names = ("system", "kind", "record", "step", "subject", "says", "stands", "sentence", "about")
    drift = Drift(
        code=Code(row["code"]),
        who=Who(row["who"]),
        url=row["url"],
        fix=_forgotten(row["fix"]),
        **{name: row[name] for name in names},
    )
    return Finding(
        id=row["id"],
        order_id=row["order_id"],
        order=row["order_name"] if row["order_id"] is not None else None,
        drift=drift,
        standing=Standing(row["standing"]),
        since=row["since"],
        seen_at=row["seen_at"],
        actor=row["actor"],
        reason=row["reason"],
        closed_at=row["closed_at"],
    )
