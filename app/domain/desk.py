"""What the console asks beside the lists of `views.py`: who is signed in, what to look at first.

Owns these shapes and the port `DeskStore`. Values only; what is offered to whom is `app/sync/desk.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.domain.codes import Code, State, Who
from app.domain.records import OrderRow
from app.domain.views import Audit, Page, Replay


@dataclass(frozen=True, slots=True)
class Found:
    """An order that a search found, and what of it fits: in words, with the matching text."""

    order: OrderRow
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes failures one issue. `step` and `endpoint` are empty where none is known."""

    code: Code
    step: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """Orders that stand held or parked for one cause, the newest first; `orders` names some."""

    fingerprint: Fingerprint
    count: int
    orders: tuple[str, ...]
    since: datetime | None
    newest: datetime | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Run:
    """An attempt at a step. `finished_at` None: it is under way."""

    step: str
    subject: str
    attempt: int
    state: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A change that a person made, with its time."""

    id: int
    at: datetime
    audit: Audit


class SearchStore(Protocol):
    """May raise StoreUnavailable; a cursor that cannot be read raises ValueError."""

    async def search(
        self, tenant_id: int, text: str, cursor: str | None, limit: int
    ) -> Page[Found]:
        """Orders by any part of a number, of a customer's name, of a supplier's invoice, tracking or
        serial number or of the customer's reference, in any case, or by a whole id elsewhere. What
        begins with it comes first, then whole ids, then what holds it inside; each the newest first.
        A text of less than three characters is looked for at the beginnings of numbers and names."""


class DeskStore(SearchStore, Protocol):
    """Every method may raise StoreUnavailable; a cursor that cannot be read raises ValueError."""

    # Who is signed in: only hashes are kept
    async def open_session(
        self, tenant_id: int, digest: bytes, key_digest: bytes, seconds: float, audit: Audit
    ) -> None:
        """Keep a session, and forget those that ended."""

    async def session(self, digest: bytes) -> bytes | None:
        """The digest of the key that the session was opened with; None once it is over."""

    async def close_session(self, tenant_id: int, digest: bytes, audit: Audit) -> None: ...

    # What to look at
    async def standing(self, tenant_id: int) -> Mapping[tuple[State, Who], int]:
        """How many orders are open, by state and who acts."""

    async def reasons(self, tenant_id: int) -> Mapping[Code, int]:
        """How many open orders stand at each reason, the commonest first."""

    async def needing(self, tenant_id: int, limit: int) -> Sequence[OrderRow]:
        """Orders that stand held or parked, the longest first."""

    async def issues(self, tenant_id: int) -> Sequence[Issue]: ...

    async def issue_orders(self, tenant_id: int, wanted: Fingerprint, limit: int) -> Sequence[int]:
        """Ids of an issue's orders."""

    async def runs(self, order_id: int, limit: int) -> Sequence[Run]:
        """The newest attempts of an order, in the order in which they began."""

    async def audits(self, tenant_id: int, cursor: str | None, limit: int) -> Page[AuditRow]: ...

    async def replays(self, tenant_id: int, cursor: str | None, limit: int) -> Page[Replay]:
        """The newest plans, without their items."""

    # Whether a page is still right
    async def order_mark(self, order_id: int) -> str:
        """Another text after each change of the order that its page shows."""

    async def mark(self, tenant_id: int) -> str:
        """Another text after each change that any list shows."""
