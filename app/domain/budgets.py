"""How many calls a connection may make: the vendors' windows, and the port that counts them.

Owns the words and the pure arithmetic. A call counts in every window that its answer may still fall
into, so it counts until its answer, and from there for the window's length: whatever the network
adds on the way, the vendor never sees more than the limit in any such window.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MINUTE = 60.0
DAY = 86_400.0
# Where calls are too many at once nobody knows when one ends: asked again this soon.
AGAIN = 0.02


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor lets one company's connection do. `at_once`: calls in flight, 0 for any."""

    windows: tuple[Window, ...] = ()
    at_once: int = 0

    @classmethod
    def of(cls, *windows: tuple[int, float], at_once: int = 0) -> Limits:
        """Windows of 0 calls are none at all: so a limit is switched off."""
        return cls(tuple(Window(*one) for one in windows if one[0] > 0), at_once)

    @property
    def longest(self) -> float:
        return max((window.seconds for window in self.windows), default=0.0)

    @property
    def most(self) -> int:
        """Calls in the longest window."""
        return max((one.calls for one in self.windows if one.seconds == self.longest), default=0)

    def share(self, parts: int) -> Limits:
        """One process's part while the processes cannot count together; never less than one."""
        return self.part(1 / parts)

    def part(self, part: float) -> Limits:
        """As much as may be spent before this kind of call leaves the rest to others; never less
        than one."""
        windows = (Window(max(1, int(one.calls * part)), one.seconds) for one in self.windows)
        at_once = max(1, int(self.at_once * part)) if self.at_once else 0
        return Limits(tuple(windows), at_once)


@dataclass(frozen=True, slots=True)
class Turn:
    """`token` None: no call may be made yet; ask again after `wait` seconds."""

    token: str | None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Spent:
    """What stands against a window now."""

    seconds: float
    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class AtOnceNow:
    """How many calls are sent at once now, and how many where a system stands all (decision 0049)."""

    limit: int
    most: int

    @property
    def narrowed(self) -> bool:
        return self.limit < self.most


@dataclass(frozen=True, slots=True)
class Use:
    """How a connection is called now: what stands against its limits, and how many calls are sent at
    once; nothing and None where that is not counted. `read_at`: when the poll read it last; `trouble`:
    why it does not read it now, empty where it does."""

    spent: tuple[Spent, ...] = ()
    at_once: AtOnceNow | None = None
    read_at: datetime | None = None
    trouble: str = ""


class Budget(Protocol):
    """The calls of one connection, counted over all processes. Never raises."""

    @property
    def patience(self) -> float:
        """Seconds that a call may stand in line; one that would stand longer is not made."""

    async def take(self, part: float = 1.0) -> Turn:
        """A turn, while less than this part of each window stands against the connection."""

    async def give_back(
        self, token: str, at_once: AtOnceNow | None = None, left: int | None = None
    ) -> None:
        """The call has its answer, or will have none. `at_once`: this process's, for others to see.
        `left`: calls of the longest window that are left by the system's own word."""

    async def spent(self) -> tuple[Spent, ...]: ...

    async def at_once(self) -> AtOnceNow | None:
        """The narrowest of the processes that called lately; None where none is known."""


def wait_for(limits: Limits, until: Collection[float], now: float) -> float:
    """Seconds until another call may be made, 0 for now. `until` has for each call the moment of
    its answer, for one under way the moment when it is given up. The Lua script in
    `sync/budget.py` says the same; one suite proves both."""
    wait = 0.0
    if limits.at_once and sum(one > now for one in until) >= limits.at_once:
        wait = AGAIN
    for window in limits.windows:
        inside = sorted(one for one in until if one > now - window.seconds)
        if len(inside) >= window.calls:
            leaves = min(inside[len(inside) - window.calls], now) + window.seconds
            wait = max(wait, leaves - now, AGAIN)
    return wait


def spent_of(limits: Limits, until: Collection[float], now: float) -> tuple[Spent, ...]:
    return tuple(
        Spent(one.seconds, sum(at > now - one.seconds for at in until), one.calls)
        for one in limits.windows
    )
