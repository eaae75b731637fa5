"""What a worker holds of an order while it drives it: the lease, and what was read meanwhile.

Owns nothing but these values; who renews a lease is the worker.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from app.domain.records import Claim

INHERITED = "inherited"


@dataclass(slots=True)
class Lease:
    """What a worker knows of an order's lease, on its own monotonic clock."""

    seconds: float
    confirmed: float
    lost: bool = False
    alive: Callable[[], bool] = lambda: True  # whether the worker has its session lock

    def left(self, now: float) -> float:
        if self.lost or not self.alive():  # without the lock others take over at once
            return -1.0
        return self.confirmed + self.seconds - now


@dataclass(slots=True)
class Drive:
    """What outlives one attempt while a worker keeps an order: the claim and what was read."""

    claim: Claim
    lease: Lease
    renew: Callable[[], Awaitable[bool]]
    recent: dict[tuple[str, str], Any] = field(default_factory=dict)
    rounds: int = 0

    def read_anew(self) -> None:
        """Forget what was read. What was inherited from the dead was not read: it stays."""
        self.recent = {key: value for key, value in self.recent.items() if key[0] == INHERITED}
