"""How far back a process may reckon with the database's clock: to where it was seen to run evenly.

Owns the comparison of that clock with the process's own, which nobody sets. What has to be waited
for by the database's time (a call that may still be executing, reads that lag, a lease) was not
waited for where that clock leapt meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from logging import WARNING

from app.domain.ports import Clock, Store
from app.domain.records import Claim, Snapshot
from app.telemetry import wide

# Seconds. A clock that is off by less is slewed, not set (NTP steps from 0.128 s on).
EVEN = 0.1


@dataclass(slots=True)
class ClockWatch:
    """One process's knowledge of the database's clock.

    `since`: from then on, by the database's time, it ran evenly as far as this process saw: since
    it saw it first, or since the last leap. `leapt`: when it leapt last, None where no leap was
    seen. Moments that the database shows are told with the process's own time before and after the
    asking, so that a slow answer is no leap.
    """

    since: datetime | None = None
    leapt: datetime | None = None
    _low: float = 0.0  # bounds of: the database's seconds less the process's own
    _high: float = 0.0

    def saw(self, before: float, shown: datetime, after: float) -> datetime:
        """The database showed a moment between two of the process's own clock. Gives it back."""
        seconds = shown.timestamp()
        low, high = seconds - after, seconds - before
        if self.since is None:
            self.since = shown
        elif low > self._high + EVEN or high < self._low - EVEN:
            by = low - self._high if low > self._high else high - self._low
            wide("database_clock_leapt", level=WARNING, seconds=round(by, 1))
            self.since = self.leapt = shown
        else:
            both = max(low, self._low), min(high, self._high)
            if both[0] <= both[1]:
                low, high = both
        self._low, self._high = low, high
        return shown

    async def look(self, store: Store, clock: Clock) -> datetime:
        """What the database's clock shows. Raises StoreUnavailable."""
        before = clock.monotonic()
        shown = await store.now()
        return self.saw(before, shown, clock.monotonic())

    async def load(self, store: Store, clock: Clock, claim: Claim) -> Snapshot:
        """The order as it stands; when it was read tells of the clock at no cost. Raises LeaseLost
        and StoreUnavailable."""
        before = clock.monotonic()
        snapshot = await store.load(claim)
        self.saw(before, snapshot.now, clock.monotonic())
        return snapshot

    def not_after(self, moment: datetime, now: datetime) -> datetime:
        """A moment that was kept. One that lies ahead was kept before the clock went back, which
        this process saw, or which was before it."""
        return moment if moment <= now else min(self.since or now, now)

    def again(self, moment: datetime) -> datetime:
        """From when something is waited for that began at a moment: not from before the clock is
        known to have run evenly."""
        return max(moment, self.since) if self.since is not None else moment

    def by_others(self, lease: timedelta, now: datetime) -> datetime | None:
        """Until when others may hold what the leap ended: they live, and learn of it at their next
        sign of life, at the latest when their lease ends by their own clock. None: by now."""
        ends = self.leapt + lease if self.leapt is not None else None
        return ends if ends is not None and now < ends else None
