"""How many calls a process has under way to one system: as many as the system stands.

Owns the limit, which is halved by a sign of strain and grows slowly while answers are good and the
limit is in use, and the lines before it (docs/decisions/0049). Asks no clock: rounds are counted in
calls. Must not know what a call is for.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.telemetry import metrics

MOST = 32
FLOOR = 1
ROUNDS = 4  # of good answers, for one more place
CAREFUL = 10  # times that, to where strain showed last
# The system, or a gateway before it, says that it is too much; a 500 may be one record's fault.
STRAINED = frozenset({429, 502, 503, 504})
UNWELL = 500  # and above; no answer at all is the same


class Line:
    """Places for so many at a time, first come first served; how many may change meanwhile."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.taken = 0

    @property
    def full(self) -> bool:
        return self.taken >= self._limit()

    @asynccontextmanager
    async def place(self, patience: float | None = None) -> AsyncIterator[bool]:
        """A place, with whether it was waited for. Raises TimeoutError after `patience` seconds."""
        waited = self.full or bool(self._waiting)
        if waited:
            await self._wait(patience)
        else:
            self.taken += 1
        try:
            yield waited
        finally:
            self._leave()

    async def _wait(self, patience: float | None) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(patience):
                await turn
        except (TimeoutError, asyncio.CancelledError):
            if turn.done() and not turn.cancelled():
                self._leave()  # the place came in the same moment: it is the next one's
            elif turn in self._waiting:  # else who left meanwhile passed it over
                self._waiting.remove(turn)
            raise

    def _leave(self) -> None:
        self.taken -= 1
        while self._waiting and not self.full:
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)


class AtOnce:
    """The limit of one system in this process. `most` is its ceiling, `timeout` a call's, in
    seconds; `name` is the system's in the metrics, empty for one that is not shown."""

    def __init__(self, most: int = MOST, timeout: float = 30.0, name: str = "") -> None:
        self.most = most
        self.patience = timeout / 4  # it counts within the call's timeout
        self._slow = timeout / 2
        self._limit = float(most)
        self._edge = math.inf  # where strain showed last
        self._name = name
        self.round = 0
        self.calls = Line(lambda: self.limit)
        # Of attempts that call the system, so that each that has begun comes to its end.
        self.attempts = Line(lambda: self.limit)
        self._show()

    @property
    def limit(self) -> int:
        return int(self._limit)

    def heard(self, begun: int, status: int | None, seconds: float, *, timed_out: bool) -> None:
        """An answer came, or will not, to a call that was sent in the round `begun`. One cut is
        enough for all calls that were under way: what they say of was before it."""
        if begun != self.round:
            return
        if timed_out or status in STRAINED or (status is not None and seconds > self._slow):
            self.round += 1
            self._edge = self.limit
            self._limit = max(float(FLOOR), self._limit / 2)
        elif status is not None and status < UNWELL and (self.calls.full or self.attempts.full):
            careful = CAREFUL if self.limit + 1 == self._edge else 1
            self._limit = min(float(self.most), self._limit + 1 / (careful * ROUNDS * self._limit))
            if self.limit > self._edge:
                self._edge = math.inf  # it stands more than it did
        self._show()

    def _show(self) -> None:
        if self._name:
            metrics.CALLS_AT_ONCE.labels(self._name).set(self.limit)
