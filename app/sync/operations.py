"""What people do with the service: one class behind REST, command line and console.

Owns the rules of these operations (who may see what, what is refused and why), each with its
actor; knows neither HTTP nor tables. Nothing here writes to a remote system: a change wakes
orders, and the worker goes on from there. Replays are `app/sync/replays.py`, mappings and settings
`app/sync/setup.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.connectors.recording import redacted
from app.connectors.sealing import plain, without_secrets
from app.domain import json_values
from app.domain.admin_store import AdminStore
from app.domain.budgets import Use
from app.domain.ports import Store, Wake
from app.domain.records import InboxEvent, OrderRow, Snapshot
from app.domain.scenario import Scenario
from app.domain.views import (
    CallRow,
    ConnectionRow,
    Explained,
    JournalRow,
    OrderFilter,
    Page,
    Unverified,
)
from app.settings import Settings
from app.sync.asking import MAX_PAGE, Actor, Refusal, at_most, readable_cursor
from app.sync.setup import SetUp

# Where deliveries come from, each with a door of its own, and what became of one.
SOURCES = ("commerce", "connectwise", "quickbooks", "xero")
STATUSES = ("new", "merged", "hint", "unhandled", "dropped", "deferred", "rejected")

__all__ = ["MAX_PAGE", "Actor", "Operations", "Refusal", "Story", "readable_cursor", "shown"]


@dataclass(frozen=True, slots=True)
class Story:
    """An order and its explanation."""

    order: OrderRow
    explained: Explained


class Operations(SetUp):
    """Everything a person may do or read. Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        store: Store,
        admin: AdminStore,
        wake: Wake,
        explain: Callable[[Snapshot], Explained],
        settings: Settings,
        scenarios: Mapping[str, Scenario],
        used: Callable[[ConnectionRow], Awaitable[Use]],
    ) -> None:
        super().__init__(admin=admin, wake=wake, settings=settings, scenarios=scenarios)
        self._store = store
        self._explain = explain
        self._used = used

    # Orders -------------------------------------------------------------------------------

    async def orders(
        self, actor: Actor, wanted: OrderFilter, cursor: str | None = None, limit: int = 50
    ) -> Page[OrderRow]:
        with readable_cursor():
            return await self._admin.orders(actor.tenant_id, wanted, cursor, at_most(limit))

    async def find(self, actor: Actor, number: str, connection: str | None = None) -> OrderRow:
        """The order of this number, or of `id:1201` while only its Commerce id is known."""
        known = await self._admin.named(actor.tenant_id, number)
        found = [row for row in known if connection in (None, row.connection)]
        if not found:
            where = f" on the connection {connection}" if connection else ""
            raise Refusal(
                "NOT_FOUND",
                f"No order {number} is known{where}. An order whose sales order has not come in "
                "is addressed by its Commerce id, as in id:1201.",
            )
        if len(found) > 1:
            names = sorted(row.connection for row in found)
            raise Refusal(
                "NUMBER_AMBIGUOUS",
                f"The connections {', '.join(names)} know {number}. Choose one with ?connection=.",
                connections=names,
            )
        return found[0]

    async def rows(self, actor: Actor, ids: Sequence[int]) -> Sequence[OrderRow]:
        """Orders of the tenant by their ids, as they stand now."""
        return await self._admin.by_ids(actor.tenant_id, ids)

    async def order(self, actor: Actor, number: str, connection: str | None = None) -> Story:
        return await self.story(await self.find(actor, number, connection))

    async def story(self, row: OrderRow) -> Story:
        """The explanation, from one snapshot."""
        return self.told(await self._store.peek(row.id))

    def told(self, snapshot: Snapshot) -> Story:
        """The same of a snapshot that was read already."""
        return Story(snapshot.order, self._explain(snapshot))

    def steps_of(self, order: OrderRow) -> tuple[str, ...]:
        """The steps of the order's scenario, in their order; of one not pinned yet, of the service's."""
        scenario = self._scenarios.get(order.scenario or self._settings.scenario)
        return tuple(use.name for use in scenario.steps) if scenario is not None else ()

    def known_steps(self) -> tuple[str, ...]:
        """The steps of all scenarios, each once."""
        every = (use.name for scenario in self._scenarios.values() for use in scenario.steps)
        return tuple(dict.fromkeys(every))

    async def journal(
        self, order: OrderRow, cursor: str | None = None, limit: int = 50
    ) -> Page[JournalRow]:
        with readable_cursor():
            return await self._admin.journal(order.id, cursor, at_most(limit))

    async def calls(
        self, order: OrderRow, cursor: str | None = None, limit: int = 50
    ) -> Page[CallRow]:
        with readable_cursor():
            return await self._admin.calls(order.id, cursor, at_most(limit))

    # Inbox --------------------------------------------------------------------------------

    async def events(
        self,
        actor: Actor,
        source: str | None = None,
        status: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page[InboxEvent]:
        """Deliveries, the newest first. A source or status that there is not is refused: an empty
        list would read as if none had come."""
        _one_of("source", source, SOURCES)
        _one_of("status", status, STATUSES)
        with readable_cursor():
            return await self._admin.events(actor.tenant_id, source, status, cursor, at_most(limit))

    async def event(self, actor: Actor, event_id: int) -> InboxEvent:
        found = await self._admin.event(actor.tenant_id, event_id)
        if found is None:
            raise Refusal("NOT_FOUND", f"There is no event {event_id}. See /admin/events.")
        return found

    async def unverified(
        self, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[Unverified]:
        """The refused requests of the ring, the newest first. They belong to no tenant: nobody
        vouches."""
        _one_of("source", source, SOURCES)
        with readable_cursor():
            return await self._admin.unverified(source, cursor, at_most(limit))

    # Connections ------------------------------------------------------------------------------

    async def connections(self, actor: Actor) -> Sequence[ConnectionRow]:
        """With how each is called now, where that is counted."""
        rows = await self._admin.connections(actor.tenant_id)
        return [replace(row, use=await self._used(row)) for row in rows]


def _one_of(name: str, given: str | None, known: Sequence[str]) -> None:
    if given is not None and given not in known:
        raise Refusal("REQUEST_NOT_VALID", f"{name}: must be one of {', '.join(known)}.")


def shown(body: bytes, *, personal: bool = False) -> Any:
    """A delivery's body for a person: JSON without secrets and, unless `personal`, without personal
    data; of anything else its size."""
    try:
        parsed = json_values.loads(body)
    except json_values.NotJson:
        return f"[{len(body)} bytes that are not readable JSON]"
    if isinstance(parsed, dict) and isinstance(parsed.get("Entity"), str):
        # A callback carries its record as JSON inside JSON.
        with contextlib.suppress(json_values.NotJson):
            parsed["Entity"] = json_values.loads(parsed["Entity"])
    return plain(without_secrets(parsed) if personal else redacted(parsed))
