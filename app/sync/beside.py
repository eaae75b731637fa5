"""What a worker sees to beside the orders, now and then: one turn at a time, in a task of its own.

Owns when a turn begins and how it is ended; what is done in it is each one's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from app.domain.ports import Clock


class Turns:
    """Of one thing that is seen to. Times in seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.next = clock.monotonic()
        self.task: asyncio.Task[None] | None = None

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]], every: float) -> None:
        """Take a turn if it is time and none is under way; the next one is due after `every`."""
        if self.task is not None and not self.task.done():
            return
        if self._clock.monotonic() >= self.next:
            self.again_in(every)
            self.task = asyncio.create_task(work())

    def again_in(self, seconds: float) -> None:
        self.next = self._clock.monotonic() + seconds

    async def stop(self, patience: float = 0.0) -> None:
        """End what is under way, after it had so long to end by itself."""
        task, self.task = self.task, None
        if task is None:
            return
        if patience:
            await asyncio.wait({task}, timeout=patience)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
