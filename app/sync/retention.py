"""Retention: the months ahead get their room, and what has outlived its use goes, once an hour.

Owns when it is done and what is told of it. What an open order keeps is the store's to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from logging import ERROR

from app.domain.errors import StoreUnavailable
from app.domain.ports import Clock
from app.domain.retention import Holding, Period, Pruned, RetentionStore
from app.sync.beside import Turns
from app.telemetry import metrics, wide

HOUR = 3600.0
AGAIN = 60.0  # when there was more than one turn takes, or others held a table


class Retention:
    """One for each process. A turn takes nothing from the orders: it runs beside them."""

    def __init__(self, store: RetentionStore, clock: Clock, periods: Sequence[Period]) -> None:
        self.periods = tuple(periods)
        self._store = store
        self._turns = Turns(clock)

    def follow(self) -> None:
        """Take a turn if it is time and none is under way."""
        self._turns.begin(self._turn, HOUR)

    async def stop(self) -> None:
        """End what is under way. What was committed of it stays."""
        await self._turns.stop()

    async def holdings(self) -> list[Holding]:
        """What there is, and what would go now. Raises StoreUnavailable."""
        return [await self._store.holding(period) for period in self.periods]

    async def prune(self) -> list[Pruned]:
        """Make room, then take away what has outlived its use. Raises StoreUnavailable."""
        made = await self._store.make_room()
        if made:
            wide("partitions_made", partitions=list(made))
        done = []
        for period in self.periods:
            pruned = await self._store.prune(period)
            done.append(pruned)
            if pruned.rows:
                metrics.PRUNED.labels(period.kept.value).inc(pruned.rows)
                wide("pruned", kept=period.kept.value, rows=pruned.rows, days=period.days)
        return done

    async def _turn(self) -> None:
        try:
            done = await self.prune()
        except StoreUnavailable:
            self._turns.again_in(AGAIN)
        except Exception as error:  # noqa: BLE001 - whatever it is, orders go on
            # Most likely a database whose tables belong to another user than the service's.
            wide("retention_failed", level=ERROR, error=type(error).__name__, told=str(error))
        else:
            if any(pruned.busy for pruned in done):
                self._turns.again_in(AGAIN)
