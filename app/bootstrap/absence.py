"""A database that is away when a process starts is waited for, so that nobody has to start it again.

Owns how long and how often. Whatever else is wrong with it, as tables that are missing or a
password that is refused, is no absence and is told at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.domain.errors import StoreUnavailable
from app.domain.ports import Clock
from app.telemetry import logger

FIRST, LONGEST = 0.2, 2.0  # seconds between two tries
Given = TypeVar("Given")


async def once_there(ask: Callable[[], Awaitable[Given]], clock: Clock, patience: float) -> Given:
    """What `ask` gives, tried with backoff for `patience` seconds while the database is away.
    `ask` has to bear being begun again. Raises StoreUnavailable after that."""
    begun, wait = clock.monotonic(), FIRST
    while True:
        try:
            return await ask()
        except StoreUnavailable as error:
            left = begun + patience - clock.monotonic()
            if left <= 0:
                raise
            if wait == FIRST:
                logger(__name__).warning("database_awaited", seconds=round(left), error=str(error))
            await clock.sleep(min(wait, left))
            wait = min(wait * 2, LONGEST)
