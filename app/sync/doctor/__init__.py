"""The doctor: everything that the chosen scenarios need, proven one by one against the live systems.

Owns the order of the checks and which are left out; each area has its file. `examine` reads only, and
a failing check never hides another of a different cause. `probe` writes, because some things nothing
else proves, and takes away again what it wrote (docs/decisions/0051).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.admin_store import AdminStore
from app.domain.books import Books
from app.domain.checkup import Finding, Outcome, worst
from app.domain.commerce import Commerce
from app.domain.ports import Clock, Ids, Store
from app.domain.probing import Probed, ProbeStore, mark_of
from app.domain.scenario import Scenario
from app.domain.views import Audit
from app.settings import Settings
from app.sync.doctor import asking, connectwise, ledger, marks, outside, service
from app.sync.doctor.ground import ground_of
from app.sync.doctor.probe import TURN_SECONDS, Probe, Turn, TurnLost
from app.sync.operations import Actor, Refusal

__all__ = ["Checkup", "Doctor"]


@dataclass(frozen=True, slots=True)
class Checkup:
    """All findings, in the order in which they are best mended."""

    outcome: Outcome
    scenarios: tuple[str, ...]
    findings: tuple[Finding, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The scenarios in use by their names, and the values of the settings that rule."""

    names: tuple[str, ...]
    known: list[Scenario]
    values: dict[str, Any]
    stored: Mapping[str, Any]


class Doctor:
    """May raise StoreUnavailable: without the database nothing can be told."""

    def __init__(
        self,
        *,
        settings: Settings,
        store: Store,
        admin: AdminStore,
        probes: ProbeStore,
        clock: Clock,
        ids: Ids,
        cw: Probed,
        books: Books | None,
        commerce: Commerce | None,
        scenarios: Mapping[str, Scenario],
        queue_alive: Callable[[], Awaitable[bool]],
        wall: Callable[[], datetime],
        reach: Callable[[str], Awaitable[int | None]],
        mail: Callable[[], Awaitable[None]] | None,
        alert_places: Sequence[str],
        vendor_clocks: Mapping[str, Callable[[], datetime | None]],
    ) -> None:
        self._settings = settings
        self._store = store
        self._admin = admin
        self._probes = probes
        self._clock = clock
        self._ids = ids
        self._cw = cw
        self._books = books
        self._commerce = commerce
        self._scenarios = scenarios
        self._queue_alive = queue_alive
        self._wall = wall
        self._reach = reach
        self._mail = mail
        self._alert_places = alert_places
        self._vendor_clocks = vendor_clocks

    async def examine(self, actor: Actor) -> Checkup:
        """Every check, against the live systems; about 40 calls to ConnectWise. It ends within a minute
        however slow they are, and says what it could not ask."""
        chosen = await self._chosen(actor)
        now = await self._store.now()
        own = await service.findings(
            self._settings, self._store, self._admin, self._queue_alive, self._wall
        )
        own += await outside.work(self._admin)
        own += await outside.turns(self._store, actor.tenant_id)
        with asking.within(asking.SECONDS):
            # Side by side, so that a system that is slow hides no other.
            ways, arrived, psa, ledgers, mail = await asyncio.gather(
                service.ways_in(self._settings, self._store, self._cw, self._commerce, self._reach),
                outside.arrivals(self._settings, self._admin),
                self._connectwise(actor, chosen),
                ledger.findings(
                    self._admin, actor.tenant_id, self._books, chosen.known, chosen.values, now
                ),
                outside.mail(self._settings, self._mail),
            )
        findings = [
            *own,
            *ways,
            *arrived,
            *psa,
            *ledgers,
            *mail,
            outside.alerts(self._alert_places, self._settings.public_url),
            *outside.clocks(self._vendor_clocks, self._wall),
        ]
        findings += asking.late(findings, asking.SECONDS)
        return Checkup(worst(findings), chosen.names, tuple(findings), now)

    async def _connectwise(self, actor: Actor, chosen: _Chosen) -> list[Finding]:
        tenant, cw = actor.tenant_id, self._cw
        found = [
            *await connectwise.findings(
                self._settings,
                cw,
                self._admin,
                tenant,
                chosen.known,
                chosen.values,
                chosen.stored,
            ),
            *await connectwise.demand(self._admin, tenant, chosen.known),
        ]
        if any(one.name == "credentials" and one.outcome is Outcome.OK for one in found):
            found += await marks.findings(self._settings, self._admin, tenant, cw)
        if not await self._probes.probe_under_way(tenant):
            left = await self._probes.probe_records(tenant)
            answer = await asking.asked(
                "probe_leftovers",
                connectwise.AREA,
                "what probes announced",
                lambda: connectwise.left_over(cw, left),
            )
            found += [answer] if isinstance(answer, Finding) else answer[0]
        return found

    async def probe(self, actor: Actor, company: str, vendor: str = "") -> Checkup:
        """Make in ConnectWise what the scenarios make, for this company and from this vendor, and
        take it away again: about 40 calls. What probes before left over goes first. Raises Refusal."""
        if not self._settings.connectwise_url:
            raise Refusal("REQUEST_NOT_VALID", "CONNECTWISE_URL is empty: nothing can be written.")
        paused = await self._store.paused(actor.tenant_id, "connectwise")
        if paused is not None:
            sentence = f"The connection is paused, so nothing is written: {paused.sentence}"
            raise Refusal("CONNECTWISE_UNAVAILABLE", sentence)
        chosen = await self._chosen(actor)
        ground = await ground_of(
            self._cw, chosen.known, chosen.values, chosen.stored, (company, vendor)
        )
        token = self._ids.token()
        named = {"company": company, "vendor": vendor, "mark": mark_of(token)}
        audit = Audit(actor.name, "doctor.probe", company, named)
        if not await self._probes.begin_probe(actor.tenant_id, token, TURN_SECONDS, audit):
            raise Refusal(
                "PROBE_UNDER_WAY", "Another probe is under way. Ask again when it is over."
            )
        lag = float(chosen.values["read_lag"])
        turn = Turn(actor.tenant_id, token, mark_of(token), actor.name, lag)
        probe = Probe(self._cw, self._probes, self._clock, turn)
        try:
            findings = [await probe.take_away(own=False), *await probe.run(ground)]
        except TurnLost:
            sentence = "Another probe took over, because this one stood still. See the doctor."
            raise Refusal("PROBE_UNDER_WAY", sentence) from None
        await self._probes.end_probe(actor.tenant_id, token)
        now = await self._store.now()
        return Checkup(worst(findings), chosen.names, tuple(findings), now)

    async def _chosen(self, actor: Actor) -> _Chosen:
        stored = await self._admin.settings(actor.tenant_id)
        bound = await self._admin.bound(actor.tenant_id)
        first = str(stored.get("scenario", self._settings.scenario))
        names = tuple(dict.fromkeys((first, *bound)))
        known = [self._scenarios[name] for name in names if name in self._scenarios]
        values = {**self._settings.model_dump(mode="json"), **stored}
        return _Chosen(names, known, values, stored)
