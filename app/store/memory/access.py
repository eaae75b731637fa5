"""Keys of the admin REST in memory, answers kept for repeated requests, and whether all is ready."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from app.domain.upkeep import KeyRow
from app.domain.views import ApiKey, Audit, Readiness, Remembered
from app.store.memory.database import Part
from app.store.memory.story import audit as append
from app.store.texts import key as index_key
from app.store.texts import text

_UNANSWERED = timedelta(minutes=2)  # then a request whose process died may be begun again
_ANSWERED = timedelta(hours=24)
_REVISION = "memory"  # nothing to migrate


class Access(Part):
    """The part of the store that the edges ask first."""

    async def key(self, digest: bytes) -> ApiKey | None:
        tables = await self._db.read("key")
        for row in tables.api_key.find("digest", digest):
            if row["revoked_at"] is None:
                return ApiKey(row["tenant_id"], row["name"], frozenset(row["scopes"]))
        return None

    async def keys(self, tenant_id: int) -> Sequence[KeyRow]:
        tables = await self._db.read("keys")
        mine = [row for row in tables.api_key.all() if row["tenant_id"] == tenant_id]
        return [
            KeyRow(row["name"], frozenset(row["scopes"]), row["created_at"], row["revoked_at"])
            for row in sorted(mine, key=lambda row: row["id"])
        ]

    async def add_key(self, key: ApiKey, digest: bytes, audit: Audit) -> bool:
        async with self._db.writing("add_key") as tables:
            place = (key.tenant_id, index_key(key.name))
            known = tables.api_key.get(place)
            if known is not None and known["revoked_at"] is None:
                return False
            row = {
                # The name of a withdrawn key is free again.
                "id": known["id"] if known is not None else tables.api_key.next_id(),
                "tenant_id": key.tenant_id,
                "name": place[1],
                "digest": digest,
                "scopes": sorted(key.scopes),
                "created_at": self._db.now(),
                "revoked_at": None,
            }
            tables.api_key.put(place, row)
            append(tables, key.tenant_id, audit, self._db.now())
        return True

    async def revoke_key(self, tenant_id: int, name: str, audit: Audit) -> bool:
        async with self._db.writing("revoke_key") as tables:
            place = (tenant_id, index_key(name))
            known = tables.api_key.get(place)
            if known is None or known["revoked_at"] is not None:
                return False
            tables.api_key.change(place, revoked_at=self._db.now())
            append(tables, tenant_id, audit, self._db.now())
        return True

    async def remember_request(self, tenant_id: int, key: str, digest: str) -> Remembered | None:
        async with self._db.writing("remember_request") as tables:
            place, now = (tenant_id, index_key(key)), self._db.now()
            known = tables.idempotency_key.get(place)
            if known is not None:
                kept = _ANSWERED if known["status"] else _UNANSWERED
                if known["created_at"] >= now - kept:
                    return Remembered(known["request_hash"], known["status"], known["body"])
            row = {"request_hash": text(digest), "status": 0, "body": b"", "created_at": now}
            tables.idempotency_key.put(place, row)
        return None

    async def answer_request(self, tenant_id: int, key: str, status: int, body: bytes) -> None:
        async with self._db.writing("answer_request") as tables:
            place = (tenant_id, index_key(key))
            if tables.idempotency_key.get(place) is not None:
                tables.idempotency_key.change(place, status=status, body=body)

    async def forget_request(self, tenant_id: int, key: str) -> None:
        async with self._db.writing("forget_request") as tables:
            place = (tenant_id, index_key(key))
            known = tables.idempotency_key.get(place)
            if known is not None and known["status"] == 0:
                tables.idempotency_key.remove(place)

    async def readiness(self) -> Readiness:
        await self._db.read("readiness")
        return Readiness(_REVISION, _REVISION, len(self._db.alive))
