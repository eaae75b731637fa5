"""What calls to Commerce's API may be made: so many a minute, and what is left of the day.

Owns the waiting within the minute. What a day may cost is counted in `domain/polling.py`, across
restarts; the minute is this process's own, because one worker at a time has the turn.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

from app.domain.commerce import BudgetSpent
from app.domain.ports import Clock

MINUTE = 60.0


class Meter:
    """`take` is awaited before each call. `waiting` is awaited before it sleeps, so that the turn
    can be kept meanwhile, and `may_call` after it, which raises where a call may not be made."""

    def __init__(self, clock: Clock, calls_a_minute: int) -> None:
        self._clock = clock
        self._most = calls_a_minute
        self._recent: deque[float] = deque()
        self._left = 0
        self.used = 0
        self.waiting: Callable[[], Awaitable[None]] | None = None
        self.may_call: Callable[[], Awaitable[None]] | None = None

    def allow(self, calls: int) -> None:
        """From here on so many calls may be made; `used` counts from zero."""
        self._left = calls
        self.used = 0

    async def take(self) -> None:
        """One call. Raises BudgetSpent, and what `may_call` raises."""
        if self._left <= 0:
            raise BudgetSpent
        while (wait := self._wait()) > 0:
            if self.waiting is not None:
                await self.waiting()
            await self._clock.sleep(wait)
        if self.may_call is not None:
            await self.may_call()
        self._recent.append(self._clock.monotonic())
        self._left -= 1
        self.used += 1

    def _wait(self) -> float:
        now = self._clock.monotonic()
        while self._recent and self._recent[0] <= now - MINUTE:
            self._recent.popleft()
        return self._recent[0] + MINUTE - now if len(self._recent) >= self._most else 0.0
