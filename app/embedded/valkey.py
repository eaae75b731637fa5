"""Our own Valkey (or Redis): its settings, its password, and when it is ready.

It only wakes workers: nothing in it is kept over a restart. Must not start or stop it.
"""

from __future__ import annotations

import secrets
import signal
import socket
from pathlib import Path
from typing import ClassVar

from app.embedded.binaries import find_redis
from app.embedded.keeper import Spec, State, write_private

# Each test worker has a database number of its own.
DATABASES = 64


class ValkeyServer:
    """Valkey below `directory`, held in memory only."""

    name: ClassVar[str] = "Valkey"
    stop_signal: ClassVar[int] = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._password_file = directory / "password"
        self._configuration = directory / "valkey.conf"
        self._program: Path | None = None

    def check(self) -> None:
        """Raise EmbeddedUnavailableError if this machine has no such server."""
        self._program = find_redis()

    def prepare(self) -> None:
        """Make a password if there is none yet."""
        if not self._password_file.exists():
            write_private(self._password_file, secrets.token_urlsafe(24))

    def spec(self, port: int) -> Spec:
        """How the keeper starts it; writes its settings, since arguments can be read by all."""
        if self._program is None:
            self.check()
        settings = [
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {self._password()}",
            f"databases {DATABASES}",
            f"dir {_quoted(str(self.directory))}",
            'save ""',
            "appendonly no",
            "daemonize no",
        ]
        write_private(self._configuration, "\n".join(settings))
        return Spec(
            directory=str(self.directory),
            command=[str(self._program), str(self._configuration)],
            stop_signal=self.stop_signal,
            port=port,
        )

    def is_ready(self, state: State) -> bool:
        """Whether it answers to our password on that port (a stranger's server would not)."""
        hello = f"AUTH {self._password()}\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", state.port), timeout=2) as connection:
                connection.sendall(hello)
                return connection.recv(64).startswith(b"+OK")
        except OSError:
            return False

    def url(self, port: int) -> str:
        """Address with password, database 0."""
        return f"redis://:{self._password()}@127.0.0.1:{port}/0"

    def possible_orphans(self) -> list[int]:
        """None beyond the one that the keeper told of: it writes no pid file."""
        return []

    def marks(self, port: int) -> list[str]:
        """What the command line of our server contains: it may rename itself to its address."""
        return [str(self._configuration), f"127.0.0.1:{port}"]

    def _password(self) -> str:
        return self._password_file.read_text().strip()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
