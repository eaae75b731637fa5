"""What people read: an order explained, journal and calls with their time, mappings, replays.

Owns the shapes that cross from the store and the explanation to REST, command line and console,
and the port `AdminStore` that serves them. Values only: how an order is explained is
`app/sync/explain.py`, how rows are kept is the store's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from app.domain.budgets import Spent
from app.domain.codes import Code, State, Who
from app.domain.gone import Forgotten
from app.domain.grants import Grant
from app.domain.ports import Paused
from app.domain.readiness import Checked
from app.domain.records import (
    Answer,
    CallRecord,
    Decision,
    Fact,
    InboxEvent,
    JournalEntry,
    OrderRow,
)

T = TypeVar("T")


# --- an order, explained --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemoteLink:
    """A record elsewhere. `url` is where a person can open it, None where nobody knows."""

    system: str
    kind: str
    id: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class StepView:
    """One (step, subject) of an order. `sentence` is the reason where it is not done."""

    step: str
    subject: str
    state: State
    code: Code | None = None
    sentence: str | None = None
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    remote: tuple[RemoteLink, ...] = ()


@dataclass(frozen=True, slots=True)
class LineView:
    """A row of the line matrix (`contracts/http.md`). Quantities are text, as they are exact."""

    line: int
    title: str
    ordered: str
    on_purchase_orders: str
    received: str
    linked: str
    shipped: str
    invoiceable: str
    invoiced: str


@dataclass(frozen=True, slots=True)
class PurchaseOrderView:
    """A purchase order as far as it is for the order, in whole units. `ordered` is all of it,
    `sold` what is for the order's lines; `received` and `linked` are of what is sold.
    """

    number: str
    supplier: str
    ordered: int
    sold: int
    received: int
    linked: int


@dataclass(frozen=True, slots=True)
class Flag:
    """Something for a person that does not hold the order (H5)."""

    code: Code
    sentence: str
    who: Who


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a step would do if the order went on now. `gate` is open or shut, `calls` the number
    of remote calls it would cost at least. A step already applied has no writes and no calls.
    """

    step: str
    subject: str
    gate: str
    code: Code | None
    sentence: str
    writes: tuple[str, ...] = ()
    calls: int = 0


@dataclass(frozen=True, slots=True)
class Explained:
    """An order as a person reads it, from one snapshot. `services`: lines for which no goods come."""

    answer: Answer
    steps: tuple[StepView, ...] = ()
    lines: tuple[LineView, ...] = ()
    services: frozenset[int] = frozenset()
    purchase_orders: tuple[PurchaseOrderView, ...] = ()
    flags: tuple[Flag, ...] = ()
    plan: tuple[PlannedStep, ...] = ()
    readiness: Checked | None = None  # None: no tool that posts ConnectWise's records is named


# --- what the store hands out ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. `next` is the opaque cursor of the following part, None at the end."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders; None means any. `number` finds numbers, and `id:1201` the source id."""

    number: str | None = None
    state: State | None = None
    code: Code | None = None
    who: Who | None = None
    connection: str | None = None


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A journal entry with its place in the order's story."""

    id: int
    at: datetime
    entry: JournalEntry


@dataclass(frozen=True, slots=True)
class CallRow:
    """A remote call with its time. Redacted before it was kept."""

    id: int
    at: datetime
    call: CallRecord


@dataclass(frozen=True, slots=True)
class Unverified:
    """A refused request of the ring. `head` is its beginning, nothing of it can be trusted."""

    id: int
    at: datetime
    source: str
    code: Code
    cause: str
    head: bytes


@dataclass(frozen=True, slots=True)
class MappingRow:
    """What a Commerce record is called in ConnectWise: (kind, Commerce key) → ConnectWise key."""

    id: int
    kind: str
    commerce_key: str
    connectwise_key: str
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection of a tenant, without its credentials."""

    id: int
    name: str
    system: str
    paused: Paused | None = None
    grant: Grant | None = None  # of a ledger that somebody signed in to
    calls: tuple[Spent, ...] = ()  # what stands against its limits


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Who calls. `scopes` may hold read and admin; admin includes read."""

    tenant_id: int
    name: str
    scopes: frozenset[str] = frozenset({"read", "admin"})


class ReplayState:
    """States of a replay and of its items, as they are kept and shown."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    ABORTED = "aborted"
    # Items only
    REFUSED = "refused"
    WOKEN = "woken"
    NOTHING_TO_DO = "nothing_to_do"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class ReplayItem:
    """One order of a replay. `wake_seq` is the order's when it was planned: another one means
    that documents or a person moved it since, so the plan is stale. `steps` is the plan.
    """

    order_id: int
    order: str
    connection: str
    wake_seq: int
    state: str
    steps: tuple[Mapping[str, Any], ...] = ()
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """A plan, and what became of it."""

    id: str
    tenant_id: int
    state: str
    reason: str
    actor: str
    created_at: datetime
    expires_at: datetime
    items: tuple[ReplayItem, ...] = ()
    from_step: str | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer kept for an Idempotency-Key. `digest` is the hash of the request it belongs to.
    `status` 0: the first request with the key is still being worked on.
    """

    digest: str
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the database says of the installation: None for no worker ever seen."""

    revision: str | None
    head: str
    workers_alive: int


@dataclass(frozen=True, slots=True)
class Audit:
    """A change that a person made, for the record. Values of secrets never stand in `data`."""

    actor: str
    action: str
    target: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionMade:
    """A decision for an order. `skip`: its step is left out; `drop_claims`: with it the claims
    that wait for no time; `release`: a hold ends with it; `forget`: what is unlearned so that a
    record is made anew, with the ids of the announced writes."""

    order_id: int
    decision: Decision
    skip: bool = False
    drop_claims: bool = False
    release: bool = False
    forget: Forgotten | None = None
    intents: Sequence[int] = ()


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

    async def unverified(self, limit: int) -> Sequence[Unverified]: ...

    # Mappings and settings. Changes wake the orders that wait for what they bring.
    async def mappings(self, tenant_id: int, kind: str | None) -> Sequence[MappingRow]: ...

    async def put_mapping(
        self, tenant_id: int, kind: str, commerce_key: str, connectwise_key: str, audit: Audit
    ) -> MappingRow: ...

    async def drop_mapping(self, tenant_id: int, mapping_id: int, audit: Audit) -> bool: ...

    async def settings(self, tenant_id: int) -> Mapping[str, Any]:
        """Stored values by name, JSON values."""

    async def put_settings(
        self, tenant_id: int, values: Mapping[str, Any], audit: Audit
    ) -> None: ...

    async def connections(self, tenant_id: int) -> Sequence[ConnectionRow]: ...

    # Replays
    async def add_replay(self, replay: Replay) -> None: ...

    async def replay(self, tenant_id: int, replay_id: str) -> Replay | None: ...

    async def start_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        """In one transaction: nothing moved since the plan → items become `woken` (their ledger's
        retry marks are reset, wake_seq + 1, a journal line each), those without anything to do
        `nothing_to_do`. Raises PlanStale naming the orders that moved, KeyError for no such plan.
        A replay that runs already is returned as it is.
        """

    async def abort_replay(self, tenant_id: int, replay_id: str, actor: str) -> Replay:
        """Raises KeyError. A replay that has ended is returned as it is."""

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


class PlanStale(Exception):
    """Orders moved since the plan was made; `orders` names them."""

    def __init__(self, orders: Sequence[str], sentence: str) -> None:
        super().__init__(sentence)
        self.orders = tuple(orders)
        self.sentence = sentence
