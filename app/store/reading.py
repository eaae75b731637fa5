"""An order in one database snapshot: what `decide` rests on.

Owns the one statement that reads it (the hot path, so one round trip) and the cache of settings
and mappings by their tenant's version. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.errors import LeaseLost
from app.domain.records import QUOTE, Claim, Pause, Snapshot
from app.store import rows
from app.store.connections import PAUSED, SERVICE
from app.store.database import Database, Part, Session

# The quote is joined by what the sales order says now, never by a stored guess.
_SNAPSHOT = f"""
WITH o AS (SELECT * FROM orders WHERE id = $1),
own AS (
    SELECT d.* FROM document AS d JOIN o ON d.order_id = o.id
), docs AS (
    SELECT * FROM own
    UNION ALL
    SELECT q.* FROM o JOIN document AS q ON q.connection_id = o.connection_id AND q.kind = 'quote'
    WHERE q.source_id = (SELECT quote FROM own WHERE kind = 'sales_order' LIMIT 1)
), named AS (
    SELECT DISTINCT e.id FROM o JOIN external_ref AS e ON e.tenant_id = o.tenant_id
        AND e.kind = 'opportunity'
    WHERE e.external_id IN (SELECT opportunity FROM docs WHERE opportunity IS NOT NULL)
    UNION
    SELECT r.ref_id FROM o JOIN order_ref AS r ON r.order_id = o.id
    WHERE r.kind IN ('opportunity', 'sales_order', 'ticket')
)
SELECT {rows.ORDER_COLUMNS}, o.lease_token, tenant.config_version, now() AS now,
    (SELECT json_object_agg(kind, json_build_object(
        'until', coalesce(paused_until, now() + interval '5 minutes'), 'by', paused_by,
        'why', pause_sentence, 'ends', paused_until IS NOT NULL))
     FROM connection WHERE tenant_id = o.tenant_id AND {PAUSED}) AS paused,
    (SELECT json_agg(d ORDER BY d.kind, d.source_id) FROM (
        SELECT kind, source_id, rank, own, extras FROM docs
    ) AS d) AS documents,
    (SELECT json_agg(a ORDER BY a.step, a.subject) FROM applied AS a
     WHERE a.order_id = o.id) AS ledger,
    (SELECT json_agg(i ORDER BY i.id) FROM intent AS i WHERE i.order_id = o.id) AS intents,
    (SELECT json_agg(r ORDER BY r.kind, r.key) FROM (
        SELECT r.kind, r.key, e.external_id, r.data, e.order_id IS NOT NULL AS exclusive
        FROM order_ref AS r JOIN external_ref AS e ON e.id = r.ref_id WHERE r.order_id = o.id
    ) AS r) AS refs,
    (SELECT json_agg(f ORDER BY f.kind, f.key) FROM fact AS f WHERE f.order_id = o.id) AS facts,
    (SELECT json_agg(d ORDER BY d.id) FROM decision AS d WHERE d.order_id = o.id) AS decisions,
    (SELECT json_agg(s) FROM (
        SELECT e.kind, e.external_id, coalesce(x.number, 'id:' || x.source_id) AS name
        FROM named JOIN external_ref AS e USING (id)
        JOIN order_ref AS r ON r.ref_id = e.id AND r.order_id <> o.id
        JOIN orders AS x ON x.id = r.order_id AND NOT starts_with(x.source_id, '{QUOTE}')
        GROUP BY e.kind, e.external_id, x.id ORDER BY e.kind, e.external_id, x.id
    ) AS s) AS shared,
    (SELECT json_agg(s) FROM (
        SELECT coalesce(x.number, 'id:' || x.source_id) AS name, x.state, e.kind AS shares,
            a.code, a.state = 'skipped' OR a.want IS NOT NULL
                AND coalesce(a.want ->> 'released', '') <> 'false' AS released
        FROM named JOIN external_ref AS e USING (id)
        JOIN order_ref AS r ON r.ref_id = e.id AND r.order_id <> o.id
        JOIN orders AS x ON x.id = r.order_id
        LEFT JOIN applied AS a
            ON a.order_id = x.id AND a.step = 'release_invoice' AND a.subject = 'order'
        WHERE e.kind IN ('sales_order', 'ticket') ORDER BY x.id
    ) AS s) AS others
FROM o JOIN connection AS c ON c.id = o.connection_id JOIN tenant ON tenant.id = o.tenant_id
"""  # noqa: S608 - constant text

# B1.4: what decides about a declined quote beside it. The other quotes of its opportunity, and
# every sales order that names the opportunity, or is placed on one of its quotes.
_SIBLINGS = """
WITH mine AS (
    SELECT * FROM document WHERE order_id = $1 AND kind = 'quote'
), named AS (
    SELECT d.* FROM mine JOIN document AS d USING (tenant_id, opportunity)
    WHERE d.kind IN ('quote', 'sales_order') AND d.id <> mine.id
), placed AS (
    SELECT d.* FROM (SELECT * FROM mine UNION ALL SELECT * FROM named) AS q
    JOIN document AS d ON d.connection_id = q.connection_id AND d.quote = q.source_id
    WHERE q.kind = 'quote' AND d.kind = 'sales_order'
)
SELECT DISTINCT ON (id) kind, source_id, rank, own, extras
FROM (SELECT * FROM named UNION ALL SELECT * FROM placed) AS beside ORDER BY id
"""

_CONFIG = """
SELECT config_version,
    (SELECT json_object_agg(name, value) FROM setting WHERE tenant_id = tenant.id) AS settings,
    (SELECT json_agg(json_build_array(kind, commerce_key, connectwise_key))
     FROM mapping WHERE tenant_id = tenant.id) AS mappings
FROM tenant WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class _Config:
    """Settings and mappings of a tenant, as of a version."""

    version: int
    settings: Mapping[str, Any]
    mappings: Mapping[tuple[str, str], str]


class Reading(Part):
    """The part of the store that reads orders for decisions."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._configs: dict[int, _Config] = {}

    async def load(self, claim: Claim) -> Snapshot:
        async with self._db.session() as session:
            row = await session.fetchrow(_SNAPSHOT, claim.order_id)
            if row is None or row["lease_token"] != claim.token:
                raise LeaseLost
            return await self._snapshot(session, row)

    async def peek(self, order_id: int) -> Snapshot:
        async with self._db.session() as session:
            row = await session.fetchrow(_SNAPSHOT, order_id)
            if row is None:
                raise KeyError(order_id)
            return await self._snapshot(session, row)

    async def _snapshot(self, session: Session, row: Any) -> Snapshot:
        config = await self._config(session, row["tenant_id"], row["config_version"])
        order = rows.order(row)
        # Read after the order's wake number: what came in between moves it, and is decided again.
        siblings = await session.fetch(_SIBLINGS, order.id) if order.of_quote else ()
        shared: dict[tuple[str, str], list[str]] = {}
        for found in row["shared"] or ():
            shared.setdefault((found["kind"], found["external_id"]), []).append(found["name"])
        return Snapshot(
            order=order,
            documents=tuple(rows.stored(found) for found in row["documents"] or ()),
            ledger=tuple(rows.ledger(found) for found in row["ledger"] or ()),
            intents=tuple(rows.intent(found) for found in row["intents"] or ()),
            refs=tuple(rows.ref(found) for found in row["refs"] or ()),
            facts=tuple(rows.fact(found) for found in row["facts"] or ()),
            settings=config.settings,
            mappings=config.mappings,
            shared={key: tuple(names) for key, names in shared.items()},
            paused={
                system: Pause(
                    datetime.fromisoformat(one["until"]),
                    one["by"] or SERVICE,
                    one["why"] or "",
                    one["ends"],
                )
                for system, one in (row["paused"] or {}).items()
            },
            now=row["now"],
            decisions=tuple(
                found
                for found in (rows.decision(found) for found in row["decisions"] or ())
                if found is not None
            ),
            others=tuple(rows.other(found) for found in row["others"] or ()),
            siblings=tuple(rows.stored(found) for found in siblings),
        )

    async def _config(self, session: Session, tenant_id: int, version: int) -> _Config:
        """Settings and mappings are read live, so a newer version than the snapshot's is right;
        an older one never is."""
        known = self._configs.get(tenant_id)
        if known is None or known.version < version:
            row = await session.fetchrow(_CONFIG, tenant_id)
            assert row is not None  # noqa: S101 - the order has its tenant
            known = _Config(
                row["config_version"],
                row["settings"] or {},
                {(kind, key): value for kind, key, value in row["mappings"] or ()},
            )
            self._configs[tenant_id] = known
        return known
