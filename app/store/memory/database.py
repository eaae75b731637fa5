"""What the parts of the store in memory share: tables, clock, who is alive, and where faults come in.

Owns the points at which a simulation may interrupt: before a transaction, when nothing of it has
happened, and after its commit, when only the answer can be lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Protocol

from app.domain.ports import Clock, Ids
from app.store.memory.tables import Row, Tables
from app.store.texts import as_json

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TENANT = 1
_DECODER = json.JSONDecoder()


class Faults(Protocol):
    """Where a simulation interrupts the store: lets others run, kills, or makes it unavailable.

    Points: `commit.before` and `commit.after` for each method that writes, by its name, and the
    name alone (`load`) for each that only reads. May raise StoreUnavailable, or never return:
    before, nothing has happened; after, the commit stands and its answer is lost.
    """

    async def fault(self, point: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Seed:
    """How a store begins: its moment at the clock's zero, and the connections (system, name) of
    the default tenant. The defaults are what the migrations leave, but for ledgers."""

    epoch: datetime = EPOCH
    connections: Sequence[tuple[str, str]] = (("commerce", "default"), ("connectwise", "default"))


class Database:
    """Tables that everybody of one installation shares."""

    def __init__(self, clock: Clock, ids: Ids, seed: Seed, faults: Faults | None) -> None:
        self.tables = Tables()
        self.clock = clock
        self.ids = ids
        self.alive: set[int] = set()
        self._epoch = seed.epoch
        self._faults = faults
        with self.tables.transaction():
            self.tables.tenant.put(TENANT, {"id": TENANT, "config_version": 1})
            for system, name in seed.connections:
                add_connection(self.tables, TENANT, system, name)

    def now(self) -> datetime:
        return self._epoch + timedelta(seconds=self.clock.monotonic())

    async def read(self, point: str) -> Tables:
        """The tables, to be read before anybody else runs."""
        await self.come(point)
        return self.tables

    def writing(self, point: str) -> _Writing:
        """A transaction. Nothing inside may wait for anybody."""
        return _Writing(self, point)

    async def committed(self, point: str) -> None:
        """The transaction stands; its answer may still be lost."""
        if self._faults is not None:
            await self._faults.fault(point)

    async def come(self, point: str) -> None:
        if self._faults is not None:
            await self._faults.fault(point)
        else:
            await self.clock.sleep(0)  # as long as any real store takes: others may run


class _Writing:
    """A transaction under way. A class, because entering a generator costs more than most of what
    is done inside."""

    __slots__ = ("_db", "_point", "_transaction")

    def __init__(self, database: Database, point: str) -> None:
        self._db = database
        self._point = point
        self._transaction = database.tables.transaction()

    async def __aenter__(self) -> Tables:
        await self._db.come(f"{self._point}.before")
        self._transaction.__enter__()
        return self._db.tables

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._transaction.__exit__(kind, error, trace)
        if kind is None:
            await self._db.committed(f"{self._point}.after")


class Part:
    """Base of the parts that make up the store: they share one database."""

    def __init__(self, database: Database) -> None:
        self._db = database


def plain(value: Any) -> Any:
    """A value as JSON brings it back: lists, not tuples; text, not decimals; nobody else's."""
    if not value and isinstance(value, (dict, list)):
        return value.copy()
    return _DECODER.decode(as_json(value))


def fixed(value: str) -> str:
    """Text from a closed table of ours, which is kept as it is. Raises ValueError for what no
    database can keep."""
    if not value.isprintable():
        raise ValueError(f"not text that can be kept: {value!r}")
    return value


def seconds(amount: float) -> timedelta:
    return timedelta(seconds=amount)


def add_connection(tables: Tables, tenant_id: int, system: str, name: str) -> None:
    """Have a connection; one that stands stays as it is."""
    if any(row["name"] == name for row in tables.connection.find("system", (tenant_id, system))):
        return
    tables.connection.add(
        tenant_id=tenant_id,
        kind=system,
        name=name,
        paused=False,
        paused_until=None,
        pause_code=None,
        pause_sentence=None,
        paused_by=None,
        resumed=0,
        probed_at=None,
        paused_since=None,
    )


def is_paused(row: Row, now: datetime) -> bool:
    until = row["paused_until"]
    return bool(row["paused"]) and (until is None or until > now)


def pause_of(tables: Tables, tenant_id: int, system: str, now: datetime) -> Row | None:
    """The tenant's connection of this system that may not be called, None while all may."""
    found = tables.connection.find("system", (tenant_id, system))
    return next((row for row in found if is_paused(row, now)), None)


def order_name(row: Row) -> str:
    """How an order is named, as `records.OrderRow.name` does."""
    return row["number"] or f"id:{row['source_id']}"


def full_order(tables: Tables, row: Row) -> Row:
    """The order with its connection's name, as `rows.order` reads it."""
    connection = tables.connection.get(row["connection_id"])
    assert connection is not None  # noqa: S101 - connections are never removed
    return {**row, "connection": connection["name"]}


def wake(tables: Tables, order_ids: Iterable[int], now: datetime) -> None:
    """Make orders due now. Poisoned ones stay where they are: only a person wakes them."""
    for order_id in sorted(set(order_ids)):
        row = tables.orders.get(order_id)
        if row is not None:
            due = None if row["code"] == "POISON" else now
            wake_seq = row["wake_seq"] + 1
            tables.orders.change(order_id, wake_seq=wake_seq, due_at=due, updated_at=now)


def wake_waiters(tables: Tables, claims: Iterable[tuple[int, str, str]], now: datetime) -> None:
    """Wake the orders that wait for these claims (tenant, kind, key)."""
    woken: set[int] = set()
    for claim in claims:
        for row in tables.claim_waiter.find("claim", claim):
            tables.claim_waiter.remove((*claim, row["order_id"]))
            woken.add(row["order_id"])
    wake(tables, woken, now)
