"""Commerce, the store and the clock at once, for the tests of the poll. Asserts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from app.domain import ports
from app.domain.commerce import Change, Listing, Turn
from app.domain.documents import Kind
from app.domain.errors import FailureKind, RemoteFailure, StoreUnavailable
from app.domain.events import read
from app.domain.json_values import loads
from app.domain.polling import Pace, PollState
from app.domain.ports import Paused
from app.domain.records import Delivery
from app.domain.versions import Stored, merge
from app.sync.commerce_budget import Meter
from app.sync.commerce_poll import CommercePoll
from tests import builders
from tests.builders import NOW, Json

ORDERS, PURCHASES, QUOTES = Listing.SALES_ORDERS, Listing.PURCHASE_ORDERS, Listing.QUOTES
ME = ports.Worker(1, lambda: True)
SINCE = datetime.fromisoformat(builders.at(-60))


@dataclass
class World:
    """Commerce, the store and the clock at once. `documents` are what the API has."""

    at: datetime = NOW
    documents: dict[tuple[Kind, str], Json] = field(default_factory=dict)
    changes: dict[Listing, list[Change]] = field(default_factory=dict)
    fails: dict[str, list[Exception]] = field(default_factory=dict)  # by list or "kind:id"
    asked: list[str] = field(default_factory=list)
    state: Mapping[str, Any] | None = None
    due: datetime = NOW
    token: str | None = None
    inbox: list[Delivery] = field(default_factory=list)
    stored: dict[tuple[Kind, str], Stored] = field(default_factory=dict)
    pauses: list[Paused] = field(default_factory=list)
    keeps: int = 0
    dies_at_keep: int | None = None
    came: int = 0
    slept: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.meter = Meter(cast(ports.Clock, self), 50)

    # the clock
    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)

    def random(self) -> float:
        return 0.5

    # the store
    async def now(self) -> datetime:
        return self.at

    async def paused(self, tenant: int, system: str) -> Paused | None:
        last = self.pauses[-1] if self.pauses else None
        return (
            last if last is not None and last.until is not None and last.until > self.at else None
        )

    async def pause(self, tenant: int, system: str, paused: Paused) -> None:
        assert system == "commerce"
        self.pauses.append(paused)

    async def take_turn(self, connection: str, worker: int, lease: float) -> Turn:
        if self.token is not None or self.due > self.at:
            return Turn(self.at, self.due)
        self.token = f"token-{self.keeps}"
        return Turn(self.at, self.due, self.token, self.state)

    async def keep_turn(
        self,
        connection: str,
        token: str,
        state: Mapping[str, Any],
        deliveries: Sequence[Delivery],
        *,
        lease: float | None,
        rest: float = 0.0,
    ) -> bool:
        self.keeps += 1
        if self.keeps == self.dies_at_keep:
            self.token = None
            raise StoreUnavailable("killed")
        if token != self.token:
            return False
        self.state = dict(state)
        known = {one.external_id for one in self.inbox}
        self.inbox += [one for one in deliveries if one.external_id not in known]
        if lease is None:
            self.token, self.due = None, self.at + timedelta(seconds=rest)
        return True

    async def merged(self, connection: str, kind: Kind, source_id: str) -> Stored | None:
        return self.stored.get((kind, source_id))

    async def merged_receipts(self, connection: str, purchase_order: str) -> list[Stored]:
        return [one for (kind, _), one in self.stored.items() if kind is Kind.RECEIPT]

    def merge_inbox(self) -> None:
        for delivery in self.inbox:
            for part in read(loads(delivery.body))[1]:
                key = (part.stored.kind, part.stored.source_id)
                self.stored[key] = merge(self.stored.get(key), part.stored)

    # Commerce
    async def _call(self, name: str) -> None:
        await self.meter.take()
        self.asked.append(name)
        if self.fails.get(name):
            raise self.fails[name].pop(0)

    async def changed(self, listing: Listing, after: datetime) -> list[Change]:
        await self._call(listing.value)
        return [one for one in self.changes.get(listing, ()) if one.modified > after]

    async def document(self, kind: Kind, source_id: str) -> Mapping[str, Any]:
        await self._call(f"{kind.value}:{source_id}")
        if (kind, source_id) not in self.documents:
            raise RemoteFailure(FailureKind.GONE, "gone", status=400)
        return self.documents[kind, source_id]

    async def headers(self, kind: Kind, after: datetime) -> list[Mapping[str, Any]]:
        await self._call(f"headers:{kind.value}")
        return [body for (one, _), body in self.documents.items() if one is kind]

    async def kept_state(self, connection: str) -> Mapping[str, Any] | None:
        return self.state

    def put(self, listing: Listing, document: Json) -> None:
        """The document as the API has it from now on."""
        number = str(document["id"])
        self.documents[listing.kind, number] = document
        others = [one for one in self.changes.get(listing, ()) if one.record != number]
        self.changes[listing] = [*others, Change(number, number, self.at)]

    # the poll
    def poll(self, **more: Any) -> CommercePoll:
        patience = timedelta(seconds=more.pop("patience", 0))
        pace = Pace(90, timedelta(minutes=5), more.pop("calls_a_day", 9000), patience)
        return CommercePoll(
            store=cast(ports.Store, self),
            polls=self,
            commerce=self,
            meter=self.meter,
            clock=cast(ports.Clock, self),
            chance=self,
            tenant_id=1,
            connection="default",
            pace=pace,
            since=more.pop("since", SINCE),
        )

    async def turn(self, poll: CommercePoll, seconds: float = 90) -> None:
        """The next turn; time passes until it is due, and as many seconds."""
        self.at = max(self.at, self.due) + timedelta(seconds=seconds)
        await poll.turn(ME, self._came)

    def _came(self) -> None:
        self.came += 1

    @property
    def kept(self) -> PollState:
        return PollState.of(self.state)

    def told(self) -> list[tuple[str, str | None]]:
        return [(one.event_type, one.routing) for one in self.inbox]
