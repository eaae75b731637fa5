"""A failover while deliveries come in: an answer that is lost after its COMMIT, a standby that takes
no writes. Refused as not there, sent again, counted once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from app.domain.errors import StoreUnavailable
from app.store.postgres import PostgresStore
from tests.store.build import delivery, sales_order

IDLE = b"Z\x00\x00\x00\x05I"  # ready for query, in no transaction: what was asked is committed


class Cutting:
    """A line to PostgreSQL that ends when the server answers that it committed the delivery: it
    did, and nobody was told."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self.armed = False
        self.cuts = 0
        self.port = 0

    @property
    def url(self) -> str:
        credentials = self._to.netloc.rpartition("@")[0]
        netloc = f"{credentials}@127.0.0.1:{self.port}" if credentials else f"127.0.0.1:{self.port}"
        return urlunsplit(self._to._replace(netloc=netloc))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._to.hostname, self._to.port)
        committing = asyncio.Event()

        async def asked() -> None:
            while data := await reader.read(65536):
                if self.armed and b"msg-1" in data:
                    committing.set()
                back.write(data)
                await back.drain()

        async def answered() -> None:
            while data := await there.read(65536):
                if committing.is_set() and data.endswith(IDLE):
                    self.armed, self.cuts = False, self.cuts + 1
                    return  # the answer is here, and goes no further
                writer.write(data)
                await writer.drain()

        tasks = [asyncio.create_task(asked()), asyncio.create_task(answered())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for end in (writer, back):
            end.transport.abort()
            with contextlib.suppress(OSError):
                await end.wait_closed()


@asynccontextmanager
async def line(url: str) -> AsyncIterator[Cutting]:
    cutting = Cutting(url)
    server = await asyncio.start_server(cutting.serve, "127.0.0.1", 0)
    cutting.port = server.sockets[0].getsockname()[1]
    try:
        yield cutting
    finally:
        server.close()


async def test_an_answer_lost_after_the_commit_is_told_as_away_and_counted_once(
    database_url: str,
) -> None:
    async with line(database_url) as cutting, await PostgresStore.open(cutting.url) as store:
        assert (await store.accept(delivery("before", sales_order("1200")))).event_id
        cutting.armed = True
        with pytest.raises(StoreUnavailable):
            await store.accept(delivery("msg-1", sales_order()))
        assert cutting.cuts == 1
        again = await store.accept(delivery("msg-1", sales_order()))  # the pool came back
        assert again.duplicate
        page = await store.events(1, None, None, None, 50)
        assert [event.external_id for event in page.items].count("msg-1") == 1


async def test_a_standby_that_takes_no_writes_is_away_and_the_primary_after_it_is_not(
    postgres: PostgresStore, database_url: str
) -> None:
    name = database_url.rpartition("/")[2]
    other = await asyncpg.connect(database_url)
    try:
        await other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with pytest.raises(StoreUnavailable):
            await postgres.accept(delivery("msg-1", sales_order()))
        with pytest.raises(StoreUnavailable):
            async with postgres.join():
                pass
        await other.execute("SET default_transaction_read_only = off")
        await other.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'demandlink%' AND datname = current_database()"
        )
        await asyncio.wait_for(_sent_until_taken(postgres), 10)
        async with postgres.join() as worker:
            assert worker.alive()
    finally:
        await other.close()


async def _sent_until_taken(store: PostgresStore) -> None:
    """As a sender does it: again after each refusal. Nothing but a refusal comes meanwhile."""
    while True:
        with contextlib.suppress(StoreUnavailable):
            assert (await store.accept(delivery("msg-1", sales_order()))).event_id
            return
        await asyncio.sleep(0.05)
