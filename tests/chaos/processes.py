"""The processes of two installations and their servers, each behind a line that can fail.

Owns starting, killing, freezing and starting again. Decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from app import embedded
from app.store import migrate
from sandbox.server import QuickBooksServer, SandboxServer, XeroServer
from tests.chaos.installations import Installation, two
from tests.chaos.line import Line

DISK = "384m"  # the small disk of PostgreSQL
FULL_PART = 1 << 20
# Where no file system can be mounted: the same error, out of the database itself.
FULL_TABLES = ("inbox_event", "journal_event", "step_run", "intent", "call")
FULL = """
CREATE OR REPLACE FUNCTION chaos_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'
USING ERRCODE = '53100'; END $$
"""


class Processes:
    """Two APIs, four workers, PostgreSQL, Valkey and the sandboxes of one run."""

    def __init__(
        self, place: Path, sandbox: SandboxServer, books: QuickBooksServer, xero: XeroServer
    ) -> None:
        self.place, self.sandbox, self.books, self.xero = place, sandbox, books, xero
        self.logs = place / "logs"
        self._begun: dict[str, int] = {}  # where a process's own lines begin in its log
        self.running: dict[str, asyncio.subprocess.Process] = {}
        self.lines: dict[str, Line] = {}
        self.installations: tuple[Installation, ...] = ()
        self.redis_url = ""
        self.small_disk = False
        self.busy: set[str] = set()  # is being stopped or started by a fault
        self.revived = 0

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        disk = self.place / "postgres"
        disk.mkdir()
        self.logs.mkdir()
        options = f"size={DISK},mode=0711"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        self.small_disk = await _succeeds(mount)
        try:
            async with await embedded.start(self.place) as self.servers:
                self.redis_url = self.servers.redis_url
                await self._lay()
                await asyncio.to_thread(migrate.upgrade, self.servers.database_url)
                for each in self.installations:
                    await self._make_database(each)
                try:
                    await asyncio.gather(*map(self.start, (*self.apis, *self.workers)))
                    keeper = asyncio.create_task(self._revive())
                    yield
                    keeper.cancel()
                finally:
                    await self._end()
        finally:
            if self.small_disk:
                await _succeeds(["umount", str(disk)])

    @property
    def apis(self) -> tuple[str, ...]:
        return tuple(each.api for each in self.installations)

    @property
    def workers(self) -> tuple[str, ...]:
        return tuple(name for each in self.installations for name in each.workers)

    def of(self, name: str) -> Installation:
        """Whose a process is."""
        return next(each for each in self.installations if name in each.processes)

    async def _lay(self) -> None:
        """Lines, and the installations whose environment leads over them."""
        places = {
            "postgres": self.servers.database_url,
            "redis": self.servers.redis_url,
            "connectwise": self.sandbox.base_url,
            "quickbooks": self.books.url,
            "xero": self.xero.url,
        }
        urls = {}
        for name, url in places.items():
            parts = urlsplit(url)
            assert parts.port is not None
            line = self.lines[name] = Line("127.0.0.1", parts.port)
            await line.lay()
            netloc = parts.netloc.replace(f":{parts.port}", f":{line.port}")
            urls[name] = urlunsplit(parts._replace(netloc=netloc))
        # A callback names the address of its key, which has to be the one that the service knows.
        self.sandbox.app.set_public_url(f"http://127.0.0.1:{self.lines['connectwise'].port}")
        kept = {n: os.environ[n] for n in ("PATH", "HOME", "PYTHONPATH") if n in os.environ}
        self.installations = two(urlsplit(places["postgres"]).path.removeprefix("/"))
        for each in self.installations:
            each.database_url = each.own_database(places["postgres"])
            each.set_up(self.sandbox, urls, kept)

    async def _make_database(self, of: Installation) -> None:
        """A copy of the first one's, whose tables are there and empty."""
        kept = urlsplit(self.servers.database_url).path.removeprefix("/")
        if of.database == kept:
            return
        elsewhere = urlunsplit(urlsplit(self.servers.database_url)._replace(path="/postgres"))
        connection = await asyncpg.connect(elsewhere)
        try:
            await connection.execute(f"CREATE DATABASE {of.database} TEMPLATE {kept}")
        finally:
            await connection.close()

    async def start(self, name: str) -> None:
        of = self.of(name)
        command = "serve" if name == of.api else "worker"
        log = os.open(self.logs / f"{name}.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._begun[name] = os.fstat(log).st_size
        try:
            self.running[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app.cli", command,
                env=of.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        finally:
            os.close(log)
        self.busy.discard(name)
        if name == of.api:
            await self._answers(of.api_url)

    def joined(self, name: str) -> int | None:
        """The number under which a worker process is alive in the database, by its log; None:
        it has not joined yet."""
        with (self.logs / f"{name}.log").open("rb") as log:
            log.seek(self._begun[name])
            told = [line for line in log if b'"worker_joined"' in line]
        return int(json.loads(told[-1])["worker"]) if told else None

    async def _revive(self) -> None:
        """As an operator's supervisor: a process that started while its database was away ends
        and says why; it is started again."""
        while True:
            await asyncio.sleep(0.5)
            for name, process in list(self.running.items()):
                if process.returncode is not None and name not in self.busy:
                    self.revived += 1
                    await self.start(name)

    async def _answers(self, url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(f"{url}/healthz")).is_success:
                        return
                await asyncio.sleep(0.05)

    async def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        self.busy.add(name)
        process = self.running[name]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            await asyncio.wait_for(process.wait(), 40)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise

    def pids(self, name: str) -> list[int]:
        """Of a process with its children: PostgreSQL serves each connection with one."""
        if name in self.running:
            return [self.running[name].pid]
        top = self.servers.pids.get(name)
        if top is None:
            return []
        children = Path(f"/proc/{top}/task/{top}/children")
        return [top, *(map(int, children.read_text().split()) if children.exists() else ())]

    def signal(self, name: str, what: signal.Signals) -> None:
        for pid in self.pids(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    @asynccontextmanager
    async def disk_full(self) -> AsyncIterator[None]:
        """No byte more for PostgreSQL inside."""
        if self.small_disk:
            ballast = self.place / "postgres" / "ballast"
            await asyncio.to_thread(_fill, ballast)
            try:
                yield
            finally:
                ballast.unlink()
            return
        drops = [f"DROP TRIGGER IF EXISTS chaos_full ON {table}" for table in FULL_TABLES]
        makes = [
            f"CREATE TRIGGER chaos_full BEFORE INSERT ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION chaos_full()"
            for table in FULL_TABLES
        ]
        await self.run(FULL, *drops, *makes)
        try:
            yield
        finally:
            await self.run(*drops)

    async def run(self, *statements: str) -> None:
        for each in self.installations:
            connection = await asyncpg.connect(each.database_url)
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

    async def _end(self) -> None:
        for name, process in self.running.items():
            if process.returncode is None:
                self.signal(name, signal.SIGCONT)
                await self.stop(name)
        for line in self.lines.values():
            await line.cut()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as ballast:
        for part in (FULL_PART, 4096):
            try:
                while True:
                    ballast.write(b"\0" * part)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


async def _succeeds(command: list[str]) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        return False
    return await process.wait() == 0
