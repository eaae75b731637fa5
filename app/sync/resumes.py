"""Pauses between processes: a person's resume, and what a vendor asked another process for.

Owns when a pause kept here is dropped: never one that may have been asked for after the resume
(H10; docs/decisions/0038). Of resumes nothing is asked while no pause is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from logging import WARNING

from app.connectors.pacing import Pacing
from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.ports import Clock, Paused, Store
from app.telemetry import wide


@dataclass(frozen=True)
class Resumes:
    """The pauses of this process's connections, by system."""

    store: Store
    clock: Clock
    tenant_id: int
    pacings: Mapping[str, Pacing]

    def tell(self) -> None:
        """From here on calls that are made for no order (a person's question, a poll) are kept out
        of what a vendor asked any process for, an order's snapshot says it already; and what it asks
        this process for, whoever asked it something, is kept for all."""
        for system, pacing in self.pacings.items():
            pacing.of_others = partial(self.asked_for, system)
            pacing.tell_others = partial(self.keep, system)

    async def asked_for(self, system: str) -> float:
        """Seconds that are left of the pause that a vendor asked for, 0 for none. In any other one
        a person may ask: the question may be what shows that the trouble is over."""
        await self.hear()
        paused = await self.store.paused(self.tenant_id, system)
        if paused is None or paused.until is None or paused.code is not Code.RATE_LIMITED:
            return 0.0
        return max(0.0, (paused.until - await self.store.now()).total_seconds())

    async def keep(self, system: str, seconds: float, message: str) -> None:
        """The vendor asked this process for a pause of so many seconds. Raises nothing: the call's
        own failure is what its caller has to hear of."""
        try:
            until = await self.store.now() + timedelta(seconds=seconds)
            paused = Paused(until, Code.RATE_LIMITED, message, "service")
            await self.store.pause(self.tenant_id, system, paused)
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))

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
