"""What people set up, in memory: mappings, settings, connections, scenario bodies."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.ports import Paused
from app.domain.views import Audit, ConnectionRow, MappingRow, Stopped
from app.store import rows
from app.store.memory.connections import is_sick, pause_columns
from app.store.memory.database import Part, full_order, is_paused, order_name, plain, wake
from app.store.memory.grants import full_grant
from app.store.memory.story import audit as append
from app.store.memory.tables import Tables
from app.store.stopped import STOPPED_BY_PAUSE
from app.store.texts import key as index_key
from app.store.texts import text

_NOT_PAUSED = dict.fromkeys(("paused_until", "pause_code", "pause_sentence", "paused_by"))


class Setup(Part):
    """The part of the store behind mappings, settings and connections."""

    async def stopped(self, tenant_id: int, code: Code, limit: int) -> Sequence[Stopped]:
        tables = await self._db.read("stopped")
        found: list[Stopped] = []
        for row in sorted(tables.orders.all(), key=lambda one: int(one["id"])):
            if row["tenant_id"] != tenant_id or row["state"] in ("done", "cancelled"):
                continue
            said = [row, *tables.applied.find("order", row["id"])]
            sentences = {one["sentence"] or "" for one in said if one["code"] == code.value}
            if sentences and len(found) < limit:
                connection = full_order(tables, row)["connection"]
                told = tuple(sorted(sentences))
                found.append(Stopped(row["id"], order_name(row), connection, told))
        return found

    async def put_mapping(
        self, tenant_id: int, kind: str, commerce_key: str, connectwise_key: str, audit: Audit
    ) -> MappingRow:
        async with self._db.writing("put_mapping") as tables:
            place = (tenant_id, kind, index_key(commerce_key))
            named = dict(zip(("tenant_id", "kind", "commerce_key"), place, strict=True))
            given = {
                "connectwise_key": text(connectwise_key),
                "updated_by": text(audit.actor),
                "updated_at": self._db.now(),
            }
            known = tables.mapping.find("named", place)
            if known:
                row = tables.mapping.change(known[0]["id"], **given)
            else:
                row = tables.mapping.add(**named, **given)
            self._changed(tables, tenant_id, audit, [Code.MAPPING_MISSING.value])
        await self._tell_who_read_before(tenant_id)
        return rows.mapping(row)

    async def drop_mapping(self, tenant_id: int, mapping_id: int, audit: Audit) -> bool:
        async with self._db.writing("drop_mapping") as tables:
            row = tables.mapping.get(mapping_id)
            if row is None or row["tenant_id"] != tenant_id:
                return False
            tables.mapping.remove(mapping_id)
            self._changed(tables, tenant_id, audit, [Code.MAPPING_MISSING.value])
        await self._tell_who_read_before(tenant_id)
        return True

    async def settings(self, tenant_id: int) -> Mapping[str, Any]:
        tables = await self._db.read("settings")
        return {row["name"]: row["value"] for row in tables.setting.find("tenant", tenant_id)}

    async def put_settings(self, tenant_id: int, values: Mapping[str, Any], audit: Audit) -> None:
        async with self._db.writing("put_settings") as tables:
            for name, value in values.items():
                row = {"tenant_id": tenant_id, "name": name, "value": plain(value)}
                tables.setting.put((tenant_id, name), row)
            self._changed(tables, tenant_id, audit, [Code.SETTING_MISSING.value])
        await self._tell_who_read_before(tenant_id)

    async def seed_settings(self, tenant_id: int, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keep what the environment gives and nobody has set; the stored values that differ from
        the given ones, which rule."""
        async with self._db.writing("seed_settings") as tables:
            unset = [one for one in values if tables.setting.get((tenant_id, one)) is None]
            for name in unset:
                row = {"tenant_id": tenant_id, "name": name, "value": plain(values[name])}
                tables.setting.put((tenant_id, name), row)
            if unset:
                audit = Audit("environment", "settings.seed", ", ".join(sorted(values)))
                self._changed(tables, tenant_id, audit, [Code.SETTING_MISSING.value])
        stored = await self.settings(tenant_id)
        return {name: stored[name] for name, value in values.items() if stored[name] != value}

    async def connections(self, tenant_id: int) -> Sequence[ConnectionRow]:
        tables = await self._db.read("connections")
        now = self._db.now()
        return [
            ConnectionRow(
                row["id"],
                row["name"],
                row["kind"],
                rows.paused(row) if is_paused(row, now) else None,
                full_grant(tables, row["id"], now),
            )
            for row in tables.connection.all()
            if row["tenant_id"] == tenant_id
        ]

    async def pause_connection(
        self, tenant_id: int, connection_id: int, paused: Paused, audit: Audit
    ) -> bool:
        async with self._db.writing("pause_connection") as tables:
            row = tables.connection.get(connection_id)
            if row is None or row["tenant_id"] != tenant_id:
                return False
            tables.connection.change(connection_id, **pause_columns(paused))
            self._changed(tables, tenant_id, audit, [])
        return True

    async def resume_connection(self, tenant_id: int, connection_id: int, audit: Audit) -> bool:
        async with self._db.writing("resume_connection") as tables:
            row = tables.connection.get(connection_id)
            if row is None or row["tenant_id"] != tenant_id:
                return False
            resumed = row["resumed"] + 1
            tables.connection.change(connection_id, paused=False, resumed=resumed, **_NOT_PAUSED)
            self._wake_stopped(tables, tenant_id, audit)
        await self._tell_who_read_before(tenant_id)
        return True

    async def recover(self, tenant_id: int, system: str) -> bool:
        async with self._db.writing("recover") as tables:
            sick = [
                row["id"]
                for row in tables.connection.find("system", (tenant_id, system))
                if is_sick(row)
            ]
            if not sick:
                return False
            for number in sick:
                tables.connection.change(number, paused=False, probed_at=None, **_NOT_PAUSED)
            audit = Audit("service", "connection.recover", system)
            self._wake_stopped(tables, tenant_id, audit)
        await self._tell_who_read_before(tenant_id)
        return True

    def _wake_stopped(self, tables: Tables, tenant_id: int, audit: Audit) -> None:
        """Wake who waits for a connection; what met the pause itself does not wait out its time."""
        now = self._db.now()
        for order_id in self._changed(tables, tenant_id, audit, STOPPED_BY_PAUSE):
            for one in tables.applied.find("order", order_id):
                waits = one["state"] == "waiting" and one["code"] in STOPPED_BY_PAUSE
                if waits and one["retry_at"] is not None and one["retry_at"] > now:
                    place = (order_id, one["step"], one["subject"])
                    tables.applied.change(place, retry_at=now)

    async def _tell_who_read_before(self, tenant_id: int) -> None:
        """Move the orders under way, after the commit of the change: who reads then reads it."""
        with contextlib.suppress(StoreUnavailable):
            async with self._db.writing("tell_who_read_before") as tables:
                found = [one for one in tables.orders.all() if one["lease_token"] is not None]
                under_way = [one["id"] for one in found if one["tenant_id"] == tenant_id]
                wake(tables, under_way, self._db.now())

    def _changed(
        self, tables: Tables, tenant_id: int, audit: Audit, stopped: Collection[str]
    ) -> list[int]:
        """Audit the change and wake the orders that these codes stop; their ids."""
        now = self._db.now()
        append(tables, tenant_id, audit, now)
        tenant = tables.tenant.get(tenant_id)
        if tenant is not None:
            tables.tenant.change(tenant_id, config_version=tenant["config_version"] + 1)
        found = [
            row["id"]
            for row in (tables.orders.all() if stopped else ())
            if row["tenant_id"] == tenant_id
            and row["state"] not in ("done", "cancelled")
            and (
                row["code"] in stopped
                or any(one["code"] in stopped for one in tables.applied.find("order", row["id"]))
            )
        ]
        wake(tables, found, now)
        return found

    async def keep_scenario(self, name: str, version: int, body_hash: str, body: str) -> None:
        """Keep a scenario's text, so that what an order was pinned to can always be read."""
        async with self._db.writing("keep_scenario") as tables:
            for tenant in tables.tenant.all():
                place = (tenant["id"], name, version, body_hash)
                if tables.scenario_body.get(place) is None:
                    names = ("tenant_id", "name", "version", "body_hash")
                    row = dict(zip(names, place, strict=True))
                    row |= {"body": text(body), "seen_at": self._db.now()}
                    tables.scenario_body.put(place, row)

    async def kept_scenarios(self) -> list[tuple[str, int, str]]:
        """Name, version and text of every scenario that was ever served, the last text of each."""
        tables = await self._db.read("kept_scenarios")
        rows = sorted(tables.scenario_body.all(), key=lambda row: row["seen_at"])
        found = {(row["name"], row["version"]): row["body"] for row in rows}
        return [(name, version, found[name, version]) for name, version in sorted(found)]

    async def audit(self, tenant_id: int, audit: Audit) -> None:
        async with self._db.writing("audit") as tables:
            append(tables, tenant_id, audit, self._db.now())
