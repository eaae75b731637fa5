"""The stores that the suite proves: whoever asks for `store` runs on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest

from app.domain.ports import Worker
from app.store.memory import MemoryStore, Seed
from app.store.postgres import PostgresStore
from app.system import SystemClock, UuidIds
from tests.store.build import FullStore

Opened = AbstractAsyncContextManager[FullStore]


@asynccontextmanager
async def _open(database_url: str) -> AsyncIterator[FullStore]:
    async with await PostgresStore.open(database_url) as store:
        yield store


def _postgres(request: pytest.FixtureRequest) -> Opened:
    return _open(request.getfixturevalue("database_url"))


@asynccontextmanager
async def _in_memory() -> AsyncIterator[FullStore]:
    """On the real clock, because the suite waits for leases and pauses to end."""
    clock = SystemClock()
    began = clock.wall() - timedelta(seconds=clock.monotonic())
    yield MemoryStore(clock, UuidIds(), setup=Seed(epoch=began))


def _memory(_: pytest.FixtureRequest) -> Opened:
    return _in_memory()


STORES: dict[str, Callable[[pytest.FixtureRequest], Opened]] = {
    "memory": _memory,
    "postgres": _postgres,
}


@pytest.fixture(params=sorted(STORES))
def opened(request: pytest.FixtureRequest) -> Opened:
    """An implementation, not yet open: asked for here because fixtures cannot be asked for
    while an event loop runs."""
    return STORES[request.param](request)


@pytest.fixture
async def store(opened: Opened) -> AsyncIterator[FullStore]:
    async with opened as store:
        yield store


@pytest.fixture
async def worker(store: FullStore) -> AsyncIterator[Worker]:
    async with store.join() as worker:
        yield worker


@pytest.fixture
async def postgres(database_url: str) -> AsyncIterator[PostgresStore]:
    """PostgreSQL itself, for what only it can show."""
    async with await PostgresStore.open(database_url) as store:
        yield store
