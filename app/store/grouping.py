"""Group commit: callers at the same time share one transaction, one is in flight at a time.

Owns the queue and who gets which answer. One caller's bad rows never fail another's: a group
that fails is tried again one by one. Knows no table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from app.domain.errors import StoreUnavailable
from app.store.database import Clash

T = TypeVar("T")
R = TypeVar("R")


class GroupCommit(Generic[T, R]):
    """Runs `run` on all items that came in while the run before was in flight.

    `run` answers in the order of its items, all or nothing. `alike` tells items that must not
    share a group; the later one waits for the next. A caller that gives up takes its item out of
    the queue; if it is already in flight its outcome is not known, like that of any lost answer.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        *,
        limit: int = 500,
        alike: Callable[[T], object] | None = None,
    ) -> None:
        self._run = run
        self._limit = limit
        self._alike = alike
        self._queue: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, item: T, within: float | None = None) -> R:
        """The item's answer. Raises what its own rows raise, and StoreUnavailable after `within`
        seconds."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((item, future))
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._drain())
        try:
            async with asyncio.timeout(within):
                return await future
        except TimeoutError as late:
            raise StoreUnavailable(f"no commit within {within} s") from late

    async def _drain(self) -> None:
        # Between the last look at the queue and the end of the task nothing else can run, so no
        # item is left behind.
        try:
            while group := self._next():
                await self._commit(group)
        finally:
            self._worker = None
            for _, future in self._queue:
                future.cancel()  # only when the loop is being closed under us

    def _next(self) -> list[tuple[T, asyncio.Future[R]]]:
        group: list[tuple[T, asyncio.Future[R]]] = []
        later: list[tuple[T, asyncio.Future[R]]] = []
        seen: set[object] = set()
        for entry in self._queue:
            if entry[1].done():
                continue
            mark = self._alike(entry[0]) if self._alike is not None else entry[1]
            if len(group) < self._limit and mark not in seen:
                seen.add(mark)
                group.append(entry)
            else:
                later.append(entry)
        self._queue = later
        return group

    async def _commit(self, group: list[tuple[T, asyncio.Future[R]]], tries: int = 3) -> None:
        try:
            answers = await self._run([item for item, _ in group])
        except Clash as clash:
            if tries > 1:
                await self._commit(group, tries - 1)
            else:
                _fail(group, clash)
        except StoreUnavailable as error:
            _fail(group, error)
        except Exception as error:  # noqa: BLE001 - it is handed to whom it concerns
            if len(group) == 1:
                _fail(group, error)
                return
            for entry in group:
                await self._commit([entry])
        except asyncio.CancelledError:
            for _, future in group:
                future.cancel()
            raise
        else:
            for (_, future), answer in zip(group, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def _fail(group: list[tuple[T, asyncio.Future[R]]], error: Exception) -> None:
    for _, future in group:
        if future.done():
            continue
        # One exception object cannot be raised by many without mixing up their traces.
        shared = len(group) > 1
        future.set_exception(StoreUnavailable(str(error)) if shared else error)
