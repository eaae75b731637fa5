"""How one process paces the calls of a connection: its pause, and what its answers say of it.

Owns when the process may call again, what o'clock it is there, and how many calls in a row had no good
answer. The store keeps the same pause for all (docs/decisions/0038); how many are sent at once is
`at_once`.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from app.connectors.at_once import UNWELL, AtOnce
from app.domain.ports import Clock


class Pacing:
    """A connection's pacing in this process. The engine keeps the same pause for all workers."""

    def __init__(self, clock: Clock, at_once: AtOnce | None = None) -> None:
        self._clock = clock
        self.at_once = at_once or AtOnce()
        self.unwell = 0  # calls in a row, whoever made them
        # Seconds that are left of a pause that the vendor asked another process for.
        self.of_others: Callable[[], Awaitable[float]] | None = None
        # What it asked this one for, in seconds and its own words, told to the others. Never raises.
        self.tell_others: Callable[[float, str], Awaitable[None]] | None = None
        self._until = -math.inf
        self._begun = -math.inf
        self._resumed: int | None = None  # how often it had been resumed, read after it began
        self._dated: tuple[str, float] | None = None

    def answered(self, date: str | None) -> None:
        """An answer's Date header (RFC 9110, 6.6.1), as it came."""
        if date:
            self._dated = (date, self._clock.monotonic())

    def vendor_now(self) -> datetime | None:
        """The vendor's own time by its last answer, to a second; None: none said it readably."""
        if self._dated is None:
            return None
        date, then = self._dated
        try:
            told = parsedate_to_datetime(date)
        except ValueError:
            return None
        told = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
        return told + timedelta(seconds=self._clock.monotonic() - then)

    async def asked_to_wait(self, seconds: float, message: str) -> None:
        """The vendor asked for a pause, whatever the call was for: it begins here at once and holds
        for every process (H10)."""
        self.pause(seconds)
        if self.tell_others is not None:
            await self.tell_others(seconds, message)

    def pause(self, seconds: float) -> None:
        self._begun = self._clock.monotonic()
        self._until = max(self._until, self._begun + seconds)
        self._resumed = None

    def hear(self, resumed: int, asked: float) -> bool:
        """How often people resumed the connection, as the store told it when it was asked at that
        moment of the clock. True: somebody did since the pause began, so it ends.

        What was asked before the pause began says nothing about it, and the first answer after
        it may count a resume of before it: only a later one ends it (H10).
        """
        if asked <= self._begun:
            return False
        if self._resumed is None:
            self._resumed = resumed
        if resumed <= self._resumed:
            return False
        self._until = -math.inf
        return True

    def remaining(self) -> float:
        """Seconds until calls are allowed again, 0 when they are."""
        return max(0.0, self._until - self._clock.monotonic())

    def heard(self, begun: int, status: int | None, seconds: float, *, timed_out: bool) -> None:
        """What became of a call that was sent in the round `begun` of `at_once`."""
        self.unwell = self.unwell + 1 if status is None or status >= UNWELL else 0
        self.at_once.heard(begun, status, seconds, timed_out=timed_out)
