"""What the console needs from the composition root.

Owns the list of parts, so that `app/bootstrap` can give them without being known here.
"""

from __future__ import annotations

from typing import Protocol, cast

from starlette.requests import Request

from app.domain.ports import Clock, Ids, Store
from app.settings import Settings
from app.sync.alerts import Alerts
from app.sync.decisions import Decisions
from app.sync.desk import Desk
from app.sync.doctor import Doctor
from app.sync.findings import Findings
from app.sync.foresight import Foresight
from app.sync.keys import Sessions
from app.sync.ledgers import Ledgers
from app.sync.operations import Operations
from app.sync.replays import Replays
from app.sync.retention import Retention
from app.sync.reveals import Reveals
from app.sync.tickets import Tickets
from app.sync.upkeep import Upkeep


class Parts(Protocol):
    """Everything that the pages work with. Read-only."""

    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> Store: ...

    @property
    def ids(self) -> Ids: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def operations(self) -> Operations: ...

    @property
    def decisions(self) -> Decisions: ...

    @property
    def upkeep(self) -> Upkeep: ...

    @property
    def reveals(self) -> Reveals: ...

    @property
    def replays(self) -> Replays: ...

    @property
    def foresight(self) -> Foresight: ...

    @property
    def findings(self) -> Findings: ...

    @property
    def doctor(self) -> Doctor: ...

    @property
    def ledgers(self) -> Ledgers: ...

    @property
    def tickets(self) -> Tickets: ...

    @property
    def retention(self) -> Retention: ...

    @property
    def alerts(self) -> Alerts: ...

    @property
    def desk(self) -> Desk: ...

    @property
    def sessions(self) -> Sessions: ...


def parts_of(request: Request) -> Parts:
    """The parts that `app.main` put there."""
    return cast(Parts, request.app.state.parts)
