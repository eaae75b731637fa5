"""Brings a database to the schema that this code knows: `upgrade`, `head`, `at_head`.

Owns the lock by which two starts do not clash, and the patience by which a migration runs while
other versions serve (docs/decisions/0039). The only module that loads Alembic at run time, and only
when it is called.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from app.domain.errors import StoreUnavailable
from app.store import partitions

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

LOCK = 0x44_4C_4D_47  # any number that only migrations take: "DLMG"
MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = MIGRATIONS / "versions"
WAIT_SECONDS = 60
LOOK_SECONDS = 0.1
# Long enough for building an index, short enough that a blocked start says so.
STATEMENT_SECONDS = 600
# A migration that waits for a lock blocks everyone behind it: better give way and try again. Less
# than the service's own patience with locks, so that nobody fails by it.
LOCK_SECONDS = 2.0
TRIES = 30
PAUSE_SECONDS = 1.0


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest revision that this code knows. Revisions are numbered, so the names of the files
    say it, and asking for it does not load Alembic."""
    return max(file.name.partition("_")[0] for file in VERSIONS.glob("[0-9]*.py"))


async def revision(connection: Any) -> str | None:
    """The revision of a database (an asyncpg connection or pool), None for an empty one."""
    try:
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return None
    return str(found) if found is not None else None


async def at_head(pool: Any) -> bool:
    """Whether the database behind an asyncpg pool has what this code needs."""
    return serves(await revision(pool))


def serves(found: str | None) -> bool:
    """Whether this code can work on a database of this revision: its own, or one that the next
    release has expanded already."""
    return found is not None and found >= head()


def upgrade(database_url: str) -> None:
    """Bring the database to head. Safe to be called by several starts at once: one works, the
    others wait up to a minute and find nothing to do. A database that is ahead is left alone.

    Blocking; not to be called inside a running event loop (use a thread). Raises StoreUnavailable
    when a lock could not be had in time; what was finished stays, and a further call goes on there.
    """
    asyncio.run(_upgrade(database_url))


async def _upgrade(database_url: str) -> None:
    async with guarded(database_url) as (guard, connect):
        if not serves(await revision(guard)):
            await patiently(guard, connect, _run)
        if await revision(guard) == head():
            await partitions.make_room(guard)


@asynccontextmanager
async def guarded(database_url: str) -> AsyncIterator[tuple[Any, Callable[[], Awaitable[Any]]]]:
    """A connection that holds the lock of migrations, and how to open more like it."""

    async def connect() -> Any:
        # asyncpg reads the address itself: it knows more forms of it than SQLAlchemy does.
        return await asyncpg.connect(
            database_url,
            timeout=30,
            server_settings={
                "application_name": "demandlink migrate",
                "timezone": "UTC",
                "statement_timeout": f"{STATEMENT_SECONDS}s",
                "lock_timeout": f"{int(LOCK_SECONDS * 1000)}",
            },
        )

    guard = await connect()
    try:
        await _alone(guard)
        yield guard, connect
    finally:
        await guard.close()  # frees the lock


async def _alone(guard: Any) -> None:
    """Take the lock of migrations. It is asked for again and again, not waited for: who waits in a
    statement holds a snapshot, and the building of an index waits for all of those."""
    for _ in range(int(WAIT_SECONDS / LOOK_SECONDS)):
        if await guard.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):
            return
        await _rest(guard, LOOK_SECONDS)
    raise StoreUnavailable(
        f"another migration of this database has been at work for {WAIT_SECONDS} seconds. "
        "Try again when it has ended"
    )


async def _rest(guard: Any, seconds: float) -> None:
    """The database's clock is the only one that the store knows."""
    await guard.execute(f"SELECT pg_sleep({seconds})")


async def patiently(guard: Any, connect: Any, work: Callable[[Connection], None]) -> None:
    """Have the work done on a connection of its own, again and again while others hold a table.
    Raises StoreUnavailable when they hold it for too long."""
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        for left in range(TRIES - 1, -1, -1):
            try:
                async with engine.connect() as connection:
                    await connection.run_sync(work)
                return
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != asyncpg.LockNotAvailableError.sqlstate:
                    raise
                if not left:
                    raise StoreUnavailable(
                        f"a table is locked by others for longer than {TRIES} tries of "
                        f"{LOCK_SECONDS:g} seconds: look for long transactions in pg_stat_activity "
                        "(a backup that runs is one), then migrate again; it goes on where it stopped"
                    ) from error
            await _rest(guard, PAUSE_SECONDS)
    finally:
        await engine.dispose()


def _run(connection: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
