"""The pool of connections, and what "the database is not there" means.

Owns how a connection is set up and which errors are StoreUnavailable. Knows no table; nothing
outside this package imports asyncpg's errors.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeAlias

import asyncpg

from app.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy


Session: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

POOL_SIZE = 8
CONNECT_SECONDS = 5.0
# No statement of ours takes a second; one that does has met a lock, a full disk or a dead host.
STATEMENT_SECONDS = 8.0
LOCK_SECONDS = 5
IDLE_IN_TRANSACTION_SECONDS = 15

# Server-side: gone, stopping, starting, read-only, full, out of memory or connections, timed out.
_UNAVAILABLE: tuple[type[BaseException], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
# Two transactions met; one of them has to be done again.
_CLASHES = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


async def fetch_anew(session: Session, statement: str, *values: object) -> list[asyncpg.Record]:
    """The rows of a list, planned for these values. Which index serves it depends on what is asked for;
    a plan that was kept for whatever may be asked goes through all rows for what is rare."""
    prepared = await session.prepare(statement)
    return await prepared.fetch(*values)


class Clash(StoreUnavailable):
    """The transaction lost against another one and may be tried again at once."""


def unavailable(error: BaseException) -> bool:
    """Whether an error says that the database cannot do it now, rather than that we are wrong."""
    if isinstance(error, asyncpg.InterfaceError):
        # A closed connection or pool; but a value that cannot be encoded is our own mistake.
        return not isinstance(error, ValueError)
    return isinstance(error, _UNAVAILABLE)


@contextmanager
def translated() -> Iterator[None]:
    """Errors of an absent database as StoreUnavailable; all others as they are."""
    try:
        yield
    except _CLASHES as error:
        raise Clash(f"{type(error).__name__}: {error}") from error
    except Exception as error:
        if not unavailable(error):
            raise
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


async def _prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    await connection.set_type_codec(
        "json", encoder=json.dumps, decoder=json.loads, schema="pg_catalog"
    )


async def _nothing_to_forget(_: object) -> None:
    """What a connection of the pool holds ends with its transaction, which asyncpg has rolled back by
    now: locks and limits that outlive one are taken by `dedicated` connections only. asyncpg's own
    reset would be a second round trip to the server after each statement: half of all statements."""


def connection_settings(name: str) -> dict[str, str]:
    """Server settings of every connection. The time limits are the server's own too, so that a
    statement whose client is gone ends as well."""
    return {
        "application_name": name,
        "timezone": "UTC",
        "statement_timeout": f"{int(STATEMENT_SECONDS * 1000)}",
        "lock_timeout": f"{LOCK_SECONDS * 1000}",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS * 1000}",
        # Short statements over few rows: compiling them costs more than it gives.
        "jit": "off",
    }


class Database:
    """One pool. Connections are made when they are needed, and again after a restart."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], url: str, name: str) -> None:
        self.pool = pool
        self._url = url
        self._name = name

    @classmethod
    async def open(cls, url: str, *, name: str = "demandlink", size: int = POOL_SIZE) -> Database:
        """Does not connect yet: a service may start before its database does."""
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=size,
            timeout=CONNECT_SECONDS,
            # A little after the server's own limit, which is the one that frees its locks.
            command_timeout=STATEMENT_SECONDS + 2,
            init=_prepare,
            reset=_nothing_to_forget,
            server_settings=connection_settings(name),
        )
        return cls(pool, url, name)

    async def close(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.pool.close()
        except TimeoutError:
            self.pool.terminate()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection of the pool. Raises StoreUnavailable, also out of the block."""
        with translated():
            async with self.pool.acquire(timeout=CONNECT_SECONDS) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A transaction of a connection of the pool. Raises StoreUnavailable."""
        async with self.session() as session, session.transaction():
            yield session

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """A connection of its own. The server notices within seconds when its host is lost."""
        keepalive = {
            "idle_session_timeout": "0",
            "tcp_keepalives_idle": "5",
            "tcp_keepalives_interval": "2",
            "tcp_keepalives_count": "3",
        }
        with translated():
            connection = await asyncpg.connect(
                self._url,
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                server_settings=connection_settings(self._name) | keepalive,
            )
        try:
            yield connection
        finally:
            await _close(connection)


async def _close(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    try:
        await connection.close(timeout=2)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection.terminate()


class Part:
    """Base of the parts that make up the store: they share one database."""

    def __init__(self, database: Database) -> None:
        self._db = database
