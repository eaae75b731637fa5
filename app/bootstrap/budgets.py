"""Which budget a connection has: by its system and the company that it calls.

Owns the naming of companies, so that processes of one installation count together.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from app.bootstrap.chosen import OF_THE_SWEEP
from app.domain.budgets import DAY, Budget, Spent, Use
from app.domain.errors import FailureKind
from app.domain.grants import LEDGERS
from app.domain.polling import PollState
from app.domain.views import ConnectionRow
from app.domain.watching import KIND, Seen, Standing
from app.settings import DEFAULT_TENANT, Settings
from app.store.postgres import PostgresStore
from app.sync.budget import Budgets
from app.sync.inbox import COMMERCE, CONNECTWISE


@dataclass(frozen=True, slots=True)
class Counted:
    """The budgets of the connections that the settings name."""

    budgets: Budgets
    settings: Settings
    store: PostgresStore

    def connectwise(self) -> Budget | None:
        site = f"{self.settings.connectwise_company}@{self.settings.connectwise_url}"
        timeout = self.settings.connectwise_timeout
        return self.budgets.of(CONNECTWISE, site, timeout=timeout)

    def ledger(self, system: str, company: str) -> Budget | None:
        return self.budgets.of(system, company, timeout=self.settings.ledger_timeout)

    async def use(self, row: ConnectionRow) -> Use:
        """How a connection is called now."""
        if row.system == COMMERCE:
            return await self._of_commerce(row)
        budget = None
        if row.system == CONNECTWISE and self.settings.connectwise_url:
            budget = self.connectwise()
        elif row.system in LEDGERS and row.grant is not None:
            budget = self.ledger(row.system, row.grant.company.id)
        return Use() if budget is None else Use(await budget.spent(), await budget.at_once())

    def sweep(self) -> Budget | None:
        """The drift sweep's part of Commerce's calls, which are of the instance that is called."""
        settings = self.settings
        instance = f"{settings.commerce_connection}@{settings.commerce_api_url}"
        return self.budgets.of(OF_THE_SWEEP, instance, timeout=settings.commerce_api_timeout)

    async def _of_commerce(self, row: ConnectionRow) -> Use:
        """How it is read, and the vendor's day: the poll's calls and the sweep's. What a minute holds is
        counted by who has the turn, in its own process."""
        settings = self.settings
        if not settings.polls_commerce or row.name != settings.commerce_connection:
            return Use()
        now = await self.store.now()
        kept = await self.store.recall(DEFAULT_TENANT, KIND, Seen.COMMERCE_POLL)
        standing = Standing.of(kept)
        trouble = standing.sentence(Seen.COMMERCE_POLL, now) if standing.fails(now) else ""
        try:
            state = PollState.of(await self.store.kept_state(row.name))
        except ValidationError:  # then the poll fails by it, and that is told
            return Use(read_at=standing.well, trouble=trouble)
        if not trouble and state.failing is not None and row.paused is None:
            trouble = _refused(state.failing, state.failures)
        used = state.spent(now)
        limit = settings.commerce_calls_a_day
        sweep = self.sweep() if settings.drift_commerce_calls_a_day else None
        for one in await sweep.spent() if sweep is not None else ():
            if one.seconds == DAY:
                used, limit = used + one.used, limit + one.limit
        return Use((Spent(DAY, used, limit),), read_at=state.looked, trouble=trouble)


def _refused(kind: FailureKind, times: int) -> str:
    often = "once" if times == 1 else f"{times} times in a row"
    why = kind.value.replace("_", " ")
    return f"The poll could not read it {often}: {why}. Ask the doctor."
