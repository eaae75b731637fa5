"""Deliveries as they came in, and the documents merged from them.

Owns the inbox (append only, bodies as bytes), the ids already counted, the ring of refused
requests and the newest version of each document. No unique rule rests on `inbox_event`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import SQLModel

from app.store.tables import columns as c


class InboxEvent(SQLModel, table=True):
    """A verified delivery. Without foreign keys: it grows without end and is kept by month."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        Index(
            "inbox_event_new_of_tenant", "tenant_id", "id", postgresql_where=text("status = 'new'")
        ),
        Index(
            "inbox_event_later",
            "not_before",
            postgresql_where=text("status IN ('deferred', 'hint')"),
        ),
        Index("inbox_event_by_status", "tenant_id", "status", "id"),
        Index("inbox_event_of_connection", "connection_id", "id"),
        Index("inbox_event_of_source", "tenant_id", "source", "status", "id"),
    )
    id: int = c.identity()
    tenant_id: int = c.number()
    connection_id: int = c.number()
    source: str = c.string()
    external_id: str = c.string()
    event_type: str = c.string()
    routing: str | None = c.string()
    headers: Any = c.document("'{}'::json", nullable=False)
    body: bytes = c.binary()
    body_hash: str = c.string()
    status: str = c.string()
    code: str | None = c.string()
    cause: str | None = c.string()
    received_at: datetime = c.moment(now=True)
    not_before: datetime | None = c.moment()
    merged_at: datetime | None = c.moment()
    order_ids: list[int] = c.numbers()


class InboxSeen(SQLModel, table=True):
    """What makes a delivery count once. Outlives its event's row."""

    __tablename__ = "inbox_seen"
    __table_args__ = (Index("inbox_seen_by_age", "seen_at"),)
    connection_id: int = c.number(primary_key=True)
    external_id: str = c.string(primary_key=True)
    tenant_id: int = c.number()
    body_hash: str = c.string()
    event_id: int = c.number()
    seen_at: datetime = c.moment(now=True)


class MergeTry(SQLModel, table=True):
    """A worker that began to merge a delivery alone, after a worker had died: one of several dead
    tells that the delivery kills. A row goes with the merging."""

    __tablename__ = "merge_try"
    event_id: int = c.slot()
    worker_id: int = c.slot()
    at: datetime = c.moment(now=True)


class InboxUnverified(SQLModel, table=True):
    """A ring of refused requests: `slot` is `number` modulo its size. Nothing can be trusted."""

    __tablename__ = "inbox_unverified"
    slot: int = c.slot()
    tenant_id: int = c.number("1")
    number: int = c.counter()
    at: datetime = c.moment(now=True)
    source: str = c.string()
    code: str = c.string()
    cause: str = c.string()
    head: bytes = c.binary()


class Document(SQLModel, table=True):
    """The newest version of a Commerce document, and where it belongs.

    `rank`, `own` and `extras` are those of `versions.Stored`. `quote` is the quote that a sales
    order names, `purchase_order` the one that a receipt belongs to, `opportunity` what a person
    chose in Commerce, `number` what people call it, `words` what else a search finds it by, a line each:
    columns, because nothing ever looks into the JSON.
    """

    __tablename__ = "document"
    __table_args__ = (
        UniqueConstraint("connection_id", "kind", "source_id"),
        Index("document_of_order", "order_id"),
        Index(
            "document_by_quote",
            "connection_id",
            "quote",
            postgresql_where=text("quote IS NOT NULL"),
        ),
        Index(
            "document_by_purchase_order",
            "connection_id",
            "purchase_order",
            postgresql_where=text("purchase_order IS NOT NULL"),
        ),
        Index(
            "document_by_opportunity",
            "tenant_id",
            "opportunity",
            postgresql_where=text("opportunity IS NOT NULL"),
        ),
        c.beginnings("document_by_number", "number", postgresql_where=text("number IS NOT NULL")),
        c.parts("document_search", "coalesce(words, number)"),
    )
    id: int = c.identity()
    tenant_id: int = c.number()
    connection_id: int = c.to("connection")
    kind: str = c.string()
    source_id: str = c.string()
    order_id: int | None = c.to("orders")
    quote: str | None = c.string()
    purchase_order: str | None = c.string()
    opportunity: str | None = c.string()
    version: str = c.string()
    rank: Any = c.document(nullable=False)
    own: Any = c.document(nullable=False)
    extras: Any = c.document(nullable=False)
    number: str | None = c.string()
    words: str | None = c.string()
    created_at: datetime = c.moment(now=True)
    updated_at: datetime = c.moment(now=True)
