"""What people read: an order explained, journal and calls with their time, mappings, replays.

Owns the shapes that cross from the store and the explanation to REST, command line and console; the
port that serves them is `admin_store.py`. Values only: how an order is explained is
`app/sync/explain.py`, how rows are kept is the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from app.domain.budgets import Use
from app.domain.codes import Code, State, Who
from app.domain.gone import Forgotten
from app.domain.grants import LEDGERS, Grant
from app.domain.ports import Paused
from app.domain.readiness import Checked
from app.domain.records import (
    Answer,
    CallRecord,
    Decision,
    JournalEntry,
)
from app.domain.results import ReplayResult

T = TypeVar("T")


# --- an order, explained --------------------------------------------------------------------------


Progressed = Callable[[int, int], None]
"""Told while something takes long: how many are through, of how many."""


def unwatched(done: int, of: int) -> None:
    """For those who do not ask how far it is."""


@dataclass(frozen=True, slots=True)
class RemoteLink:
    """A record elsewhere. `url` is its address, in ConnectWise that of the API; `page` is where a
    person opens it in the browser. Each None where nobody knows."""

    system: str
    kind: str
    id: str
    url: str | None = None
    page: str | None = None


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
class Evidence:
    """How old what an explanation rests on is: of Commerce its newest document's own date, of the
    others when something of the order was last read or written there."""

    system: str
    at: datetime


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
    evidence: tuple[Evidence, ...] = ()
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
    """A remote call with its time. Redacted before it was kept. `sealed`: whether the personal
    values of it are kept, sealed; the call itself holds them only where it was asked for alone."""

    id: int
    at: datetime
    call: CallRecord
    sealed: bool = False


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
class Stopped:
    """An order that a reason stops, at whichever of its steps; `sentences` say it, each once."""

    order_id: int
    order: str
    connection: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection of a tenant, without its credentials."""

    id: int
    name: str
    system: str
    paused: Paused | None = None
    grant: Grant | None = None  # of a ledger that somebody signed in to
    use: Use = field(default_factory=Use)

    @property
    def circuit(self) -> str | None:
        """`open` while the system is left alone because it did not answer well (decision 0038), else
        `closed`; None where none is kept: the poll of Commerce rests by itself."""
        if self.system != "connectwise" and self.system not in LEDGERS:
            return None
        sick = self.paused is not None and self.paused.code is Code.PEER_SICK
        return "open" if sick else "closed"


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
    that documents or a person moved it since, so the plan is stale. `steps` is the plan. `result`:
    how its run ended, once it did; of one that ran before results were kept there is none.
    """

    order_id: int
    order: str
    connection: str
    wake_seq: int
    state: str
    steps: tuple[Mapping[str, Any], ...] = ()
    sentence: str = ""
    result: ReplayResult | None = None

    @property
    def open(self) -> bool:
        """Whether it was woken and nothing is kept of how that ended."""
        return self.state == ReplayState.WOKEN and self.result is None


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


class PlanStale(Exception):
    """Orders moved since the plan was made; `orders` names them."""

    def __init__(self, orders: Sequence[str], sentence: str) -> None:
        super().__init__(sentence)
        self.orders = tuple(orders)
        self.sentence = sentence
