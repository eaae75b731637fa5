"""Consents to ledgers in memory: sign-ins under way, and the tokens of a connection.

Tokens are kept as they are: this store is nobody's disk, and encryption is proven where it counts.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from app.domain.books import HeldTokens, Tokens
from app.domain.errors import FailureKind, RemoteFailure, StoreUnavailable
from app.domain.grants import Company, Grant, SigningIn
from app.domain.views import Audit
from app.store import rows
from app.store.consents import busy_elsewhere, given_meanwhile, nobody_signed_in
from app.store.memory.database import Database, Part, add_connection
from app.store.memory.database import seconds as after
from app.store.memory.story import audit as append
from app.store.memory.tables import Row, Tables
from app.store.texts import text

# As long as a refresh that nobody answers may take, and a little more.
PATIENCE_SECONDS = 40.0
LOOK_SECONDS = 0.05


class Grants(Part):
    """The part of the store that knows consents. Implements grants.SignInStore."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._refreshing: dict[tuple[int, str], object] = {}

    async def ensure_connection(self, tenant_id: int, system: str, name: str) -> bool:
        """Have a row for a connection that the environment sets up. False: the name is another
        tenant's."""
        async with self._db.writing("ensure_connection") as tables:
            for row in tables.connection.all():
                if (row["kind"], row["name"]) == (system, name):
                    return bool(row["tenant_id"] == tenant_id)
            add_connection(tables, tenant_id, system, name)
        return True

    def vault(self, tenant_id: int, system: str) -> Vault:
        return Vault(self._db, tenant_id, system, self._refreshing)

    async def grant(self, tenant_id: int, system: str) -> Grant | None:
        tables = await self._db.read("grant")
        number = _connection(tables, tenant_id, system)
        return None if number is None else full_grant(tables, number, self._db.now())

    async def begin_sign_in(
        self, tenant_id: int, system: str, digest: bytes, actor: str, seconds: float
    ) -> datetime:
        async with self._db.writing("begin_sign_in") as tables:
            now = self._db.now()
            for key, row in tables.sign_in.items():
                if row["expires_at"] <= now:
                    tables.sign_in.remove(key)
            if _connection(tables, tenant_id, system) is None:
                raise KeyError(f"{system} connection of tenant {tenant_id}")
            until = now + after(seconds)
            row = {"tenant_id": tenant_id, "system": system, "actor": text(actor)}
            tables.sign_in.put(digest, {**row, "expires_at": until})
        return until

    async def take_sign_in(self, system: str, digest: bytes) -> SigningIn | None:
        async with self._db.writing("take_sign_in") as tables:
            row = tables.sign_in.get(digest)
            # Taken before it is looked at: a state that came too late is used up as well.
            tables.sign_in.remove(digest)
            late = row is None or row["expires_at"] <= self._db.now()
            if row is None or late or row["system"] != system:
                return None
            return SigningIn(row["tenant_id"], system, row["actor"])


class Vault:
    """See grants.LedgerVault. `ended`: told how to free the right to refresh while this process
    holds it, as the end of its database session would."""

    def __init__(
        self,
        database: Database,
        tenant_id: int,
        system: str,
        refreshing: dict[tuple[int, str], object],
    ) -> None:
        self._db = database
        self._tenant = tenant_id
        self._system = system
        self._refreshing = refreshing
        self.ended: Callable[[Callable[[], None]], None] = lambda _: None

    async def now(self) -> datetime:
        await self._db.read("now")
        return self._db.now()

    async def tokens(self) -> Tokens:
        tokens: Tokens = (await self.row())["tokens"]
        return tokens

    async def company(self) -> str:
        return str((await self.row())["company_id"])

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[HeldTokens]:
        await self.row()
        async with self._alone():
            held = _Held(self, await self.row())
            try:
                yield held
            except RemoteFailure as failure:
                if failure.kind is FailureKind.UNAUTHENTICATED:
                    await self.note(failure.message)
                raise

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Only one process at a time comes in."""
        until = self._db.now() + after(PATIENCE_SECONDS)
        key, me = (self._tenant, self._system), object()
        while key in self._refreshing:
            if self._db.now() >= until:
                raise busy_elsewhere(self._system)
            await self._db.clock.sleep(LOOK_SECONDS)
        self._refreshing[key] = me

        def free() -> None:
            if self._refreshing.get(key) is me:
                del self._refreshing[key]

        self.ended(free)
        try:
            yield
        finally:
            free()

    async def keep(self, company: Company, tokens: Tokens, audit: Audit) -> bool:
        async with self._db.writing("keep") as tables:
            number = _connection(tables, self._tenant, self._system)
            if number is None:
                raise KeyError(f"{self._system} connection of tenant {self._tenant}")
            known = tables.ledger_grant.get(number)
            if known is not None and known["company_id"] != text(company.id):
                return False
            row = {
                "company_id": text(company.id),
                "company_name": text(company.name),
                **_columns(tokens),
                "consented_by": text(audit.actor),
                "consented_at": self._db.now(),
                "trouble": None,
                "generation": known["generation"] + 1 if known is not None else 1,
            }
            tables.ledger_grant.put(number, row)
            append(tables, self._tenant, audit, self._db.now())
        return True

    async def forget(self, audit: Audit) -> None:
        async with self._db.writing("forget") as tables:
            tables.ledger_grant.remove(_connection(tables, self._tenant, self._system))
            append(tables, self._tenant, audit, self._db.now())

    async def row(self) -> Row:
        tables = await self._db.read("tokens")
        found = tables.ledger_grant.get(_connection(tables, self._tenant, self._system))
        if found is None:
            raise nobody_signed_in(self._system)
        return found

    async def replace(self, generation: int, tokens: Tokens) -> int | None:
        """The new generation. None: what was read is not what stands there any more."""
        async with self._db.writing("replace_tokens") as tables:
            number = _connection(tables, self._tenant, self._system)
            known = tables.ledger_grant.get(number)
            if known is None or known["generation"] != generation:
                return None
            moved = {**_columns(tokens), "trouble": None, "generation": generation + 1}
            tables.ledger_grant.change(number, **moved)
        return generation + 1

    async def note(self, trouble: str) -> None:
        with contextlib.suppress(StoreUnavailable):
            async with self._db.writing("note_trouble") as tables:
                number = _connection(tables, self._tenant, self._system)
                if tables.ledger_grant.get(number) is not None:
                    tables.ledger_grant.change(number, trouble=text(trouble))


class _Held:
    """See books.HeldTokens."""

    def __init__(self, vault: Vault, row: Row) -> None:
        self._vault = vault
        self._generation: int = row["generation"]
        self._tokens: Tokens = row["tokens"]

    @property
    def tokens(self) -> Tokens:
        return self._tokens

    async def store(self, new: Tokens) -> None:
        moved = await self._vault.replace(self._generation, new)
        if moved is None:
            raise given_meanwhile()
        self._generation, self._tokens = moved, new


def _connection(tables: Tables, tenant_id: int, system: str) -> int | None:
    found = tables.connection.find("system", (tenant_id, system))
    return found[0]["id"] if found else None


def _columns(tokens: Tokens) -> Row:
    return {
        "tokens": tokens,
        "access_until": tokens.access_until,
        "refresh_until": tokens.refresh_until,
        "grant_until": tokens.grant_until,
    }


def full_grant(tables: Tables, connection_id: int, now: datetime) -> Grant | None:
    """The consent of a connection as it may be shown."""
    row = tables.ledger_grant.get(connection_id)
    if row is None:
        return None
    ends = [end for end in (row["refresh_until"], row["grant_until"]) if end is not None]
    return rows.grant({**row, "over": bool(ends) and min(ends) <= now})
