"""A database that was restored, in memory: only told, for what stands in memory has no home."""

from __future__ import annotations

from datetime import datetime

from app.domain.restoring import MINDED, Restoration
from app.domain.views import Audit
from app.store.memory.database import Part
from app.store.memory.story import audit as append
from app.store.memory.tables import Tables

_ENDED = {"lease_owner": None, "lease_token": None, "lease_until": None}


class Restoring(Part):
    """The part of the store that knows that the database went back."""

    async def tell_restored(self, tenant_id: int, audit: Audit) -> Restoration:
        async with self._db.writing("tell_restored") as tables:
            now = self._db.now()
            told = Restoration(now, False, audit.actor, str(audit.data.get("reason", "")))
            tables.restoration.add(at=now, noticed=False, actor=told.actor, reason=told.reason)
            for row in tables.orders.all():
                ended = row["state"] in ("done", "cancelled")
                if ended and row["lease_token"] is None:
                    continue
                stays = ended or row["code"] == "POISON"
                due = row["due_at"] if stays else now
                seq = row["wake_seq"] + 1
                tables.orders.change(
                    row["id"], **_ENDED, wake_seq=seq, claims_without_progress=0, due_at=due
                )
            for poll in tables.commerce_poll.all():
                tables.commerce_poll.change(poll["connection_id"], due_at=now, lease_until=None)
            append(tables, tenant_id, audit, now)
        return told

    async def last_restoration(self) -> Restoration | None:
        tables = await self._db.read("last_restoration")
        told = tables.restoration.all()
        if not told:
            return None
        row = told[-1]
        return Restoration(row["at"], row["noticed"], row["actor"], row["reason"])


def restored_at(tables: Tables, now: datetime) -> datetime | None:
    """When the database went back, if that is still minded."""
    recent = [row["at"] for row in tables.restoration.all() if row["at"] > now - MINDED]
    return max(recent, default=None)
