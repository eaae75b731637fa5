"""What the drift sweep may read of Commerce's API: a small part of its own, beside the poll's.

Owns the waiting within the minute. All processes count together (decision 0028), so that a sweep and
a person's comparison stay within it, and the poll's calls are never theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from app.domain.budgets import MINUTE, Budget
from app.domain.commerce import BudgetSpent
from app.domain.ports import Clock
from app.sync.commerce_budget import Meter

_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


class ShareSpent(BudgetSpent):
    """The sweep's own calls to Commerce are used up; what it compares besides goes on."""


@contextmanager
def spending(meter: Meter) -> Iterator[None]:
    """Calls to Commerce count in this meter as well: that of the sweep or of the request."""
    token = _meter.set(meter)
    try:
        yield
    finally:
        _meter.reset(token)


class Share:
    """`take` is awaited before each call."""

    def __init__(self, budget: Budget | None, clock: Clock) -> None:
        self._budget = budget
        self._clock = clock

    async def take(self) -> None:
        """One call. Raises ShareSpent, and BudgetSpent for the meter's own limit."""
        meter = _meter.get()
        if meter is not None:
            await meter.take()
        while self._budget is not None:
            # A turn is not given back: it counts until its call would be given up, and a window on.
            turn = await self._budget.take()
            if turn.token is not None:
                return
            if turn.wait > MINUTE:
                raise ShareSpent
            await self._clock.sleep(turn.wait)
