"""The servers that come with the service: a real PostgreSQL and a real Valkey in a directory.

Used where DATABASE_URL or REDIS_URL is empty. Owns their data, ports, passwords and lives; must
not know tables or queues. Each server has a keeper (see `keeper.py`) that starts it again when it
dies and stops it when the last process using it is gone, in whatever way that process went.

    async with await embedded.start(Path(".demandlink"), postgres=True, redis=True) as servers:
        connect(servers.database_url)
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from app.embedded.errors import EmbeddedError, EmbeddedUnavailableError, unusable

if TYPE_CHECKING:
    from app.embedded.lifecycle import Hold

__all__ = [
    "EmbeddedError",
    "EmbeddedUnavailableError",
    "Servers",
    "running_database",
    "start",
    "start_sync",
    "unusable",
]

POSTGRES = "postgres"
REDIS = "redis"


class Servers:
    """Running servers, in use until `stop` (or `stop_sync`, or the end of a with block).

    Servers in use by several processes stop with the last of them.
    """

    def __init__(self, holds: dict[str, Hold]) -> None:
        self._holds = holds
        self._urls = {name: hold.url for name, hold in holds.items()}

    @property
    def database_url(self) -> str:
        """`postgresql://user:password@127.0.0.1:port/demandlink`; empty if not asked for."""
        return self._urls.get(POSTGRES, "")

    @property
    def redis_url(self) -> str:
        """`redis://:password@127.0.0.1:port/0`; empty if not asked for."""
        return self._urls.get(REDIS, "")

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by `postgres` and `redis`, as of now: a server that died gets a new one."""
        found = ((name, hold.pid) for name, hold in self._holds.items())
        return {name: pid for name, pid in found if pid is not None}

    @property
    def owner(self) -> bool:
        """Whether we started any of them, rather than finding all of them running."""
        return any(hold.owner for hold in self._holds.values())

    def stop_sync(self) -> None:
        """Let go of them. Servers that nobody else uses have stopped when this returns."""
        holds, self._holds = self._holds, {}
        for hold in holds.values():
            hold.release()

    async def stop(self) -> None:
        """`stop_sync` without blocking the loop."""
        await asyncio.to_thread(self.stop_sync)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_sync()


def start_sync(
    data_dir: Path, *, postgres: bool = True, redis: bool = True, durable: bool = True
) -> Servers:
    """Start the servers asked for below `data_dir`, or attach to those already running there.

    `durable=False` is for tests: faster, and nothing survives a crash of the machine.
    Blocks about a second at the first start, a third of one later. Raises EmbeddedUnavailableError
    when this machine can run one of them neither from a wheel nor from the PATH (the text names
    what to install or set), EmbeddedError when one does not start.
    """
    if sys.platform == "win32":
        raise EmbeddedUnavailableError(
            "There are no embedded servers on Windows. Set DATABASE_URL and REDIS_URL to servers "
            "of your own, or use `docker compose up`."
        )
    # Here, because these modules exist on POSIX systems only.
    from app.embedded.lifecycle import Server, hold
    from app.embedded.postgres import PostgresServer
    from app.embedded.valkey import ValkeyServer

    root = data_dir.absolute()
    wanted: dict[str, Server] = {}
    if postgres:
        wanted[POSTGRES] = PostgresServer(root / POSTGRES, durable=durable)
    if redis:
        wanted[REDIS] = ValkeyServer(root / REDIS)
    problems = []
    for server in wanted.values():  # both before either starts, so that one message names both
        try:
            server.check()
        except EmbeddedUnavailableError as error:
            problems.append(str(error))
    if problems:
        raise EmbeddedUnavailableError("\n".join(problems))
    with contextlib.ExitStack() as undo:
        holds = {}
        for name, server in wanted.items():
            holds[name] = hold(server)
            undo.callback(holds[name].release)
        undo.pop_all()
        return Servers(holds)


async def start(
    data_dir: Path, *, postgres: bool = True, redis: bool = True, durable: bool = True
) -> Servers:
    """`start_sync` without blocking the loop."""
    return await asyncio.to_thread(
        start_sync, data_dir, postgres=postgres, redis=redis, durable=durable
    )


def running_database(data_dir: Path) -> str | None:
    """Address of the PostgreSQL that somebody else runs below `data_dir`, None where none runs.

    For a glance: it starts nothing, takes no part in keeping the server up, and the server may be
    gone by the time it is called. Raises OSError where its password may not be read.
    """
    if sys.platform == "win32":
        return None
    from app.embedded.keeper import read_state
    from app.embedded.postgres import PostgresServer

    server = PostgresServer(data_dir.absolute() / POSTGRES, durable=True)
    state = read_state(server.directory)
    if state is None or state.stopping or not server.is_ready(state):
        return None
    return server.url(state.port)
