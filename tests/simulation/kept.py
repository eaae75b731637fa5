"""The store of a run: the one in memory, whose sessions end with their host.

Owns the look at every release, which must not forget what came in meanwhile.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

from app.domain import ports
from app.domain.records import Claim, Release, Snapshot, WriteSet
from app.store.memory import MemoryStore, Mortal
from app.store.memory.grants import Vault
from tests.simulation.loop import HOST

_COMMITTING: ContextVar[tuple[WriteSet, Release | None] | None] = ContextVar(
    "committing", default=None
)


class Kept(MemoryStore):
    """The store in memory, with the sessions of a host ended when the host dies, and with a look
    at every release: what came in since the order was loaded must not be forgotten by it."""

    def __init__(self, *given: Any, found: list[str], **more: Any) -> None:
        super().__init__(*given, **more)
        self._found = found
        self._loaded: dict[str, int] = {}

    async def load(self, claim: Claim) -> Snapshot:
        snapshot = await super().load(claim)
        self._loaded[claim.token] = snapshot.order.wake_seq
        return snapshot

    async def commit(self, writes: WriteSet, release: Release | None = None) -> ports.Committed:
        token = _COMMITTING.set((writes, release))
        try:
            return await super().commit(writes, release)
        finally:
            _COMMITTING.reset(token)

    def look(self) -> None:
        """Just after a commit, before anybody else runs."""
        committed = _COMMITTING.get()
        if committed is None or committed[1] is None:
            return
        writes, release = committed
        assert release is not None
        row = self._db.tables.orders.get(writes.order_id)
        known = self._loaded.get(writes.token)
        if row is None or known is None or row["lease_token"] is not None:
            return
        if row["wake_seq"] > known and row["due_at"] == release.due_at:
            self._found.append(f"H1: {row['number']} was released over what came in meanwhile")

    @asynccontextmanager
    async def join(self) -> AsyncIterator[ports.Worker]:
        async with super().join() as me:
            host = HOST.get()
            assert isinstance(me, Mortal)
            if host is not None:
                host.sessions.append(me.kill)
            yield me

    def vault(self, tenant_id: int, system: str) -> Vault:
        """A ledger's tokens; who holds the right to refresh them loses it with its sessions."""
        vault = super().vault(tenant_id, system)
        vault.ended = _ended_with_host
        return vault


def _ended_with_host(free: Callable[[], None]) -> None:
    host = HOST.get()
    if host is not None:
        host.sessions.append(free)
