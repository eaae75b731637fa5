"""Leases in memory: who is alive, who works on what, what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

from app.domain.codes import Code
from app.domain.facts import INTERRUPTED
from app.domain.ports import Worker
from app.domain.reasons import CODES
from app.domain.records import (
    Claim,
    JournalEntry,
)
from app.store.fairness import in_turn
from app.store.memory.database import Part, seconds, wake
from app.store.memory.restoring import restored_at
from app.store.memory.results import keep_results
from app.store.memory.shelf import keep_fact
from app.store.memory.story import tell
from app.store.memory.tables import Row, Tables
from app.store.poison import NEXT_LOOK, POISON_AFTER, POISON_SENTENCE, POISONED, batch


@dataclass(frozen=True, slots=True)
class Mortal(Worker):
    """A worker with a switch: `kill` frees what its session lock would free."""

    kill: Callable[[], None]


class Claiming(Part):
    """The part of the store that hands orders to workers."""

    @asynccontextmanager
    async def join(self) -> AsyncIterator[Worker]:
        async with self._db.writing("join") as tables:
            _clear(tables, self._db.now())
            number: int = tables.worker.add(seen_at=self._db.now())["id"]
            self._db.alive.add(number)
        try:
            yield Mortal(number, lambda: number in self._db.alive, lambda: self.kill(number))
        finally:
            # Nothing is waited for: a worker that is cancelled must not stay alive.
            self.kill(number)

    def kill(self, worker: int) -> None:
        """End a worker as kill -9 does: its session lock is free at once, its leases with it. What
        its tasks still do meets lost tokens. The simulation's switch; `join` ends with it too."""
        self._db.alive.discard(worker)

    async def claim(self, worker: Worker, limit: int, lease: float) -> list[Claim]:
        if not worker.alive() or limit < 1:
            return []
        async with self._db.writing("claim") as tables:
            now = self._db.now()
            free = in_turn(
                _free(tables, self._db.alive, now),
                itemgetter("tenant_id"),
                itemgetter("due_at", "id"),
                _under_way(tables, now),
                limit,
            )
            for row in free:
                if row["claims_without_progress"] >= POISON_AFTER:
                    _park(tables, row["id"], now)
            sound = [row for row in free if row["claims_without_progress"] < POISON_AFTER]
            taken = batch([{**row, "claims": row["claims_without_progress"]} for row in sound])
            if not taken:
                wake(tables, _forgotten(tables), now)
                return []
            return [self._take(tables, number, worker, now + seconds(lease)) for number in taken]

    def _take(self, tables: Tables, order_id: int, worker: Worker, until: datetime) -> Claim:
        interrupted = tables.step_run.find("running", order_id)
        for run in interrupted:
            now = self._db.now()
            tables.step_run.change(run["id"], state="interrupted", finished_at=now)
            keep_fact(tables, order_id, INTERRUPTED, run["step"], {"at": now.isoformat()}, now)
        known = tables.orders.get(order_id)
        assert known is not None  # noqa: S101 - it was due
        row = tables.orders.change(
            order_id,
            lease_owner=worker.id,
            lease_token=self._db.ids.token(),
            lease_until=until,
            claims_without_progress=known["claims_without_progress"] + 1,
        )
        return Claim(
            order_id=order_id,
            token=row["lease_token"],
            lease_until=until,
            claims_without_progress=row["claims_without_progress"],
            interrupted=tuple(run["step"] for run in interrupted),
            restored=restored_at(tables, self._db.now()),
        )

    async def heartbeat(self, worker: Worker, tokens: Sequence[str], lease: float) -> set[str]:
        if not worker.alive():
            return set()
        held: set[str] = set()
        async with self._db.writing("heartbeat") as tables:
            now = self._db.now()
            if tables.worker.get(worker.id) is not None:
                tables.worker.change(worker.id, seen_at=now)
            for token in tokens:
                for row in tables.orders.find("lease", token):
                    if row["lease_owner"] == worker.id:
                        tables.orders.change(row["id"], lease_until=now + seconds(lease))
                        held.add(token)
        return held

    async def drop(self, claim: Claim, seconds: float, *, waited: bool = False) -> None:
        async with self._db.writing("drop") as tables:
            row = tables.orders.get(claim.order_id)
            if row is not None and row["lease_token"] == claim.token:
                now = self._db.now()
                due = now + timedelta(seconds=seconds)
                claims = max(row["claims_without_progress"] - waited, 0)
                tables.orders.change(
                    claim.order_id,
                    **NO_LEASE,
                    due_at=due,
                    updated_at=now,
                    claims_without_progress=claims,
                )

    async def wake(self, order_ids: Sequence[int]) -> None:
        async with self._db.writing("wake") as tables:
            wake(tables, order_ids, self._db.now())

    async def next_due(self) -> datetime | None:
        tables = await self._db.read("next_due")
        return min(_moments(tables), default=None)


NO_LEASE = {"lease_owner": None, "lease_token": None, "lease_until": None}


def _free(tables: Tables, alive: set[int], now: datetime) -> Iterator[Row]:
    """Due orders that nobody alive holds, the longest due first."""
    due = [row for row in tables.orders.find("due", True) if row["due_at"] <= now]
    for row in sorted(due, key=lambda row: (row["due_at"], row["id"])):
        owner = row["lease_owner"]
        if owner is None or row["lease_until"] <= now or owner not in alive:
            yield row


def _under_way(tables: Tables, now: datetime) -> Counter[int]:
    """By tenant, how many orders somebody works on."""
    leases = (
        row for token in tables.orders.values("lease") for row in tables.orders.find("lease", token)
    )
    return Counter(row["tenant_id"] for row in leases if row["lease_until"] > now)


def _park(tables: Tables, order_id: int, now: datetime) -> None:
    tables.orders.change(
        order_id,
        **NO_LEASE,
        state="parked",
        code=Code.POISON.value,
        sentence=POISON_SENTENCE,
        who=CODES[Code.POISON].who.value,
        since=now,
        stood_as=POISONED,
        stood_since=now,
        stood_until=None,
        next_look=NEXT_LOOK,
        choices=(),
        due_at=None,
        updated_at=now,
    )
    tell(tables, [(order_id, JournalEntry(Code.POISON.value, POISON_SENTENCE))], now)
    keep_results(tables, [order_id], now)


def _forgotten(tables: Tables) -> set[int]:
    """Who waits for a claim that is gone: the commit that dropped it died before it woke them."""
    woken: set[int] = set()
    for claim in tables.claim_waiter.values("claim"):
        if tables.remote_claim.get(claim) is None:
            for row in tables.claim_waiter.find("claim", claim):
                tables.claim_waiter.remove((*claim, row["order_id"]))
                woken.add(row["order_id"])
    return woken


def _moments(tables: Tables) -> Iterator[datetime]:
    for row in tables.orders.find("due", True):
        if row["lease_owner"] is None:
            yield row["due_at"]
        else:
            yield max(row["due_at"], row["lease_until"])
    for row in tables.inbox_event.find("status", "new")[:1]:
        yield row["received_at"]
    for row in tables.inbox_event.find("status", "deferred"):
        yield row["not_before"] or row["received_at"]


def _clear(tables: Tables, now: datetime) -> None:
    """Take away what has outlived its use, as a worker's start does everywhere."""
    outlived = (
        (tables.worker, "seen_at", timedelta(days=1)),
        (tables.inbox_seen, "seen_at", timedelta(days=90)),
        (tables.idempotency_key, "created_at", timedelta(days=2)),
        (tables.reference_cache, "expires_at", timedelta(days=1)),
    )
    for table, column, age in outlived:
        for key in [key for key, row in table.items() if row[column] < now - age]:
            table.remove(key)
