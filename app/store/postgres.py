"""The store on PostgreSQL: ports.Store, put together from its parts.

Owns nothing itself but their lives. Each part is one transaction's worth of knowledge: intake,
merging, claiming, reading, announcing, recording, connections.
"""

from __future__ import annotations

from typing import Self

from app.store.announcing import Announcing
from app.store.claiming import Claiming
from app.store.connections import Connections
from app.store.database import POOL_SIZE, Database
from app.store.intake import Intake
from app.store.merging import Merging
from app.store.reading import Reading
from app.store.recording import Recording


class PostgresStore(Intake, Merging, Claiming, Reading, Announcing, Recording, Connections):
    """Implements ports.Store. One instance serves a whole process."""

    @property
    def database(self) -> Database:
        """The pool, for `PostgresAdmin` and the readiness check."""
        return self._db

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
