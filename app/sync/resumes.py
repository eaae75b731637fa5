"""A person's resume, heard by every process that keeps a vendor's pause by itself.

Owns when a pause kept here is dropped: never one that may have been asked for after the resume
(H10; docs/decisions/0038). Asks nothing while no pause is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.connectors.pacing import Pacing
from app.domain.ports import Clock, Store


@dataclass(frozen=True)
class Resumes:
    """The pauses of this process's connections, by system."""

    store: Store
    clock: Clock
    tenant_id: int
    pacings: Mapping[str, Pacing]

    async def hear(self) -> frozenset[str]:
        """The systems whose pause has ended by a person's resume. Raises StoreUnavailable."""
        ended: set[str] = set()
        for system, pacing in self.pacings.items():
            if pacing.remaining() <= 0:
                continue
            asked = self.clock.monotonic()
            if pacing.hear(await self.store.resumed(self.tenant_id, system), asked):
                ended.add(system)
        return frozenset(ended)
