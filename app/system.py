"""The real clock, ids and chance behind the ports.

The only module of `app` that reads the time, makes ids or sleeps; everything else takes these
through `app.domain.ports`, so that the engine can run under virtual time.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """Implements ports.Clock; `wall` is for the edges that no store's clock reaches."""

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def wall(self) -> datetime:
        """Now in UTC, by this host's own clock. Only for signatures of inbound deliveries."""
        return datetime.now(UTC)


def wall_ns() -> int:
    """Nanoseconds since 1970 by this host's clock. Only for spans, which other tools compare."""
    return time.time_ns()


def span_id() -> str:
    """16 random hex digits, never all 0."""
    return f"{random.getrandbits(64) or 1:016x}"


class UuidIds:
    """Implements ports.Ids."""

    def token(self) -> str:
        return str(uuid.uuid4())


class SystemChance:
    """Implements ports.Chance."""

    def random(self) -> float:
        return random.random()  # noqa: S311 - jitter, not secrets


class NoCheckpoints:
    """Implements ports.Checkpoints: production stops nowhere."""

    async def reached(self, point: str, step: str, subject: str) -> None:
        return None
