"""What a probe of the doctor announced, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.probing import Made, ProbeRecord
from app.domain.views import Audit
from app.store.memory.database import Part, plain
from app.store.memory.database import seconds as lasting
from app.store.memory.story import audit as append


class Probing(Part):
    """The part of the store behind the doctor's probe."""

    async def begin_probe(self, tenant_id: int, token: str, seconds: float, audit: Audit) -> bool:
        async with self._db.writing("begin_probe") as tables:
            now = self._db.now()
            turn = tables.probe_turn.get(tenant_id)
            if turn is not None and turn["until"] > now:
                return False
            until = now + lasting(seconds)
            tables.probe_turn.put(tenant_id, {"token": token, "until": until})
            append(tables, tenant_id, audit, now)
        return True

    async def end_probe(self, tenant_id: int, token: str) -> None:
        async with self._db.writing("end_probe") as tables:
            turn = tables.probe_turn.get(tenant_id)
            if turn is not None and turn["token"] == token:
                tables.probe_turn.remove(tenant_id)

    async def announce_probe(
        self,
        tenant_id: int,
        token: str,
        seconds: float,
        record: tuple[Made, str, Mapping[str, Any]],
        actor: str,
    ) -> int | None:
        kind, mark, data = record
        async with self._db.writing("announce_probe") as tables:
            now = self._db.now()
            turn = tables.probe_turn.get(tenant_id)
            if turn is None or turn["token"] != token:
                return None
            tables.probe_turn.put(tenant_id, {"token": token, "until": now + lasting(seconds)})
            row = tables.probe_record.add(
                tenant_id=tenant_id,
                token=token,
                kind=kind.value,
                mark=mark,
                external_id=None,
                data=plain(data),
                actor=actor,
                announced_at=now,
            )
        number: int = row["id"]
        return number

    async def probe_made(self, record_id: int, external_id: int) -> None:
        async with self._db.writing("probe_made") as tables:
            if tables.probe_record.get(record_id) is not None:
                tables.probe_record.change(record_id, external_id=external_id)

    async def probe_gone(self, record_id: int) -> None:
        async with self._db.writing("probe_gone") as tables:
            tables.probe_record.remove(record_id)

    async def probe_records(self, tenant_id: int) -> Sequence[ProbeRecord]:
        tables = await self._db.read("probe_records")
        return [
            ProbeRecord(
                id=row["id"],
                token=row["token"],
                kind=Made(row["kind"]),
                mark=row["mark"],
                external_id=row["external_id"],
                data=plain(row["data"]),
                actor=row["actor"],
                announced_at=row["announced_at"],
            )
            for row in tables.probe_record.all()
            if row["tenant_id"] == tenant_id
        ]

    async def probe_under_way(self, tenant_id: int) -> bool:
        tables = await self._db.read("probe_under_way")
        turn = tables.probe_turn.get(tenant_id)
        return turn is not None and turn["until"] > self._db.now()
