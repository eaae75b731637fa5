"""The memory of the poll of Commerce, and the turn that one worker at a time has.

Owns `commerce_poll`. What was read and how far it was read are one transaction, so that a crash
between the two loses nothing. What the state means is `domain/polling.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.commerce import Turn
from app.domain.documents import Kind
from app.domain.records import Delivery
from app.domain.versions import Stored
from app.store import rows
from app.store.database import Part, Session
from app.store.entries import Entry
from app.store.intake import count
from app.store.liveness import ALIVE
from app.store.texts import as_json, key, text

COMMERCE = "commerce"

_CONNECTION = "SELECT id, tenant_id FROM connection WHERE kind = 'commerce' AND name = $1"
_BEGIN = """
INSERT INTO commerce_poll (connection_id, tenant_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
_TAKE = f"""
UPDATE commerce_poll SET
    lease_owner = $2, lease_token = gen_random_uuid()::text,
    lease_until = now() + make_interval(secs => $3)
WHERE connection_id = $1 AND due_at <= now()
  AND (lease_owner IS NULL OR lease_until <= now() OR lease_owner NOT IN ({ALIVE}))
RETURNING lease_token, state, due_at, now() AS now
"""  # noqa: S608 - constant text
_NOT_YET = """
SELECT due_at, now() AS now FROM commerce_poll WHERE connection_id = $1
"""
_KEEP = """
UPDATE commerce_poll AS p SET
    state = $3::text::json,
    lease_until = now() + make_interval(secs => $4::float8),
    lease_owner = CASE WHEN $4::float8 IS NULL THEN NULL ELSE lease_owner END,
    lease_token = CASE WHEN $4::float8 IS NULL THEN NULL ELSE lease_token END,
    due_at = CASE WHEN $4::float8 IS NULL THEN now() + make_interval(secs => $5::float8)
             ELSE due_at END
FROM connection AS c
WHERE c.id = p.connection_id AND c.kind = 'commerce' AND c.name = $1 AND p.lease_token = $2
RETURNING p.connection_id, p.tenant_id
"""
_DOCUMENTS = """
SELECT d.* FROM document AS d JOIN connection AS c ON c.id = d.connection_id
WHERE c.kind = 'commerce' AND c.name = $1
"""
_DOCUMENT = f"{_DOCUMENTS} AND d.kind = $2 AND d.source_id = $3"
_RECEIPTS = f"{_DOCUMENTS} AND d.kind = 'receipt' AND d.purchase_order = $2 ORDER BY d.id"


class Polls(Part):
    """The part of the store that implements commerce.Polls."""

    async def take_turn(self, connection: str, worker: int, lease: float) -> Turn:
        async with self._db.transaction() as session:
            known = await session.fetchrow(_CONNECTION, text(connection))
            if known is None:
                raise KeyError(f"{COMMERCE} connection {connection}")
            await session.execute(_BEGIN, known["id"], known["tenant_id"])
            taken = await session.fetchrow(_TAKE, known["id"], worker, lease)
            if taken is None:
                later = await session.fetch(_NOT_YET, known["id"])
                return Turn(now=later[0]["now"], due=later[0]["due_at"])
        return Turn(taken["now"], taken["due_at"], taken["lease_token"], taken["state"])

    async def keep_turn(
        self,
        connection: str,
        token: str,
        state: Mapping[str, Any],
        deliveries: Sequence[Delivery],
        *,
        lease: float | None,
        rest: float = 0.0,
    ) -> bool:
        given = (text(connection), token, as_json(dict(state)), lease, rest)
        async with self._db.transaction() as session:
            kept = await session.fetchrow(_KEEP, *given)
            if kept is None:
                return False
            await _deliver(session, kept, deliveries)
        return True

    async def merged(self, connection: str, kind: Kind, source_id: str) -> Stored | None:
        async with self._db.session() as session:
            row = await session.fetchrow(_DOCUMENT, text(connection), kind.value, key(source_id))
        return None if row is None else rows.stored(row)

    async def kept_state(self, connection: str) -> Mapping[str, Any] | None:
        query = """
            SELECT p.state FROM commerce_poll AS p JOIN connection AS c ON c.id = p.connection_id
            WHERE c.kind = 'commerce' AND c.name = $1
        """
        async with self._db.session() as session:
            state: Mapping[str, Any] | None = await session.fetchval(query, text(connection))
        return state

    async def merged_receipts(self, connection: str, purchase_order: str) -> list[Stored]:
        async with self._db.session() as session:
            found = await session.fetch(_RECEIPTS, text(connection), key(purchase_order))
        return [rows.stored(row) for row in found]


async def _deliver(session: Session, kept: Any, deliveries: Sequence[Delivery]) -> None:
    """A delivery that came before is not written again: its id says what stands in it."""
    entries = [Entry.of(one, kept["tenant_id"], kept["connection_id"]) for one in deliveries]
    if entries:
        await count(session, entries)
