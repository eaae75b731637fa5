"""Helpers of the tests of the embedded servers: start them, ask them, see whether they live."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import redis

from app import embedded


def start(directory: Path, **more: bool) -> embedded.Servers:
    return embedded.start_sync(directory, **{"durable": False, **more})


def start_postgres(directory: Path) -> embedded.Servers:
    return start(directory, redis=False)


def start_valkey(directory: Path) -> embedded.Servers:
    return start(directory, postgres=False)


def query(url: str, *statements: str) -> object:
    """The first value of the last statement's answer."""

    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetchval(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(run())


def ping(url: str) -> bool:
    with contextlib.closing(redis.Redis.from_url(url)) as client:
        return bool(client.ping())


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and waits for its parent does not."""
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def wait_for_another(servers: embedded.Servers, name: str, pid: int) -> None:
    wait_until(lambda: servers.pids.get(name, pid) != pid)


def eventually(work: Callable[[], object], seconds: float = 10) -> object:
    """The result of `work` once the server takes connections again."""
    end = time.monotonic() + seconds
    while True:
        try:
            return work()
        except (OSError, asyncpg.PostgresError, redis.RedisError):
            assert time.monotonic() < end, "the server did not come back"
            time.sleep(0.05)
