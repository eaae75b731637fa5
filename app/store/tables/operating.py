"""What operating the service leaves behind: remembered reference records, polls and replays.

Owns the memory of the poll of Commerce, the plans of replays, each bound to its orders as they
stood, what people decided, what they were told, and when the database itself went back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import SQLModel

from app.store.tables import columns as c


class ReferenceCache(SQLModel, table=True):
    """A remembered record of a remote system's set-up, with its end."""

    __tablename__ = "reference_cache"
    tenant_id: int = c.number(primary_key=True)
    kind: str = c.string(primary_key=True)
    key: str = c.string(primary_key=True)
    body: Any = c.document(nullable=False)
    expires_at: datetime = c.moment()


class CommercePoll(SQLModel, table=True):
    """What the poll of a Commerce connection remembers, and which worker has its turn.

    `state` is `polling.PollState`: it moves only together with what was read (G8).
    """

    __tablename__ = "commerce_poll"
    connection_id: int = c.to("connection", primary=True)
    tenant_id: int = c.number()
    due_at: datetime = c.moment(now=True)
    lease_owner: int | None = c.number()
    lease_token: str | None = c.string()
    lease_until: datetime | None = c.moment()
    state: Any = c.document(nullable=True)


class DriftSweep(SQLModel, table=True):
    """How far a tenant's sweep came (`drift.Sweep`), and which worker has its turn (H12)."""

    __tablename__ = "drift_sweep"
    tenant_id: int = c.to("tenant", primary=True)
    due_at: datetime = c.moment(now=True)
    lease_owner: int | None = c.number()
    lease_token: str | None = c.string()
    lease_until: datetime | None = c.moment()
    state: Any = c.document(nullable=True)
    commerce: Any = c.document(nullable=True)


class DriftFinding(SQLModel, table=True):
    """A difference between the systems (`drift.Drift`, `drift.Finding`). One that is not closed
    stands once for each order and key. Without an order: a document that never came in."""

    __tablename__ = "drift_finding"
    __table_args__ = (
        Index(
            "drift_finding_standing",
            "order_id",
            "key",
            unique=True,
            postgresql_where=sql("standing <> 'closed'"),
        ),
        Index(
            "drift_finding_untold",
            "tenant_id",
            "key",
            unique=True,
            postgresql_where=sql("order_id IS NULL AND standing <> 'closed'"),
        ),
        Index("drift_finding_of_tenant", "tenant_id", "standing", "id"),
        Index("drift_finding_of_order", "order_id", "id"),
        Index("drift_finding_by_code", "tenant_id", "code", "id"),
        Index(
            "drift_finding_open",
            "tenant_id",
            "id",
            postgresql_where=sql("standing <> 'closed'"),
        ),
    )
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    order_id: int | None = c.to("orders")
    key: str = c.string()
    digest: str = c.string()
    standing: str = c.string()
    code: str = c.string()
    system: str = c.string()
    kind: str = c.string()
    record: str = c.string()
    about: str = c.string()
    step: str = c.string()
    subject: str = c.string()
    says: str = c.string()
    stands: str = c.string()
    sentence: str = c.string()
    who: str = c.string()
    url: str | None = c.string()
    fix: Any = c.document(nullable=True)
    since: datetime = c.moment(now=True)
    seen_at: datetime = c.moment(now=True)
    actor: str | None = c.string()
    reason: str | None = c.string()
    closed_at: datetime | None = c.moment()


class Replay(SQLModel, table=True):
    """A plan of what would be done again, and what became of it."""

    __tablename__ = "replay"
    __table_args__ = (
        Index("replay_of_tenant", "tenant_id", "created_at"),
        Index(
            "replay_under_way",
            "tenant_id",
            "created_at",
            postgresql_where=sql("state IN ('planned', 'running')"),
        ),
        Index(
            "replay_by_beginning",
            "tenant_id",
            "id",
            postgresql_ops={"id": "text_pattern_ops"},
        ),
    )
    id: str = c.string(primary_key=True)
    tenant_id: int = c.to("tenant")
    state: str = c.string()
    reason: str = c.string()
    actor: str = c.string()
    from_step: str | None = c.string()
    created_at: datetime = c.moment(now=True)
    expires_at: datetime = c.moment()
    finished_at: datetime | None = c.moment()


class ReplayItem(SQLModel, table=True):
    """One order of a replay, and how its run ended (`results.ReplayResult`); until it did the state
    of the result is `running`. `order_id` 0: a name that no order has."""

    __tablename__ = "replay_item"
    __table_args__ = (
        Index(
            "replay_item_open",
            "order_id",
            postgresql_where=sql("result_state = 'running'"),
        ),
    )
    replay_id: str = c.string(primary_key=True, foreign_key="replay.id")
    position: int = c.number(primary_key=True)
    order_id: int = c.number()
    order_name: str = c.string()
    connection: str = c.string()
    wake_seq: int = c.number()
    state: str = c.string()
    steps: Any = c.document("'[]'::json", nullable=False)
    sentence: str = c.string("''")
    result_state: str | None = c.string()
    result_code: str | None = c.string()
    result_sentence: str | None = c.string()
    result_at: datetime | None = c.moment()


class Decision(SQLModel, table=True):
    """What a person decided about an order (`records.Decision`). Append only: the newest rules."""

    __tablename__ = "decision"
    __table_args__ = (Index("decision_of_order", "order_id", "id"),)
    id: int = c.identity()
    tenant_id: int = c.number()
    order_id: int = c.to("orders")
    at: datetime = c.moment(now=True)
    step: str = c.string()
    subject: str = c.string()
    code: str = c.string()
    choice: str = c.string()
    reason: str = c.string()
    actor: str = c.string()
    about: str = c.string("''")


class Alert(SQLModel, table=True):
    """A change of state that somebody has to hear of, once (`alerts.AlertRow`). `told` are the keys
    of the places that have it."""

    __tablename__ = "alert"
    __table_args__ = (
        UniqueConstraint("tenant_id", "subject", "code", "since"),
        Index(
            "alert_unsent",
            "tenant_id",
            "id",
            postgresql_where=sql("sent_at IS NULL AND over_at IS NULL"),
        ),
        Index("alert_of_tenant", "tenant_id", "id"),
    )
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    subject: str = c.string()
    code: str = c.string()
    since: datetime = c.moment()
    sentence: str = c.string()
    order_number: str | None = c.string()
    who: str = c.string()
    created_at: datetime = c.moment(now=True)
    seen_at: datetime = c.moment(now=True)
    due_at: datetime = c.moment(now=True)
    lease_until: datetime | None = c.moment()
    told: list[str] = c.strings()
    attempts: int = c.number("0")
    trouble: str | None = c.string()
    sent_at: datetime | None = c.moment()
    over_at: datetime | None = c.moment()


class ProbeTurn(SQLModel, table=True):
    """Which probe of the doctor may write: one at a time for a tenant (docs/decisions/0051)."""

    __tablename__ = "probe_turn"
    tenant_id: int = c.to("tenant", primary=True)
    token: str = c.string()
    until: datetime = c.moment()


class ProbeRecord(SQLModel, table=True):
    """A record that a probe announced before it made it (`probing.ProbeRecord`). The row goes when
    the record is gone."""

    __tablename__ = "probe_record"
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    token: str = c.string()
    kind: str = c.string()
    mark: str = c.string()
    external_id: int | None = c.number()
    data: Any = c.document(nullable=False)
    actor: str = c.string()
    announced_at: datetime = c.moment(now=True)


class DatabaseHome(SQLModel, table=True):
    """Where the database stood when a worker last joined: one row (docs/decisions/0035)."""

    __tablename__ = "database_home"
    id: int = c.slot()
    home: str = c.string()


class Restoration(SQLModel, table=True):
    """The database went back in time (`restoring.Restoration`)."""

    __tablename__ = "restoration"
    id: int = c.identity()
    at: datetime = c.moment(now=True)
    noticed: bool = c.flag()
    actor: str = c.string()
    reason: str = c.string()
