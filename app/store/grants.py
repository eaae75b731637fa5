"""Consents to ledgers: the tokens of a connection for all processes, and sign-ins under way.

Owns `ledger_grant` and `sign_in`, and who may refresh: one process at a time, by an advisory lock
on a connection of its own, because the vendor is asked meanwhile and no transaction may stay open
for that. A process that dies gives the lock back with its connection.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import asyncpg

from app.domain.books import Tokens
from app.domain.errors import FailureKind, RemoteFailure, StoreUnavailable
from app.domain.grants import Company, Grant, SigningIn
from app.domain.views import Audit
from app.store import rows
from app.store.auditing import append
from app.store.ciphers import Cipher, NotDecipherable
from app.store.connections import GRANT
from app.store.consents import busy_elsewhere, given_meanwhile, nobody_signed_in
from app.store.database import STATEMENT_SECONDS, Database, Part
from app.store.texts import text

if TYPE_CHECKING:
    from app.domain.books import HeldTokens

# Beside the locks of workers, which are of one number: the second is the connection's.
LOCK_SPACE = 0x6C6564  # "led"
# As long as a refresh that nobody answers may take, and a little more.
PATIENCE_SECONDS = 40.0

_OF = "FROM ledger_grant AS g JOIN connection AS c ON c.id = g.connection_id"
_ROW = f"SELECT g.* {_OF} WHERE c.tenant_id = $1 AND c.kind = $2"
_SHOWN = f"SELECT {GRANT} {_OF} WHERE c.tenant_id = $1 AND c.kind = $2"
_CONNECTION = (
    "SELECT id, name FROM connection WHERE tenant_id = $1 AND kind = $2 ORDER BY id LIMIT 1"
)
# What was read is what is replaced: a consent that a person gave meanwhile is not overwritten.
_STORE = """
UPDATE ledger_grant SET
    tokens = $3, access_until = $4, refresh_until = $5, grant_until = $6, trouble = NULL,
    generation = generation + 1
WHERE connection_id = $1 AND generation = $2 RETURNING generation
"""
_TROUBLE = """
UPDATE ledger_grant AS g SET trouble = $3 FROM connection AS c
WHERE c.id = g.connection_id AND c.tenant_id = $1 AND c.kind = $2
"""
_KEEP = """
INSERT INTO ledger_grant AS g (
    connection_id, tenant_id, company_id, company_name, tokens, access_until, refresh_until,
    grant_until, consented_by
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (connection_id) DO UPDATE SET
    company_name = EXCLUDED.company_name, tokens = EXCLUDED.tokens,
    access_until = EXCLUDED.access_until, refresh_until = EXCLUDED.refresh_until,
    grant_until = EXCLUDED.grant_until, consented_by = EXCLUDED.consented_by,
    consented_at = now(), trouble = NULL, generation = g.generation + 1
WHERE g.company_id = EXCLUDED.company_id
RETURNING generation
"""
_BEGIN = """
WITH old AS (DELETE FROM sign_in WHERE expires_at <= now())
INSERT INTO sign_in (digest, tenant_id, connection_id, actor, expires_at)
SELECT $3, $1, id, $4, now() + make_interval(secs => $5)
FROM connection WHERE tenant_id = $1 AND kind = $2 ORDER BY id LIMIT 1
RETURNING expires_at
"""
# Deleted before it is looked at: a state that came too late is used up as well.
_TAKE = """
WITH taken AS (DELETE FROM sign_in WHERE digest = $1 RETURNING *)
SELECT t.tenant_id, t.actor FROM taken AS t JOIN connection AS c ON c.id = t.connection_id
WHERE c.kind = $2 AND t.expires_at > now()
"""


class Grants(Part):
    """The part of the store that knows consents. Implements grants.SignInStore."""

    async def ensure_connection(self, tenant_id: int, system: str, name: str) -> bool:
        """Have a row for a connection that the environment sets up. False: the name is another
        tenant's."""
        statement = """
            INSERT INTO connection (tenant_id, kind, name) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
        """
        whose = "SELECT tenant_id FROM connection WHERE kind = $1 AND name = $2"
        async with self._db.session() as session:
            await session.execute(statement, tenant_id, system, name)
            return bool(await session.fetchval(whose, system, name) == tenant_id)

    def vault(self, tenant_id: int, system: str, cipher: Cipher) -> Vault:
        return Vault(self._db, tenant_id, system, cipher)

    async def grant(self, tenant_id: int, system: str) -> Grant | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_SHOWN, tenant_id, system)
        return None if row is None else rows.grant(row)

    async def begin_sign_in(
        self, tenant_id: int, system: str, digest: bytes, actor: str, seconds: float
    ) -> datetime:
        async with self._db.session() as session:
            until = await session.fetchval(_BEGIN, tenant_id, system, digest, text(actor), seconds)
        if until is None:
            raise KeyError(f"{system} connection of tenant {tenant_id}")
        moment: datetime = until
        return moment

    async def take_sign_in(self, system: str, digest: bytes) -> SigningIn | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_TAKE, digest, system)
        return None if row is None else SigningIn(row["tenant_id"], system, row["actor"])


class Vault:
    """See grants.LedgerVault."""

    def __init__(self, database: Database, tenant_id: int, system: str, cipher: Cipher) -> None:
        self._db = database
        self._tenant = tenant_id
        self._system = system
        self._cipher = cipher

    async def now(self) -> datetime:
        async with self._db.session() as session:
            moment: datetime = await session.fetchval("SELECT clock_timestamp()")
        return moment

    async def tokens(self) -> Tokens:
        return self.opened(await self.row())

    async def company(self) -> str:
        return str((await self.row())["company_id"])

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[HeldTokens]:
        connection_id = (await self.row())["connection_id"]
        async with self._alone(connection_id):
            row = await self.row()
            held = _Held(self, row)
            try:
                yield held
            except RemoteFailure as failure:
                if failure.kind is FailureKind.UNAUTHENTICATED:
                    await self.note(failure.message)
                raise

    async def keep(self, company: Company, tokens: Tokens, audit: Audit) -> bool:
        async with self._db.transaction() as session:
            found = await session.fetchrow(_CONNECTION, self._tenant, self._system)
            if found is None:
                raise KeyError(f"{self._system} connection of tenant {self._tenant}")
            given = (text(company.id), text(company.name), *self.columns(tokens), text(audit.actor))
            if await session.fetchval(_KEEP, found["id"], self._tenant, *given) is None:
                return False
            await append(session, self._tenant, audit)
        return True

    async def forget(self, audit: Audit) -> None:
        statement = """
            DELETE FROM ledger_grant AS g USING connection AS c
            WHERE c.id = g.connection_id AND c.tenant_id = $1 AND c.kind = $2
        """
        async with self._db.transaction() as session:
            await session.execute(statement, self._tenant, self._system)
            await append(session, self._tenant, audit)

    async def row(self) -> Any:
        async with self._db.session() as session:
            found = await session.fetchrow(_ROW, self._tenant, self._system)
        if found is None:
            raise nobody_signed_in(self._system)
        return found

    def opened(self, row: Any) -> Tokens:
        try:
            access, refresh = self._cipher.open(row["tokens"])
        except NotDecipherable:
            raise RemoteFailure(
                FailureKind.UNAUTHENTICATED,
                "The stored tokens were written with a key that SECRETS_KEYS no longer holds: add "
                "it again, or sign in again.",
            ) from None
        ends = (row["access_until"], row["refresh_until"], row["grant_until"])
        return Tokens(access, refresh, *ends)

    def columns(self, tokens: Tokens) -> tuple[bytes, datetime, datetime | None, datetime | None]:
        ends = (tokens.access_until, tokens.refresh_until, tokens.grant_until)
        return (self._cipher.seal(tokens), *ends)

    async def replace(self, connection_id: int, generation: int, tokens: Tokens) -> int | None:
        """The new generation. None: what was read is not what stands there any more."""
        async with self._db.session() as session:
            given = (connection_id, generation, *self.columns(tokens))
            moved: int | None = await session.fetchval(_STORE, *given)
        return moved

    async def note(self, trouble: str) -> None:
        with contextlib.suppress(StoreUnavailable):
            async with self._db.session() as session:
                await session.execute(_TROUBLE, self._tenant, self._system, text(trouble))

    @asynccontextmanager
    async def _alone(self, connection_id: int) -> AsyncIterator[None]:
        """Only one process at a time comes in. The lock ends with its connection, at the latest."""
        async with self._db.dedicated() as session:
            wait = f"SET lock_timeout = {int(PATIENCE_SECONDS * 1000)}; SET statement_timeout = 0"
            await session.execute(wait)
            take = "SELECT pg_advisory_lock($1::int, $2::int)"
            try:
                limit = PATIENCE_SECONDS + STATEMENT_SECONDS
                await session.execute(take, LOCK_SPACE, connection_id, timeout=limit)
            except asyncpg.LockNotAvailableError:
                raise busy_elsewhere(self._system) from None
            except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError) as lost:
                raise StoreUnavailable(f"{type(lost).__name__}: {lost}") from lost
            yield


class _Held:
    """See books.HeldTokens."""

    def __init__(self, vault: Vault, row: Any) -> None:
        self._vault = vault
        self._connection: int = row["connection_id"]
        self._generation: int = row["generation"]
        self._tokens = vault.opened(row)

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    async def store(self, new: Tokens) -> None:
        moved = await self._vault.replace(self._connection, self._generation, new)
        if moved is None:
            raise given_meanwhile()
        self._generation, self._tokens = moved, new
