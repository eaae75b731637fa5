"""The stores that the suite proves. A second implementation is one more entry of STORES."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from app.domain.ports import Worker
from app.store.postgres import PostgresStore
from tests.store.build import FullStore

Opened = AbstractAsyncContextManager[FullStore]


@asynccontextmanager
async def _open(database_url: str) -> AsyncIterator[FullStore]:
    async with await PostgresStore.open(database_url) as store:
        yield store


def _postgres(request: pytest.FixtureRequest) -> Opened:
    return _open(request.getfixturevalue("database_url"))


STORES: dict[str, Callable[[pytest.FixtureRequest], Opened]] = {"postgres": _postgres}


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
