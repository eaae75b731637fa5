"""The store on PostgreSQL: ports.Store and admin_store.AdminStore, put together from their parts.

Owns nothing itself but their lives. Each part knows one kind of transaction; they share a pool.
"""

from __future__ import annotations

from typing import Self

from app.store.access import Access
from app.store.alerts import Alerts
from app.store.announcing import Announcing
from app.store.claiming import Claiming
from app.store.connections import Connections
from app.store.database import POOL_SIZE, Database
from app.store.deciding import Deciding
from app.store.desk import Desk
from app.store.drifting import Drifting
from app.store.gauges import Gauges
from app.store.grants import Grants
from app.store.intake import Intake
from app.store.lists import Lists
from app.store.mapped import Mapped
from app.store.merging import Merging
from app.store.operating import Operating
from app.store.polls import Polls
from app.store.probing import Probing
from app.store.reading import Reading
from app.store.recording import Recording
from app.store.restoring import Restoring
from app.store.retaining import Retaining
from app.store.searching import Searching
from app.store.setup import Setup


class PostgresStore(
    # What workers and webhooks use
    Intake,
    Merging,
    Claiming,
    Reading,
    Announcing,
    Recording,
    Connections,
    Polls,
    Restoring,
    Grants,
    Drifting,
    Retaining,
    # What people use
    Lists,
    Mapped,
    Setup,
    Operating,
    Deciding,
    Searching,
    Probing,
    Access,
    Alerts,
    Gauges,
    Desk,
):
    """Implements ports.Store, commerce.Polls, grants.SignInStore, alerts.AlertStore,
    drift.DriftStore, desk.DeskStore, retention.RetentionStore and admin_store.AdminStore. One instance
    serves a whole process."""

    @classmethod
    async def open(
        cls, database_url: str, *, name: str = "demandlink", size: int = POOL_SIZE
    ) -> Self:
        """`name` is what the server shows of this process. Connects with the first statement."""
        return cls(await Database.open(database_url, name=name, size=size))

    async def close(self) -> None:
        await self._db.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
