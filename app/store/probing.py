"""What a probe of the doctor announced in ConnectWise, and whose turn it is (docs/decisions/0051).

Owns `probe_turn` and `probe_record`. A row goes when its record is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.probing import Made, ProbeRecord
from app.domain.views import Audit
from app.store.auditing import append
from app.store.database import Part
from app.store.texts import as_json, text

_BEGIN = """
INSERT INTO probe_turn (tenant_id, token, until)
VALUES ($1, $2, now() + make_interval(secs => $3))
ON CONFLICT (tenant_id) DO UPDATE SET token = excluded.token, until = excluded.until
    WHERE probe_turn.until <= now()
RETURNING tenant_id
"""
_ANNOUNCE = """
WITH turn AS (
    UPDATE probe_turn SET until = now() + make_interval(secs => $3)
    WHERE tenant_id = $1 AND token = $2 RETURNING tenant_id
)
INSERT INTO probe_record (tenant_id, token, kind, mark, data, actor)
SELECT tenant_id, $2, $4, $5, $6::text::json, $7 FROM turn RETURNING id
"""
_RECORDS = """
SELECT id, token, kind, mark, external_id, data, actor, announced_at
FROM probe_record WHERE tenant_id = $1 ORDER BY id
"""
_UNDER_WAY = "SELECT EXISTS (SELECT 1 FROM probe_turn WHERE tenant_id = $1 AND until > now())"


class Probing(Part):
    """The part of the store behind the doctor's probe."""

    async def begin_probe(self, tenant_id: int, token: str, seconds: float, audit: Audit) -> bool:
        async with self._db.transaction() as session:
            if await session.fetchval(_BEGIN, tenant_id, token, seconds) is None:
                return False
            await append(session, tenant_id, audit)
        return True

    async def end_probe(self, tenant_id: int, token: str) -> None:
        async with self._db.session() as session:
            await session.execute(
                "DELETE FROM probe_turn WHERE tenant_id = $1 AND token = $2", tenant_id, token
            )

    async def announce_probe(
        self,
        tenant_id: int,
        token: str,
        seconds: float,
        record: tuple[Made, str, Mapping[str, Any]],
        actor: str,
    ) -> int | None:
        kind, mark, data = record
        async with self._db.session() as session:
            found: int | None = await session.fetchval(
                _ANNOUNCE, tenant_id, token, seconds, kind.value, mark, as_json(data), text(actor)
            )
        return found

    async def probe_made(self, record_id: int, external_id: int) -> None:
        async with self._db.session() as session:
            await session.execute(
                "UPDATE probe_record SET external_id = $2 WHERE id = $1", record_id, external_id
            )

    async def probe_gone(self, record_id: int) -> None:
        async with self._db.session() as session:
            await session.execute("DELETE FROM probe_record WHERE id = $1", record_id)

    async def probe_records(self, tenant_id: int) -> Sequence[ProbeRecord]:
        async with self._db.session() as session:
            found = await session.fetch(_RECORDS, tenant_id)
        return [ProbeRecord(**{**row, "kind": Made(row["kind"])}) for row in found]

    async def probe_under_way(self, tenant_id: int) -> bool:
        async with self._db.session() as session:
            return bool(await session.fetchval(_UNDER_WAY, tenant_id))
