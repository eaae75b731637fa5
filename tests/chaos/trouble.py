"""The faults, drawn by a seed: each breaks something, waits, and mends it.

Owns what can go wrong and for how long. Sees nothing of how the service takes it.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import redis.asyncio as redis

from tests.chaos.ledger import WRITES as LEDGER_WRITES
from tests.chaos.processes import Processes
from tests.chaos.recovery import Recoveries

LEASE = 5.0
KILL = "worker killed"
MORE_KILLS = 3
VENDORS = ("connectwise", "quickbooks", "xero")
RETURNED = 6.0  # seconds of calm after Redis returned, of which the lag is told
WRITES = r"^/(service|sales|procurement|finance)"
SANDBOX_FAULTS: dict[str, dict[str, Any]] = {
    "429": {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    "5xx, not done": {"kind": "status", "status": 503},
    "reply lost": {"kind": "lose_reply"},
    "refused connection": {"kind": "refuse"},
    "slow": {"kind": "slow", "seconds": 1.0},
    "slower than the timeout": {"kind": "slow", "seconds": 2.6},
    "stale read": {"kind": "stale_read"},
}


@dataclass(frozen=True, slots=True)
class Away:
    """When Redis was flushed and went away, when it was back, and until when nothing else broke."""

    gone: datetime
    back: datetime
    calm: datetime


@dataclass
class Trouble:
    """`count`: how often each fault was. `away`: how long Redis is away."""

    processes: Processes
    client: httpx.AsyncClient
    rng: random.Random
    away: float
    aways: list[Away] = field(default_factory=list)
    recoveries: Recoveries = field(default_factory=Recoveries)
    count: Counter[str] = field(default_factory=Counter)
    took: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def kinds(self) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            KILL: self._worker_killed,
            "API killed": lambda: self._killed(self.rng.choice(self.processes.apis)),
            "PostgreSQL killed": lambda: self._server_killed("postgres"),
            "Redis killed": lambda: self._server_killed("redis"),
            "worker frozen past its lease": lambda: self._frozen(
                self.rng.choice(self.processes.workers), LEASE + 1.5
            ),
            "API frozen": lambda: self._frozen(self.rng.choice(self.processes.apis), 1.5),
            "PostgreSQL frozen": lambda: self._frozen("postgres", 2.0),
            "Redis frozen": lambda: self._frozen("redis", 2.0),
            "worker restarted": lambda: self._restarted(self.rng.choice(self.processes.workers)),
            "API restarted": lambda: self._restarted(self.rng.choice(self.processes.apis)),
            "line cut": self._cut,
            "line silent": self._silent,
            "line slow": self._slow,
            "answer to COMMIT lost": self._commit_lost,
            "PostgreSQL's disk full": self._disk_full,
            "Redis flushed": self._flushed,
            "Redis flushed and away": self._redis_away,
            "5xx, done": self._spoiled,
            **{name: self._sandbox(name) for name in SANDBOX_FAULTS},
        }

    async def go(self, seconds: float, only: Collection[str] = ()) -> None:
        """Every kind once in a drawn order, whatever the time; then again and again until it is
        over. `only`: the kinds, where it is not every one."""
        end = asyncio.get_running_loop().time() + seconds
        kinds = {name: kind for name, kind in self.kinds().items() if not only or name in only}
        # Workers are killed oftener: that is what is measured.
        order = [*kinds, *[name for name in kinds if name == KILL] * MORE_KILLS]
        every = Counter(order)
        while True:
            self.rng.shuffle(order)
            for name in order:
                if self.count >= every and asyncio.get_running_loop().time() >= end:
                    return
                self.count[name] += 1
                begun = asyncio.get_running_loop().time()
                await kinds[name]()
                self.took[name].append(asyncio.get_running_loop().time() - begun)
                await asyncio.sleep(self.rng.uniform(0.1, 0.6))

    async def _worker_killed(self) -> None:
        name = self.rng.choice(self.processes.workers)
        await self.recoveries.kill(self.processes, name)
        await self.processes.start(name)

    async def _killed(self, name: str) -> None:
        await self.processes.stop(name, signal.SIGKILL)
        await asyncio.sleep(self.rng.uniform(0.2, 1.0))
        await self.processes.start(name)

    async def _restarted(self, name: str) -> None:
        await self.processes.stop(name)
        await self.processes.start(name)

    async def _server_killed(self, name: str) -> None:
        top = self.processes.pids(name)[:1]
        if top:
            self.processes.signal(name, signal.SIGKILL)
        await asyncio.sleep(1.0)

    async def _frozen(self, name: str, seconds: float) -> None:
        self.processes.signal(name, signal.SIGSTOP)  # of a server: its connections' too
        try:
            await asyncio.sleep(seconds)
        finally:
            self.processes.signal(name, signal.SIGCONT)

    async def _cut(self) -> None:
        line = self.processes.lines[self.rng.choice(sorted(self.processes.lines))]
        await line.cut()
        await asyncio.sleep(self.rng.uniform(0.1, 2.0))
        await line.lay()

    async def _silent(self) -> None:
        line = self.processes.lines[self.rng.choice(sorted(self.processes.lines))]
        line.silent = True
        await asyncio.sleep(self.rng.uniform(0.5, 3.0))
        line.silent = False
        await line.reset()  # what was lost in between, no connection could make good

    async def _slow(self) -> None:
        line = self.processes.lines[self.rng.choice(sorted(self.processes.lines))]
        line.delay = self.rng.uniform(0.05, 0.25)
        await asyncio.sleep(2.0)
        line.delay = 0.0

    async def _commit_lost(self) -> None:
        self.processes.lines["postgres"].lose_commits = self.rng.randint(1, 4)
        await asyncio.sleep(1.0)
        self.processes.lines["postgres"].lose_commits = 0

    async def _disk_full(self) -> None:
        async with self.processes.disk_full():
            await asyncio.sleep(2.0)

    async def _flushed(self) -> None:
        async with redis.from_url(self.processes.redis_url) as client:
            await client.flushall()

    async def _redis_away(self) -> None:
        line = self.processes.lines["redis"]
        await self._flushed()
        gone = datetime.now(UTC)
        await line.cut()
        await asyncio.sleep(self.away)
        await line.lay()
        back = datetime.now(UTC)
        await asyncio.sleep(RETURNED)
        self.aways.append(Away(gone, back, datetime.now(UTC)))

    async def _spoiled(self) -> None:
        for name in VENDORS:
            self.processes.lines[name].spoil_answers = self.rng.randint(1, 5)
        await asyncio.sleep(0.5)
        for name in VENDORS:
            self.processes.lines[name].spoil_answers = 0

    def _vendors(self) -> tuple[tuple[str, str], ...]:
        """Where a vendor takes orders for faults, and which of its requests they are for."""
        connectwise, books, xero = (
            self.processes.sandbox, self.processes.books, self.processes.xero,
        )  # fmt: skip
        return (
            (f"{connectwise.control_url}/faults", WRITES),
            (f"{books.control_url}/faults", LEDGER_WRITES["quickbooks"]),
            (f"{xero.control_url}/faults", LEDGER_WRITES["xero"]),
        )

    def _sandbox(self, name: str) -> Callable[[], Awaitable[None]]:
        async def fault() -> None:
            times = self.rng.randint(1, 6)
            for place, path in self._vendors():
                given = {"path": path, "times": times, **SANDBOX_FAULTS[name]}
                (await self.client.post(place, json=given)).raise_for_status()
            await asyncio.sleep(0.5)
            for place, _ in self._vendors():
                (await self.client.delete(place)).raise_for_status()

        return fault
