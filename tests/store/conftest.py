"""The stores that the suite proves: whoever asks for `store` runs on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import TypeAlias

import pytest

from app.domain.ports import Worker
from app.store.memory import MemoryStore, Seed
from app.store.postgres import PostgresStore
from app.system import SystemClock, UuidIds
from tests.store.build import FullStore, deliver, sales_order
from tests.store.days import EVENING, Days

# Opens the store as one process has it; each call is another process on the same tables.
Opens: TypeAlias = Callable[[], AbstractAsyncContextManager[FullStore]]


def _postgres(request: pytest.FixtureRequest) -> Opens:
    database_url: str = request.getfixturevalue("database_url")

    @asynccontextmanager
    async def opens() -> AsyncIterator[FullStore]:
        async with await PostgresStore.open(database_url) as store:
            yield store

    return opens


def _memory(_: pytest.FixtureRequest) -> Opens:
    """On the real clock, because the suite waits for leases and pauses to end."""
    clock = SystemClock()
    began = clock.wall() - timedelta(seconds=clock.monotonic())
    store = MemoryStore(clock, UuidIds(), setup=Seed(epoch=began))

    @asynccontextmanager
    async def opens() -> AsyncIterator[FullStore]:
        yield store

    return opens


STORES: dict[str, Callable[[pytest.FixtureRequest], Opens]] = {
    "memory": _memory,
    "postgres": _postgres,
}


@pytest.fixture(params=sorted(STORES))
def opens(request: pytest.FixtureRequest) -> Opens:
    """An implementation, not yet open: asked for here because fixtures cannot be asked for
    while an event loop runs."""
    return STORES[request.param](request)


@pytest.fixture
async def store(opens: Opens) -> AsyncIterator[FullStore]:
    async with opens() as store:
        yield store


@pytest.fixture
async def beside(opens: Opens) -> AsyncIterator[FullStore]:
    """The same tables as another process has them."""
    async with opens() as store:
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


@pytest.fixture
async def worker_of(postgres: PostgresStore) -> AsyncIterator[Worker]:
    """A worker on PostgreSQL, for what only that store does."""
    async with postgres.join() as worker:
        yield worker


@pytest.fixture
async def days(postgres: PostgresStore) -> Days:
    """One order, in the evening."""
    await deliver(postgres, "all", sales_order("1201"))
    return Days(postgres, EVENING)
