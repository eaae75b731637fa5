"""Keeps one embedded server running for as long as a process uses it, then stops it.

A program of its own (`python -I -S keeper.py keep|launch`, standard library alone), so that it
outlives a killed owner: the kernel frees the locks of the dead, and no lock left means stop.
Must not know what it keeps: the command, the user and the stop signal come in a `Spec`.

Why a keeper, and not only PR_SET_PDEATHSIG in the servers: that signal fires when the *thread* that
started them ends, stops a database while other processes still use it, does not exist on macOS,
and restarts nothing. Here it guards the keeper's own death only.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# Files in a server's directory. Locks are flock(2) locks: freed by the kernel with the process.
START_LOCK = "start.lock"  # exclusive: the one process that decides whether to start or to attach
IN_USE = "in-use"  # shared: everyone who uses the server; exclusive: it is being stopped
KEEPER_LOCK = "keeper.lock"  # exclusive: a keeper lives
STATE = "server.json"
LOG = "server.log"

LOOK_EVERY = 0.25  # seconds between two looks whether anybody still uses the server
STOP_WITHIN = 30.0  # seconds a server gets to stop by itself before it is killed
QUICK_DEATH = 5.0  # seconds; a server that lived longer is proven: it is started again for ever
QUICK_DEATHS_ALLOWED = 5  # of one not proven; with doubling pauses: 1.5 seconds of trying
LONGEST_PAUSE = 2.0  # seconds between a death and the next start
LOG_LIMIT = 5_000_000  # bytes; a longer log is moved aside at the next start

_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_SECBIT_NO_SETUID_FIXUP = 1 << 2
_CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Spec:
    """One server to keep.

    directory: its own directory, where locks, state and log are. command: absolute program and
    arguments. uid, gid: whom to run it as (None: as we are). keep_access: on Linux, keep root's
    right to pass closed directories after becoming `uid`. stop_signal: what makes it stop cleanly.
    port: where it will listen, told to those who attach.
    """

    directory: str
    command: list[str]
    stop_signal: int
    port: int
    uid: int | None = None
    gid: int | None = None
    keep_access: bool = False


@dataclass(frozen=True)
class State:
    """What the keeper tells through server.json; `pid` is None while no server runs."""

    port: int
    pid: int | None = None
    keeper_pid: int | None = None
    stopping: bool = False


def read_state(directory: Path) -> State | None:
    """The last state told, or None if there is none or it cannot be understood."""
    try:
        raw = json.loads((directory / STATE).read_text())
        return State(**raw)
    except (OSError, ValueError, TypeError):
        return None


def write_state(directory: Path, state: State) -> None:
    """Tell the state through server.json."""
    write_private(directory / STATE, json.dumps(asdict(state)))


def write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, in one step, so that none sees half of it."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    new.replace(path)


def open_lock(path: Path) -> int:
    """A descriptor for flock; not inherited by the programs we start."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    """Take the lock alone, without waiting. A shared lock held on this descriptor is given up."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def launch_command(spec: Spec, *, keeper_pid: int = 0) -> list[str]:
    """The command line that becomes `spec.uid` and then `spec.command`, keeping its pid."""
    return [
        sys.executable,
        "-I",
        "-S",
        __file__,
        "launch",
        json.dumps(asdict(spec)),
        str(keeper_pid),
    ]


# The launcher's environment for servers: nothing of ours (PGDATA, LD_PRELOAD …) leaks in.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


def launch(spec: Spec, keeper_pid: int) -> None:
    """Become the server's user, ask to be stopped if the keeper dies, become the server."""
    if spec.uid is not None and spec.gid is not None and os.geteuid() == 0:
        _become(spec.uid, spec.gid, keep_access=spec.keep_access)
    if keeper_pid and sys.platform == "linux":
        # After the change of user, which clears it. The keeper has a single thread.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, spec.stop_signal, 0, 0, 0)
        if os.getppid() != keeper_pid:
            sys.exit("the keeper died before its server began")
    # The keeper ignores these two, and an ignored signal stays ignored across exec.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.umask(0o077)
    os.execve(spec.command[0], spec.command, ENVIRONMENT)  # noqa: S606  the point of this function


def _become(uid: int, gid: int, *, keep_access: bool) -> None:
    """Give up root for good; with `keep_access` all of it but the right to pass closed directories.

    PostgreSQL refuses to run as root, yet a checkout below /root or in a fresh temporary directory
    can be entered by nobody else. Opening those directories to everyone would change the machine
    outside our data directory; one kept capability does not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # Neither the change of user nor access(2), by which initdb looks for its programs, then
    # takes the capability away.
    kept = not keep_access or libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0
    try:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    except OSError as error:
        sys.exit(
            f"PostgreSQL does not run as root, and this root may not become another user ({error})."
            " Run as an ordinary user, or set DATABASE_URL."
        )
    if keep_access:
        bit = 1 << _CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        # effective, permitted, inheritable; then the same for capabilities 32 and up
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        kept = kept and libc.capset(header, sets) == 0
        kept = (
            kept
            and libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0) == 0
        )
        if not kept:
            sys.exit(
                "This root may not pass on its access to closed directories "
                f"({os.strerror(ctypes.get_errno())}). Move the project and its data to "
                "directories open to all, run as an ordinary user, or set DATABASE_URL."
            )


class Keeper:
    """The loop: start, watch, start again if it dies, stop when told or when nobody is left."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._directory = Path(spec.directory)
        self._told_to_stop = False
        self._in_use = open_lock(self._directory / IN_USE)
        self._wake, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        os.set_blocking(self._wake, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, self._on_sigterm)
        signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
        # Whoever uses the server decides about Ctrl-C and a closed terminal, in its own order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _on_sigterm(self, _signal: int, _frame: object) -> None:
        self._told_to_stop = True

    def run(self) -> int:
        """0: stopped as wanted. 1: it does not start at all; its log says why."""
        quick_deaths = 0
        proven = False
        while True:
            began = time.monotonic()
            with self._open_log() as log:
                child = subprocess.Popen(  # noqa: S603  the command is ours
                    launch_command(self._spec, keeper_pid=os.getpid()),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._directory,
                    start_new_session=True,
                )
            self._tell(child.pid)
            while child.poll() is None and not self._should_stop():
                self._pause(LOOK_EVERY)
            if child.poll() is None:
                self._tell(child.pid, stopping=True)
                self._stop(child)
                self._tell(None)
                return 0
            self._tell(None)
            lived = time.monotonic() - began
            proven = proven or lived >= QUICK_DEATH
            quick_deaths = quick_deaths + 1 if lived < QUICK_DEATH else 1
            if quick_deaths > QUICK_DEATHS_ALLOWED and not proven:
                return 1
            self._pause(min(0.025 * 2**quick_deaths, LONGEST_PAUSE))
            if self._should_stop():
                return 0

    def _should_stop(self) -> bool:
        return self._told_to_stop or try_lock(self._in_use)

    def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until the next signal (told to stop, or the server died)."""
        if select.select([self._wake], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake, 4096)

    def _stop(self, child: subprocess.Popen[bytes]) -> None:
        child.send_signal(self._spec.stop_signal)
        try:
            child.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def _tell(self, pid: int | None, *, stopping: bool = False) -> None:
        state = State(self._spec.port, pid, os.getpid(), stopping)
        # The directory may have been removed under us: then the server stops by itself.
        with contextlib.suppress(OSError):
            write_state(self._directory, state)

    def _open_log(self) -> contextlib.AbstractContextManager[int]:
        path = self._directory / LOG
        with contextlib.suppress(OSError):
            if path.stat().st_size > LOG_LIMIT:
                path.replace(path.with_suffix(".log.1"))
        return _descriptor(path)


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    """`keep SPEC` or `launch SPEC KEEPER_PID`; the spec is JSON."""
    spec = Spec(**json.loads(arguments[1]))
    if arguments[0] == "launch":
        launch(spec, int(arguments[2]))
        return 0  # not reached: launch becomes another program or fails
    lock = open_lock(Path(spec.directory) / KEEPER_LOCK)
    if not try_lock(lock):
        return 0  # another keeper came first: its server is the one to use
    return Keeper(spec).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
