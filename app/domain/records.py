"""What the service itself remembers: ledger rows, intents, references, facts, journal, calls.

Owns the shapes that cross the store's port. Values only: no behaviour beyond derived properties,
no knowledge of tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.codes import Code, State, Who
from app.domain.documents import Kind
from app.domain.versions import Stored

ORDER = "order"  # the subject of a step that concerns the order as a whole
# Source id of a purchase order for stock, before its own id: Commerce's ids are numbers.
STOCK = "stock:"
# Source id of a quote that was declined, before its own id, for the same reason (B1.4).
QUOTE = "quote:"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One (order, step, subject): what was applied last, and why it is not further along.

    `want` is the document last applied (None: never), `want_version` the renderer's version.
    `since` is when the present code was first seen; `retry_at` and `retry_wake` say when a
    step that stopped may be tried again: at that time, or when `wake_seq` has moved on.
    """

    step: str
    subject: str
    state: State
    want: Mapping[str, Any] | None = None
    want_version: int = 1
    applied_at: datetime | None = None
    code: Code | None = None
    sentence: str | None = None
    who: Who | None = None
    choices: tuple[str, ...] = ()
    since: datetime | None = None
    attempts: int = 0
    tries: int = 0  # attempts in a row that ended with the present code
    started_at: datetime | None = None
    finished_at: datetime | None = None
    retry_at: datetime | None = None
    retry_wake: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A remote write that is not idempotent by nature, announced before it is sent.

    `key` says what makes the write unique within (order, step, subject). `committed_at` is the
    store's time of the last announcement, `looked_at` of the first look-up in doubt that found
    nothing. `outcome` is None while nobody knows what became of it. `inherited` marks an intent
    of another order, met through a claim that was taken over.
    """

    id: int
    order_id: int
    step: str
    subject: str
    kind: str
    key: str
    evidence: Mapping[str, Any]
    committed_at: datetime
    attempt: int = 1
    looked_at: datetime | None = None
    outcome: Mapping[str, Any] | None = None
    outcome_at: datetime | None = None
    fresh: bool = False  # True only in the answer of begin(): this call announced it just now


@dataclass(frozen=True, slots=True)
class Ref:
    """A remote record that belongs to an order. `key` tells records of one kind apart.

    `exclusive`: no other order may carry the same record (purchase orders, bills, products).
    """

    kind: str
    key: str
    external_id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Something read in a remote system that a person may have changed, with its as-of time."""

    kind: str
    key: str
    body: Mapping[str, Any]
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One line of an order's story. `actor` is "service" or the name of a person's key."""

    code: str
    sentence: str
    step: str | None = None
    subject: str | None = None
    actor: str = "service"
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One remote request and its answer, redacted. `milliseconds` is the wall time. `sealed`: the
    personal values that were taken out, encrypted, where they are kept (CALLS_SEALED)."""

    system: str
    method: str
    path: str
    query: str
    status: int | None
    milliseconds: float
    request: str | None
    response: str | None
    failure: str | None = None
    step: str | None = None
    subject: str | None = None
    purpose: str = "step"  # step, poll, hint, reference
    sealed: bytes | None = None


# Workers that ended over an order before it is suspected. One proves nothing: a machine that dies
# takes along whatever it drove (docs/decisions/0048).
ALONE_AFTER = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """The lease of an order: `token` must be carried by every write for it."""

    order_id: int
    token: str
    lease_until: datetime
    claims_without_progress: int
    interrupted: tuple[str, ...] = ()  # steps that a dead worker left running, now closed
    restored: datetime | None = None  # the database went back not long ago (decision 0035)

    @property
    def suspect(self) -> bool:
        """Whether it may end its worker, so that it is driven alone."""
        return self.claims_without_progress > ALONE_AFTER


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as the store keeps it. `number` is None while only its id is known."""

    id: int
    tenant_id: int
    connection: str
    source_id: str
    number: str | None
    customer: str | None
    scenario: str | None
    scenario_version: int | None
    behaviour: Mapping[str, Any]
    state: State
    code: Code | None
    sentence: str | None
    who: Who | None
    since: datetime | None
    next_look: str | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime | None
    wake_seq: int
    held_by: str | None = None  # a person's hold, with its reason
    choices: tuple[str, ...] = ()  # what a person may choose from, where the answer is held
    trace: str | None = None  # the context of what woke it last, `domain.traces`

    @property
    def stock(self) -> bool:
        """Whether it is a purchase order for stock: an aggregate of its own kind, without sales."""
        return self.source_id.startswith(STOCK)

    @property
    def of_quote(self) -> bool:
        """Whether it is a quote that was declined: an aggregate of its own kind, without an order."""
        return self.source_id.startswith(QUOTE)

    @property
    def name(self) -> str:
        """How the order is addressed: its number, or id:1201 while only its id is known."""
        return self.number or f"id:{self.source_id}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one reason of one (step, subject), `choices.py`.

    `about` is the digest of the want that stood then ("" for none): a decision about one
    situation must not answer for a later one. The newest of a (code, subject) rules.
    """

    step: str
    subject: str
    code: Code
    choice: str
    reason: str
    actor: str
    at: datetime
    about: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """Another order on the same ConnectWise sales order (D-13) or ticket (E4), as far as its gate
    goes."""

    name: str
    state: State
    code: Code | None = None  # at which its release stands
    released: bool = False
    shares: str = "sales_order"  # the kind of record that both carry

    @property
    def ready(self) -> bool:
        """Whether it does not keep the sales order from being released."""
        ended = self.state in (State.CANCELLED, State.DONE)
        return ended or self.released or self.code is Code.SHARED_NOT_READY


@dataclass(frozen=True, slots=True)
class Pause:
    """A system that may not be called. `by`: "service", or a person, whose pause lasts until it
    is resumed and is only looked at again at `until`."""

    until: datetime
    by: str = "service"
    why: str = ""
    ends: bool = True  # False: at no known time


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything about one order, read in one database snapshot. `now` is the store's clock."""

    order: OrderRow
    documents: tuple[Stored, ...]
    ledger: tuple[LedgerRow, ...]
    intents: tuple[Intent, ...]
    refs: tuple[Ref, ...]
    facts: tuple[Fact, ...]
    settings: Mapping[str, Any]
    mappings: Mapping[tuple[str, str], str]  # (kind, Commerce key) -> ConnectWise key
    # Other orders of the tenant that carry a record this order names: (kind, external id) -> names
    shared: Mapping[tuple[str, str], tuple[str, ...]]
    paused: Mapping[str, Pause]  # by system
    now: datetime
    decisions: tuple[Decision, ...] = ()
    others: tuple[Other, ...] = ()
    # Of a declined quote: the other quotes and the sales orders of its opportunity (B1.4).
    siblings: tuple[Stored, ...] = ()


@dataclass(frozen=True, slots=True)
class StepRun:
    """An attempt at a step, for the record."""

    step: str
    subject: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Where an order stands, as one sentence with who acts (console.md)."""

    state: State
    code: Code | None
    sentence: str
    who: Who
    since: datetime | None
    next_look: str
    choices: tuple[str, ...] = ()


@dataclass(slots=True)
class WriteSet:
    """What one round of one order wants written, in one transaction, if the token still holds."""

    order_id: int
    token: str
    ledger: list[LedgerRow] = field(default_factory=list)
    drop_ledger: list[tuple[str, str]] = field(default_factory=list)
    refs: list[Ref] = field(default_factory=list)
    drop_refs: list[tuple[str, str]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    outcomes: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    looked: list[int] = field(default_factory=list)  # intents: a first look-up found nothing
    refused: list[int] = field(default_factory=list)  # intents that surely did nothing: removed
    journal: list[JournalEntry] = field(default_factory=list)
    calls: list[CallRecord] = field(default_factory=list)
    drop_claims: list[tuple[str, str]] = field(default_factory=list)
    run_started: StepRun | None = None
    run_finished: str | None = None  # done, waiting, held, parked, failed
    pin: tuple[str, int, Mapping[str, Any]] | None = None  # scenario, version, behaviour


@dataclass(frozen=True, slots=True)
class Release:
    """How an order is given back. Works only while `wake_seq` is the order's own."""

    wake_seq: int
    due_at: datetime | None
    answer: Answer


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified inbound delivery, as raw bytes. `routing` is the document it is about."""

    source: str  # commerce, connectwise
    connection: str
    external_id: str
    event_type: str
    body: bytes
    headers: Mapping[str, str]
    routing: str | None
    status: str = "new"  # new, unhandled, rejected
    code: Code | None = None
    cause: str | None = None
    body_hash: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answer of intake. `reused`: the id came before with another body (kept as rejected)."""

    event_id: int
    duplicate: bool
    reused: bool = False


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """A delivery as the store keeps it. Bodies are bytes; pages show them redacted."""

    id: int
    source: str
    connection: str
    external_id: str
    event_type: str
    body: bytes
    status: str
    code: Code | None
    cause: str | None
    received_at: datetime
    merged_at: datetime | None = None
    orders: tuple[str, ...] = ()
    trace: str | None = None  # its context, `domain.traces`


@dataclass(frozen=True, slots=True)
class Merge:
    """What one inbox event does: documents to merge, or orders to wake by the remote records
    that a callback names (`routes`: kind, external id). Routes that lead to no order make the
    event a "hint", which `Store.hints` hands out. `of_ledger`: the records are documents in the
    ledger; each is noted for one read, and unknown ones make the event unhandled."""

    event_id: int
    documents: tuple[DocumentPlace, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    of_ledger: bool = False
    status: str = "merged"  # merged, unhandled, dropped, deferred, rejected
    cause: str | None = None
    code: Code | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentPlace:
    """A document with what it says about where it belongs (see events.Carried)."""

    stored: Stored
    kind: Kind
    order: str | None
    order_number: str | None = None
    quote: str | None = None
    purchase_order: str | None = None
    customer: str | None = None
