"""Which budget a connection has: by its system and the company that it calls.

Owns the naming of companies, so that processes of one installation count together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.budgets import Budget, Spent
from app.domain.grants import LEDGERS
from app.domain.views import ConnectionRow
from app.settings import Settings
from app.sync.budget import Budgets

CONNECTWISE = "connectwise"


@dataclass(frozen=True, slots=True)
class Counted:
    """The budgets of the connections that the settings name."""

    budgets: Budgets
    settings: Settings

    def connectwise(self) -> Budget | None:
        site = f"{self.settings.connectwise_company}@{self.settings.connectwise_url}"
        timeout = self.settings.connectwise_timeout
        return self.budgets.of(CONNECTWISE, site, timeout=timeout)

    def ledger(self, system: str, company: str) -> Budget | None:
        return self.budgets.of(system, company, timeout=self.settings.ledger_timeout)

    async def spent(self, row: ConnectionRow) -> Sequence[Spent]:
        """What stands against the limits of a connection now; nothing where none are counted."""
        budget = None
        if row.system == CONNECTWISE and self.settings.connectwise_url:
            budget = self.connectwise()
        elif row.system in LEDGERS and row.grant is not None:
            budget = self.ledger(row.system, row.grant.company.id)
        return () if budget is None else await budget.spent()
