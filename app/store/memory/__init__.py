"""The store in memory: ports.Store and its wider ports, for the simulation.

Deterministic: its moments are those of the given clock, its tokens the given ids', its own ids
counters. One instance stands for one database; workers that share it are the processes. Proven by
the suite that proves PostgreSQL (docs/decisions/0032).
"""

from __future__ import annotations

from typing import Any

from app.domain.ports import Clock, Ids
from app.store.memory.access import Access
from app.store.memory.announcing import Announcing
from app.store.memory.claiming import Claiming, Mortal
from app.store.memory.connections import Connections
from app.store.memory.database import Database, Faults, Seed
from app.store.memory.deciding import Deciding
from app.store.memory.gauges import Gauges
from app.store.memory.grants import Grants
from app.store.memory.intake import Intake
from app.store.memory.lists import Lists
from app.store.memory.mapped import Mapped
from app.store.memory.merging import Merging
from app.store.memory.operating import Operating
from app.store.memory.polls import Polls
from app.store.memory.probing import Probing
from app.store.memory.reading import Reading
from app.store.memory.recording import Recording
from app.store.memory.restoring import Restoring
from app.store.memory.retaining import Retaining
from app.store.memory.searching import Searching
from app.store.memory.setup import Setup
from app.store.memory.tables import Row

__all__ = ["Faults", "MemoryStore", "Mortal", "Seed"]


class MemoryStore(
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
    Gauges,
):
    """Implements ports.Store, commerce.Polls, grants.SignInStore, retention.RetentionStore,
    admin_store.AdminStore and upkeep.UpkeepStore, as PostgresStore does."""

    def __init__(
        self, clock: Clock, ids: Ids, *, setup: Seed | None = None, faults: Faults | None = None
    ) -> None:
        """Begins as a migrated database does; `seed_settings`, `keep_scenario` and
        `ensure_connection` set up what the composition root sets up there."""
        super().__init__(Database(clock, ids, setup or Seed(), faults))

    def rows(self) -> dict[str, dict[Any, Row]]:
        """Every row of every table by its key, for the invariants of a simulation. Not a port: who
        works reads through those."""
        return self._db.tables.rows()
