"""What was done for an order: applied ledger, intents, references, facts, claims, story.

Owns the memory that makes effects exactly once. Journal and calls grow without end and will be
partitioned by month: no unique rule and no foreign key rests on them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import SQLModel

from app.store.tables import columns as c


class Applied(SQLModel, table=True):
    """The ledger: one row of `records.LedgerRow` for each (order, step, subject)."""

    __tablename__ = "applied"
    __table_args__ = (
        Index(
            "applied_linked",
            "tenant_id",
            "applied_at",
            postgresql_where=text("step = 'link_demand' AND applied_at IS NOT NULL"),
        ),
    )
    order_id: int = c.to("orders", primary=True)
    step: str = c.string(primary_key=True)
    subject: str = c.string(primary_key=True)
    tenant_id: int = c.number()
    state: str = c.string()
    want: Any = c.document(nullable=True)
    want_version: int = c.number("1")
    applied_at: datetime | None = c.moment()
    code: str | None = c.string()
    sentence: str | None = c.string()
    who: str | None = c.string()
    choices: Any = c.document("'[]'::json", nullable=False)
    since: datetime | None = c.moment()
    attempts: int = c.number("0")
    tries: int = c.number("0")
    started_at: datetime | None = c.moment()
    finished_at: datetime | None = c.moment()
    retry_at: datetime | None = c.moment()
    retry_wake: int | None = c.number()


class Intent(SQLModel, table=True):
    """A remote write, announced before it is sent."""

    __tablename__ = "intent"
    __table_args__ = (
        UniqueConstraint("order_id", "step", "subject", "kind", "key"),
        Index(
            "intent_shared_open",
            "tenant_id",
            "kind",
            "key",
            postgresql_where=text("shared AND outcome IS NULL"),
        ),
    )
    id: int = c.identity()
    tenant_id: int = c.number()
    order_id: int = c.to("orders")
    step: str = c.string()
    subject: str = c.string()
    kind: str = c.string()
    key: str = c.string()
    evidence: Any = c.document(nullable=False)
    shared: bool = c.flag()
    committed_at: datetime = c.moment()
    attempt: int = c.number("1")
    looked_at: datetime | None = c.moment()
    outcome: Any = c.document(nullable=True)
    outcome_at: datetime | None = c.moment()


class ExternalRef(SQLModel, table=True):
    """A record in a remote system. `order_id`: the only order that may carry it, where only one
    may (purchase orders, products); null where several share it (opportunities)."""

    __tablename__ = "external_ref"
    __table_args__ = (UniqueConstraint("tenant_id", "kind", "external_id"),)
    id: int = c.identity()
    tenant_id: int = c.number()
    kind: str = c.string()
    external_id: str = c.string()
    order_id: int | None = c.number()


class OrderRef(SQLModel, table=True):
    """That an order carries a remote record. `key` tells its records of one kind apart."""

    __tablename__ = "order_ref"
    __table_args__ = (Index("order_ref_by_ref", "ref_id"),)
    order_id: int = c.to("orders", primary=True)
    kind: str = c.string(primary_key=True)
    key: str = c.string(primary_key=True)
    tenant_id: int = c.number()
    ref_id: int = c.to("external_ref")
    data: Any = c.document("'{}'::json", nullable=False)
    learned_at: datetime = c.moment(now=True)


class Fact(SQLModel, table=True):
    """Something read in a remote system, with its as-of time."""

    __tablename__ = "fact"
    order_id: int = c.to("orders", primary=True)
    kind: str = c.string(primary_key=True)
    key: str = c.string(primary_key=True)
    tenant_id: int = c.number()
    body: Any = c.document(nullable=False)
    seen_at: datetime = c.moment()


class RemoteClaim(SQLModel, table=True):
    """Which order is making a shared record. `until` null: until it is dropped."""

    __tablename__ = "remote_claim"
    tenant_id: int = c.number(primary_key=True)
    kind: str = c.string(primary_key=True)
    key: str = c.string(primary_key=True)
    order_id: int = c.to("orders")
    until: datetime | None = c.moment()
    claimed_at: datetime = c.moment(now=True)


class ClaimWaiter(SQLModel, table=True):
    """An order that met another's claim, to be woken when that is dropped."""

    __tablename__ = "claim_waiter"
    tenant_id: int = c.number(primary_key=True)
    kind: str = c.string(primary_key=True)
    key: str = c.string(primary_key=True)
    order_id: int = c.to("orders", primary=True)


class JournalEvent(SQLModel, table=True):
    """One line of an order's story. Append only, by month: its key has `at` beside the id."""

    __tablename__ = "journal_event"
    __table_args__ = (Index("journal_of_order", "order_id", "id"),)
    id: int = c.identity()
    tenant_id: int = c.number()
    order_id: int = c.number()
    at: datetime = c.moment(now=True)
    code: str = c.string()
    sentence: str = c.string()
    step: str | None = c.string()
    subject: str | None = c.string()
    actor: str = c.string()
    data: Any = c.document("'{}'::json", nullable=False)


class Call(SQLModel, table=True):
    """One remote request and its answer, redacted before it came here. Append only, by
    month as the journal is. `sealed`: what was taken out, encrypted, where that is kept."""

    __tablename__ = "call"
    __table_args__ = (Index("call_of_order", "order_id", "id"),)
    id: int = c.identity()
    tenant_id: int = c.number()
    order_id: int | None = c.number()
    at: datetime = c.moment(now=True)
    system: str = c.string()
    method: str = c.string()
    path: str = c.string()
    query: str = c.string()
    status: int | None = c.number()
    milliseconds: float = c.real()
    request: str | None = c.string()
    response: str | None = c.string()
    failure: str | None = c.string()
    step: str | None = c.string()
    subject: str | None = c.string()
    purpose: str = c.string()
    sealed: bytes | None = c.binary()
