"""Attempts that call one system, side by side: no more than it stands calls at once.

Owns who may begin. A call that finds no place is not made, so without a line before them many
attempts would begin and few come to their end (docs/decisions/0049).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from app.connectors.at_once import Line
from app.connectors.pacing import Pacing
from app.domain.grants import LEDGERS

LEDGER_AT_ONCE = 3
# Who waits longer gives its worker's place to others, and is due again soon.
PATIENCE = 2.0  # seconds
AGAIN = 1.0  # seconds


class NoPlace(Exception):
    """None came free in time; nothing was begun."""


@dataclass(frozen=True)
class Lines:
    """The lines of one process. `pacings` by system."""

    pacings: Mapping[str, Pacing] = field(default_factory=dict)
    # A ledger's budget is small: so few attempts share it that each comes to its end.
    ledger: Line = field(default_factory=lambda: Line(lambda: LEDGER_AT_ONCE))

    @asynccontextmanager
    async def place(self, system: str) -> AsyncIterator[bool]:
        """A place in the lines of a system; whether it was waited for. Raises NoPlace."""
        lines = [self.ledger] if system in LEDGERS else []
        if (pacing := self.pacings.get(system)) is not None:
            lines.append(pacing.at_once.attempts)
        async with AsyncExitStack() as stack:
            try:
                waits = [await stack.enter_async_context(line.place(PATIENCE)) for line in lines]
            except TimeoutError as late:
                raise NoPlace from late
            yield any(waits)
