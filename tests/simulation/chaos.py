"""What goes wrong, where and when: every await of a port asks here, and the seed answers.

Owns the draw of faults and their record. Which kinds come in a run, and how often, is drawn once
(a run in which everything happens all the time shows little). After `calm` nothing goes wrong any
more. A fault that is left out, or comes after the last one allowed, changes nothing that was drawn
before it: that is how a history is made shorter.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from app.domain.errors import StoreUnavailable
from tests.simulation.loop import HOST, Host, VirtualLoop, outside

# Kind of fault, and how often it comes at most at each place where it can come.
RATES = {
    "kill": 0.01,
    "freeze": 0.008,
    "session": 0.01,  # the worker's session lock is lost, and the worker lives
    "store": 0.02,  # the database is away, before or after the commit
    "slow_store": 0.05,
    "jump": 0.004,  # the database's clock
    "refused": 0.04,
    "lost": 0.05,  # the reply
    "slow": 0.04,  # beyond the timeout; what was asked is done all the same
    "error": 0.04,  # 5xx, done or not
    "limit": 0.01,  # 429
    "stale": 0.15,
    "double": 0.3,  # a delivery comes again
    "late": 0.4,  # a delivery is overtaken
    "deaf": 0.3,  # a wake or a callback is lost
    # Aimed at the moments in which a rule of the protocol matters, which chance seldom meets:
    "meet": 0.3,  # a delivery comes between what an order was decided on and its release
    "stall": 0.04,  # a standstill just before a write is sent
    "dying": 0.3,  # the worker ends, or loses its session, with a slow write on its way
}
BEFORE_WRITES = frozenset({"begin.after", "announce_again.after", "heartbeat.after"})
# At how many of the places others may run: at each of them costs time and shows no more.
OTHERS_RUN = 0.5
MOST_FAR = 2
MOST_KILLS = 3  # more in a row on one order make it poison, as they should


@dataclass(frozen=True)
class Limits:
    """What of a seed's faults may come: all by default."""

    without: frozenset[str] = frozenset()
    most: int | None = None


@dataclass
class Chaos:
    """One run's faults. `told` takes every fault that came."""

    loop: VirtualLoop
    chance: random.Random
    limits: Limits
    told: Callable[[str, str], None]
    calm: float
    lease: float
    rates: dict[str, float] = field(default_factory=dict)
    count: int = 0
    kills: int = 0
    jumped: float = 0.0
    back: float = 0.0  # of it, how far back in all
    far: int = 0
    stalled: set[Host | None] = field(default_factory=set)
    armed: bool = False  # nothing goes wrong before the day begins
    wake: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        for kind, most in RATES.items():
            level = self.chance.choice((0.0, 0.3, 1.0))
            self.rates[kind] = 0.0 if kind in self.limits.without else most * level

    @property
    def stormy(self) -> bool:
        return self.armed and self.loop.time() < self.calm

    def comes(self, kind: str, where: str, unless: Callable[[], bool] | None = None) -> bool:
        """Whether this fault comes here and now."""
        drawn = self.chance.random()
        if drawn >= self.rates[kind] or not self.stormy:
            return False
        if (unless is not None and unless()) or (
            self.limits.most is not None and self.count >= self.limits.most
        ):
            return False
        self.count += 1
        self.told(kind, where)
        return True

    # At an await of a host --------------------------------------------------------------------

    async def fault(self, point: str) -> None:
        """app.store.memory.Faults: at each call to the store, before and after its commit."""
        host = HOST.get()
        if self.stormy:
            if host is not None:
                await self.ends(host, point)
                if point in BEFORE_WRITES and self.comes("stall", point):
                    await self._stall(host)
            if self.comes("slow_store", point):
                await asyncio.sleep(self.chance.choice((0.001, 0.05, 0.5, 2.0)))
            if self.comes("store", point):
                raise StoreUnavailable(f"simulated at {point}")
            if self.comes("jump", point):
                self._leap()
        if self.chance.random() < OTHERS_RUN:
            await asyncio.sleep(0)

    def _leap(self) -> None:
        """The database's clock is set, also while a write is in doubt; far only twice, because
        a clock that went back keeps what waits for so long."""
        near, far = (0.2, 3.0, self.lease * 1.5), (7200.0, -300.0)
        leap = self.chance.choice((*near, -near[1], -near[2], *far))
        if leap in far:
            if self.far == MOST_FAR:
                return
            self.far += 1
        self.jumped += leap
        self.back += max(0.0, -leap)

    async def ends(self, host: Host, point: str) -> None:
        """The process dies here, or stands still for a while."""
        if self.kills < MOST_KILLS and self.comes("kill", point):
            self.kills += 1
            host.die()
            self._others_wake()
            await asyncio.sleep(0)  # never returns
        if self.comes("freeze", point):
            await self._freeze(host, (0.1, 0.6, 1.3, 2.0))
        if self.comes("session", point):
            host.lose_sessions()
            self._others_wake()

    async def _freeze(self, host: Host, leases: tuple[float, ...]) -> None:
        host.frozen = True
        seconds = self.lease * self.chance.choice(leases)
        self.loop.call_later(seconds, self.loop.thaw, host, context=outside())
        await asyncio.sleep(0)

    async def _stall(self, host: Host) -> None:
        """A standstill before a write. Meanwhile the database may give the host up; else the write
        goes a slow way afterwards, and its worker ends over it."""
        if self.chance.random() < 0.3:
            host.lose_sessions()
            self._others_wake()
        else:
            self.stalled.add(host)
        await self._freeze(host, (0.3, 0.6, 1.3))

    def after_stall(self) -> bool:
        """Whether this write is the first after a standstill of its host."""
        host = HOST.get()
        if host not in self.stalled:
            return False
        self.stalled.discard(host)
        return self.stormy

    def sent_slowly(self, where: str, *, surely: bool) -> None:
        """A write has left and will be carried out late: its worker may end meanwhile."""
        host = HOST.get()
        if host is None or not (surely or self.comes("dying", where)):
            return
        if self.kills < MOST_KILLS and self.chance.random() < 0.5:
            self.kills += 1
            host.die()
        else:
            host.lose_sessions()
        self._others_wake()

    def _others_wake(self) -> None:
        """Often somebody looks just after a worker ended, and not only at the next sweep."""
        if self.chance.random() < 0.7:
            soon = self.chance.uniform(0.0, 0.5)
            self.loop.call_later(soon, self.wake, context=outside())

    async def reached(self, point: str, step: str, subject: str) -> None:
        """ports.Checkpoints."""
        host = HOST.get()
        if host is not None and self.stormy:
            await self.ends(host, f"{point} of {step}")


@dataclass(frozen=True)
class Clocks:
    """ports.Clock on virtual time. `jumped` is added by whoever's clock it is."""

    loop: VirtualLoop
    jumped: Callable[[], float] = lambda: 0.0

    def monotonic(self) -> float:
        return self.loop.time() + self.jumped()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Numbers:
    """ports.Ids, counted."""

    name: str
    last: int = 0

    def token(self) -> str:
        self.last += 1
        return f"{self.name}-{self.last}"
