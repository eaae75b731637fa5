"""The parts of the service, open, and what each process takes of them.

Owns no part's life: the composition root opens and closes them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from app.bootstrap.chosen import (
    DEFAULT_CONNECTION,
    alert_places_of,
    mail_of,
    stop_of,
)
from app.connectors.pacing import Pacing
from app.connectors.reach import reach
from app.domain.admin_store import AdminStore
from app.domain.books import Books
from app.domain.commerce import Commerce
from app.domain.ports import Ids, Store, Wake
from app.domain.probing import Probed, ProbeStore
from app.domain.watching import Seen
from app.settings import DEFAULT_TENANT, Settings
from app.sync import registration
from app.sync.alerts import Alerts
from app.sync.beside import Watch
from app.sync.circuit import Probe, Recovery
from app.sync.commerce_poll import CommercePoll
from app.sync.decisions import Decisions
from app.sync.desk import Desk
from app.sync.doctor import Doctor
from app.sync.drift import DriftSweep
from app.sync.engine import Engine
from app.sync.findings import Findings
from app.sync.foresight import Foresight
from app.sync.inbox import CONNECTWISE, CallbackCheck
from app.sync.invoice_poll import InvoicePoll
from app.sync.keys import Sessions
from app.sync.ledger_events import Door
from app.sync.ledgers import Ledgers
from app.sync.operations import Operations
from app.sync.readiness import ReadinessCheck
from app.sync.replays import Replays
from app.sync.retention import Retention
from app.sync.reveals import Reveals
from app.sync.tickets import Tickets
from app.sync.upkeep import Upkeep
from app.sync.wake import answers
from app.sync.worker import Pace, Worker
from app.system import SystemClock


@dataclass(frozen=True)
class Container:
    """Every part, open. Satisfies api.parts.Parts."""

    settings: Settings
    database_url: str
    redis_url: str
    store: Store
    admin: AdminStore
    wake: Wake
    clock: SystemClock
    ids: Ids
    cw: Probed
    probes: ProbeStore
    engine: Engine
    operations: Operations
    decisions: Decisions
    tickets: Tickets
    readiness: ReadinessCheck
    upkeep: Upkeep
    reveals: Reveals
    replays: Replays
    desk: Desk
    sessions: Sessions
    foresight: Foresight
    alerts: Alerts
    ledgers: Ledgers
    drift: DriftSweep
    retention: Retention
    findings: Findings
    ledger_doors: Sequence[Door]
    pacings: Mapping[str, Pacing]
    check_callback: Callable[[bytes, str | None], Awaitable[CallbackCheck]]
    server_pids: Mapping[str, int]
    commerce: CommercePoll | None = None  # None: no key, so events alone tell of changes
    commerce_asked: Commerce | None = None  # the same, asked once for a person
    books: Books | None = None  # None: no ledger is configured

    @property
    def wall(self) -> Callable[[], datetime]:
        return self.clock.wall

    @property
    def default_tenant(self) -> int:
        return DEFAULT_TENANT

    @property
    def commerce_connection(self) -> str:
        return self.settings.commerce_connection

    @property
    def connectwise_connection(self) -> str:
        return DEFAULT_CONNECTION

    @property
    def commerce_secrets(self) -> Mapping[str, Sequence[str]]:
        return {self.commerce_connection: self.settings.webhook_secrets}

    @property
    def queue_alive(self) -> Callable[[], Awaitable[bool]]:
        return partial(answers, self.redis_url)

    @property
    def doctor(self) -> Doctor:
        """Who looks whether everything that the scenarios need is there."""
        return Doctor(
            settings=self.settings,
            store=self.store,
            admin=self.admin,
            probes=self.probes,
            clock=self.clock,
            ids=self.ids,
            cw=self.cw,
            books=self.books,
            commerce=self.commerce_asked,
            scenarios=self.engine.scenarios,
            queue_alive=self.queue_alive,
            wall=self.wall,
            reach=reach,
            mail=mail.check if (mail := mail_of(self.settings, self.clock)) is not None else None,
            alert_places=[place.name for place in alert_places_of(self.settings)],
            vendor_clocks={name: pacing.vendor_now for name, pacing in self.pacings.items()},
        )

    def worker(self) -> Worker:
        """This process's worker, not running yet."""
        pace = Pace(
            batch=self.settings.worker_batch,
            lease=self.settings.lease_seconds,
            sweep=self.settings.sweep_seconds,
            stop=stop_of(self.settings),
        )
        invoices = None
        if self.settings.connectwise_url:
            seconds = self.settings.invoice_poll_seconds
            watch = Watch(self.store, self.clock, DEFAULT_TENANT, Seen.INVOICE_POLL, seconds)
            invoices = InvoicePoll(self.store, self.cw, self.clock, DEFAULT_TENANT, seconds, watch)
        return Worker(
            self.engine,
            self.store,
            self.clock,
            pace,
            invoices,
            self.commerce,
            self.alerts,
            self.drift,
            self.retention,
            self.engine.resumes,
            self._recovery(),
        )

    def _recovery(self) -> Recovery:
        probes: dict[str, Probe] = {CONNECTWISE: self.cw.info}
        if self.books is not None:
            probes[self.engine.ledger] = self.books.organisation
        return Recovery(self.store, self.clock, DEFAULT_TENANT, probes, self.engine.circuit)

    async def keep_callbacks(self) -> None:
        """Register the callbacks that are wanted. Never fails a start."""
        await registration.keep_as_set(self.cw, self.settings)
