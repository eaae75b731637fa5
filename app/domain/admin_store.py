"""The reading side and the changes that people make, as REST, command line and console need them.

Owns the port `AdminStore`; what crosses it is in `views.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from app.domain.codes import Code
from app.domain.records import (
    Fact,
    InboxEvent,
    JournalEntry,
    OrderRow,
)
from app.domain.views import (
    ApiKey,
    Audit,
    CallRow,
    ConnectionRow,
    DecisionMade,
    JournalRow,
    MappingRow,
    OrderFilter,
    Page,
    Readiness,
    Remembered,
    Replay,
    Stopped,
    Unverified,
)


class AdminStore(Protocol):
    """The reading side and the changes that people make. Every method may raise StoreUnavailable.

    Lists are newest first, except the journal and the calls of an order, which tell a story and
    start with its beginning. A cursor that cannot be read raises ValueError.
    """

    # Orders
    async def orders(
        self, tenant_id: int, wanted: OrderFilter, cursor: str | None, limit: int
    ) -> Page[OrderRow]: ...

    async def named(self, tenant_id: int, number: str) -> Sequence[OrderRow]:
        """Orders with this number, or with this source id where it begins with `id:`. More than
        one only where several connections know the number.
        """

    async def by_ids(self, tenant_id: int, ids: Sequence[int]) -> Sequence[OrderRow]: ...

    async def journal(self, order_id: int, cursor: str | None, limit: int) -> Page[JournalRow]: ...

    async def calls(self, order_id: int, cursor: str | None, limit: int) -> Page[CallRow]: ...

    async def call(self, order_id: int, call_id: int) -> CallRow | None:
        """One call of an order, with what is sealed of it."""

    async def note(self, order_id: int, entry: JournalEntry) -> None:
        """Add a person's line to an order's journal."""

    # What a person decides about one order; each wakes it. Raises KeyError.
    async def decide(self, made: DecisionMade) -> bool:
        """Keep it, journalled and audited, with the order's retries reset."""

    async def hold(self, order_id: int, actor: str, reason: str) -> None: ...

    async def release_hold(self, order_id: int, actor: str, reason: str) -> None: ...

    async def repin(
        self, order_id: int, pin: tuple[str, int, Mapping[str, Any]], actor: str, reason: str
    ) -> bool:
        """Give the order another scenario and behaviour, from its next round on. False, and
        nothing is changed: a step is under way, or a write of the order is in doubt.
        """

    async def keep_fact(self, order_id: int, fact: Fact, entry: JournalEntry, audit: Audit) -> None:
        """Keep what a person said of an order as a fact, and wake it. Raises KeyError."""

    async def wake_orders(
        self, tenant_id: int, order_ids: Sequence[int], actor: str, reason: str
    ) -> int: ...

    async def last_linked(self, tenant_id: int) -> tuple[str, datetime] | None:
        """The order whose demand was linked and read back last, with when."""

    async def stopped(self, tenant_id: int, code: Code, limit: int) -> Sequence[Stopped]:
        """Orders that are not through and that this code stops at any of their steps, the oldest
        first."""

    # Inbox
    async def events(
        self,
        tenant_id: int,
        source: str | None,
        status: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[InboxEvent]: ...

    async def event(self, tenant_id: int, event_id: int) -> InboxEvent | None: ...

    async def unverified(
        self, source: str | None, cursor: str | None, limit: int
    ) -> Page[Unverified]: ...

    # Mappings and settings. Changes wake the orders that wait for what they bring.
    async def mapping_page(
        self, tenant_id: int, kind: str | None, holds: str | None, cursor: str | None, limit: int
    ) -> Page[MappingRow]:
        """Mappings, the newest first; `holds`: those with this text in one of their two keys, in
        whatever case, and with less than three characters those of which a key begins so."""

    async def mapping(self, tenant_id: int, mapping_id: int) -> MappingRow | None: ...

    async def mapping_named(self, tenant_id: int, kind: str, key: str) -> MappingRow | None:
        """The one of this kind with just this Commerce key."""

    async def bound(self, tenant_id: int) -> Sequence[str]:
        """The scenarios that mappings bind customers or ways of placing to, each once, by name."""

    async def put_mapping(
        self, tenant_id: int, kind: str, commerce_key: str, connectwise_key: str, audit: Audit
    ) -> MappingRow: ...

    async def drop_mapping(self, tenant_id: int, mapping_id: int, audit: Audit) -> bool: ...

    async def audit(self, tenant_id: int, audit: Audit) -> None:
        """Record what changed nothing, but has to be known of."""

    async def settings(self, tenant_id: int) -> Mapping[str, Any]:
        """Stored values by name, JSON values."""

    async def put_settings(
        self, tenant_id: int, values: Mapping[str, Any], audit: Audit
    ) -> None: ...

    async def connections(self, tenant_id: int) -> Sequence[ConnectionRow]: ...

    async def used_connections(self, tenant_id: int, system: str) -> Sequence[str]:
        """Names of the system's connections by which documents came in, the oldest first."""

    # Replays
    async def add_replay(self, replay: Replay) -> None: ...

    async def replay(self, tenant_id: int, replay_id: str) -> Replay | None: ...

    async def start_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        """In one transaction: nothing moved since the plan → items become `woken` (their ledger's
        retry marks are reset, wake_seq + 1, a journal line each), those without anything to do
        `nothing_to_do`. Raises PlanStale naming the orders that moved, KeyError for no such plan.
        A replay that runs already is returned as it is.
        """

    async def finish_replay(self, tenant_id: int, replay_id: str) -> Replay:
        """Note that it is done if each of its orders has its result, at the moment of the last one;
        an order that rests without one gets it first (docs/decisions/0071). One that does not run,
        or is not through, is returned as it is. Raises KeyError."""

    async def abort_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        """What its orders have no result of is `aborted` from now on. Raises KeyError. A replay that
        has ended is returned as it is; a run whose orders are all through is done instead."""

    # Keys and answers to repeat
    async def key(self, digest: bytes) -> ApiKey | None:
        """The stored key with this SHA-256."""

    async def remember_request(self, tenant_id: int, key: str, digest: str) -> Remembered | None:
        """Begin a request with an Idempotency-Key: None for the first, else what is known."""

    async def answer_request(self, tenant_id: int, key: str, status: int, body: bytes) -> None: ...

    async def forget_request(self, tenant_id: int, key: str) -> None:
        """The request failed and may be tried again with the same key."""

    async def readiness(self) -> Readiness: ...

    async def gauges(self) -> Mapping[str, Sequence[tuple[tuple[str, ...], float]]]:
        """How the installation stands, by the name of the metric: labels and value."""
