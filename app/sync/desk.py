"""What people look at first: a search, who has to act, failures of one cause, and their replay.

Owns the grouping and what is refused; knows neither HTTP nor tables. Reads only, but for the plans
that it has made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.admin_store import AdminStore
from app.domain.codes import Code, State, Who
from app.domain.desk import AuditRow, DeskStore, Fingerprint, Found, Issue, Run
from app.domain.records import OrderRow
from app.domain.views import Page, Replay
from app.sync.asking import Actor, Refusal, at_most, readable_cursor
from app.sync.replays import MAX_ORDERS, Replays

MAX_SEARCH = 100
MOST_FOUND = 50
MOST_NEEDING = 200
MOST_RUNS = 160


@dataclass(frozen=True, slots=True)
class Need:
    """What one kind of person has to see to. `count` is exact, `orders` are the longest waiting."""

    who: Who
    count: int
    orders: tuple[OrderRow, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Who has to act, and how many orders are on their way by themselves."""

    needs: tuple[Need, ...]
    standing: Mapping[State, int]


class Desk:
    """Every method may raise StoreUnavailable and Refusal."""

    def __init__(self, *, store: DeskStore, admin: AdminStore, replays: Replays) -> None:
        self._store = store
        self._admin = admin
        self._replays = replays

    async def search(
        self, actor: Actor, text: str, cursor: str | None = None, limit: int = MOST_FOUND
    ) -> Page[Found]:
        """Orders by any part of what people call them, the best first (`SearchStore.search`)."""
        wanted = " ".join(text.split())
        if not wanted or len(wanted) > MAX_SEARCH:
            return Page(())
        with readable_cursor():
            most = at_most(limit)
            return await self._store.search(actor.tenant_id, wanted, cursor, most)

    async def overview(self, actor: Actor) -> Overview:
        counted = await self._store.standing(actor.tenant_id)
        waiting = await self._store.needing(actor.tenant_id, MOST_NEEDING)
        needs = []
        for who in Who:
            many = sum(counted.get((state, who), 0) for state in (State.HELD, State.PARKED))
            if many:
                own = tuple(row for row in waiting if (row.who or Who.NOBODY) is who)
                needs.append(Need(who, many, own))
        needs.sort(key=lambda need: -need.count)
        totals: dict[State, int] = {}
        for (state, _), many in counted.items():
            totals[state] = totals.get(state, 0) + many
        return Overview(tuple(needs), totals)

    async def reasons(self, actor: Actor) -> Mapping[Code, int]:
        """How many orders that are on their way stand at each reason, the commonest first."""
        return await self._store.reasons(actor.tenant_id)

    async def issues(self, actor: Actor) -> Sequence[Issue]:
        return await self._store.issues(actor.tenant_id)

    async def plan_issue(self, actor: Actor, wanted: Fingerprint, reason: str) -> Replay:
        """A replay's plan of every order of an issue, as they stand now."""
        ids = await self._store.issue_orders(actor.tenant_id, wanted, MAX_ORDERS + 1)
        if not ids:
            raise Refusal("NOT_FOUND", "No order stands there any more: nothing is left to replay.")
        if len(ids) > MAX_ORDERS:
            sentence = f"More than {MAX_ORDERS} orders stand there; plan them by a narrower filter."
            raise Refusal("REQUEST_NOT_VALID", sentence)
        return await self._replays.plan_rows(
            actor, await self._admin.by_ids(actor.tenant_id, ids), reason=reason
        )

    async def runs(self, order: OrderRow) -> Sequence[Run]:
        return await self._store.runs(order.id, MOST_RUNS)

    async def audits(self, actor: Actor, cursor: str | None, limit: int = 50) -> Page[AuditRow]:
        with readable_cursor():
            return await self._store.audits(actor.tenant_id, cursor, at_most(limit))

    async def orders_of(self, actor: Actor, rows: Sequence[AuditRow]) -> Mapping[int, OrderRow]:
        """The orders that entries are about, by the entry's number."""
        told = {
            row.id: int(row.audit.target)
            for row in rows
            if row.audit.action.startswith("order.")
            and row.audit.target.isascii()
            and row.audit.target.isdigit()
        }
        ids = list(dict.fromkeys(told.values()))
        found = await self._admin.by_ids(actor.tenant_id, ids) if ids else ()
        orders = {row.id: row for row in found}
        return {entry: orders[order] for entry, order in told.items() if order in orders}

    async def replays(
        self, actor: Actor, cursor: str | None = None, limit: int = 50
    ) -> Page[Replay]:
        """Plans, the newest first, and what became of them."""
        with readable_cursor():
            page = await self._store.replays(actor.tenant_id, cursor, at_most(limit))
        return Page(
            tuple([await self._replays.standing(actor, one) for one in page.items]), page.next
        )

    async def mark(self, actor: Actor, order: OrderRow | None = None) -> str:
        """Another text after each change that a page of the order, or any list, shows."""
        if order is not None:
            return await self._store.order_mark(order.id)
        return await self._store.mark(actor.tenant_id)
