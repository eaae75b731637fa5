"""Pauses of connections in memory, and what is remembered of a remote system's set-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.domain.codes import Code
from app.domain.ports import Paused
from app.store import rows
from app.store.memory.database import Part, is_paused, pause_of, plain
from app.store.memory.database import seconds as after
from app.store.memory.tables import Row
from app.store.texts import key as index_key
from app.store.texts import text


class Connections(Part):
    """The part of the store that knows pauses and references."""

    async def now(self) -> datetime:
        await self._db.read("now")
        return self._db.now()

    async def pause(self, tenant_id: int, system: str, paused: Paused) -> None:
        async with self._db.writing("pause") as tables:
            for row in tables.connection.find("system", (tenant_id, system)):
                now = self._db.now()
                if _gives_way(row, paused, now):
                    since = (row["paused_since"] or now) if is_paused(row, now) else now
                    columns = {**pause_columns(paused), "paused_since": since}
                    tables.connection.change(row["id"], **columns)

    async def paused(self, tenant_id: int, system: str) -> Paused | None:
        tables = await self._db.read("paused")
        row = pause_of(tables, tenant_id, system, self._db.now())
        return None if row is None else rows.paused(row)

    async def take_probe(self, tenant_id: int, system: str, seconds: float) -> bool:
        taken = False
        async with self._db.writing("take_probe") as tables:
            now = self._db.now()
            for row in tables.connection.find("system", (tenant_id, system)):
                asked = row["probed_at"]
                if is_sick(row) and (asked is None or asked <= now - after(seconds)):
                    tables.connection.change(row["id"], probed_at=now)
                    taken = True
        return taken

    async def used_connections(self, tenant_id: int, system: str) -> list[str]:
        tables = await self._db.read("used_connections")
        used = {row["connection_id"] for row in tables.document.all()}
        rows_of = tables.connection.find("system", (tenant_id, system))
        return [row["name"] for row in sorted(rows_of, key=lambda r: r["id"]) if row["id"] in used]

    async def resumed(self, tenant_id: int, system: str) -> int:
        tables = await self._db.read("resumed")
        return sum(row["resumed"] for row in tables.connection.find("system", (tenant_id, system)))

    async def recall(self, tenant_id: int, kind: str, key: str) -> Mapping[str, Any] | None:
        tables = await self._db.read("recall")
        row = tables.reference_cache.get((tenant_id, kind, index_key(key)))
        if row is None or row["expires_at"] <= self._db.now():
            return None
        body: Mapping[str, Any] = row["body"]
        return body

    async def remember(
        self,
        tenant_id: int,
        kind: str,
        key: str,
        body: Mapping[str, Any],
        seconds: float,
    ) -> None:
        async with self._db.writing("remember") as tables:
            row = {"body": plain(dict(body)), "expires_at": self._db.now() + after(seconds)}
            tables.reference_cache.put((tenant_id, kind, index_key(key)), row)


def _gives_way(row: Row, paused: Paused, now: datetime) -> bool:
    """A pause of the service never shortens another one, nor replaces a person's. A sick system's
    gives way to what the system itself asks for, and never stands in its place."""
    if paused.by != "service" or not is_paused(row, now):
        return True
    if paused.code is Code.PEER_SICK:
        return False
    if row["paused_by"] == "service" and is_sick(row):
        return True
    if row["paused_by"] != "service" or row["paused_until"] is None:
        return row["paused_by"] == "service" and paused.until is None
    return paused.until is None or row["paused_until"] < paused.until


def is_sick(row: Row) -> bool:
    return bool(row["paused"]) and row["pause_code"] == Code.PEER_SICK.value


def pause_columns(paused: Paused) -> Row:
    return {
        "paused": True,
        "paused_until": paused.until,
        "pause_code": paused.code.value,
        "pause_sentence": text(paused.sentence),
        "paused_by": text(paused.by),
    }
