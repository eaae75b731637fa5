"""What people set up: mappings, settings, connections, scenario bodies.

Owns their changes, each with its audit row and the waking of the orders that wait for it, in one
transaction. Every change moves the tenant's `config_version`, by which readers notice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.ports import Paused
from app.domain.views import Audit, ConnectionRow, MappingRow, Stopped
from app.store import rows
from app.store.auditing import append
from app.store.claiming import WAKE
from app.store.connections import GRANT, PAUSED
from app.store.database import Part, Session
from app.store.mapped import COLUMNS as MAPPING_COLUMNS
from app.store.stopped import STOPPED_BY_PAUSE
from app.store.texts import as_json, text
from app.store.texts import key as index_key

# Orders that a code stops at any of their steps, not only at the one that their answer names.
_STOPPED = """
SELECT o.id FROM orders AS o
WHERE o.tenant_id = $1 AND o.state NOT IN ('done', 'cancelled') AND (
    o.code = ANY ($2::text[]) OR EXISTS (
        SELECT FROM applied AS a WHERE a.order_id = o.id AND a.code = ANY ($2::text[])))
"""
_STOPPED_BY = f"""
SELECT o.id AS order_id, {rows.ORDER_NAME} AS "order", c.name AS connection,
    array_agg(DISTINCT s.sentence ORDER BY s.sentence) AS sentences
FROM orders AS o JOIN connection AS c ON c.id = o.connection_id
CROSS JOIN LATERAL (
    SELECT coalesce(o.sentence, '') AS sentence WHERE o.code = $2
    UNION
    SELECT coalesce(a.sentence, '') FROM applied AS a WHERE a.order_id = o.id AND a.code = $2
) AS s
WHERE o.tenant_id = $1 AND o.state IN ('running', 'waiting', 'held', 'parked')
GROUP BY o.id, c.name ORDER BY o.id LIMIT $3
"""  # noqa: S608 - constant text
# Workers that have read an order, perhaps from before the change.
_UNDER_WAY = "SELECT id FROM orders WHERE tenant_id = $1 AND lease_token IS NOT NULL"
_NEW_VERSION = "UPDATE tenant SET config_version = config_version + 1 WHERE id = $1"

_PUT_MAPPING = f"""
INSERT INTO mapping (tenant_id, kind, commerce_key, connectwise_key, updated_by)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, kind, commerce_key) DO UPDATE SET
    connectwise_key = EXCLUDED.connectwise_key, updated_by = EXCLUDED.updated_by, updated_at = now()
RETURNING {MAPPING_COLUMNS}
"""  # noqa: S608 - constant text

# What is set already stays: after the first start the database rules.
_SEED = """
INSERT INTO setting (tenant_id, name, value, seeded, updated_by)
SELECT $1, t.name, t.value::json, t.value::json, 'environment'
FROM unnest($2::text[], $3::text[]) AS t (name, value)
ON CONFLICT (tenant_id, name) DO NOTHING
RETURNING name
"""
_PUT_SETTINGS = """
INSERT INTO setting (tenant_id, name, value, updated_by)
SELECT $1, t.name, t.value::json, $4 FROM unnest($2::text[], $3::text[]) AS t (name, value)
ON CONFLICT (tenant_id, name) DO UPDATE SET
    value = EXCLUDED.value, updated_by = EXCLUDED.updated_by, updated_at = now()
"""

_CONNECTIONS = f"""
SELECT id, name, kind, {PAUSED} AS is_paused, paused_until, pause_code, pause_sentence, paused_by,
    {GRANT}
FROM connection LEFT JOIN ledger_grant AS g ON g.connection_id = id
WHERE connection.tenant_id = $1 ORDER BY id
"""  # noqa: S608 - constant text
_RESUME = """
UPDATE connection SET paused = false, paused_until = NULL, pause_code = NULL,
    pause_sentence = NULL, paused_by = NULL, resumed = resumed + 1
WHERE tenant_id = $1 AND id = $2 RETURNING kind, name
"""
_RECOVER = """
UPDATE connection SET paused = false, paused_until = NULL, pause_code = NULL,
    pause_sentence = NULL, paused_by = NULL, probed_at = NULL
WHERE tenant_id = $1 AND kind = $2 AND paused AND pause_code = 'PEER_SICK' RETURNING id
"""
# What met the pause itself, too, does not wait out its own time.
_TRY_AGAIN = """
UPDATE applied SET retry_at = now() WHERE order_id = ANY ($1::bigint[]) AND state = 'waiting'
    AND code = ANY ($2::text[]) AND retry_at > now()
"""

_SCENARIO = """
INSERT INTO scenario_body (tenant_id, name, version, body_hash, body)
SELECT id, $1, $2, $3, $4 FROM tenant ON CONFLICT DO NOTHING
"""
_SCENARIOS = """
SELECT DISTINCT ON (name, version) name, version, body FROM scenario_body
ORDER BY name, version, seen_at DESC
"""


class Setup(Part):
    """The part of the store behind mappings, settings and connections."""

    async def stopped(self, tenant_id: int, code: Code, limit: int) -> Sequence[Stopped]:
        async with self._db.session() as session:
            found = await session.fetch(_STOPPED_BY, tenant_id, code.value, limit)
        return [Stopped(**{**row, "sentences": tuple(row["sentences"])}) for row in found]

    async def put_mapping(
        self, tenant_id: int, kind: str, commerce_key: str, connectwise_key: str, audit: Audit
    ) -> MappingRow:
        given = (kind, index_key(commerce_key), text(connectwise_key), text(audit.actor))
        async with self._db.transaction() as session:
            row = await session.fetchrow(_PUT_MAPPING, tenant_id, *given)
            await _changed(session, tenant_id, audit, [Code.MAPPING_MISSING.value])
        await self._tell_who_read_before(tenant_id)
        return rows.mapping(row)

    async def drop_mapping(self, tenant_id: int, mapping_id: int, audit: Audit) -> bool:
        statement = "DELETE FROM mapping WHERE tenant_id = $1 AND id = $2 RETURNING id"
        async with self._db.transaction() as session:
            if await session.fetchval(statement, tenant_id, mapping_id) is None:
                return False
            await _changed(session, tenant_id, audit, [Code.MAPPING_MISSING.value])
        await self._tell_who_read_before(tenant_id)
        return True

    async def settings(self, tenant_id: int) -> Mapping[str, Any]:
        query = "SELECT name, value FROM setting WHERE tenant_id = $1 ORDER BY name"
        async with self._db.session() as session:
            return {row["name"]: row["value"] for row in await session.fetch(query, tenant_id)}

    async def put_settings(self, tenant_id: int, values: Mapping[str, Any], audit: Audit) -> None:
        columns = (list(values), [as_json(value) for value in values.values()])
        async with self._db.transaction() as session:
            await session.execute(_PUT_SETTINGS, tenant_id, *columns, text(audit.actor))
            await _changed(session, tenant_id, audit, [Code.SETTING_MISSING.value])
        await self._tell_who_read_before(tenant_id)

    async def seed_settings(self, tenant_id: int, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep what the environment gives and nobody has set; the stored values that differ from
        the given ones, which rule."""
        columns = (list(values), [as_json(value) for value in values.values()])
        async with self._db.transaction() as session:
            if await session.fetch(_SEED, tenant_id, *columns):
                audit = Audit("environment", "settings.seed", ", ".join(sorted(values)))
                await _changed(session, tenant_id, audit, [Code.SETTING_MISSING.value])
        stored = await self.settings(tenant_id)
        return {name: stored[name] for name, value in values.items() if stored[name] != value}

    async def connections(self, tenant_id: int) -> Sequence[ConnectionRow]:
        async with self._db.session() as session:
            found = await session.fetch(_CONNECTIONS, tenant_id)
        return [
            ConnectionRow(
                row["id"],
                row["name"],
                row["kind"],
                rows.paused(row) if row["is_paused"] else None,
                rows.grant(row) if row["company_id"] is not None else None,
            )
            for row in found
        ]

    async def pause_connection(
        self, tenant_id: int, connection_id: int, paused: Paused, audit: Audit
    ) -> bool:
        statement = """
            UPDATE connection SET paused = true, paused_until = $3, pause_code = $4,
                pause_sentence = $5, paused_by = $6
            WHERE tenant_id = $1 AND id = $2 RETURNING id
        """
        given = (paused.until, paused.code.value, text(paused.sentence), text(paused.by))
        async with self._db.transaction() as session:
            if await session.fetchval(statement, tenant_id, connection_id, *given) is None:
                return False
            await _changed(session, tenant_id, audit, [])
        return True

    async def resume_connection(self, tenant_id: int, connection_id: int, audit: Audit) -> bool:
        async with self._db.transaction() as session:
            if await session.fetchrow(_RESUME, tenant_id, connection_id) is None:
                return False
            orders = await _changed(session, tenant_id, audit, STOPPED_BY_PAUSE)
            await session.execute(_TRY_AGAIN, orders, STOPPED_BY_PAUSE)
        await self._tell_who_read_before(tenant_id)
        return True

    async def recover(self, tenant_id: int, system: str) -> bool:
        audit = Audit("service", "connection.recover", system)
        async with self._db.transaction() as session:
            if await session.fetchval(_RECOVER, tenant_id, system) is None:
                return False
            orders = await _changed(session, tenant_id, audit, STOPPED_BY_PAUSE)
            await session.execute(_TRY_AGAIN, orders, STOPPED_BY_PAUSE)
        await self._tell_who_read_before(tenant_id)
        return True

    async def _tell_who_read_before(self, tenant_id: int) -> None:
        """Move the orders under way, so that none is given back by what was read before the
        change. After its commit: who reads then reads the change. If we die in between, these
        orders look again by themselves, at their own time."""
        with contextlib.suppress(StoreUnavailable):
            async with self._db.transaction() as session:
                found = await session.fetch(_UNDER_WAY, tenant_id)
                if found:
                    await session.execute(WAKE, [row["id"] for row in found])

    async def keep_scenario(self, name: str, version: int, body_hash: str, body: str) -> None:
        """Keep a scenario's text, so that what an order was pinned to can always be read."""
        async with self._db.session() as session:
            await session.execute(_SCENARIO, name, version, body_hash, text(body))

    async def kept_scenarios(self) -> list[tuple[str, int, str]]:
        """Name, version and text of every scenario that was ever served, the last text of each."""
        async with self._db.session() as session:
            found = await session.fetch(_SCENARIOS)
        return [(row["name"], row["version"], row["body"]) for row in found]

    async def audit(self, tenant_id: int, audit: Audit) -> None:
        async with self._db.session() as session:
            await append(session, tenant_id, audit)


async def _changed(session: Session, tenant_id: int, audit: Audit, stopped: list[str]) -> list[int]:
    """Audit the change and wake the orders that these codes stop; their ids."""
    await append(session, tenant_id, audit)
    # The version before the orders: whoever reads a woken order reads the change as well.
    await session.execute(_NEW_VERSION, tenant_id)
    if not stopped:
        return []
    found = [row["id"] for row in await session.fetch(_STOPPED, tenant_id, stopped)]
    await session.execute(WAKE, found)
    return found
