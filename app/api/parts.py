"""What the API needs from the composition root, and how endpoints get at it.

Owns the list of parts, so that `app/bootstrap` can give them without being known here. Must not
build any of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, cast

from fastapi import FastAPI

from app.domain.admin_store import AdminStore
from app.domain.ports import Ids, Store, Wake
from app.settings import Settings
from app.sync.alerts import Alerts
from app.sync.decisions import Decisions
from app.sync.desk import Desk
from app.sync.doctor import Doctor
from app.sync.findings import Findings
from app.sync.foresight import Foresight
from app.sync.inbox import CallbackCheck
from app.sync.ledger_events import Door
from app.sync.ledgers import Ledgers
from app.sync.operations import Operations
from app.sync.readiness import ReadinessCheck
from app.sync.replays import Replays
from app.sync.retention import Retention
from app.sync.reveals import Reveals
from app.sync.tickets import Tickets
from app.sync.upkeep import Upkeep


class Parts(Protocol):
    """Everything that the endpoints work with. Read-only."""

    @property
    def settings(self) -> Settings: ...

    @property
    def store(self) -> Store: ...

    @property
    def admin(self) -> AdminStore: ...

    @property
    def operations(self) -> Operations: ...

    @property
    def decisions(self) -> Decisions: ...

    @property
    def upkeep(self) -> Upkeep: ...

    @property
    def reveals(self) -> Reveals: ...

    @property
    def tickets(self) -> Tickets: ...

    @property
    def readiness(self) -> ReadinessCheck: ...

    @property
    def alerts(self) -> Alerts: ...

    @property
    def retention(self) -> Retention: ...

    @property
    def ledgers(self) -> Ledgers: ...

    @property
    def replays(self) -> Replays: ...

    @property
    def foresight(self) -> Foresight: ...

    @property
    def findings(self) -> Findings: ...

    @property
    def desk(self) -> Desk: ...

    @property
    def doctor(self) -> Doctor: ...

    @property
    def wake(self) -> Wake: ...

    @property
    def ids(self) -> Ids: ...

    @property
    def wall(self) -> Callable[[], datetime]:
        """This host's time in UTC, for the age of signatures only."""

    @property
    def default_tenant(self) -> int:
        """Whose the key ADMIN_API_KEY is."""

    @property
    def commerce_connection(self) -> str:
        """The connection that POST /webhooks/commerce is for."""

    @property
    def commerce_secrets(self) -> Mapping[str, Sequence[str]]:
        """Accepted webhook secrets by connection; a connection without any is off."""

    @property
    def connectwise_connection(self) -> str: ...

    @property
    def check_callback(self) -> Callable[[bytes, str | None], Awaitable[CallbackCheck]]:
        """Told a callback's body and its x-content-signature. Never raises for what they hold."""

    @property
    def ledger_doors(self) -> Sequence[Door]:
        """Where the ledgers' webhooks come in; a shut one refuses everything."""

    @property
    def queue_alive(self) -> Callable[[], Awaitable[bool]]:
        """Whether Redis answers. Never raises."""


def parts_of(app: FastAPI) -> Parts:
    """The parts that `app.main.mount` put there."""
    return cast(Parts, app.state.parts)
