"""One run: traffic and trouble, then quiet, then the outside checker's word and the figures."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import asyncpg
import httpx

from sandbox.server import QuickBooksServer, SandboxServer, XeroServer
from tests.chaos.callbacks import Callbacks, ring
from tests.chaos.checking import Checker
from tests.chaos.installations import Installation
from tests.chaos.lag import lag
from tests.chaos.ledger import TITLES, connect, ledger_of, let_through
from tests.chaos.people import People
from tests.chaos.processes import Processes
from tests.chaos.report import Figures, Report
from tests.chaos.traffic import Traffic
from tests.chaos.trouble import VENDORS, Trouble

WARM = 3.0  # seconds of traffic before the first fault
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
TOLD = 90.0  # seconds that what is begun may take to be told to its end
# A machine that is busy otherwise plays fewer orders, instead of a queue that outlasts each fault.
OPEN = 10
_OPEN = """
SELECT (SELECT count(*) FROM orders WHERE lease_owner IS NOT NULL OR due_at <= now())
    + (SELECT count(*) FROM inbox_event WHERE status = 'new')
"""
# For a reader of a failure; nothing is judged by it.
UNDONE = """
SELECT o.number, o.state, o.code, o.sentence, o.due_at, o.lease_owner, o.lease_until,
    o.claims_without_progress FROM orders AS o ORDER BY o.id
"""
UNMERGED = """
SELECT external_id, event_type, status, code, cause, received_at, not_before FROM inbox_event
WHERE merged_at IS NULL ORDER BY id
"""


async def play(
    seed: int,
    seconds: float,
    *,
    each: float = 1.0,
    away: float = 3.0,
    quiet: float = 30.0,
    logs: Path | None = None,
    only: Collection[str] = (),
) -> Report:
    """At least `seconds` of trouble, and each kind of fault once. `each`: seconds from one order
    to the next. `away`: how long Redis is away. `quiet`: how long nothing may come to
    stand after the last fault before what is missing is lost. `logs`: where the processes' logs are kept. `only`:
    the kinds of faults, where it is not every one."""
    with tempfile.TemporaryDirectory(prefix="demandlink-chaos-") as directory:
        place = Path(directory)
        await asyncio.to_thread(place.chmod, 0o711)
        try:
            async with (
                SandboxServer() as sandbox,
                QuickBooksServer() as books,
                XeroServer() as xero,
            ):
                processes = Processes(place, sandbox, books, xero)
                async with (
                    processes.up(),
                    httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as control,
                    httpx.AsyncClient(trust_env=False) as commerce,
                ):
                    run = _Run.of(processes, control, commerce, seed, away)
                    await run.play(seconds, each, quiet, only)
                    return run.report
        finally:
            if logs is not None:
                kept = place / "logs"
                await asyncio.to_thread(shutil.copytree, kept, logs, dirs_exist_ok=True)


def _of_order(processes: Processes, number: int) -> Installation:
    """Whose an order is: the one whose ledger it is posted to, else the first."""
    first, *others = processes.installations
    return next((each for each in others if each.ledger == ledger_of(number)), first)


async def _keeps_up(processes: Processes, number: int) -> bool:
    """Whether few orders are under way there. A database that is away is no reason to tell less."""
    url = _of_order(processes, number).database_url
    try:
        connection = await asyncpg.connect(url, timeout=1, command_timeout=1)
    except AWAY:
        return True
    try:
        under_way: int = await connection.fetchval(_OPEN)
        return under_way < OPEN
    except AWAY:
        return True
    finally:
        connection.terminate()


@dataclass
class _Run:
    processes: Processes
    control: httpx.AsyncClient
    commerce: httpx.AsyncClient
    trouble: Trouble
    traffic: Traffic
    people: People
    report: Report

    @classmethod
    def of(
        cls,
        processes: Processes,
        control: httpx.AsyncClient,
        commerce: httpx.AsyncClient,
        seed: int,
        away: float,
    ) -> _Run:
        rng = random.Random(seed)  # noqa: S311 - faults, no secret
        traffic = Traffic(
            seed,
            lambda number: _of_order(processes, number).api_url,
            partial(_keeps_up, processes),
        )
        apart = random.Random(seed + 1)  # noqa: S311 - acts of people, no secret
        sandbox = processes.sandbox
        return cls(
            processes,
            control,
            commerce,
            Trouble(processes, control, rng, away),
            traffic,
            People(sandbox, commerce, apart, lambda: traffic.whole, traffic.enough),
            Report(seed),
        )

    async def play(self, seconds: float, each: float, quiet: float, only: Collection[str]) -> None:
        installations = self.processes.installations
        lag_of_reads = {"read_lag_ms": 200}
        (await self.control.put("/_sandbox/settings", json=lag_of_reads)).raise_for_status()
        await let_through(self.control, self.processes.xero)
        for one in installations:
            await connect(self.commerce, one.api_url, one.ledger)
        sandbox, seed = self.processes.sandbox, self.report.seed
        callbacks = await ring(sandbox, self.control, seed, len(installations))
        began = time.monotonic()
        telling = asyncio.create_task(self.traffic.go(self.commerce, each))
        acting = asyncio.create_task(self.people.go())
        await asyncio.sleep(WARM)
        await self.trouble.go(seconds, only)
        self.report.seconds = round(time.monotonic() - began - WARM, 1)
        self.traffic.enough.set()
        calm = datetime.now(UTC)
        await asyncio.gather(telling, acting)
        try:
            await asyncio.wait_for(self.traffic.all_told(), TOLD)
        except TimeoutError:
            self.report.refused.append(f"not all was acknowledged within {TOLD:.0f} s of quiet")
        self.report.told_after = round((datetime.now(UTC) - calm).total_seconds(), 1)
        checker = Checker(self.processes, self.traffic, self.people, self.control, self.report)
        case = await checker.settled(calm, quiet)
        await asyncio.to_thread(checker.judge, case)
        await self._tell(callbacks)

    async def _tell(self, callbacks: Callbacks) -> None:
        report, processes, traffic = self.report, self.processes, self.traffic
        small = "a small file system of its own, filled to the last byte"
        triggers = "SQLSTATE 53100 by triggers (nothing can be mounted)"
        report.disk = small if processes.small_disk else triggers
        report.faults = dict(self.trouble.count)
        report.took = {name: round(sum(all_), 1) for name, all_ in self.trouble.took.items()}
        report.slow = self.trouble.recoveries.slow
        report.unmeasured = self.trouble.recoveries.unmeasured
        report.revived = processes.revived
        report.commits_unanswered = processes.lines["postgres"].lost_commits
        report.answers_spoiled = sum(processes.lines[name].spoiled for name in VENDORS)
        posted = Counter(ledger_of(made.order.id) for made in traffic.orders)
        report.of_ledger = {f"to {title}": posted[name] for name, title in TITLES.items()}
        people = self.people
        report.people = {
            "invoices made": len(people.invoices),
            "purchase orders of their own": people.bought,
            "notes on ours": people.noted,
        }
        report.callbacks = dict(sorted(callbacks.count.items()))
        report.deliveries, report.accepted = traffic.deliveries, len(traffic.accepted)
        report.orders = len(traffic.orders)
        report.refused += traffic.refused
        report.acknowledged = Figures.of([seconds for _, seconds in traffic.acknowledged])
        figures = self.trouble.recoveries.figures()
        report.recoveries = {name: Figures.of(values) for name, values in figures}
        urls = [one.database_url for one in processes.installations]
        report.redis = await lag(urls, self.trouble.aways, traffic.acknowledged)
        if not report.well:
            await self._write_down(urls)

    async def _write_down(self, urls: Collection[str]) -> None:
        rows = []
        for url in urls:
            connection = await asyncpg.connect(url)
            try:
                rows += [*await connection.fetch(UNDONE), *await connection.fetch(UNMERGED)]
            finally:
                await connection.close()
        told = "\n".join(str(dict(row)) for row in rows)
        place = self.processes.logs / "what-the-service-says.txt"
        await asyncio.to_thread(place.write_text, told)
