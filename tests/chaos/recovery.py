"""How soon the orders of a killed worker go on, read from outside, order by order.

A worker is frozen, what it holds is read, and only then it is killed: it cannot let go in between.
"""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from tests.chaos.processes import Processes

LOOK = 0.02
CALM, HOLDS = 12.0, 3.0  # seconds that both workers, and then a lease, are waited for
MOST = 40.0  # seconds after which nothing more is expected
_CALM = """
SELECT ARRAY(SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
    EXISTS (SELECT FROM connection WHERE paused_until > now())
"""
_LEASED = """
SELECT o.id, o.lease_token,
    ARRAY(SELECT i.id FROM intent AS i WHERE i.order_id = o.id AND i.outcome IS NULL) AS intents,
    EXISTS (SELECT FROM fact AS f JOIN step_run AS s ON s.order_id = f.order_id
        WHERE f.order_id = o.id AND f.kind = 'sending' AND f.key = s.step
        AND (f.body ->> 'begun')::boolean AND s.state = 'running') AS changing
FROM orders AS o WHERE o.lease_owner = $1
"""
_LAST = """
SELECT coalesce((SELECT max(id) FROM call), 0), coalesce((SELECT max(id) FROM step_run), 0)
"""
# $2: the tokens of the dead; $3, $4: the newest call and step before.
_WENT_ON = """
SELECT o.id, TRUE AS claimed,
    o.lease_owner IS NULL
    OR EXISTS (SELECT FROM call AS c WHERE c.order_id = o.id AND c.id > $3)
    OR EXISTS (SELECT FROM step_run AS s WHERE s.order_id = o.id AND s.id > $4) AS stepped,
    EXISTS (SELECT FROM step_run AS s WHERE s.order_id = o.id AND s.id > $4
        AND s.state NOT IN ('running', 'waiting'))
    OR o.lease_owner IS NULL AND o.code IS DISTINCT FROM 'OUTCOME_UNKNOWN' AS settled
FROM orders AS o WHERE o.id = ANY ($1::bigint[])
AND (o.lease_token IS NULL OR o.lease_token <> ALL ($2::text[]))
"""

_NOW = """
SELECT o.number, o.state, o.code, o.sentence, o.due_at, o.lease_until, now(),
    ARRAY(SELECT (step, subject, state) FROM step_run WHERE order_id = o.id AND id > $3)::text[],
    ARRAY(SELECT (id, step, subject, kind, key, outcome IS NULL, committed_at, looked_at)
        FROM intent WHERE order_id = o.id)::text[]
FROM orders AS o WHERE o.id = $1 AND $2::bigint IS NOT NULL
"""


@dataclass
class Recoveries:
    """Seconds from the kill, of each order: until another worker has it, until its next step,
    call or rest, and, where a write was in flight, until that is settled and the order goes on."""

    claimed: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    in_flight: list[float] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)  # what is known of those over MOST seconds
    unmeasured: int = 0  # kills of a worker that held nothing, or had no other beside it

    async def kill(self, processes: Processes, name: str) -> None:
        """A kill -9 of a worker while nothing else is broken; returns when its orders went on."""
        async with _looking(processes, name) as connection:
            if not await _calm(connection, processes, name) or not await _holds(
                connection, processes, name
            ):
                self.unmeasured += 1
                await processes.stop(name, signal.SIGKILL)
                return
            process = processes.running[name]
            processes.busy.add(name)
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.05)  # what it sent to the database before arrives
            held = await connection.fetch(_LEASED, processes.joined(name))
            last = await connection.fetchrow(_LAST)
            process.kill()
            killed = time.monotonic()
            await process.wait()
            if not held:
                self.unmeasured += 1
            await self._follow(connection, killed, held, last)

    async def _follow(
        self, connection: Any, killed: float, held: Sequence[Any], last: Sequence[int]
    ) -> None:
        waiting = {row["id"]: row for row in held}
        unclaimed = set(waiting)
        tokens = [row["lease_token"] for row in held]
        while waiting and time.monotonic() - killed < MOST:
            for row in await connection.fetch(_WENT_ON, list(waiting), tokens, *last):
                seconds = time.monotonic() - killed
                if row["id"] in unclaimed:
                    unclaimed.discard(row["id"])
                    self.claimed.append(seconds)
                if row["settled" if _in_flight(waiting[row["id"]]) else "stepped"]:
                    self._note(waiting.pop(row["id"]), seconds)
            await asyncio.sleep(LOOK)
        for row in waiting.values():
            self._note(row, MOST)
            self.slow += [f"{row}: {now}" for now in await connection.fetch(_NOW, row["id"], *last)]

    def _note(self, row: Any, seconds: float) -> None:
        (self.in_flight if _in_flight(row) else self.idle).append(seconds)

    def figures(self) -> Iterator[tuple[str, list[float]]]:
        yield "another worker has the order", self.claimed
        yield "its next step, no write in flight", self.idle
        yield "its next step, a write in flight", self.in_flight


def _in_flight(row: Any) -> bool:
    return bool(row["intents"] or row["changing"])


@asynccontextmanager
async def _looking(processes: Processes, name: str) -> Any:
    connection = await asyncpg.connect(processes.of(name).database_url, timeout=10)
    try:
        yield connection
    finally:
        connection.terminate()


async def _calm(connection: Any, processes: Processes, name: str) -> bool:
    """Whether, within a while, both workers live and each system is asked."""
    for _ in range(int(CALM / 0.1)):
        alive, paused = await connection.fetchrow(_CALM)
        joined = {processes.joined(worker) for worker in processes.of(name).workers}
        if joined <= set(alive) and not paused:
            return True
        await asyncio.sleep(0.1)
    return False


async def _holds(connection: Any, processes: Processes, name: str) -> bool:
    for _ in range(int(HOLDS / LOOK)):
        if await connection.fetch(_LEASED, processes.joined(name)):
            return True
        await asyncio.sleep(LOOK)
    return False


def percentile(values: Sequence[float], part: float) -> float | None:
    """The smallest value that so large a part of them does not exceed."""
    ordered = sorted(values)
    return round(ordered[math.ceil(len(ordered) * part) - 1], 3) if ordered else None
