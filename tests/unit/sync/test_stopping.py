"""A worker that is told to stop ends in the time that a deployment gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from app.bootstrap.chosen import longest_end_of_worker, stop_of
from app.settings import Settings
from app.sync.clock_watch import ClockWatch
from app.sync.worker import Pace, Worker
from app.system import SystemClock


class Me:
    id = 1

    def alive(self) -> bool:
        return True


class Engine:
    cw = None
    watch = ClockWatch()


class IdleStore:
    """A store in which nothing is due."""

    @asynccontextmanager
    async def join(self) -> AsyncIterator[Me]:
        yield Me()

    async def merge(self, *_: object) -> int:
        return 0

    async def claim(self, *_: object) -> list[object]:
        return []

    async def hints(self, *_: object) -> list[object]:
        return []

    async def now(self) -> datetime:
        return datetime.now(UTC)

    async def next_due(self) -> None:
        return None


def worker_of(stop: float) -> Worker:
    made: Any = Worker
    return cast(Worker, made(Engine(), IdleStore(), SystemClock(), Pace(away=0.01, stop=stop)))


async def test_orders_under_way_have_their_time_from_the_signal_on() -> None:
    worker = worker_of(0.5)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)
    order = asyncio.create_task(asyncio.sleep(3600))
    worker._active["token"] = (cast(Any, None), order)
    began = asyncio.get_running_loop().time()
    worker.stop()
    worker.stop()  # a second signal changes nothing
    await asyncio.wait_for(running, 5)
    assert 0.4 < asyncio.get_running_loop().time() - began < 3
    assert order.cancelled()


def test_the_time_holds_the_longest_call_and_its_record() -> None:
    slow = Settings(connectwise_timeout=60.0, smtp_timeout=15.0, ledger_timeout=20.0)
    assert stop_of(slow) > 60
    assert stop_of(Settings()) >= Settings().ledger_timeout + 5
    assert longest_end_of_worker(slow) > stop_of(slow)
