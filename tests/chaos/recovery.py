"""How soon the orders of a killed worker go on, read from the leases.

A worker is frozen, what it holds is read, and only then it is killed: it cannot let go in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from dataclasses import dataclass, field

import asyncpg

from tests.chaos.processes import Processes

LOOK = 0.02
MOST = 30.0  # seconds after which it is told as so long
_LEASED = """
SELECT o.id, o.lease_owner, o.lease_token, EXISTS (
    SELECT FROM intent AS i WHERE i.order_id = o.id AND i.outcome IS NULL) AS in_flight
FROM orders AS o WHERE o.lease_owner IS NOT NULL
"""
_ALIVE = "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
# Somebody else holds it and called ConnectWise for it, or has let go of it.
_WENT_ON = """
SELECT id FROM orders AS o WHERE id = ANY ($1::bigint[])
  AND (lease_token IS NULL OR NOT lease_token = ANY ($2::text[]))
  AND (lease_owner IS NULL OR EXISTS (
      SELECT FROM call AS c WHERE c.order_id = o.id AND c.id > $3))
"""


@dataclass
class Recoveries:
    """Seconds from the kill to the next call or release of each order."""

    idle: list[float] = field(default_factory=list)
    in_flight: list[float] = field(default_factory=list)

    async def kill(self, processes: Processes, name: str) -> None:
        """A kill -9 of a worker while nothing else is broken; returns when its orders went on."""
        connection = await asyncpg.connect(processes.database_url)
        try:
            process = processes.running[name]
            if process.returncode is not None:
                return  # ended by itself, and about to be started again
            processes.busy.add(name)
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.01)
            rows = await connection.fetch(_LEASED)
            last = await connection.fetchval("SELECT coalesce(max(id), 0) FROM call")
            before = {row[0] for row in await connection.fetch(_ALIVE)}
            process.kill()
            killed = time.monotonic()
            await process.wait()
            await asyncio.sleep(0.05)
            dead = before - {row[0] for row in await connection.fetch(_ALIVE)}
            held = {row["id"]: row for row in rows if row["lease_owner"] in dead}
            tokens = [row["lease_token"] for row in held.values()]
            while held and time.monotonic() - killed < MOST:
                for row in await connection.fetch(_WENT_ON, list(held), tokens, last):
                    one = held.pop(row["id"])
                    self._note(time.monotonic() - killed, in_flight=one["in_flight"])
                await asyncio.sleep(LOOK)
            for one in held.values():
                self._note(MOST, in_flight=one["in_flight"])
        finally:
            with contextlib.suppress(Exception):
                await connection.close()

    def _note(self, seconds: float, *, in_flight: bool) -> None:
        (self.in_flight if in_flight else self.idle).append(seconds)


def percentile(values: list[float], part: float) -> float | None:
    """The smallest value that so large a part of them does not exceed."""
    ordered = sorted(values)
    return round(ordered[max(0, -int(-len(ordered) * part) - 1)], 2) if ordered else None
