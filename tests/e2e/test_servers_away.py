"""Redis away: the sweep goes on and the queue comes back. PostgreSQL killed: refused, then resumed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from app import embedded
from app.cli.frame import ExitCode
from app.store import migrate
from app.system import SystemClock
from tests.e2e.harness import Stack, running
from tests.e2e.orders import CABLE, Order
from tests.e2e.test_kill import environment
from workers import supervisor
from workers.supervisor import keep_queue

pytestmark = pytest.mark.processes


class Line:
    """A TCP line to the real Redis that can be cut and laid again at the same port."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._carried: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        credentials = self._to.netloc.rpartition("@")[0]
        netloc = f"{credentials}@127.0.0.1:{self.port}" if credentials else f"127.0.0.1:{self.port}"
        return urlunsplit(self._to._replace(netloc=netloc))

    async def lay(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._carried:
            task.cancel()
        await asyncio.gather(*self._carried, return_exceptions=True)
        self._carried.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carried.add(task)
        there, back = await asyncio.open_connection(self._to.hostname, self._to.port)
        try:
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except (OSError, asyncio.CancelledError):
            pass  # cut: both ends see a reset
        finally:
            for end in (writer, back):
                end.transport.abort()
                with contextlib.suppress(OSError):
                    await end.wait_closed()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def queue_of(stack: Stack) -> AsyncIterator[None]:
    """The supervisor's queue beside the stack's worker."""
    assert stack.worker is not None
    container = stack.container
    listening = keep_queue(stack.worker, container.redis_url, container.clock, "test")
    task = asyncio.create_task(listening)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def small(number: int) -> Order:
    return Order(id=number, lines=[(CABLE, 2)], quote_id=None, opportunity=None, not_chosen=())


async def through(stack: Stack, order: Order, seconds: float) -> None:
    assert (await stack.deliver(order.approved()))["status"] == 202
    await stack.until(order.number, lambda o: o["answer"]["code"] == "LINE_NOT_ORDERED", seconds)


async def test_without_redis_the_sweep_goes_on_and_the_queue_comes_back(
    database_url: str, redis_url: str
) -> None:
    line = Line(redis_url)
    await line.lay()
    async with running(database_url, line.url, sweep_seconds=2.5) as stack, queue_of(stack):
        await through(stack, small(3001), 10)
        await line.cut()
        await through(stack, small(3002), 10)  # found by the sweep
        await line.lay()
        await asyncio.sleep(3)  # both sides come back with backoff
        looked = len(stack.nudges)
        await through(stack, small(3003), 10)
        assert len(stack.nudges) > looked  # told by the queue
    await line.cut()


@pytest.mark.breadth
async def test_a_killed_postgres_refuses_then_goes_on(tmp_path: Path, redis_url: str) -> None:
    servers = await embedded.start(tmp_path, redis=False)
    try:
        await asyncio.to_thread(migrate.upgrade, servers.database_url)
        async with running(servers.database_url, redis_url) as stack:
            await through(stack, small(3001), 10)
            os.kill(servers.pids["postgres"], signal.SIGKILL)
            order = small(3002)
            event, statuses = order.approved(), []
            async with asyncio.timeout(20):
                while 202 not in statuses:
                    statuses.append((await stack.deliver(event, webhook_id="again"))["status"])
                    await asyncio.sleep(0.1)
            assert set(statuses) <= {202, 503}
            await stack.until(order.number, lambda o: o["answer"]["code"] == "LINE_NOT_ORDERED")
    finally:
        await servers.stop()


@pytest.mark.parametrize("command", ["worker", "serve"])
async def test_a_process_that_starts_before_its_database_waits_for_it(
    command: str, database_url: str, redis_url: str
) -> None:
    line = Line(database_url)
    await line.lay()
    port = line.port
    async with running(database_url, redis_url, worker=False) as stack:
        given = environment(stack) | {"LOG_LEVEL": "INFO", "PORT": "0"}
        await line.cut()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", command, env=given | {"DATABASE_URL": line.url},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async with asyncio.timeout(40):
                while b"database_awaited" not in await process.stdout.readline():
                    assert process.returncode is None
                assert line.port == port
                await line.lay()
                started = {"worker": b"worker_joined", "serve": b"API: http"}[command]
                while started not in await process.stdout.readline():
                    assert process.returncode is None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.communicate()
        assert process.returncode == 0
        impatient = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", command,
            env=given | {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "DATABASE_WAIT_SECONDS": "0.5"},
            stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        _, told = await asyncio.wait_for(impatient.communicate(), 40)
        assert impatient.returncode == ExitCode.UPSTREAM
        assert b"PostgreSQL at 127.0.0.1 port" in told
    await line.cut()


async def test_the_queue_is_listened_to_again_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SystemClock()
    waited: list[float] = []

    class Enough(BaseException):
        pass

    class Hands:
        def monotonic(self) -> float:
            return clock.monotonic()

        async def sleep(self, seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 8:
                raise Enough

    async def refused(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(supervisor, "_listen", refused)
    with pytest.raises(Enough):
        await keep_queue(None, "redis://127.0.0.1:1", Hands(), "test")  # type: ignore[arg-type]
    assert waited[0] < waited[-1] <= 1.0
