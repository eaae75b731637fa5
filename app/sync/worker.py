"""A worker: merges the inbox, claims due orders and drives them side by side.

Owns the loop, the heartbeat of the leases and the sweep that makes the queue dispensable. The
queue only calls `drain`; the same happens every `sweep_seconds` without it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from logging import ERROR, WARNING

from app.domain import ports
from app.domain.errors import StoreUnavailable
from app.domain.ports import Clock, Store
from app.domain.records import Claim
from app.sync import inbox
from app.sync.alerts import Alerts
from app.sync.circuit import Recovery
from app.sync.commerce_poll import CommercePoll
from app.sync.drift import DriftSweep
from app.sync.drive import Drive, Lease
from app.sync.engine import Engine
from app.sync.hints import Hints
from app.sync.invoice_poll import InvoicePoll
from app.sync.resumes import Resumes
from app.sync.retention import Retention
from app.telemetry import wide

MERGE_AT_ONCE = 200
HEARTBEATS_PER_LEASE = 6


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a worker takes and how often it looks. Times in seconds."""

    batch: int = 32
    lease: float = 30.0
    sweep: float = 1.0
    away: float = 1.0  # pause after the database could not be reached
    stop: float = 25.0  # how long orders under way may take to end when the worker stops


class Worker:
    """One per process. `run` returns when `stop` was called and the orders under way are done."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        clock: Clock,
        pace: Pace,
        invoices: InvoicePoll | None = None,
        commerce: CommercePoll | None = None,
        alerts: Alerts | None = None,
        drift: DriftSweep | None = None,
        retention: Retention | None = None,
        resumes: Resumes | None = None,
        recovery: Recovery | None = None,
    ) -> None:
        self._retention = retention
        self._recovery = recovery
        self._resumes = resumes
        self._drift = drift
        self._engine = engine
        self._hints = Hints(store, engine.cw)
        self._invoices = invoices
        self._commerce = commerce
        self._alerts = alerts
        self._store = store
        self._clock = clock
        self._pace = pace
        self._me: ports.Worker | None = None
        self._active: dict[str, tuple[Drive, asyncio.Task[None]]] = {}
        self._nudged = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped_at = 0.0
        self._draining = False
        self._suspect: str | None = None

    def nudge(self) -> None:
        """Something may be due: look now instead of at the next sweep."""
        self._nudged.set()

    def stop(self) -> None:
        """End soon: take nothing more, and let the orders under way come to their next release for
        `Pace.stop` seconds from now."""
        if self._stopping.is_set():
            return
        self._stopped_at = self._clock.monotonic()
        self._stopping.set()
        self._nudged.set()

    async def run(self) -> None:
        """Work until stopped. A database that is away is waited for; nothing is lost by it."""
        while not self._stopping.is_set():
            try:
                async with self._store.join() as me:
                    await self._alive(me)
            except StoreUnavailable as error:
                wide("database_away", level=WARNING, error=str(error))
                await self._abandon()
                await self._pause(self._pace.away)
            except Exception as error:  # noqa: BLE001 - a worker never ends but by being told to
                wide("worker_failed", level=ERROR, error=type(error).__name__, exc_info=error)
                await self._abandon()
                await self._pause(self._pace.away)

    async def _alive(self, me: ports.Worker) -> None:
        self._me = me
        wide("worker_joined", worker=me.id)
        beat = asyncio.create_task(self._heartbeat(me))
        try:
            await self._now()
            while not self._stopping.is_set():
                if not me.alive():
                    raise StoreUnavailable("the worker's liveness lock was lost")
                self._nudged.clear()
                await self.drain()
                await self._pause(await self._rest())
            await self._finish()
        finally:
            self._me = None
            beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beat
            await self._abandon()

    async def drain(self) -> None:
        """Merge what came in and start on what is due, as far as there is room. Called by the
        queue and by the sweep; a second call while one is under way leaves it to that one."""
        me = self._me
        if me is None or self._draining:
            self._nudged.set()
            return
        self._draining = True
        try:
            if self._resumes is not None:
                await self._resumes.hear()
            while not self._stopping.is_set():
                merged = await self._store.merge(inbox.plan, MERGE_AT_ONCE)
                room = 0 if self._suspect else self._pace.batch - len(self._active)
                asked = self._clock.monotonic()  # the lease runs from then, however late the answer
                claims = await self._store.claim(me, room, self._pace.lease) if room > 0 else []
                for claim in claims:
                    self._start(me, claim, asked)
                if not claims and not merged:
                    break
                if any(claim.suspect for claim in claims):
                    break  # a suspect is driven alone: nothing more is taken before it ended
            if not self._stopping.is_set():
                await self._follow(me)
        finally:
            self._draining = False

    async def _follow(self, me: ports.Worker) -> None:
        """What is to be seen to beside the orders, each in its own time."""
        if self._recovery is not None:
            await self._recovery.leave_alone()
            self._recovery.follow(self.nudge)
        await self._hints.follow(self.nudge)
        if self._invoices is not None:
            self._invoices.follow()
        if self._commerce is not None:
            self._commerce.follow(me, self.nudge)
        if self._alerts is not None:
            self._alerts.follow()
        if self._drift is not None:
            self._drift.follow(me)
        if self._retention is not None:
            self._retention.follow()

    def _start(self, me: ports.Worker, claim: Claim, asked: float) -> None:
        lease = Lease(self._pace.lease, asked, alive=me.alive)
        drive = Drive(claim, lease, self._renewal(me, claim.token, lease))
        others = [task for _, task in self._active.values()]
        if claim.suspect:
            self._suspect = claim.token
            task = asyncio.create_task(self._drive_alone(drive, others))
        else:
            task = asyncio.create_task(self._drive(drive))
        self._active[claim.token] = (drive, task)
        task.add_done_callback(lambda _: self._ended(claim.token))

    def _ended(self, token: str) -> None:
        self._active.pop(token, None)
        if self._suspect == token:
            self._suspect = None
        self.nudge()

    async def _drive_alone(self, drive: Drive, others: list[asyncio.Task[None]]) -> None:
        """An order that may end its worker must not take others along: they end first."""
        await asyncio.gather(*others, return_exceptions=True)
        await self._drive(drive)

    async def _drive(self, drive: Drive) -> None:
        try:
            await self._engine.advance(drive)
        except StoreUnavailable as error:
            # Nothing was recorded; the lease ends by itself and the order goes on.
            wide("database_away", level=WARNING, error=str(error), order=drive.claim.order_id)

    def _renewal(self, me: ports.Worker, token: str, lease: Lease) -> Callable[[], Awaitable[bool]]:
        async def renew() -> bool:
            at = self._clock.monotonic()
            held = await self._store.heartbeat(me, [token], self._pace.lease)
            if token in held and me.alive():
                lease.confirmed = at
                return True
            return False

        return renew

    async def _heartbeat(self, me: ports.Worker) -> None:
        while True:
            await self._clock.sleep(self._pace.lease / HEARTBEATS_PER_LEASE)
            tokens = list(self._active)
            at = self._clock.monotonic()
            try:
                held = await self._store.heartbeat(me, tokens, self._pace.lease)
            except StoreUnavailable:
                continue  # the leases run out by themselves, and `guard` stops the writes
            for token in tokens:
                drive = self._active.get(token)
                if drive is None:
                    continue
                if token in held:
                    drive[0].lease.confirmed = at
                else:
                    drive[0].lease.lost = True

    async def _rest(self) -> float:
        """Seconds until the next look: the sweep's, or earlier when an order falls due."""
        due, now = await self._store.next_due(), await self._now()
        if due is None:
            return self._pace.sweep
        seconds = (due - now).total_seconds()
        if seconds <= 0 and len(self._active) >= self._pace.batch:
            return self._pace.sweep
        return min(max(seconds, 0.02), self._pace.sweep)

    async def _now(self) -> datetime:
        """What the database's clock shows; each look tells whether it leapt since the last."""
        return await self._engine.watch.look(self._store, self._clock)

    async def _pause(self, seconds: float) -> None:
        waiting = asyncio.create_task(self._nudged.wait())
        resting = asyncio.create_task(self._clock.sleep(seconds))
        try:
            await asyncio.wait({waiting, resting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, resting):
                task.cancel()
            await asyncio.gather(waiting, resting, return_exceptions=True)

    async def _finish(self) -> None:
        """Let the orders under way come to their next release, and hints to their end, but not for
        ever."""
        left = max(self._stopped_at + self._pace.stop - self._clock.monotonic(), 0.0)
        hints = asyncio.create_task(self._hints.stop(left))
        tasks = [task for _, task in self._active.values()]
        await asyncio.wait([hints, *tasks], timeout=left)

    async def _abandon(self) -> None:
        """Stop what is under way; a cancelled attempt records nothing, as if it had died."""
        beside_orders = (
            self._hints, self._invoices, self._commerce, self._alerts, self._drift,
            self._retention, self._recovery,
        )  # fmt: skip
        for beside in beside_orders:
            if beside is not None:
                await beside.stop()
        tasks = [task for _, task in self._active.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._active.clear()
