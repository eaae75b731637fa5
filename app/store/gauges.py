"""How the installation stands, as numbers for Prometheus.

Owns the queries, each over an index and bounded, so that asking every few seconds costs nothing
that anybody notices.
"""

from __future__ import annotations

from app.domain.retention import Kept
from app.store import settled
from app.store.connections import PAUSED
from app.store.database import Part
from app.store.liveness import ALIVE
from app.store.partitions import GROWING
from app.telemetry import metrics

Values = dict[str, list[tuple[tuple[str, ...], float]]]

_ORDERS = """
SELECT state, coalesce(code, '') AS code, coalesce(who, '') AS who, count(*) AS many
FROM orders WHERE state NOT IN ('done', 'cancelled') GROUP BY 1, 2, 3
"""
_AGES = """
SELECT (SELECT extract(epoch FROM now() - min(received_at)) FROM inbox_event WHERE status = 'new')
           AS unmerged,
       (SELECT extract(epoch FROM now() - min(received_at)) FROM inbox_event WHERE status = 'hint')
           AS hint,
       (SELECT extract(epoch FROM now() - min(due_at)) FROM orders
        WHERE due_at IS NOT NULL AND due_at <= now()
          AND (lease_owner IS NULL OR lease_until <= now())) AS due
"""
_PAUSES = f"""
SELECT kind AS system,
       CASE coalesce(paused_by, 'service') WHEN 'service' THEN 'service' ELSE 'person' END AS by,
       bool_or({PAUSED}) AS paused
FROM connection GROUP BY 1, 2
"""  # noqa: S608 - constant text
_DELIVERED = """
SELECT c.kind AS source, extract(epoch FROM now() - max(newest.received_at)) AS seconds
FROM connection AS c CROSS JOIN LATERAL (
    SELECT e.received_at FROM inbox_event AS e WHERE e.connection_id = c.id ORDER BY e.id DESC LIMIT 1
) AS newest GROUP BY 1
"""
# The tables that only grow, with the moment of a row. Ids and moments rise together.
_KEPT = (
    *((kept.value, one.table, one.moment) for kept, one in GROWING.items()),
    (Kept.ALERTS.value, *settled.PLACE),
)
_OLDEST = " UNION ALL ".join(
    f"SELECT '{what}' AS what, (SELECT extract(epoch FROM now() - {moment}) FROM {table}"  # noqa: S608 - constant text
    " ORDER BY id LIMIT 1) AS seconds"
    for what, table, moment in _KEPT
)
# A month that is dropped in this moment has no size any more.
_BYTES = """
SELECT what, CASE WHEN c.relname ~ '_(default|before)$' THEN substring(c.relname FROM '[a-z]+$')
    WHEN c.relispartition THEN 'months' ELSE 'all' END AS part,
    sum(pg_total_relation_size(c.oid))::float8 AS bytes
FROM unnest($1::text[], $2::text[]) AS kept (what, of)
LEFT JOIN pg_inherits AS i ON i.inhparent = of::regclass
JOIN pg_class AS c ON c.oid = coalesce(i.inhrelid, of::regclass)
GROUP BY 1, 2 ORDER BY 1, 2
"""


class Gauges(Part):
    """The part of the store that tells how the installation stands."""

    async def gauges(self) -> Values:
        """By the name of the metric: its labels and its value."""
        async with self._db.session() as session:
            orders = await session.fetch(_ORDERS)
            (ages,) = await session.fetch(_AGES)
            alive = await session.fetch(ALIVE)
            pauses = await session.fetch(_PAUSES)
            delivered = await session.fetch(_DELIVERED)
            oldest = await session.fetch(_OLDEST)
            sizes = await session.fetch(
                _BYTES, [what for what, *_ in _KEPT], [table for _, table, _ in _KEPT]
            )
        return {
            metrics.ORDERS.name: [
                ((row["state"], row["code"], row["who"]), row["many"]) for row in orders
            ],
            metrics.INBOX_AGE_SECONDS.name: [((), float(ages["unmerged"] or 0))],
            metrics.HINT_AGE_SECONDS.name: [((), float(ages["hint"] or 0))],
            metrics.DUE_AGE_SECONDS.name: [((), float(ages["due"] or 0))],
            metrics.WORKERS.name: [((), float(len(alive)))],
            metrics.PAUSED.name: [
                ((row["system"], row["by"]), float(bool(row["paused"]))) for row in pauses
            ],
            metrics.DELIVERED_SECONDS.name: [
                ((row["source"],), float(row["seconds"])) for row in delivered
            ],
            metrics.KEPT_OLDEST_SECONDS.name: [
                ((row["what"],), float(row["seconds"]))
                for row in oldest
                if row["seconds"] is not None
            ],
            metrics.KEPT_BYTES.name: [
                ((row["what"], row["part"]), float(row["bytes"] or 0)) for row in sizes
            ],
        }
