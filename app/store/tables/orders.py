"""Orders with their lease and answer, and the workers that hold leases.

Owns the row that is claimed, woken and released. Its hot index is partial: only orders that are
due at some time stand in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import SQLModel

from app.store.tables import columns as c


class Order(SQLModel, table=True):
    """An order, or a placeholder while `number` is not known.

    `wake_seq` moves with everything that a decision may rest on; a release works only while it
    is the one that was read. `due_at` stays in the past while a worker has the order, so that a
    dead worker's orders are found at once.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("connection_id", "source_id"),
        Index("orders_by_number", "tenant_id", "number"),
        c.beginnings("orders_find_number", "number"),
        c.beginnings("orders_find_customer", "customer"),
        c.parts("orders_search", "(coalesce(number, '') || chr(10)) || coalesce(customer, '')"),
        Index("orders_by_state", "tenant_id", "state", "id"),
        Index("orders_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "orders_due_of_tenant",
            "tenant_id",
            "due_at",
            "id",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("orders_of_connection", "connection_id", "id"),
        Index("orders_unnumbered", "tenant_id", "id", postgresql_where=text("number IS NULL")),
        # What most orders end with is found as soon as any order is looked at.
        Index(
            "orders_by_code",
            "tenant_id",
            "code",
            "id",
            postgresql_where=text("code <> 'RELEASED'"),
        ),
        Index("orders_by_who", "tenant_id", "who", "id", postgresql_where=text("who <> 'nobody'")),
        Index(
            "orders_closed",
            "tenant_id",
            "updated_at",
            postgresql_where=text("state IN ('done', 'cancelled')"),
        ),
        Index("orders_by_lease", "lease_token", postgresql_where=text("lease_token IS NOT NULL")),
        Index(
            "orders_open",
            "tenant_id",
            "id",
            postgresql_where=text("state NOT IN ('done', 'cancelled')"),
        ),
    )
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    connection_id: int = c.to("connection")
    source_id: str = c.string()
    number: str | None = c.string()
    customer: str | None = c.string()
    scenario: str | None = c.string()
    scenario_version: int | None = c.number()
    scenario_hash: str | None = c.string()
    behaviour: Any = c.document("'{}'::json", nullable=False)
    state: str = c.string("'running'")
    code: str | None = c.string()
    sentence: str | None = c.string()
    who: str | None = c.string()
    since: datetime | None = c.moment()
    next_look: str | None = c.string()
    choices: list[str] = c.strings()
    held_by: str | None = c.string()
    created_at: datetime = c.moment(now=True)
    updated_at: datetime = c.moment(now=True)
    due_at: datetime | None = c.moment()
    wake_seq: int = c.number("0")
    lease_owner: int | None = c.number()
    lease_token: str | None = c.string()
    lease_until: datetime | None = c.moment()
    claims_without_progress: int = c.number("0")
    trace: str | None = c.string()
    stale_at: datetime | None = c.moment()  # what was read before this may be old
    # What stopped it last (`domain.troubles.Stood`), and when a person last acted on it.
    stood_as: str | None = c.string()
    stood_since: datetime | None = c.moment()
    stood_until: datetime | None = c.moment()
    acted_at: datetime | None = c.moment()


class Worker(SQLModel, table=True):
    """A worker process. It is alive while it holds the session lock of its id, not by this row."""

    __tablename__ = "worker"
    id: int = c.identity()
    started_at: datetime = c.moment(now=True)
    seen_at: datetime = c.moment(now=True)


class StepRun(SQLModel, table=True):
    """An attempt at a step. The partial unique index is the lock: one runs for an order."""

    __tablename__ = "step_run"
    __table_args__ = (
        Index(
            "step_run_running", "order_id", unique=True, postgresql_where=text("state = 'running'")
        ),
        Index("step_run_of_order", "order_id", "id"),
    )
    id: int = c.identity()
    tenant_id: int = c.number()
    order_id: int = c.to("orders")
    step: str = c.string()
    subject: str = c.string()
    attempt: int = c.number()
    state: str = c.string()
    started_at: datetime = c.moment(now=True)
    finished_at: datetime | None = c.moment()
