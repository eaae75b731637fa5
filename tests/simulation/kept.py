"""The store of a run: the one in memory, whose sessions end with their host.

Owns the look at every commit: none by who lost the order, and no release that forgets what came in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.domain import ports
from app.domain.codes import Code, State
from app.domain.records import Claim, Release, Snapshot, WriteSet
from app.store.memory import MemoryStore, Mortal
from app.store.memory.grants import Vault
from tests.simulation.loop import HOST


@dataclass
class _Commit:
    """One that is under way. `token`: the order's lease just before it took effect."""

    writes: WriteSet
    release: Release | None
    token: str | None = None


_COMMITTING: ContextVar[_Commit | None] = ContextVar("committing", default=None)
# The claim under which the present task drives an order.
_DRIVING: ContextVar[Claim | None] = ContextVar("driving", default=None)


class Asked(dict[Code, str]):
    """What people were asked to see to, by the answers that orders were given back with."""

    def hear(self, release: Release) -> None:
        answer = release.answer
        if answer.state in (State.HELD, State.PARKED) and answer.code is not None:
            self.setdefault(answer.code, answer.sentence)


class Kept(MemoryStore):
    """The store in memory, with the sessions of a host ended when the host dies, and with a look
    at every commit: none by who lost the order, and no release over what came in since the order
    was loaded."""

    def __init__(
        self,
        *given: Any,
        wrong: Callable[[str], None],
        heard: Callable[[Release], None],
        **more: Any,
    ) -> None:
        super().__init__(*given, **more)
        self._wrong = wrong
        self._heard = heard
        self._loaded: dict[str, int] = {}

    async def load(self, claim: Claim) -> Snapshot:
        _DRIVING.set(claim)
        snapshot = await super().load(claim)
        self._loaded[claim.token] = snapshot.order.wake_seq
        return snapshot

    async def commit(self, writes: WriteSet, release: Release | None = None) -> ports.Committed:
        under_way = _Commit(writes, release)
        token = _COMMITTING.set(under_way)
        try:
            committed = await super().commit(writes, release)
        finally:
            _COMMITTING.reset(token)
        if committed.held and under_way.token != writes.token:
            self._wrong(f"H9: order {writes.order_id} was written by who had lost it")
        return committed

    @property
    def releasing(self) -> bool:
        """Whether the present task is about to give an order back."""
        under_way = _COMMITTING.get()
        return under_way is not None and under_way.release is not None

    def before(self) -> None:
        """Just before a commit takes effect."""
        under_way = _COMMITTING.get()
        row = self._db.tables.orders.get(under_way.writes.order_id) if under_way else None
        if under_way is not None and row is not None:
            under_way.token = row["lease_token"]

    def look(self) -> None:
        """Just after a commit, before anybody else runs."""
        under_way = _COMMITTING.get()
        if under_way is None or under_way.release is None:
            return
        if under_way.token != under_way.writes.token:
            return  # it came to nothing: another worker has the order, or gave it back since
        row = self._db.tables.orders.get(under_way.writes.order_id)
        known = self._loaded.get(under_way.writes.token)
        if row is None or known is None or row["lease_token"] is not None:
            return
        self._heard(under_way.release)
        if row["wake_seq"] > known and row["due_at"] == under_way.release.due_at:
            self._wrong(f"H1: {row['number']} was released over what came in meanwhile")

    def leased(self, timeout: float) -> bool:
        """Whether who drives an order here still holds it, for as long as a call may take: for
        `timeout` seconds."""
        claim = _DRIVING.get()
        row = self._db.tables.orders.get(claim.order_id) if claim is not None else None
        if claim is None or row is None:
            return True
        ends = self._db.now() + timedelta(seconds=timeout)
        return bool(row["lease_token"] == claim.token and row["lease_until"] >= ends)

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
