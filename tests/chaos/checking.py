"""The outside checker at work: it reads what the vendors were asked, and says what is missing.

Owns when it looks, how long that takes, and when the service was through by the vendors' own logs.
What is lost, twice or out of order is `sandbox/observer`'s to say, which shares no code with the
service.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from sandbox.observer import Case, judge, missing
from sandbox.observer.of_ledgers import Document, standing
from tests.chaos.ledger import TITLES, Site, ledger_of, log_of
from tests.chaos.people import People
from tests.chaos.processes import Processes
from tests.chaos.report import Report
from tests.chaos.traffic import FIRST, Traffic
from tests.e2e.harness import bearer

LOOK = 0.5
STILL = 3.0  # seconds without a write after which the checker looks
# Nothing is judged by these: they say what was waited for.
_UNDER_WAY = """
SELECT CASE WHEN lease_owner IS NOT NULL THEN 'worked on' ELSE coalesce(code, state) END, count(*)
FROM orders
WHERE lease_owner IS NOT NULL OR due_at <= now() OR state = 'running'
    OR code = ANY (ARRAY['OUTCOME_UNKNOWN', 'CLAIMED_ELSEWHERE'])
GROUP BY 1
UNION ALL
SELECT 'deliveries not merged', count(*) FROM inbox_event WHERE status = 'new'
UNION ALL
SELECT 'hints not followed', count(*) FROM inbox_event WHERE status = 'hint'
UNION ALL
SELECT 'systems paused', count(*) FROM connection WHERE paused_until > now()
"""


@dataclass
class Checker:
    """`mine`: seconds that its own work took. Logs grow by what was asked since the last look."""

    processes: Processes
    traffic: Traffic
    people: People
    control: httpx.AsyncClient
    report: Report
    mine: float = 0.0
    log: list[Any] = field(default_factory=list)
    books: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in TITLES})
    waited: Counter[str] = field(
        default_factory=Counter
    )  # orders seen waiting, by what for, at each look

    async def settled(self, calm: datetime, quiet: float) -> Case:
        """What is to be judged, once nothing is missing any more, or less and less no longer for
        `quiet` seconds. Notes how long after `calm`, the last fault, the service made its last
        write."""
        with self._own_time():
            first = (await self.control.get("/_sandbox/first")).json()
        service = self.processes.sandbox.credentials.headers["clientId"]
        case = Case((), self.log, first, service)
        came = time.monotonic()
        while True:
            await self._stillness(quiet, service)
            with self._own_time():
                case.accepted = tuple(self.traffic.accepted)
                case.bound = {made.order.id: "C" for made in self.traffic.of_ledger()}
                case.books = [entry for log in self.books.values() for entry in log]
                before = self.report.lost
                found = await asyncio.to_thread(missing, case)
                self.report.lost = [*found, *await self._unheard()]
            if self.report.lost != before:
                came = time.monotonic()
            if not self.report.lost or time.monotonic() > came + quiet:
                last = max(self._writes(service), default=calm)
                self.report.written_after = round(max((last - calm).total_seconds(), 0.0), 1)
                return case
            await asyncio.sleep(LOOK)

    def judge(self, case: Case) -> None:
        """What is twice or out of order, and what stands in the wrong books."""
        with self._own_time():
            self.report.sort(judge(case))
            self.report.writes_judged = case.writes
            for name, log in self.books.items():
                documents = standing(log)
                self.report.books[TITLES[name]] = _counted(log, documents)
                self.report.out_of_order += [
                    f"{document} of order {document.order} stands in {TITLES[name]}."
                    for document in documents
                    if document.order is None or ledger_of(document.order) != name
                ]
        self.report.checked = round(self.mine, 1)
        self.report.waited = {name: round(n * LOOK) for name, n in self.waited.most_common()}

    @contextmanager
    def _own_time(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.mine += time.monotonic() - begun

    async def _stillness(self, quiet: float, service: str) -> None:
        """Returns when nothing was written for STILL seconds, and nothing waits to be merged or
        followed, or did so for `quiet` seconds: before that the checker would only take the
        processor from the service."""
        wrote, begun = -1, time.monotonic()
        since = begun
        while True:
            with self._own_time():
                await self._read()
                now = sum(1 for _ in self._writes(service))
            under_way = await self._under_way()
            busy = under_way["deliveries not merged"] + under_way["hints not followed"]
            if now != wrote:
                wrote, since = now, time.monotonic()
            patient = busy and time.monotonic() < begun + quiet
            if time.monotonic() >= since + STILL and not patient:
                return
            await asyncio.sleep(LOOK)

    async def _read(self) -> None:
        after = self.log[-1]["n"] if self.log else 0
        answer = await self.control.get("/_sandbox/requests", params={"after": after}, timeout=60)
        self.log += [json.loads(line) for line in answer.text.splitlines() if line]
        sites: dict[str, Site] = {"quickbooks": self.processes.books, "xero": self.processes.xero}
        for name, site in sites.items():
            kept = self.books[name]
            kept += await log_of(self.control, site, kept[-1]["n"] if kept else 0)

    def _writes(self, service: str) -> Iterator[datetime]:
        """When each write of the service was that changed something."""
        for entry in self.log:
            if entry.get("changed") and entry.get("client") == service:
                yield datetime.fromisoformat(entry["t"])
        for log in self.books.values():
            yield from (datetime.fromisoformat(entry["t"]) for entry in log if _written(entry))

    async def _under_way(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for each in self.processes.installations:
            connection = await asyncpg.connect(each.database_url)
            try:
                rows = await connection.fetch(_UNDER_WAY)
            finally:
                await connection.close()
            found.update({row[0]: row[1] for row in rows})
        for name, count in found.items():
            self.waited[name] += count
        return found

    async def _unheard(self) -> list[str]:
        """Invoices that people made and of which the service does not tell, although a callback
        was lost or nobody was there to hear it."""
        missed = []
        for invoice, order in self.people.invoices.items():
            number = self.traffic.orders[order - FIRST].number
            place = f"{self.traffic.address(order)}/admin/orders/{number}"
            answer = await self.control.get(place, headers=bearer(), timeout=30)
            lines = answer.json()["lines"] if answer.is_success else ()
            if not any(float(line["invoiced"]) for line in lines):
                missed.append(f"Invoice {invoice} of order {order} is not known to the service.")
        return missed


def _written(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("changed")) and entry["method"] not in ("GET", "ACT")


def _counted(log: Sequence[Mapping[str, Any]], documents: Sequence[Document]) -> dict[str, int]:
    kinds = Counter(f"{document.kind}s" for document in documents)
    return {"writes": sum(map(_written, log)), **dict(sorted(kinds.items()))}
