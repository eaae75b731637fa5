"""Keys of the admin REST, answers kept for repeated requests, and whether all is ready.

Owns key digests (never a key itself) and who begins a request with an Idempotency-Key: the
primary key decides, so that of two at once only one does the work.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.domain.upkeep import KeyRow
from app.domain.views import ApiKey, Audit, Readiness, Remembered
from app.store import migrate
from app.store.auditing import append
from app.store.database import Part
from app.store.liveness import ALIVE
from app.store.texts import key as index_key
from app.store.texts import text

_KEY = """
SELECT tenant_id, name, scopes FROM api_key WHERE digest = $1 AND revoked_at IS NULL
"""
_KEYS = "SELECT name, scopes, created_at, revoked_at FROM api_key WHERE tenant_id = $1 ORDER BY id"
# The name of a withdrawn key is free again.
_ADD_KEY = """
INSERT INTO api_key AS k (tenant_id, name, digest, scopes) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, name) DO UPDATE SET
    digest = EXCLUDED.digest, scopes = EXCLUDED.scopes, created_at = now(), revoked_at = NULL
WHERE k.revoked_at IS NOT NULL
RETURNING id
"""
# A request whose process died unanswered may be begun again after a while.
_REMEMBER = """
INSERT INTO idempotency_key AS k (tenant_id, key, request_hash, body) VALUES ($1, $2, $3, '')
ON CONFLICT (tenant_id, key) DO UPDATE SET created_at = now(), request_hash = EXCLUDED.request_hash,
    status = 0, body = ''
WHERE k.created_at < now() - CASE k.status WHEN 0 THEN interval '2 minutes'
                                           ELSE interval '24 hours' END
RETURNING key
"""
_KNOWN = "SELECT request_hash, status, body FROM idempotency_key WHERE tenant_id = $1 AND key = $2"


class Access(Part):
    """The part of the store that the edges ask first."""

    async def key(self, digest: bytes) -> ApiKey | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_KEY, digest)
        if row is None:
            return None
        return ApiKey(row["tenant_id"], row["name"], frozenset(row["scopes"]))

    async def keys(self, tenant_id: int) -> Sequence[KeyRow]:
        async with self._db.session() as session:
            found = await session.fetch(_KEYS, tenant_id)
        return [
            KeyRow(row["name"], frozenset(row["scopes"]), row["created_at"], row["revoked_at"])
            for row in found
        ]

    async def add_key(self, key: ApiKey, digest: bytes, audit: Audit) -> bool:
        given = (key.tenant_id, index_key(key.name), digest, sorted(key.scopes))
        async with self._db.transaction() as session:
            if await session.fetchval(_ADD_KEY, *given) is None:
                return False
            await append(session, key.tenant_id, audit)
        return True

    async def revoke_key(self, tenant_id: int, name: str, audit: Audit) -> bool:
        statement = """
            UPDATE api_key SET revoked_at = now()
            WHERE tenant_id = $1 AND name = $2 AND revoked_at IS NULL RETURNING id
        """
        async with self._db.transaction() as session:
            if await session.fetchval(statement, tenant_id, index_key(name)) is None:
                return False
            await append(session, tenant_id, audit)
        return True

    async def remember_request(self, tenant_id: int, key: str, digest: str) -> Remembered | None:
        async with self._db.session() as session:
            if await session.fetchval(_REMEMBER, tenant_id, index_key(key), text(digest)):
                return None
            row = await session.fetchrow(_KNOWN, tenant_id, index_key(key))
        if row is None:  # forgotten between the two statements: as if it still worked on it
            return Remembered(digest, 0, b"")
        return Remembered(row["request_hash"], row["status"], row["body"])

    async def answer_request(self, tenant_id: int, key: str, status: int, body: bytes) -> None:
        statement = """
            UPDATE idempotency_key SET status = $3, body = $4 WHERE tenant_id = $1 AND key = $2
        """
        async with self._db.session() as session:
            await session.execute(statement, tenant_id, index_key(key), status, body)

    async def forget_request(self, tenant_id: int, key: str) -> None:
        statement = "DELETE FROM idempotency_key WHERE tenant_id = $1 AND key = $2 AND status = 0"
        async with self._db.session() as session:
            await session.execute(statement, tenant_id, index_key(key))

    async def readiness(self) -> Readiness:
        async with self._db.session() as session:
            revision = await migrate.revision(session)
            alive = await session.fetch(ALIVE)
        return Readiness(revision=revision, head=migrate.head(), workers_alive=len(alive))
