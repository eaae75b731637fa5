"""A worker that is told to stop ends in the time that a deployment gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from app.bootstrap.chosen import longest_end_of_worker, stop_of
from app.settings import Settings
from app.sync import hints
from app.sync.worker import Pace, Worker
from app.system import SystemClock


class Me:
    id = 1

    def alive(self) -> bool:
        return True


class Engine:
    cw = None


class IdleStore:
    """A store in which nothing is due."""

    @asynccontextmanager
    async def join(self) -> AsyncIterator[Me]:
        yield Me()

    async def merge(self, *_: object) -> int:
        return 0

    async def claim(self, *_: object) -> list[object]:
        return []

    async def next_due(self) -> None:
        return None


class Looking:
    """A poll that does what it is told to at its first look, and then hangs."""

    def __init__(self, first: Exception | None = None) -> None:
        self.first = first
        self.looks = 0
        self.hanging = asyncio.Event()

    async def follow(self) -> None:
        self.looks += 1
        if self.first is not None and self.looks == 1:
            raise self.first
        self.hanging.set()
        await asyncio.sleep(3600)


def worker_of(
    monkeypatch: pytest.MonkeyPatch, looking: Looking | None = None, stop: float = 30.0
) -> Worker:
    async def nothing(*_: object) -> None:
        return None

    monkeypatch.setattr(hints, "follow", nothing)
    made: Any = Worker
    return cast(
        Worker,
        made(Engine(), IdleStore(), SystemClock(), Pace(away=0.01, stop=stop), looking),
    )


async def test_what_only_looks_does_not_keep_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Looking()
    worker = worker_of(monkeypatch, looking)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(looking.hanging.wait(), 5)
    worker.stop()
    worker.stop()  # a second signal changes nothing
    await asyncio.wait_for(running, 5)


async def test_a_look_that_times_out_by_itself_is_a_failure_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr("app.sync.worker.wide", lambda event, **_: told.append(event))
    looking = Looking(first=TimeoutError("a read"))
    worker = worker_of(monkeypatch, looking)
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(looking.hanging.wait(), 5)
    assert looking.looks == 2
    assert "worker_failed" in told
    worker.stop()
    await asyncio.wait_for(running, 5)


async def test_orders_under_way_have_their_time_from_the_signal_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = worker_of(monkeypatch, stop=0.5)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)
    order = asyncio.create_task(asyncio.sleep(3600))
    worker._active["token"] = (cast(Any, None), order)
    began = asyncio.get_running_loop().time()
    worker.stop()
    await asyncio.wait_for(running, 5)
    assert 0.4 < asyncio.get_running_loop().time() - began < 3
    assert order.cancelled()


def test_the_time_holds_the_longest_call_and_its_record() -> None:
    slow = Settings(connectwise_timeout=60.0, smtp_timeout=15.0, ledger_timeout=20.0)
    assert stop_of(slow) > 60
    assert stop_of(Settings()) >= Settings().ledger_timeout + 5
    assert longest_end_of_worker(slow) > stop_of(slow)
