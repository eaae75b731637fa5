"""What Commerce records are called elsewhere, as it is read: by pages, by id, by name.

Owns these queries, each over an index. A text of less than three characters is looked for at the
beginnings of keys only, as in the search (`searching.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.views import MappingRow, Page
from app.store import rows
from app.store.database import Part, Session, fetch_anew
from app.store.pages import LAST, after, page
from app.store.texts import escaped, text
from app.store.texts import key as index_key
from app.store.words import SHORTEST

COLUMNS = "id, kind, commerce_key, connectwise_key, updated_at, updated_by"
FEW = 500

# Planned for what is asked for, as every list with filters (docs/decisions/0058). $5 are the few that
# hold a text, $6 is the pattern of what many hold: those are met soon from the newest on, which the
# server does not know (OFFSET 0).
_PAGE = f"""
SELECT {COLUMNS} FROM (
    SELECT {COLUMNS} FROM mapping
    WHERE tenant_id = $1 AND id < $3
      AND ($2::text IS NULL OR kind = $2)
      AND ($5::bigint[] IS NULL OR id = ANY ($5))
    ORDER BY id DESC OFFSET 0
) AS m
WHERE $6::text IS NULL OR lower(commerce_key) LIKE lower($6) OR lower(connectwise_key) LIKE lower($6)
ORDER BY id DESC LIMIT $4
"""  # noqa: S608 - constant text
# Whether few hold it: statistics do not know it. OFFSET 0: by the index of parts, whatever it costs. $5 are
# the marks of the tenant and the kind beside the parts, $6 is the text.
_HOLDING = f"""
SELECT id FROM (
    SELECT id, tenant_id, kind, commerce_key, connectwise_key FROM mapping
    WHERE mapping_parts(tenant_id, kind, commerce_key, connectwise_key) @> ($5::text[]
        || CASE WHEN length($6) < {SHORTEST} THEN ARRAY['^' || lower($6)] ELSE search_parts($6) END)
    OFFSET 0
) AS m
WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2)
  AND (lower(commerce_key) LIKE lower($3) OR lower(connectwise_key) LIKE lower($3))
LIMIT $4
"""  # noqa: S608 - constant text
_ONE = f"SELECT {COLUMNS} FROM mapping WHERE tenant_id = $1 AND id = $2"  # noqa: S608 - constant text
_NAMED = f"""
SELECT {COLUMNS} FROM mapping WHERE tenant_id = $1 AND kind = $2 AND commerce_key = $3
"""  # noqa: S608 - constant text
# From one name to the next, over the index: thousands of customers follow one of a few scenarios.
_BOUND = """
WITH RECURSIVE found AS (
    (SELECT connectwise_key AS name FROM mapping WHERE tenant_id = $1 AND kind = 'scenario'
     ORDER BY connectwise_key LIMIT 1)
    UNION ALL
    SELECT (SELECT m.connectwise_key FROM mapping AS m
        WHERE m.tenant_id = $1 AND m.kind = 'scenario' AND m.connectwise_key > f.name
        ORDER BY m.connectwise_key LIMIT 1)
    FROM found AS f WHERE f.name IS NOT NULL
)
SELECT name FROM found WHERE name IS NOT NULL
"""


class Mapped(Part):
    """The reading of mappings, of admin_store.AdminStore."""

    async def mapping_page(
        self, tenant_id: int, kind: str | None, holds: str | None, cursor: str | None, limit: int
    ) -> Page[MappingRow]:
        given = (tenant_id, kind, after(cursor, LAST), limit + 1)
        async with self._db.session() as session:
            chosen = await _holding(session, tenant_id, kind, holds)
            found = await fetch_anew(session, _PAGE, *given, *chosen)
        return page(found, limit, rows.mapping)

    async def mapping(self, tenant_id: int, mapping_id: int) -> MappingRow | None:
        if not 0 < mapping_id <= LAST:
            return None
        async with self._db.session() as session:
            row = await session.fetchrow(_ONE, tenant_id, mapping_id)
        return None if row is None else rows.mapping(row)

    async def mapping_named(self, tenant_id: int, kind: str, key: str) -> MappingRow | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_NAMED, tenant_id, text(kind), index_key(key))
        return None if row is None else rows.mapping(row)

    async def bound(self, tenant_id: int) -> Sequence[str]:
        async with self._db.session() as session:
            found = await session.fetch(_BOUND, tenant_id)
        return sorted(row["name"] for row in found)


async def _holding(
    session: Session, tenant_id: int, kind: str | None, holds: str | None
) -> tuple[list[int] | None, str | None]:
    """The few mappings that hold the text, or the pattern of the many."""
    if not holds:
        return None, None
    plain = text(holds)
    pattern = f"{escaped(plain)}%" if len(plain) < SHORTEST else f"%{escaped(plain)}%"
    marks = [f"#{tenant_id}", *([kind] if kind else [])]
    given = (tenant_id, kind, pattern, FEW + 1, marks, plain)
    few = await fetch_anew(session, _HOLDING, *given)
    return ([row["id"] for row in few], None) if len(few) <= FEW else (None, pattern)
