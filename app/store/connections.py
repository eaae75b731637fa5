"""Pauses of connections, and what is remembered of a remote system's set-up.

Owns who may pause over whom: a person's pause is never shortened by the service; and the columns
of a ledger's grant that may be shown. Knows nothing of what a remembered record means.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from app.domain.ports import Paused
from app.store import rows
from app.store.database import Part
from app.store.texts import as_json, text
from app.store.texts import key as index_key

SERVICE: Final = "service"

# A pause of the service never shortens another one, nor replaces a person's. A sick system's gives
# way to what the system itself asks for, and never stands in its place.
_PAUSE = """
UPDATE connection SET
    paused_since = CASE WHEN paused AND (paused_until IS NULL OR paused_until > now())
                   THEN coalesce(paused_since, now()) ELSE now() END,
    paused = true, paused_until = $3, pause_code = $4, pause_sentence = $5, paused_by = $6
WHERE tenant_id = $1 AND kind = $2
  AND ($6 <> 'service' OR NOT paused OR coalesce(paused_until <= now(), false)
       OR (paused_by = 'service' AND $4 <> 'PEER_SICK'
           AND (paused_until < $3 OR $3 IS NULL OR pause_code = 'PEER_SICK')))
"""

# Of ledger_grant AS g: everything but the tokens.
GRANT = """g.company_id, g.company_name, g.access_until, g.refresh_until, g.grant_until,
    g.consented_at, g.consented_by, g.trouble,
    coalesce(least(g.refresh_until, g.grant_until) <= now(), false) AS over"""

PAUSED = "paused AND (paused_until IS NULL OR paused_until > now())"
# The tenants whose ConnectWise may be asked now.
CALLABLE = f"""
    SELECT tenant_id FROM connection WHERE kind = 'connectwise'
    GROUP BY tenant_id HAVING NOT bool_or({PAUSED})"""  # noqa: S608 - constant text

_PAUSED = f"""
SELECT paused_until, pause_code, pause_sentence, paused_by FROM connection
WHERE tenant_id = $1 AND kind = $2 AND {PAUSED} LIMIT 1
"""  # noqa: S608 - constant text


class Connections(Part):
    """The part of the store that knows pauses and references."""

    async def now(self) -> datetime:
        async with self._db.session() as session:
            moment: datetime = await session.fetchval("SELECT clock_timestamp()")
        return moment

    async def pause(self, tenant_id: int, system: str, paused: Paused) -> None:
        async with self._db.session() as session:
            await session.execute(
                _PAUSE,
                tenant_id,
                system,
                paused.until,
                paused.code.value,
                text(paused.sentence),
                text(paused.by),
            )

    async def paused(self, tenant_id: int, system: str) -> Paused | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_PAUSED, tenant_id, system)
        return None if row is None else rows.paused(row)

    async def take_probe(self, tenant_id: int, system: str, seconds: float) -> bool:
        statement = """
            UPDATE connection SET probed_at = now()
            WHERE tenant_id = $1 AND kind = $2 AND paused AND pause_code = 'PEER_SICK'
              AND coalesce(probed_at <= now() - make_interval(secs => $3), true)
            RETURNING id
        """
        async with self._db.session() as session:
            return await session.fetchval(statement, tenant_id, system, seconds) is not None

    async def used_connections(self, tenant_id: int, system: str) -> list[str]:
        query = """
            SELECT c.name FROM connection AS c CROSS JOIN LATERAL (
                SELECT FROM document AS d WHERE d.connection_id = c.id LIMIT 1
            ) AS any_document
            WHERE c.tenant_id = $1 AND c.kind = $2 ORDER BY c.id
        """
        async with self._db.session() as session:
            return [row["name"] for row in await session.fetch(query, tenant_id, system)]

    async def resumed(self, tenant_id: int, system: str) -> int:
        query = (
            "SELECT coalesce(sum(resumed), 0) FROM connection WHERE tenant_id = $1 AND kind = $2"
        )
        async with self._db.session() as session:
            return int(await session.fetchval(query, tenant_id, system))

    async def recall(self, tenant_id: int, kind: str, key: str) -> Mapping[str, Any] | None:
        query = """
            SELECT body FROM reference_cache
            WHERE tenant_id = $1 AND kind = $2 AND key = $3 AND expires_at > now()
        """
        async with self._db.session() as session:
            body: Mapping[str, Any] | None = await session.fetchval(
                query, tenant_id, kind, index_key(key)
            )
        return body

    async def remember(
        self,
        tenant_id: int,
        kind: str,
        key: str,
        body: Mapping[str, Any],
        seconds: float,
    ) -> None:
        statement = """
            INSERT INTO reference_cache (tenant_id, kind, key, body, expires_at)
            VALUES ($1, $2, $3, $4::text::json, now() + make_interval(secs => $5))
            ON CONFLICT (tenant_id, kind, key)
            DO UPDATE SET body = EXCLUDED.body, expires_at = EXCLUDED.expires_at
        """
        async with self._db.session() as session:
            await session.execute(
                statement, tenant_id, kind, index_key(key), as_json(dict(body)), seconds
            )
