"""Days of alerts in seconds: every moment that is kept is moved back, and what is told is collected.

Owns the moving of time and places that take messages, or do not. What happens meanwhile is the tests'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.alerts import Note, Quiet
from app.domain.codes import Code
from app.domain.ports import Worker
from app.domain.records import Answer
from app.store.postgres import PostgresStore
from app.sync.alerts import AlertPace, Alerts
from app.system import SystemClock
from tests.store.build import TENANT, claim_one, release, waiting
from tests.store.test_settled import run

BERLIN = ZoneInfo("Europe/Berlin")
# The evening before the clocks go forward.
EVENING = datetime(2026, 3, 28, 18, 0, tzinfo=BERLIN).astimezone(UTC)
NIGHT = Quiet(time(22), time(7), BERLIN)
LAG = waiting(Code.READ_LAG)
_TABLES = ("alert", "orders", "drift_finding", "connection", "ledger_grant", "decision")
_COLUMNS = """
SELECT table_name, array_agg(column_name::text) AS names FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = ANY ($1::text[])
  AND data_type = 'timestamp with time zone' GROUP BY 1
"""


class Taker:
    """A place. `away`: it takes nothing; `dies`: it takes a message, and its worker dies after it."""

    def __init__(self, key: str) -> None:
        self.key = self.name = key
        self.away = False
        self.dies = False
        self.got: list[tuple[datetime, Note]] = []
        self.now = datetime.now(UTC)

    async def send(self, note: Note) -> bool:
        await asyncio.sleep(0)
        if not self.away:
            self.got.append((self.now, note))
        if self.dies:
            raise RuntimeError("the worker died")
        return not self.away

    def told(self, part: str) -> int:
        """How many messages hold these words."""
        return sum(part in f"{note.title}\n{note.text}" for _, note in self.got)


class _At:
    """The clock that quiet hours are of."""

    def __init__(self, days: Days) -> None:
        self._days = days

    async def now(self) -> datetime:
        return self._days.now


class Days:
    """A store whose time goes by when it is told to; `now` is the time that is played."""

    def __init__(self, store: PostgresStore, now: datetime) -> None:
        self.store = store
        self.now = now
        self._moves: list[str] = []

    async def go(self, minutes: float) -> None:
        """Let time go by, for everything that is kept."""
        if not self._moves:
            for row in await run(self.store, _COLUMNS, list(_TABLES)):
                sets = ", ".join(
                    f"{name} = {name} - make_interval(secs => $1)" for name in row["names"]
                )
                self._moves.append(f"UPDATE {row['table_name']} SET {sets}")  # noqa: S608
            self._moves.append(
                "UPDATE reference_cache SET body = json_build_object('at', (body ->> 'at')::timestamptz"
                " - make_interval(secs => $1)) WHERE kind = 'alerts'"
            )
        for statement in self._moves:
            await run(self.store, statement, minutes * 60.0)
        self.now += timedelta(minutes=minutes)

    def worker(self, places: Sequence[Taker], pace: AlertPace | None = None) -> Alerts:
        """What a worker has after it started."""
        for place in places:
            place.now = self.now
        return Alerts(
            store=_At(self),  # type: ignore[arg-type]
            kept=self.store,
            places=places,
            clock=SystemClock(),
            pace=pace or AlertPace(gather=0.0, silence=0.0),
            tenant_id=TENANT,
            public_url="https://x.example",
        )

    async def turn(self, places: Sequence[Taker], pace: AlertPace | None = None) -> None:
        """A look of two workers at once, each just started."""
        workers = [self.worker(places, pace), self.worker(places, pace)]
        await asyncio.gather(*(one.turn() for one in workers), return_exceptions=True)


async def look(store: PostgresStore, worker: Worker, answer: Answer) -> None:
    """A worker looks at the one order that is due, and leaves this answer."""
    (row,) = await run(store, "SELECT id FROM orders")
    await store.wake([row["id"]])
    assert await release(store, await claim_one(store, worker), answer)
