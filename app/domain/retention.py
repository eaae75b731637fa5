"""For how long rows are kept that only tell what was: journal, calls, inbox and alerts.

Owns the periods, what is told of them, and the port. Months are whole: what is kept for 90 days goes
when its month has been over for 90 days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol


class Kept(StrEnum):
    """A kind of rows that grows without end. All but alerts are kept by month."""

    JOURNAL = "journal"
    CALLS = "calls"
    INBOX = "inbox"
    ALERTS = "alerts"

    @property
    def setting(self) -> str:
        """The setting with its days."""
        return f"retention_{self.value}_days"


@dataclass(frozen=True, slots=True)
class Period:
    """For how many days rows are kept at least; 0: for ever."""

    kept: Kept
    days: int

    def until(self, now: datetime) -> datetime | None:
        """What is older has outlived its use: the first moment of a month. None: nothing has."""
        if not self.days:
            return None
        day = now - timedelta(days=self.days)
        return day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is of a kind, and what would go now."""

    period: Period
    until: datetime | None
    oldest: datetime | None
    outlived: int  # older than `until`
    of_open: int  # of these, what stays: its order is not done, or it is not settled itself


@dataclass(frozen=True, slots=True)
class Extent:
    """How far back a kind goes and how large it is, told without counting rows."""

    period: Period
    until: datetime | None
    oldest: datetime | None
    size: int | None  # bytes on disk with indexes; None: the store is on no disk


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went. `busy`: others held a table or are at it; the rest goes next time."""

    kept: Kept
    rows: int
    busy: bool = False


class RetentionStore(Protocol):
    """Rows of an order that is neither done nor cancelled are never pruned, nor a delivery that is
    still to be merged, nor an alert that is unsent or whose state still stands: it would be told
    again. Every method may raise StoreUnavailable."""

    async def make_room(self) -> Sequence[str]:
        """Make the partitions of the months ahead; their names. None are needed: nothing."""

    async def holding(self, period: Period) -> Holding:
        """Counts every row that is older than the period allows: seconds where that is a lot."""

    async def extent(self, period: Period) -> Extent:
        """Costs the same however many rows there are."""

    async def prune(self, period: Period) -> Pruned:
        """Take away what has outlived its use, a bounded part at a time."""
