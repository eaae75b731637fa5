"""Starts an embedded server or attaches to the running one, and lets go of it.

Owns the locks, the choice of a port, and what is left of the dead. Must not know one server from
another: that is `postgres` and `valkey`, behind `Server`.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from app.embedded import keeper
from app.embedded.errors import EmbeddedError, full_disk, unusable
from app.embedded.keeper import Spec, State

READY_WITHIN = 120.0  # seconds; PostgreSQL may have much to read after it was killed
ORPHAN_STOPS_WITHIN = 10.0  # seconds before a server left by a dead keeper is killed
LOOK_EVERY = 0.01  # seconds
PORT_ATTEMPTS = 3

# Below the ports that systems hand to outgoing connections (Linux from 32768, macOS from 49152):
# a server that must come back on its port after a crash finds it free.
PORTS = range(21_000, 32_000)

# Keepers that outlive our use of their server, kept so that they can be waited for once they end.
_left_running: list[subprocess.Popen[bytes]] = []


@atexit.register
def _forget_keepers() -> None:
    """They live on by design; without this, Python would warn of each at its own end."""
    for process in _left_running:
        process.poll()
        process.returncode = process.returncode or 0


class Server(Protocol):
    """One kind of server, in a directory of its own."""

    directory: Path

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def stop_signal(self) -> int:
        """The signal after which it stops cleanly."""

    def check(self) -> None:
        """Raise EmbeddedUnavailableError where it cannot run."""

    def prepare(self) -> None:
        """Lay out its data. No server of ours runs on it at that moment."""

    def spec(self, port: int) -> Spec:
        """How to run it on this port."""

    def is_ready(self, state: State) -> bool:
        """Whether the server of this state, and no other, takes connections."""

    def url(self, port: int) -> str:
        """Where clients find it, password included."""

    def possible_orphans(self) -> list[int]:
        """Process ids that its data names; they may be dead or somebody else's by now."""

    def marks(self, port: int) -> list[str]:
        """Texts of which the command line of our server on that port contains one."""


class Hold:
    """One use of a running server; it runs at least until `release`."""

    def __init__(
        self, server: Server, port: int, in_use: int, started: subprocess.Popen[bytes] | None
    ) -> None:
        self._server = server
        self._port = port
        self._in_use = in_use
        self._started = started

    @property
    def owner(self) -> bool:
        """Whether this use started the server, rather than finding it running."""
        return self._started is not None

    @property
    def url(self) -> str:
        """Where clients find it; unchanged when the keeper starts it again after a crash."""
        return self._server.url(self._port)

    @property
    def pid(self) -> int | None:
        """The server's process id at this moment; None while it is being started again."""
        state = keeper.read_state(self._server.directory)
        return state.pid if state else None

    def release(self) -> None:
        """Let go. The last user returns only when the server has stopped. Safe to call twice."""
        if self._in_use < 0:
            return
        in_use, self._in_use = self._in_use, -1
        directory = self._server.directory
        try:
            if keeper.try_lock(in_use):  # nobody else; whoever comes now waits for this lock
                _stop_keeper(self._server)
            else:
                # Others use it, or the keeper saw us alone in this very moment and stops it.
                time.sleep(LOOK_EVERY)
                state = keeper.read_state(directory)
                if state is not None and state.stopping:
                    _wait_until(lambda: not keeper_lives(directory), keeper.STOP_WITHIN + 5)
        finally:
            os.close(in_use)
        for process in _left_running:
            process.poll()
        if self._started is not None:
            if keeper_lives(directory):
                _left_running.append(self._started)
            else:
                self._started.wait()


def hold(server: Server) -> Hold:
    """Use `server`: attach if it runs, else start it.

    Raises EmbeddedUnavailableError (this machine has no such program) and EmbeddedError (it does
    not start; with the end of its log). Blocks: half a second for a first start.
    """
    directory = server.directory
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o711)
        with _alone(directory / keeper.START_LOCK):
            # Waits while a keeper, which holds it alone, is stopping the server.
            in_use = keeper.open_lock(directory / keeper.IN_USE)
            try:
                fcntl.flock(in_use, fcntl.LOCK_SH)
                port = _attach(server)
                if port is not None:
                    return Hold(server, port, in_use, None)
                server.check()
                _stop_orphans(server)
                server.prepare()
                port, started = _start(server)
                return Hold(server, port, in_use, started)
            except BaseException:
                os.close(in_use)
                raise
    except OSError as error:
        if (told := unusable(error, directory)) is not None:
            raise told from error
        raise


def keeper_lives(directory: Path) -> bool:
    """Whether a keeper holds its lock on this directory."""
    try:
        lock = keeper.open_lock(directory / keeper.KEEPER_LOCK)
    except FileNotFoundError:  # the directory itself is gone
        return False
    try:
        return not keeper.try_lock(lock)
    finally:
        os.close(lock)


def _attach(server: Server) -> int | None:
    """The port of the running server, or None if none runs."""
    deadline = time.monotonic() + READY_WITHIN
    while keeper_lives(server.directory):
        state = keeper.read_state(server.directory)
        if state is not None and state.pid is not None and server.is_ready(state):
            return state.port
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{server.name} does not become ready.{_end_of_log(server)}")
        time.sleep(LOOK_EVERY)
    return None


def _start(server: Server) -> tuple[int, subprocess.Popen[bytes]]:
    last = keeper.read_state(server.directory)
    wanted = last.port if last else None
    for _ in range(PORT_ATTEMPTS):
        port = _free_port(wanted)
        wanted = None
        spec = server.spec(port)
        log = os.open(server.directory / keeper.LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            process = subprocess.Popen(  # noqa: S603  our own program
                [sys.executable, "-I", "-S", keeper.__file__, "keep", json.dumps(asdict(spec))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for those who use the server
            )
        finally:
            os.close(log)
        if _becomes_ready(server, process):
            return port, process
        if _is_free(port):
            break  # not the port's fault: another one would not help
    tail = _end_of_log(server)
    raise full_disk(server.directory, tail) or EmbeddedError(f"{server.name} does not start.{tail}")


def _becomes_ready(server: Server, process: subprocess.Popen[bytes]) -> bool:
    """False once the keeper has given up; ends the keeper if nothing happens for too long."""
    deadline = time.monotonic() + READY_WITHIN
    try:
        while process.poll() is None:
            state = keeper.read_state(server.directory)
            if (
                state is not None
                and state.keeper_pid == process.pid
                and state.pid is not None
                and server.is_ready(state)
            ):
                return True
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_EVERY)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    process.terminate()
    process.wait()
    return False


def _stop_keeper(server: Server) -> None:
    """Have the keeper stop its server and end; with no keeper left, stop the server ourselves."""
    state = keeper.read_state(server.directory)
    if keeper_lives(server.directory):
        if state is not None and state.keeper_pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(state.keeper_pid, signal.SIGTERM)
        # It would also notice by itself, as soon as our lock is gone.
        _wait_until(lambda: not keeper_lives(server.directory), keeper.STOP_WITHIN + 5)
    else:
        _stop_orphans(server)


def _stop_orphans(server: Server) -> None:
    """Stop a server of ours whose keeper is dead (killed where the kernel passes on no signal)."""
    state = keeper.read_state(server.directory)
    pids = set(server.possible_orphans())
    if state is not None and state.pid is not None:
        pids.add(state.pid)
    marks = server.marks(state.port if state else 0)
    for pid in pids:
        if _is_gone(pid, marks):
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, server.stop_signal)
            gone = functools.partial(_is_gone, pid, marks)
            if not _wait_until(gone, ORPHAN_STOPS_WITHIN):
                os.kill(pid, signal.SIGKILL)
                _wait_until(gone, ORPHAN_STOPS_WITHIN)


def _is_gone(pid: int, marks: list[str]) -> bool:
    """Whether no process, or another than our server, has this number: numbers come back."""
    if Path("/proc/self").exists():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            return True
    else:
        command = subprocess.run(  # noqa: S603  macOS has no /proc
            ["/bin/ps", "-o", "command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
    return not any(mark in command for mark in marks)


def _free_port(wanted: int | None) -> int:
    """`wanted` if it is free, else a free one out of PORTS."""
    # Not a secret, and not the engine's random port: which one is taken changes nothing we promise.
    candidates = random.sample(PORTS, k=200)
    if wanted is not None:
        candidates.insert(0, wanted)
    for port in candidates:
        if _is_free(port):
            return port
    raise EmbeddedError(
        f"No free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}. "
        "Set DATABASE_URL and REDIS_URL to servers of your own."
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY)
    return True


def _end_of_log(server: Server) -> str:
    path = server.directory / keeper.LOG
    try:
        lines = path.read_text(errors="replace").splitlines()[-15:]
    except OSError:
        return ""
    return f" The end of its log {path}:\n" + "\n".join(lines)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = keeper.open_lock(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
