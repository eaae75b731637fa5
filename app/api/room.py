"""The room that deliveries have between their first byte and their answer.

Owns two bounds, on deliveries and on their bytes, for all senders together and for each: what does
not fit is refused at once, before its body is read (decision 0046). Must not know what a
delivery is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Full(Exception):
    """There is no room now; the request is not accepted."""


@dataclass
class Place:
    """One delivery's place; it grows with what is read of its body. Raises Full."""

    room: Room
    sender: str
    held: int = 0

    def grow(self, size: int) -> None:
        self.room.take(self.sender, size)
        self.held += size


@dataclass
class Room:
    """Bounds for all; each sender may have half of either, so that one's flood leaves the other
    half to the others. A sender is a connection, which belongs to one tenant."""

    deliveries: int = 4_000
    size: int = 64 * 1024 * 1024  # bytes
    _count: Counter[str] = field(default_factory=Counter)
    _bytes: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def place(self, sender: str) -> Iterator[Place]:
        """A place until the end of the block. Raises Full."""
        if self._count.total() >= self.deliveries or self._count[sender] >= self.deliveries // 2:
            raise Full
        self._count[sender] += 1
        place = Place(self, sender)
        try:
            yield place
        finally:
            # Names come from addresses that anybody may make up: none is kept.
            _give_back(self._count, sender, 1)
            _give_back(self._bytes, sender, place.held)

    def take(self, sender: str, size: int) -> None:
        total, own = self._bytes.total() + size, self._bytes[sender] + size
        if total > self.size or own > self.size // 2:
            raise Full
        self._bytes[sender] = own


def _give_back(counts: Counter[str], sender: str, size: int) -> None:
    counts[sender] -= size
    if not counts[sender]:
        del counts[sender]
