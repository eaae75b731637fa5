"""One run: traffic and trouble, then quiet, then the outside checker's word and the figures."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from sandbox.observer import Case, judge, missing
from sandbox.server import QuickBooksServer, SandboxServer
from tests.chaos.lag import lag
from tests.chaos.ledger import connect, log_of
from tests.chaos.processes import Processes
from tests.chaos.report import Figures, Report
from tests.chaos.traffic import Traffic
from tests.chaos.trouble import Trouble

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
            async with SandboxServer() as sandbox, QuickBooksServer() as books:
                processes = Processes(place, sandbox, books)
                async with (
                    processes.up(),
                    httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as control,
                    httpx.AsyncClient(trust_env=False) as commerce,
                ):
                    rng = random.Random(seed)  # noqa: S311 - faults, no secret
                    run = _Run(
                        processes,
                        control,
                        commerce,
                        Trouble(processes, control, rng, away),
                        Traffic(processes.api_url, seed, partial(_keeps_up, processes)),
                        Report(seed),
                    )
                    await run.play(seconds, each, quiet, only)
                    return run.report
        finally:
            if logs is not None:
                kept = place / "logs"
                await asyncio.to_thread(shutil.copytree, kept, logs, dirs_exist_ok=True)


async def _keeps_up(processes: Processes) -> bool:
    """Whether few orders are under way. A database that is away is no reason to tell less."""
    try:
        connection = await asyncpg.connect(processes.database_url, timeout=1, command_timeout=1)
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
    report: Report

    async def play(self, seconds: float, each: float, quiet: float, only: Collection[str]) -> None:
        lag_of_reads = {"read_lag_ms": 200}
        (await self.control.put("/_sandbox/settings", json=lag_of_reads)).raise_for_status()
        await connect(self.commerce, self.processes.api_url)
        began = time.monotonic()
        telling = asyncio.create_task(self.traffic.go(self.commerce, each))
        await asyncio.sleep(WARM)
        await self.trouble.go(seconds, only)
        self.report.seconds = round(time.monotonic() - began - WARM, 1)
        self.traffic.enough.set()
        await telling
        calm = time.monotonic()
        try:
            await asyncio.wait_for(self.traffic.all_told(), TOLD)
        except TimeoutError:
            self.report.refused.append(f"not all was acknowledged within {TOLD:.0f} s of quiet")
        case = await self._settled(quiet)
        self.report.settled_after = round(time.monotonic() - calm, 1)
        self.report.sort(await asyncio.to_thread(judge, case))
        self.report.writes_judged = case.writes
        self.report.ledger_writes = sum(
            bool(entry.get("changed")) and entry["method"] not in ("GET", "ACT")
            for entry in case.books
        )
        await self._tell()

    async def _settled(self, quiet: float) -> Case:
        """What is to be judged, once nothing is missing any more, or less and less no longer."""
        first = (await self.control.get("/_sandbox/first")).json()
        service = self.processes.sandbox.credentials.headers["clientId"]
        log: list[Any] = []
        came = time.monotonic()
        while True:
            after = log[-1]["n"] if log else 0
            answer = await self.control.get(
                "/_sandbox/requests", params={"after": after}, timeout=60
            )
            log += [json.loads(line) for line in answer.text.splitlines() if line]
            case = Case(self.traffic.accepted, log, first, service)
            case.bound = {made.order.id: "C" for made in self.traffic.of_ledger()}
            case.books = await log_of(self.control, self.processes.books)
            before, self.report.lost = self.report.lost, await asyncio.to_thread(missing, case)
            if self.report.lost != before:
                came = time.monotonic()
            if not self.report.lost or time.monotonic() > came + quiet:
                return case
            await asyncio.sleep(1.0)

    async def _tell(self) -> None:
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
        vendors = (processes.lines[name] for name in ("connectwise", "quickbooks"))
        report.answers_spoiled = sum(line.spoiled for line in vendors)
        report.of_ledger = len(traffic.of_ledger())
        report.deliveries, report.accepted = traffic.deliveries, len(traffic.accepted)
        report.orders = len(traffic.orders)
        report.refused += traffic.refused
        report.acknowledged = Figures.of([seconds for _, seconds in traffic.acknowledged])
        figures = self.trouble.recoveries.figures()
        report.recoveries = {name: Figures.of(values) for name, values in figures}
        url = processes.database_url
        report.redis = await lag(url, self.trouble.aways, traffic.acknowledged)
        if not report.well:
            await self._write_down(url)

    async def _write_down(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        try:
            rows = [*await connection.fetch(UNDONE), *await connection.fetch(UNMERGED)]
        finally:
            await connection.close()
        told = "\n".join(str(dict(row)) for row in rows)
        place = self.processes.logs / "what-the-service-says.txt"
        await asyncio.to_thread(place.write_text, told)
