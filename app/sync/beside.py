"""What a worker sees to beside the orders, now and then: one turn at a time, in a task of its own.

Owns when a turn begins, how it is ended, and that one which fails for a reason that nobody foresaw is
kept where people look (decision 0068); what is done in it is each one's own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from logging import ERROR
from typing import Any

from app.domain.ports import Clock, Store
from app.domain.watching import KIND, Seen, Standing
from app.telemetry import metrics, wide

KEPT_SECONDS = 10 * 365 * 86400.0
TOLD_AGAIN = 60.0  # seconds until it is kept again that all goes well


class Watch:
    """Keeps how the turns of one part end, for every process. Never raises: what is watched goes on."""

    def __init__(
        self, store: Store, clock: Clock, tenant_id: int, part: Seen, again: float
    ) -> None:
        """`again`: seconds after which a turn that failed is taken again, at the latest."""
        self._store = store
        self._clock = clock
        self._tenant = tenant_id
        self._part = part
        self._again = again
        self._due = clock.monotonic()  # when it is kept again that a turn went well

    async def keep(self, error: Exception | None) -> None:
        """After a turn: None went well."""
        if error is not None:
            metrics.TURNS_FAILED.labels(self._part.value).inc()
        elif self._clock.monotonic() < self._due:
            return
        try:
            now = await self._store.now()
            standing = Standing(well=now)
            if error is not None:
                kept = await self._store.recall(self._tenant, KIND, self._part)
                standing = Standing.of(kept).failed(error, now, self._again)
            body = standing.model_dump(mode="json")
            await self._store.remember(self._tenant, KIND, self._part, body, KEPT_SECONDS)
        except Exception as failed:  # noqa: BLE001 - a database that is away is told elsewhere
            wide("turn_not_kept", level=ERROR, part=self._part.value, error=type(failed).__name__)
            return
        self._due = self._clock.monotonic() + (TOLD_AGAIN if error is None else 0.0)


class Turns:
    """Of one thing that is seen to. Times in seconds."""

    def __init__(self, clock: Clock, watch: Watch | None = None) -> None:
        self._clock = clock
        self._watch = watch
        self._ended: list[Exception | None] = []
        self.next = clock.monotonic()
        self.task: asyncio.Task[None] | None = None

    def begin(self, work: Callable[[], Coroutine[Any, Any, None]], every: float) -> None:
        """Take a turn if it is time and none is under way; the next one is due after `every`."""
        if self.task is not None and not self.task.done():
            return
        if self._clock.monotonic() >= self.next:
            self.again_in(every)
            self.task = asyncio.create_task(self._take(work))

    async def _take(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._ended.clear()
        await work()
        if self._watch is not None and self._ended:
            await self._watch.keep(self._ended[-1])

    def ended(self, error: Exception | None = None) -> None:
        """Said in a turn: it went well, or failed for a reason that nobody foresaw. A turn that does not
        say it, as one that another worker has, shows nothing."""
        self._ended.append(error)

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
