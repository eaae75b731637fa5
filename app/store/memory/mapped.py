"""What Commerce records are called elsewhere, in memory: every row is looked at, by the same rules."""

from __future__ import annotations

from collections.abc import Sequence

from app.domain import binding
from app.domain.views import MappingRow, Page
from app.store import rows
from app.store.memory.database import Part
from app.store.memory.tables import Row
from app.store.pages import LAST, after, page
from app.store.texts import key as index_key
from app.store.texts import text
from app.store.words import SHORTEST


class Mapped(Part):
    """The reading of mappings, of admin_store.AdminStore."""

    async def mapping_page(
        self, tenant_id: int, kind: str | None, holds: str | None, cursor: str | None, limit: int
    ) -> Page[MappingRow]:
        before = after(cursor, LAST)
        tables = await self._db.read("mapping_page")
        wanted = text(holds or "").lower()
        kept = [
            row
            for row in reversed(tables.mapping.find("tenant", tenant_id))
            if kind in (None, row["kind"]) and row["id"] < before and _holds(row, wanted)
        ]
        return page(kept, limit, rows.mapping)

    async def mapping(self, tenant_id: int, mapping_id: int) -> MappingRow | None:
        tables = await self._db.read("mapping")
        row = tables.mapping.get(mapping_id)
        return None if row is None or row["tenant_id"] != tenant_id else rows.mapping(row)

    async def mapping_named(self, tenant_id: int, kind: str, key: str) -> MappingRow | None:
        tables = await self._db.read("mapping_named")
        found = tables.mapping.find("named", (tenant_id, text(kind), index_key(key)))
        return rows.mapping(found[0]) if found else None

    async def bound(self, tenant_id: int) -> Sequence[str]:
        tables = await self._db.read("bound")
        own = tables.mapping.find("tenant", tenant_id)
        return sorted({row["connectwise_key"] for row in own if row["kind"] == binding.KIND})


def _holds(row: Row, wanted: str) -> bool:
    keys = (row["commerce_key"].lower(), row["connectwise_key"].lower())
    if len(wanted) < SHORTEST:
        return any(key.startswith(wanted) for key in keys)
    return any(wanted in key for key in keys)
