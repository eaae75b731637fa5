"""Tenants, their connections, settings, mappings, scenarios, keys and the audit of changes.

Owns what people set up. Every other row of the schema belongs to a tenant from here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import SQLModel

from app.store.tables import columns as c


class Tenant(SQLModel, table=True):
    """A managed service provider. `config_version` moves with its settings and mappings."""

    __tablename__ = "tenant"
    id: int = c.identity()
    name: str = c.string(unique=True)
    config_version: int = c.number("1")
    created_at: datetime = c.moment(now=True)


class Connection(SQLModel, table=True):
    """A system of record of a tenant. Names are unique by kind, as addresses of webhooks are."""

    __tablename__ = "connection"
    __table_args__ = (UniqueConstraint("kind", "name"),)
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    kind: str = c.string()
    name: str = c.string()
    credentials: bytes | None = c.binary()
    paused: bool = c.flag()
    paused_until: datetime | None = c.moment()
    pause_code: str | None = c.string()
    pause_sentence: str | None = c.string()
    paused_by: str | None = c.string()
    probed_at: datetime | None = c.moment()  # while it is sick
    paused_since: datetime | None = c.moment()  # of the pause that is, or was the last
    resumed: int = c.number("0")  # by people; processes that keep a pause see it move
    created_at: datetime = c.moment(now=True)


class LedgerGrant(SQLModel, table=True):
    """A consent to a ledger. `tokens` are encrypted; `generation` moves whenever they do."""

    __tablename__ = "ledger_grant"
    connection_id: int = c.to("connection", primary=True)
    tenant_id: int = c.number()
    generation: int = c.number("1")
    company_id: str = c.string()
    company_name: str = c.string()
    tokens: bytes = c.binary()
    access_until: datetime = c.moment()
    refresh_until: datetime | None = c.moment()
    grant_until: datetime | None = c.moment()
    consented_at: datetime = c.moment(now=True)
    consented_by: str = c.string()
    trouble: str | None = c.string()


class SignIn(SQLModel, table=True):
    """A sign-in under way, by the SHA-256 of its state. The row goes when the state is used."""

    __tablename__ = "sign_in"
    digest: bytes = c.binary(primary_key=True)
    tenant_id: int = c.number()
    connection_id: int = c.to("connection")
    actor: str = c.string()
    expires_at: datetime = c.moment()


class Setting(SQLModel, table=True):
    """A setting that the database rules. `seeded` is what the environment said at the time."""

    __tablename__ = "setting"
    tenant_id: int = c.to("tenant", primary=True)
    name: str = c.string(primary_key=True)
    value: Any = c.document(nullable=False)
    seeded: Any = c.document(nullable=True)
    updated_at: datetime = c.moment(now=True)
    updated_by: str = c.string()


class Mapping(SQLModel, table=True):
    """What a Commerce record is called in ConnectWise (D-10)."""

    __tablename__ = "mapping"
    __table_args__ = (
        UniqueConstraint("tenant_id", "kind", "commerce_key"),
        Index("mapping_of_tenant", "tenant_id", "id"),
        Index("mapping_of_kind", "tenant_id", "kind", "id"),
        Index(
            "mapping_bound",
            "tenant_id",
            "connectwise_key",
            postgresql_where=text("kind = 'scenario'"),
        ),
        c.parts(
            "mapping_search", "tenant_id, kind, commerce_key, connectwise_key", "mapping_parts"
        ),
    )
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    kind: str = c.string()
    commerce_key: str = c.string()
    connectwise_key: str = c.string()
    note: str | None = c.string()
    created_at: datetime = c.moment(now=True)
    updated_at: datetime = c.moment(now=True)
    updated_by: str = c.string()


class ScenarioBody(SQLModel, table=True):
    """Every scenario that an order was ever pinned to, word for word."""

    __tablename__ = "scenario_body"
    tenant_id: int = c.to("tenant", primary=True)
    name: str = c.string(primary_key=True)
    version: int = c.number(primary_key=True)
    body_hash: str = c.string(primary_key=True)
    body: str = c.string()
    seen_at: datetime = c.moment(now=True)


class ApiKey(SQLModel, table=True):
    """A key of the admin REST, by its SHA-256 only."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("tenant_id", "name"),)
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    name: str = c.string()
    digest: bytes = c.binary(unique=True)
    scopes: list[str] = c.strings()
    created_at: datetime = c.moment(now=True)
    revoked_at: datetime | None = c.moment()


class ConsoleSession(SQLModel, table=True):
    """A person signed in to the console: SHA-256 of the cookie, and of the key it was opened with."""

    __tablename__ = "console_session"
    __table_args__ = (Index("console_session_by_end", "expires_at"),)
    digest: bytes = c.binary(primary_key=True)
    tenant_id: int = c.to("tenant")
    key_digest: bytes = c.binary()
    created_at: datetime = c.moment(now=True)
    expires_at: datetime = c.moment()


class Audit(SQLModel, table=True):
    """Who changed what. Append only; values of secrets never stand here."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_of_tenant", "tenant_id", "id"),)
    id: int = c.identity()
    tenant_id: int = c.to("tenant")
    at: datetime = c.moment(now=True)
    actor: str = c.string()
    action: str = c.string()
    target: str = c.string()
    data: Any = c.document("'{}'::json", nullable=False)


class IdempotencyKey(SQLModel, table=True):
    """The answer to an admin POST, kept for its repetition. Status 0: still being worked on."""

    __tablename__ = "idempotency_key"
    tenant_id: int = c.to("tenant", primary=True)
    key: str = c.string(primary_key=True)
    request_hash: str = c.string()
    status: int = c.number("0")
    body: bytes = c.binary()
    created_at: datetime = c.moment(now=True)
