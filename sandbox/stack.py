"""The whole service beside the simulator, as processes of this machine: for `up` and `demo`.

Owns the processes' environment, start, watch and end. Restarts nothing: a process that ends by
itself ends the stack, and is named. Servers of its own are `app/embedded`'s.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from app import embedded
from app.cli import troubles
from app.store import migrate
from sandbox.absent import absent_redis, missing_of
from sandbox.commerce.app import API_KEY
from sandbox.ledgers import SIMULATED_LEDGERS, settings_of

READY_SECONDS = 60.0
# The worker lets orders come to their next release: longer than one call to ConnectWise may take.
STOP_SECONDS = 45.0
LOOK_SECONDS = 0.05
# A worker that dies oftener than this is not started again.
MOST_DEATHS = 5
DEATHS_SECONDS = 60.0
LOG_TAIL = 15
LOGS = "logs"
PR_SET_PDEATHSIG = 1
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StackFailed(Exception):
    """The stack cannot start or go on; the text is for a person and names the log."""


class Interrupted(Exception):
    """Somebody asked for the end."""


@dataclass
class Child:
    """A process of the stack, with the file that holds what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def ended(self) -> str | None:
        """How it ended, for a person; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def tail(self) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL:]
        return "\n".join(f"    {line}" for line in lines)


@dataclass
class Stack:
    """Processes that belong together. `environment` is what every one of them is given.

    `sandbox` False: ConnectWise is somewhere else, so no simulator is started.
    """

    data_dir: Path
    environment: dict[str, str]
    host: str = "127.0.0.1"
    port: int = 0
    sandbox: bool = True
    directory: Path | None = None  # where the processes run; None: here
    prepare: Callable[[str], None] | None = None  # with the database, before its migration
    revived: Callable[[str], None] | None = None  # told when a dead worker was replaced
    servers: embedded.Servers | None = None
    children: dict[str, Child] = field(default_factory=dict)
    api_url: str = ""
    sandbox_url: str = ""
    commerce_url: str = ""  # of the simulated one; empty where a real one is named
    ledger: str = "xero"  # the simulated one that is posted to, where no real one is named
    ledger_urls: dict[str, str] = field(default_factory=dict)  # of the simulated ones, by name
    signs_in: str = ""  # the ledger that it is signed in to at the start
    stopping: bool = False
    _handlers: dict[int, Any] = field(default_factory=dict)
    _deaths: list[float] = field(default_factory=list)

    # --- the whole

    @contextmanager
    def running(self, tell: Callable[[str], None]) -> Iterator[Stack]:
        """Everything started and ready inside, everything stopped after, however it ends.

        Raises StackFailed, Interrupted and embedded.EmbeddedError.
        """
        self._catch_signals()
        try:
            self._start(tell)
            yield self
        finally:
            self.stop()
            self._release_signals()

    def _start(self, tell: Callable[[str], None]) -> None:
        self._begin_logs()
        listener = bound(self.host, self.port)
        try:
            self.api_url = f"http://{reachable(self.host)}:{listener.getsockname()[1]}"
            if self.sandbox:  # a real ConnectWise could not call back to this machine
                self.environment.setdefault("PUBLIC_URL", self.api_url)
                self._start_sandbox()
            self._start_servers()
            if (absent := absent_redis(self.environment["REDIS_URL"])) is not None:
                raise StackFailed(absent)
            self.pause(0)
            tell("The tables are brought up to date.")
            database_url = self.environment["DATABASE_URL"]
            with troubles.told(StackFailed, database_url):
                if self.prepare is not None:
                    self.prepare(database_url)
                migrate.upgrade(database_url)
            self.pause(0)
            self.spawn("api", "serve", "--fd", str(listener.fileno()), fds=[listener.fileno()])
        finally:
            listener.close()
        self.start_worker()
        self._wait_until_ready()
        tell("The API and a worker run.")

    def _begin_logs(self) -> None:
        """The last run's logs make place for this one's."""
        logs = self.data_dir / LOGS
        logs.mkdir(parents=True, exist_ok=True)
        for old in logs.glob("*.log"):
            old.unlink()

    def _start_sandbox(self) -> None:
        """The simulators, in one process. Commerce's only where no real one is named. A ledger
        is posted to where the settings name none: a real one's consent is never touched."""
        given = self.environment
        listener, shop = bound("127.0.0.1", 0), None
        books: list[socket.socket] = []
        try:
            self.sandbox_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            options = ["--fd", str(listener.fileno()), "--public-url", self.sandbox_url]
            for option, name in (
                ("--company", "CONNECTWISE_COMPANY"),
                ("--public-key", "CONNECTWISE_PUBLIC_KEY"),
                ("--private-key", "CONNECTWISE_PRIVATE_KEY"),
            ):
                options += [option, given[name]]
            fds = [listener.fileno()]
            if not given.get("COMMERCE_API_KEY"):
                shop = bound("127.0.0.1", 0)
                self.commerce_url = f"http://127.0.0.1:{shop.getsockname()[1]}"
                given["COMMERCE_API_URL"], given["COMMERCE_API_KEY"] = self.commerce_url, API_KEY
                options += ["--commerce-fd", str(shop.fileno())]
                fds.append(shop.fileno())
            for name in SIMULATED_LEDGERS:
                books.append(bound("127.0.0.1", 0))
                self.ledger_urls[name] = f"http://127.0.0.1:{books[-1].getsockname()[1]}"
                options += ["--ledger-fd", str(books[-1].fileno())]
                fds.append(books[-1].fileno())
            self.spawn("sandbox", "sandbox", *options, fds=fds)
        finally:
            for opened in (listener, *books, *((shop,) if shop is not None else ())):
                opened.close()
        if not given.get("QUICKBOOKS_CLIENT_ID") and not given.get("XERO_CLIENT_ID"):
            self.signs_in = self.ledger
            for name, value in settings_of(self.ledger, self.ledger_urls[self.ledger]).items():
                given.setdefault(name, value)
        self.environment["CONNECTWISE_URL"] = f"{self.sandbox_url}/v4_6_release/apis/3.0"

    def _start_servers(self) -> None:
        given = self.environment
        needed = {"postgres": not given.get("DATABASE_URL"), "redis": not given.get("REDIS_URL")}
        if not any(needed.values()):
            return
        self.servers = embedded.start_sync(self.data_dir, **needed)
        if needed["postgres"]:
            given["DATABASE_URL"] = self.servers.database_url
        if needed["redis"]:
            given["REDIS_URL"] = self.servers.redis_url

    def _wait_until_ready(self) -> None:
        """Ready is when the API says so: database, migrations, Redis and a living worker."""
        deadline = time.monotonic() + READY_SECONDS
        said = ""
        with client() as http:
            while time.monotonic() < deadline:
                self.pause(LOOK_SECONDS)
                try:
                    answer = http.get(f"{self.api_url}/readyz")
                except httpx.HTTPError as error:
                    said = str(error)
                    continue
                if answer.status_code == httpx.codes.OK:
                    self._connect_webhooks(http)
                    self._sign_in(http)
                    return
                said = missing_of(answer)
        raise StackFailed(
            f"The service did not become ready in {READY_SECONDS:.0f} s: {said}. What its processes "
            f"say stands in {self.data_dir / LOGS}."
        )

    def _connect_webhooks(self, http: httpx.Client) -> None:
        """The simulated Commerce posts what happens there to the API. Told over its control path,
        because a command line can be read by everyone on the machine."""
        secret = self.environment.get("COMMERCE_WEBHOOK_SECRETS", "").split(",")[0].strip()
        if self.commerce_url and secret:
            target = {"webhook_url": f"{self.api_url}/webhooks/commerce", "webhook_secret": secret}
            http.put(f"{self.commerce_url}/_sandbox/settings", json=target).raise_for_status()

    def _sign_in(self, http: httpx.Client) -> None:
        """A person consents at the simulated ledger, by the pages that a real one would show."""
        if not self.signs_in:
            return
        begun = http.post(
            f"{self.api_url}/admin/connections/{self.signs_in}/sign-in",
            headers={"Authorization": f"Bearer {self.environment['ADMIN_API_KEY']}"},
        )
        begun.raise_for_status()
        http.get(begun.json()["address"], follow_redirects=True).raise_for_status()

    def stop(self) -> None:
        """End everything, ConnectWise after the worker, whose orders come to a release first."""
        for names in (("worker", "api"), ("sandbox",)):
            ending = [self.children.pop(name) for name in names if name in self.children]
            for child in ending:
                child.process.terminate()
            for child in ending:
                _wait_for_end(child)
        if self.servers is not None:
            self.servers.stop_sync()
            self.servers = None

    # --- one process

    def spawn(self, name: str, *arguments: str, fds: Sequence[int] = ()) -> Child:
        """Start a command of ours as a process of its own session, its output in a log."""
        log = self.data_dir / LOGS / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "app.cli", *arguments],
                env=self.environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for us: we end them in order.
                start_new_session=True,
                pass_fds=fds,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - nothing else runs in this process
            )
        self.children[name] = Child(name, process, log)
        return self.children[name]

    def start_worker(self) -> Child:
        return self.spawn("worker", "worker")

    def kill_worker(self) -> int:
        """As a power cut would: SIGKILL, no release, no last word. The process id it had."""
        child = self.children.pop("worker")
        child.process.kill()
        child.process.wait()
        return child.pid

    # --- watching

    def pause(self, seconds: float) -> None:
        """Wait, watching. Raises StackFailed when a process ended, Interrupted on a signal."""
        deadline = time.monotonic() + seconds
        while True:
            if self.stopping:
                raise Interrupted
            for child in list(self.children.values()):
                if how := child.ended():
                    if self._revive(child, how):
                        continue
                    raise StackFailed(
                        f"The process {child.name} (pid {child.pid}) {how}. The end of its log "
                        f"{child.log}:\n{child.tail()}"
                    )
            rest = deadline - time.monotonic()
            if rest <= 0:
                return
            time.sleep(min(rest, LOOK_SECONDS))

    def _revive(self, child: Child, how: str) -> bool:
        """A worker that died is replaced, as an operator's supervisor would, and never silently.
        One that dies again and again is not: something is wrong that a person has to see."""
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < DEATHS_SECONDS]
        if self.revived is None or child.name != "worker" or len(self._deaths) >= MOST_DEATHS:
            return False
        self._deaths.append(now)
        fresh = self.start_worker()
        self.revived(f"The worker (pid {child.pid}) {how}; another one runs (pid {fresh.pid}).")
        return True

    @property
    def pids(self) -> dict[str, int]:
        """Process ids by name, as of now; this process is `up`."""
        found = {"up": os.getpid()}
        if self.servers is not None:
            found.update(self.servers.pids)
        found.update({name: child.pid for name, child in self.children.items()})
        return found

    def _catch_signals(self) -> None:
        def ask(number: int, frame: FrameType | None) -> None:
            self.stopping = True

        self._handlers = {number: signal.signal(number, ask) for number in SIGNALS}

    def _release_signals(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)


def bound(host: str, port: int) -> socket.socket:
    """A socket on which a child will serve; the address is known before the child runs, and
    nobody can take it in between. Raises StackFailed."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = error.strerror or error
        raise StackFailed(
            f"Port {port} of {host} cannot be used: {reason}. Choose another with --port or PORT."
        ) from error
    # asyncio sets this only where it opened the socket; without it answers wait 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def client(**more: Any) -> httpx.Client:
    """An HTTP client for this machine: proxies of the environment are for other hosts."""
    return httpx.Client(trust_env=False, timeout=10.0, **more)


def without_settings(environment: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """An environment in which none of these settings is given, in whatever case."""
    gone = {name.upper() for name in names}
    return {name: value for name, value in environment.items() if name.upper() not in gone}


def reachable(host: str) -> str:
    """The address under which this machine reaches a server on `host`."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
    return everywhere.get(host, f"[{host}]" if ":" in host else host)


def _wait_for_end(child: Child) -> None:
    """With SIGKILL for one that does not end."""
    try:
        child.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()


def _end_with_parent() -> None:
    """In the child, before it becomes the command: Linux ends it when we are killed with -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
