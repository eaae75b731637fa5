"""`backup` and `restore`: the database as a file, and back.

Owns the layout, and the refusal to restore over what stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from app.cli import frame
from app.cli.frame import AsJson, ExitCode, Told

KEYS = (
    "SECRETS_KEYS is not in it: keep those keys apart. Without them what it holds of sign-ins to "
    "ledgers, and of personal data of calls, cannot be read."
)
NEXT = (
    "Before you start a worker, read docs/how-to/backup-and-restore.md: it tells what to look at."
)


def register(parent: typer.Typer) -> None:
    parent.command("backup")(backup)
    parent.command("restore")(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the whole database to a file, while the service works."""
    from app import embedded
    from app.embedded import backups

    if file.exists() and not force:
        raise Told(f"{file} is there already. Choose another name, or use --force.", ExitCode.USAGE)
    with _database() as url:
        try:
            backups.dump(url, file)
        except embedded.EmbeddedError as error:
            raise Told(str(error), ExitCode.UPSTREAM, "BACKUP_FAILED") from error
    size = file.stat().st_size
    if as_json:
        frame.print_json({"file": str(file), "bytes": size})
        return
    frame.say(f"The database is in {file}, {size:,} bytes. {KEYS}")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Fill an empty database from a backup, and bring it to the schema of this version."""
    from app import embedded
    from app.cli.server import upgraded
    from app.embedded import backups

    with _database() as url:
        if asyncio.run(_holds_something(url)):
            raise Told(
                "The database is not empty, and nothing is restored over what stands. Make a new "
                "one and name it in DATABASE_URL, or a new DEMANDLINK_DATA_DIR for the embedded one.",
                ExitCode.BLOCKED,
                "DATABASE_NOT_EMPTY",
            )
        try:
            backups.load(url, file)
        except embedded.EmbeddedError as error:
            raise Told(str(error), ExitCode.FAILED, "RESTORE_FAILED") from error
        before, after = upgraded(url)
    if as_json:
        frame.print_json({"file": str(file), "before": before, "after": after})
        return
    frame.say(f"The database is restored from {file}, at {after}. {NEXT}")


@contextmanager
def _database() -> Iterator[str]:
    """The address of the database of the settings; an embedded one runs meanwhile."""
    from app import embedded, telemetry
    from app.settings import Settings

    settings = Settings()
    telemetry.configure("WARNING")
    if settings.database_url:
        yield settings.database_url
        return
    with embedded.start_sync(settings.demandlink_data_dir, redis=False) as servers:
        yield servers.database_url


async def _holds_something(url: str) -> bool:
    import asyncpg

    query = """
        SELECT EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema')
    """
    try:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            return bool(await connection.fetchval(query))
        finally:
            await connection.close()
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        raise Told(
            f"The database cannot be reached: {str(error) or type(error).__name__}. "
            "See DATABASE_URL.",
            ExitCode.UPSTREAM,
            "DATABASE_UNAVAILABLE",
        ) from error
