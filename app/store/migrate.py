"""Brings a database to the schema that this code knows: `upgrade`, `head`, `at_head`.

Owns the lock by which two starts do not clash. The only module that loads Alembic at run time,
and only when it is called.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

LOCK = 0x44_4C_4D_47  # any number that only migrations take: "DLMG"
MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = MIGRATIONS / "versions"
WAIT_SECONDS = 60
# Long enough for building an index, short enough that a blocked start says so.
STATEMENT_SECONDS = 600
# A migration that waits for a lock blocks everyone behind it: better fail and try again.
LOCK_SECONDS = 10


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
    """Whether the database behind an asyncpg pool has exactly this code's schema."""
    return await revision(pool) == head()


def upgrade(database_url: str) -> None:
    """Bring the database to head. Safe to be called by several starts at once: one works, the
    others wait up to a minute and find nothing to do.

    Blocking; not to be called inside a running event loop (use a thread).
    """
    asyncio.run(_upgrade(database_url))


async def _upgrade(database_url: str) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect() -> Any:
        # asyncpg reads the address itself: it knows more forms of it than SQLAlchemy does.
        return await asyncpg.connect(
            database_url,
            timeout=30,
            server_settings={
                "application_name": "demandlink migrate",
                "statement_timeout": f"{STATEMENT_SECONDS}s",
                "lock_timeout": f"{LOCK_SECONDS}s",
            },
        )

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    guard = await connect()
    try:
        await guard.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'")
        await guard.execute("SELECT pg_advisory_lock($1)", LOCK)
        if await revision(guard) == head():
            return
        async with engine.begin() as connection:
            await connection.run_sync(_run)
    finally:
        await guard.close()  # frees the lock
        await engine.dispose()


def _run(connection: Connection) -> None:
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
