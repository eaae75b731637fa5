"""Retention: the months ahead get their room, and what has outlived its use goes, once an hour.

Owns when it is done and what is told of it. What an open order keeps is the store's to know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from logging import ERROR
from typing import Any

from pydantic import ValidationError

from app.domain.admin_store import AdminStore
from app.domain.errors import StoreUnavailable
from app.domain.ports import Clock
from app.domain.retention import Extent, Holding, Kept, Period, Pruned, RetentionStore
from app.domain.views import Audit
from app.settings import check
from app.sync.asking import Actor, Refusal, wrong, wrong_fields
from app.sync.beside import Turns, Watch
from app.sync.decisions import reason_given
from app.telemetry import metrics, wide

HOUR = 3600.0
AGAIN = 60.0  # when there was more than one turn takes, or others held a table


class Retention:
    """One for each process. A turn takes nothing from the orders: it runs beside them."""

    def __init__(
        self,
        *,
        store: RetentionStore,
        admin: AdminStore,
        clock: Clock,
        defaults: Sequence[Period],
        tenant_id: int,
        watch: Watch | None = None,
    ) -> None:
        self._defaults = tuple(defaults)
        self._store = store
        self._admin = admin
        self._tenant = tenant_id
        self._turns = Turns(clock, watch)

    def follow(self) -> None:
        """Take a turn if it is time and none is under way."""
        self._turns.begin(self._turn, HOUR)

    async def stop(self) -> None:
        """End what is under way. What was committed of it stays."""
        await self._turns.stop()

    async def periods(self) -> list[Period]:
        """As they rule now: the database's, else the environment's. Raises StoreUnavailable."""
        stored = await self._admin.settings(self._tenant)
        return [
            Period(one.kept, int(stored.get(one.kept.setting, one.days))) for one in self._defaults
        ]

    async def extents(self) -> list[Extent]:
        """How far back each kind goes and how large it is; counts nothing. Raises
        StoreUnavailable."""
        return [await self._store.extent(period) for period in await self.periods()]

    async def holdings(self, days: Mapping[str, int] | None = None) -> list[Holding]:
        """What there is, and what would go now; of kinds in `days` as if they were kept for so many.
        Raises Refusal and StoreUnavailable."""
        if days:
            _checked(days)
        periods = [
            Period(one.kept, (days or {}).get(one.kept, one.days)) for one in await self.periods()
        ]
        return [await self._store.holding(period) for period in periods]

    async def change(self, actor: Actor, days: Mapping[str, int], reason: str) -> list[Holding]:
        """Keep kinds of rows for so many days from now on, and count what goes by it. Raises
        Refusal and StoreUnavailable."""
        await self.set_days(actor, days, reason)
        return await self.holdings()

    async def set_days(self, actor: Actor, days: Mapping[str, int], reason: str) -> None:
        """Keep kinds of rows for so many days from now on (0: for ever). What is kept for less
        goes with the next turn of a worker, within the hour. What a refusal says of single kinds
        stands in its `fields`. Raises Refusal and StoreUnavailable."""
        told = reason_given(reason)
        if actor.tenant_id != self._tenant:
            raise Refusal("FORBIDDEN", "Rows are kept for all tenants alike; ask the operator.")
        checked = _checked(days)
        was = {one.kept.value: one.days for one in await self.periods() if one.kept.value in days}
        data = {"reason": told, "days": dict(days), "was": was}
        audit = Audit(actor.name, "retention.change", ", ".join(sorted(days)), data)
        await self._admin.put_settings(self._tenant, checked, audit)

    async def prune(self) -> list[Pruned]:
        """Make room, then take away what has outlived its use. Raises StoreUnavailable."""
        made = await self._store.make_room()
        if made:
            wide("partitions_made", partitions=list(made))
        done = []
        for period in await self.periods():
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
            self._turns.ended(error)
            # Most likely a database whose tables belong to another user than the service's.
            wide("retention_failed", level=ERROR, error=type(error).__name__, told=str(error))
        else:
            self._turns.ended()
            if any(pruned.busy for pruned in done):
                self._turns.again_in(AGAIN)


def _checked(days: Mapping[str, int]) -> dict[str, Any]:
    """The settings that these days are. Raises Refusal."""
    if not days or set(days) - set(Kept):
        named = ", ".join(Kept)
        raise Refusal("REQUEST_NOT_VALID", f"days: name one or more of {named}.")
    try:
        return check({Kept(one).setting: number for one, number in days.items()})
    except ValidationError as error:
        of = {Kept(one).setting.upper(): str(one) for one in days}
        fields = {of.get(name, name): said for name, said in wrong_fields(error)}
        raise Refusal("REQUEST_NOT_VALID", f"{wrong(error)}.", fields=fields) from error
