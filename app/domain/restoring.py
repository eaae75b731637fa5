"""A database that went back in time: how it is told of, and for how long it is minded.

Pure. Why and how: docs/decisions/0035.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

# What was posted after the backup is looked for as long as this before anything is sent.
MINDED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Restoration:
    """The database went back. `noticed`: a worker found it in another home; else a person told."""

    at: datetime
    noticed: bool
    actor: str
    reason: str

    @property
    def until(self) -> datetime:
        """When nothing is looked for any more because of it."""
        return self.at + MINDED


def quiet_until(restored: datetime | None, timeout: timedelta, lag: timedelta) -> datetime | None:
    """Before this nothing is written: what was sent before the restoration may not show yet."""
    return restored + timeout + lag if restored is not None else None
