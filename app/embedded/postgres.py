"""Our own PostgreSQL: how its data is laid out, how it is started, and when it is ready.

Owns its settings and its password. Must not start or stop it: `lifecycle` and the keeper do.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from app.embedded.binaries import Postgres, find_postgres
from app.embedded.errors import EmbeddedError, full_disk
from app.embedded.keeper import Spec, State, launch_command, write_private

DATABASE = "demandlink"
USER = "demandlink"

# Root hands the server to one of these, the first that exists; PostgreSQL refuses root itself.
_STAND_INS = ("postgres", "nobody")

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # Socket paths are limited to about 100 bytes; a data directory may lie deeper than that.
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    # Shared memory in the data directory: a killed server leaves nothing in /dev/shm.
    "dynamic_shared_memory_type": "mmap",
    # No replicas: less is written ahead.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "512MB",
    # Short queries by key only: planning a just-in-time compilation costs more than it gives.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# For tests: a crash of the machine loses everything, but one of the server nothing that was
# committed. (That is why synchronous_commit stays on: without fsync it is only a write.)
_NOT_DURABLE = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


@dataclass(frozen=True)
class RunAs:
    """The user that the server runs as; None everywhere means ourselves."""

    uid: int | None = None
    gid: int | None = None
    keep_access: bool = False


class PostgresServer:
    """PostgreSQL below `directory`. `durable=False` trades safety in a power cut for speed."""

    name: ClassVar[str] = "PostgreSQL"
    stop_signal: ClassVar[int] = signal.SIGINT  # fast: ends sessions, writes a checkpoint

    def __init__(self, directory: Path, *, durable: bool) -> None:
        self.directory = directory
        self._durable = durable
        self._data = directory / "data"
        self._password_file = directory / "password"
        self._binaries: Postgres | None = None

    def check(self) -> None:
        """Raise EmbeddedUnavailableError if this machine cannot run it on this data."""
        self._found()

    def prepare(self) -> None:
        """Make the data directory if it is not there. Half-made ones never get its name."""
        if self._data.exists():
            self._clear_foreign_pid_file()
            return
        binaries = self._found()
        run_as = self._run_as()
        unfinished = self.directory / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password = secrets.token_urlsafe(24)
        pass_in = self.directory / "password.initdb"
        write_private(pass_in, password)
        write_private(self._password_file, password)
        if run_as.uid is not None and run_as.gid is not None:
            os.chown(unfinished, run_as.uid, run_as.gid)
            os.chown(pass_in, run_as.uid, run_as.gid)
        initdb = [str(binaries.directory / "initdb"), "-D", str(unfinished), "-U", USER]
        initdb += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        initdb += ["--auth=scram-sha-256", f"--pwfile={pass_in}"]
        if binaries.major >= 16:  # noqa: PLR2004  a version
            # Many rounds protect weak passwords. This one has 192 random bits, and every
            # connection of every test would pay for them.
            initdb += ["--set", "scram_iterations=1"]
        if binaries.major >= 17:  # noqa: PLR2004  a version
            # Sorts by code point on every system, yet knows upper and lower case beyond ASCII.
            initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self._durable:
            initdb += ["--no-sync"]
        self._run(initdb, run_as)
        pass_in.unlink()
        single = [str(binaries.directory / "postgres"), "--single", "-D", str(unfinished)]
        if not self._durable:
            single += ["-F"]
        self._run([*single, "postgres"], run_as, stdin=f"CREATE DATABASE {DATABASE};\n")
        unfinished.rename(self._data)

    def spec(self, port: int) -> Spec:
        """How the keeper starts it, listening on `port` of 127.0.0.1 only."""
        run_as = self._run_as()
        settings = _SETTINGS | {"port": str(port)} | ({} if self._durable else _NOT_DURABLE)
        command = [str(self._found().directory / "postgres"), "-D", str(self._data)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        return Spec(
            directory=str(self.directory),
            command=command,
            stop_signal=self.stop_signal,
            port=port,
            uid=run_as.uid,
            gid=run_as.gid,
            keep_access=run_as.keep_access,
        )

    def is_ready(self, state: State) -> bool:
        """Whether the server of this state takes connections.

        Read from its own pid file, so that a stranger who took the port cannot pass for it.
        """
        try:
            lines = (self._data / "postmaster.pid").read_text().split("\n")
        except OSError:
            return False
        # pid, data directory, start, port, socket directory, address, shared memory, status
        return len(lines) > 7 and lines[0] == str(state.pid) and lines[7].strip() == "ready"  # noqa: PLR2004  the line

    def url(self, port: int) -> str:
        """Address with user and password, for asyncpg and SQLAlchemy alike."""
        password = self._password_file.read_text().strip()
        return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    def possible_orphans(self) -> list[int]:
        """Process ids that our data directory names as its server."""
        try:
            return [int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])]
        except (OSError, ValueError):
            return []

    def marks(self, _port: int) -> list[str]:
        """What the command line of our server contains and no other's does."""
        return [str(self._data)]

    def _clear_foreign_pid_file(self) -> None:
        """Remove a pid file whose number now belongs to somebody else.

        PostgreSQL would refuse to start, and in containers small numbers come back soon. Called
        when `lifecycle` has stopped every server of ours. A number that is dead is left to
        PostgreSQL's own check, which also looks for surviving children.
        """
        for pid in self.possible_orphans():
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                continue
            except PermissionError:
                pass  # alive, and of another user
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _found(self) -> Postgres:
        if self._binaries is None:
            made_by = None
            if (self._data / "PG_VERSION").exists():
                made_by = int((self._data / "PG_VERSION").read_text())
            self._binaries = find_postgres(made_by)
        return self._binaries

    def _run_as(self) -> RunAs:
        if os.geteuid() != 0:
            return RunAs()
        user = _stand_in()
        uid, gid = user.pw_uid, user.pw_gid
        if self._data.exists():  # whoever it belongs to stays its user
            owner = self._data.stat()
            uid, gid = owner.st_uid, owner.st_gid
        paths = (self.directory, self._found().directory / "postgres")
        closed = [path for path in paths if not _open_to_all(path)]
        if closed and sys.platform != "linux":
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and its stand-in {user.pw_name} cannot enter "
                f"{closed[0]}. Run as an ordinary user, or set DATABASE_URL."
            )
        return RunAs(uid, gid, keep_access=bool(closed))

    def _run(self, command: list[str], run_as: RunAs, *, stdin: str = "") -> None:
        spec = Spec(
            directory=str(self.directory),
            command=command,
            stop_signal=self.stop_signal,
            port=0,
            uid=run_as.uid,
            gid=run_as.gid,
            keep_access=run_as.keep_access,
        )
        done = subprocess.run(  # noqa: S603  our own launcher
            launch_command(spec),
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.directory,
            check=False,
        )
        if done.returncode != 0:
            if (full := full_disk(self.directory, done.stderr + done.stdout)) is not None:
                raise full
            raise EmbeddedError(
                f"PostgreSQL's data directory {self._data} could not be made: "
                f"{Path(command[0]).name} said: {(done.stderr or done.stdout).strip()}"
            )


def _stand_in() -> pwd.struct_passwd:
    for name in _STAND_INS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody` "
        "to run it as. Run as an ordinary user, or set DATABASE_URL."
    )


def _open_to_all(path: Path) -> bool:
    """Whether any user may pass every directory down to `path` and use `path` itself."""
    resolved = path.resolve()
    return all(place.stat().st_mode & 0o001 for place in (resolved, *resolved.parents))
