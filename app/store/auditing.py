"""Audit: what people changed, told in the transaction that changes it."""

from __future__ import annotations

from app.domain.views import Audit
from app.store.database import Session
from app.store.texts import as_json, text

_AUDIT = """
INSERT INTO audit (tenant_id, actor, action, target, data) VALUES ($1, $2, $3, $4, $5::text::json)
"""


async def append(session: Session, tenant_id: int, audit: Audit) -> None:
    """Add an audit row to the caller's transaction."""
    given = (text(audit.actor), audit.action, text(audit.target), as_json(dict(audit.data)))
    await session.execute(_AUDIT, tenant_id, *given)
