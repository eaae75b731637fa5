"""One run: traffic and trouble, then quiet, then the outside checker's word and the figures."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from sandbox.observer import Case, Finding, judge, missing
from sandbox.server import SandboxServer
from tests.chaos.processes import Processes
from tests.chaos.recovery import percentile
from tests.chaos.traffic import Traffic
from tests.chaos.trouble import Trouble

TWICE = ("H1", "H2", "H9", "B1.9", "E3", "D-14")
SHOWN = 10


@dataclass
class Report:
    """What a run shows. Times in seconds."""

    seed: int
    seconds: float
    disk: str
    faults: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    commits_unanswered: int = 0
    answers_spoiled: int = 0
    deliveries: int = 0
    accepted: int = 0
    orders: int = 0
    refused: list[str] = field(default_factory=list)
    writes_judged: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    recoveries: dict[str, dict[str, Any]] = field(default_factory=dict)
    settled_after: float = 0.0  # from the last fault until everything stood

    @property
    def well(self) -> bool:
        return not (self.refused or self.lost or self.duplicated or self.out_of_order)

    def text(self) -> str:
        faults = "\n".join(f"  {count:4} {name}" for name, count in sorted(self.faults.items()))
        figures = "\n".join(f"  {name}: {told}" for name, told in self.recoveries.items())
        wrong = "\n".join(
            f"  {kind}: {one}"
            for kind in ("refused", "lost", "duplicated", "out_of_order")
            for one in getattr(self, kind)[:SHOWN]
        )
        return (
            f"Seed {self.seed}, {self.seconds:.0f} s of trouble, {self.kills} kills, "
            f"{sum(self.faults.values())} faults:\n{faults}\n"
            f"PostgreSQL's full disk: {self.disk}\n"
            f"Answers to a COMMIT lost: {self.commits_unanswered}; "
            f"done, yet answered 502: {self.answers_spoiled}\n"
            f"{self.orders} orders, {self.accepted} events accepted in {self.deliveries} "
            f"deliveries, {self.writes_judged} writes judged\n"
            f"Lost {len(self.lost)}, duplicated {len(self.duplicated)}, out of order "
            f"{len(self.out_of_order)}, refused {len(self.refused)}\n"
            f"Orders of a killed worker go on after (seconds):\n{figures}\n"
            f"Everything stood {self.settled_after:.1f} s after the last fault\n{wrong}"
        )

    def json(self) -> str:
        return json.dumps(asdict(self), indent=1)


async def play(
    seed: int, seconds: float, *, each: float = 1.0, away: float = 3.0, quiet: float = 90.0
) -> Report:
    """`each`: seconds from one order to the next. `away`: how long Redis is away. `quiet`: how
    long everything may take to stand after the last fault."""
    with tempfile.TemporaryDirectory(prefix="demandlink-chaos-") as directory:
        place = Path(directory)
        await asyncio.to_thread(place.chmod, 0o711)
        async with SandboxServer() as sandbox:
            processes = Processes(place, sandbox)
            async with (
                processes.up(),
                httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as control,
                httpx.AsyncClient(trust_env=False) as commerce,
            ):
                lag = {"read_lag_ms": 200}
                (await control.put("/_sandbox/settings", json=lag)).raise_for_status()
                rng = random.Random(seed)  # noqa: S311 - faults, no secret
                trouble = Trouble(processes, control, rng, away)
                traffic = Traffic(processes.api_url, seed)
                began = time.monotonic()
                telling = asyncio.create_task(traffic.go(commerce, began + seconds, each))
                await asyncio.sleep(3.0)
                await trouble.go(seconds - 3.0)
                await telling
                calm = time.monotonic()
                await asyncio.wait_for(traffic.all_told(), quiet)
                case, lost = await _settled(control, sandbox, traffic, calm + quiet)
                settled = time.monotonic() - calm
    report = Report(seed, seconds, _disk(processes), dict(trouble.count))
    report.kills = sum(n for name, n in trouble.count.items() if name.endswith("killed"))
    report.commits_unanswered = processes.lines["postgres"].lost_commits
    report.answers_spoiled = processes.lines["connectwise"].spoiled
    report.deliveries, report.accepted = traffic.deliveries, len(traffic.accepted)
    report.orders, report.refused, report.lost = len(traffic.orders), traffic.refused, lost
    _sort(report, await asyncio.to_thread(judge, case))
    report.writes_judged, report.settled_after = case.writes, round(settled, 1)
    report.recoveries = {
        "no write in flight": _figures(trouble.recoveries.idle),
        "a write in flight": _figures(trouble.recoveries.in_flight),
    }
    return report


def _disk(processes: Processes) -> str:
    small = "a small file system of its own, filled to the last byte"
    return small if processes.small_disk else "SQLSTATE 53100 by triggers (nothing can be mounted)"


def _figures(values: list[float]) -> dict[str, Any]:
    named = (("50 %", 0.5), ("99 %", 0.99), ("longest", 1.0))
    return {"orders": len(values), **{name: percentile(values, part) for name, part in named}}


def _sort(report: Report, found: list[Finding]) -> None:
    for finding in found:
        kind = report.duplicated if finding.rule in TWICE else report.out_of_order
        kind.append(str(finding))


async def _settled(
    control: httpx.AsyncClient, sandbox: SandboxServer, traffic: Traffic, until: float
) -> tuple[Case, list[str]]:
    """What is to be judged, once nothing is missing any more, or the time is over."""
    first = (await control.get("/_sandbox/first")).json()
    log: list[Any] = []
    while True:
        after = log[-1]["n"] if log else 0
        answer = await control.get("/_sandbox/requests", params={"after": after}, timeout=60)
        log += [json.loads(line) for line in answer.text.splitlines() if line]
        case = Case(traffic.accepted, log, first, sandbox.credentials.headers["clientId"])
        lost = await asyncio.to_thread(missing, case)
        if not lost or time.monotonic() > until:
            return case, lost
        await asyncio.sleep(1.0)
