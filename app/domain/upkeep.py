"""The store as those see it who keep the service going: pauses, deliveries read again, keys.

Owns that port. The reading side and what is decided about orders are `admin_store.AdminStore`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.ports import Paused
from app.domain.records import Delivery, InboxEvent
from app.domain.restoring import Restoration
from app.domain.views import ApiKey, Audit, ConnectionRow


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as a person sees it: never the key itself."""

    name: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None = None


class UpkeepStore(Protocol):
    """Each change is kept with its audit row. Every method may raise StoreUnavailable."""

    async def connections(self, tenant_id: int) -> Sequence[ConnectionRow]: ...

    async def pause_connection(
        self, tenant_id: int, connection_id: int, paused: Paused, audit: Audit
    ) -> bool:
        """A person's pause, for ever where `until` is None. False: there is no such connection."""

    async def resume_connection(self, tenant_id: int, connection_id: int, audit: Audit) -> bool:
        """End a pause, a person's or the service's, and wake who waits for it."""

    async def replay_event(
        self, tenant_id: int, event: InboxEvent, read: Delivery, audit: Audit
    ) -> bool:
        """Have a kept delivery merged, as it was read now. False: it is no longer as it was."""

    async def keys(self, tenant_id: int) -> Sequence[KeyRow]: ...

    async def add_key(self, key: ApiKey, digest: bytes, audit: Audit) -> bool:
        """Keep a key's SHA-256. False: a key of that name is in use."""

    async def revoke_key(self, tenant_id: int, name: str, audit: Audit) -> bool:
        """False: there is no such key in use."""

    async def tell_restored(self, tenant_id: int, audit: Audit) -> Restoration:
        """The database went back: leases end, open orders are woken, and from now on what is
        announced is looked for before it is sent (docs/decisions/0035)."""

    async def last_restoration(self) -> Restoration | None: ...
