"""The doctor: everything that the chosen scenarios need, proven one by one against the live systems.

Owns the order of the checks and which are left out; each area has its file. Reads only: nothing is
written anywhere, and a failing check never hides another of a different cause.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain import binding
from app.domain.admin_store import AdminStore
from app.domain.books import Books
from app.domain.checkup import Finding, Outcome, worst
from app.domain.commerce import Commerce
from app.domain.ports import ConnectWise, Store
from app.domain.scenario import Scenario
from app.settings import Settings
from app.sync.doctor import connectwise, ledger, marks, service
from app.sync.operations import Actor

__all__ = ["Checkup", "Doctor"]


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings, in the order in which they are best mended."""

    outcome: Outcome
    scenarios: tuple[str, ...]
    findings: tuple[Finding, ...]
    at: datetime


class Doctor:
    """May raise StoreUnavailable: without the database nothing can be told."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        admin: AdminStore,
        cw: ConnectWise,
        books: Books | None,
        commerce: Commerce | None,
        scenarios: Mapping[str, Scenario],
        queue_alive: Callable[[], Awaitable[bool]],
        wall: Callable[[], datetime],
        reach: Callable[[str], Awaitable[int | None]],
    ) -> None:
        self._settings = settings
        self._store = store
        self._admin = admin
        self._cw = cw
        self._books = books
        self._commerce = commerce
        self._scenarios = scenarios
        self._queue_alive = queue_alive
        self._wall = wall
        self._reach = reach

    async def examine(self, actor: Actor) -> Checkup:
        """Every check, against the live systems; about 30 calls to ConnectWise."""
        stored = await self._admin.settings(actor.tenant_id)
        rows = await self._admin.mappings(actor.tenant_id, binding.KIND)
        chosen = str(stored.get("scenario", self._settings.scenario))
        names = tuple(dict.fromkeys((chosen, *(row.connectwise_key for row in rows))))
        known = [self._scenarios[name] for name in names if name in self._scenarios]
        values = {**self._settings.model_dump(mode="json"), **stored}
        now = await self._store.now()
        findings = [
            *await service.findings(
                self._settings, self._store, self._admin, self._queue_alive, self._wall
            ),
            *await service.ways_in(
                self._settings, self._store, self._cw, self._commerce, self._reach
            ),
            *await connectwise.findings(self._settings, self._cw, known, values, stored),
            *await connectwise.demand(self._admin, actor.tenant_id, known),
            *await ledger.findings(self._admin, actor.tenant_id, self._books, known, values, now),
        ]
        if any(one.name == "credentials" and one.outcome is Outcome.OK for one in findings):
            findings += await marks.findings(self._settings, self._admin, actor.tenant_id, self._cw)
        return Checkup(worst(findings), names, tuple(findings), now)
