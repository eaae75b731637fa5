"""A peer that is sick is left alone by all orders, and asked by one small read whether it is well.

Owns when a connection is paused for that and when the pause ends (docs/decisions/0038). The pause is an
ordinary one of the service, without an end, so that everything that honours pauses honours it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from logging import ERROR, WARNING

from app.connectors.pacing import Pacing
from app.connectors.transport import Calling, calling
from app.domain.codes import Code
from app.domain.errors import POLICIES, RemoteFailure, StoreUnavailable, clamp_retry_after
from app.domain.grants import SYSTEM_NAMES
from app.domain.ports import Clock, Paused, Store
from app.sync.beside import Turns
from app.telemetry import metrics, wide

OPEN_AFTER = 8  # calls in a row, of whatever orders
ASK_SECONDS = 5.0
Probe = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Circuit:
    """When a system is to be left alone: by what it answered to this process, whatever the calls
    were for. `pacings` by system."""

    pacings: Mapping[str, Pacing] = field(default_factory=dict)

    def opens(self, system: str) -> Paused | None:
        """The pause that is due now; its count begins anew, as it is kept for everybody."""
        pacing = self.pacings.get(system)
        if pacing is None or pacing.unwell < OPEN_AFTER:
            return None
        count, pacing.unwell = pacing.unwell, 0
        sentence = (
            f"{SYSTEM_NAMES.get(system, system)} is not called: {count} calls in a row had no good answer. It "
            "is asked every few seconds whether it is well, and then all goes on."
        )
        return Paused(None, Code.PEER_SICK, sentence, "service")


class Recovery:
    """Asks a sick system, one process at a time, and ends its pause when it answers."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tenant_id: int,
        probes: Mapping[str, Probe],
        circuit: Circuit | None = None,
    ) -> None:
        self._circuit = circuit or Circuit()
        self._store = store
        self._tenant = tenant_id
        self._probes = probes
        self._turns = Turns(clock)

    def follow(self, came: Callable[[], None]) -> None:
        """Look if it is time. `came` is called when orders may go on."""
        self._turns.begin(lambda: self.look(came), ASK_SECONDS)

    async def leave_alone(self) -> None:
        """Pause the systems that did not answer well, be it to orders, polls or hints: those that
        a question can find well again. Raises StoreUnavailable."""
        for system in self._probes:
            if (sick := self._circuit.opens(system)) is not None:
                await self._store.pause(self._tenant, system, sick)

    async def stop(self) -> None:
        await self._turns.stop()

    async def look(self, came: Callable[[], None]) -> None:
        """Ask every system that is sick and not asked by others. Raises nothing but cancellation."""
        try:
            for system, probe in self._probes.items():
                if await self._store.take_probe(self._tenant, system, ASK_SECONDS):
                    await self._ask(system, probe, came)
        except StoreUnavailable as error:
            wide("database_away", level=WARNING, error=str(error))
        except Exception as error:  # noqa: BLE001 - a worker never ends by what stands beside it
            metrics.TURNS_FAILED.labels("recovery").inc()
            wide("probe_failed", level=ERROR, error=type(error).__name__, exc_info=error)

    async def _ask(self, system: str, probe: Probe, came: Callable[[], None]) -> None:
        bound = calling.set(Calling(None, None, "poll"))
        try:
            await probe()
        except RemoteFailure as failure:
            policy = POLICIES[failure.kind]
            if policy.action in ("retry", "look") or failure.unsent:
                return
            if policy.action == "pause":
                # It answers, and wants to be left alone: that pause takes the place of ours.
                wait = clamp_retry_after(failure.retry_after, policy.base)
                until = await self._store.now() + timedelta(seconds=wait)
                paused = Paused(until, policy.code, failure.message, "service")
                await self._store.pause(self._tenant, system, paused)
                return
        finally:
            calling.reset(bound)
        if await self._store.recover(self._tenant, system):
            wide("connection_recovered", system=system)
            came()
