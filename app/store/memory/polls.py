"""The memory of the poll of Commerce, in memory: commerce.Polls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain.commerce import Turn
from app.domain.documents import Kind
from app.domain.records import Delivery
from app.domain.versions import Stored
from app.store import rows
from app.store.entries import Entry
from app.store.memory.claiming import NO_LEASE
from app.store.memory.database import Part, plain, seconds
from app.store.memory.intake import connection_of, count
from app.store.memory.tables import Row, Tables
from app.store.texts import key

COMMERCE = "commerce"


class Polls(Part):
    """The part of the store that implements commerce.Polls."""

    async def take_turn(self, connection: str, worker: int, lease: float) -> Turn:
        async with self._db.writing("take_turn") as tables:
            tenant_id, number = connection_of(tables, COMMERCE, connection)
            now = self._db.now()
            row = tables.commerce_poll.get(number)
            if row is None:
                new = {"tenant_id": tenant_id, "connection_id": number, "due_at": now}
                row = tables.commerce_poll.put(number, {**new, **NO_LEASE, "state": None})
            if row["due_at"] > now or self._taken(row):
                return Turn(now=now, due=row["due_at"])
            token = self._db.ids.token()
            until = now + seconds(lease)
            given = {"lease_owner": worker, "lease_token": token, "lease_until": until}
            tables.commerce_poll.change(number, **given)
            return Turn(now, row["due_at"], token, row["state"])

    def _taken(self, row: Row) -> bool:
        owner = row["lease_owner"]
        return owner in self._db.alive and row["lease_until"] > self._db.now()

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
        async with self._db.writing("keep_turn") as tables:
            now = self._db.now()
            row = _turn(tables, connection, token)
            if row is None:
                return False
            if lease is None:
                kept = {**NO_LEASE, "due_at": now + seconds(rest)}
            else:
                kept = {"lease_until": now + seconds(lease)}
            number = row["connection_id"]
            tables.commerce_poll.change(number, **kept, state=plain(dict(state)))
            for one in deliveries:
                count(tables, Entry.of(one, row["tenant_id"], number), now)
        return True

    async def merged(self, connection: str, kind: Kind, source_id: str) -> Stored | None:
        tables = await self._db.read("merged")
        number = _commerce(tables, connection)
        row = tables.document.get((number, kind.value, key(source_id)))
        return None if row is None else rows.stored(row)

    async def kept_state(self, connection: str) -> Mapping[str, Any] | None:
        tables = await self._db.read("kept_state")
        row = tables.commerce_poll.get(_commerce(tables, connection))
        return None if row is None else row["state"]

    async def merged_receipts(self, connection: str, purchase_order: str) -> list[Stored]:
        tables = await self._db.read("merged_receipts")
        place = (_commerce(tables, connection), key(purchase_order))
        found = tables.document.find("purchase_order", place)
        receipts = [row for row in found if row["kind"] == Kind.RECEIPT.value]
        return [rows.stored(row) for row in sorted(receipts, key=lambda row: row["id"])]


def _commerce(tables: Tables, connection: str) -> int | None:
    try:
        return connection_of(tables, COMMERCE, connection)[1]
    except KeyError:
        return None


def _turn(tables: Tables, connection: str, token: str) -> Row | None:
    number = _commerce(tables, connection)
    row = tables.commerce_poll.get(number)
    return row if row is not None and row["lease_token"] == token else None
