"""Tickets as people choose them: the open ones of a customer, and the one that an order goes on.

Owns what is refused and why (E6, E7, D-16). Reads ConnectWise and writes nothing there: a choice is
kept with its actor and reason, the order is woken, and the worker goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.connectors.transport import Calling, calling
from app.domain import psa
from app.domain.admin_store import AdminStore
from app.domain.decide import Plan
from app.domain.documents import SalesOrder
from app.domain.errors import FailureKind, RemoteFailure
from app.domain.freeze import frozen_lines
from app.domain.order import OrderView
from app.domain.ports import ConnectWise, Store
from app.domain.psa_tickets import Ticket
from app.domain.records import Fact, JournalEntry, OrderRow, Snapshot
from app.domain.tickets import CHOICE, told
from app.domain.views import Audit
from app.steps.tickets import choosable, followed
from app.sync.decisions import reason_given
from app.sync.operations import Actor, Operations, Refusal, Story

MOST_OFFERED = 10
Planner = Callable[[Snapshot], tuple[OrderView, Plan]]


@dataclass(frozen=True, slots=True)
class Offer:
    """What an order may be put on. `ticket`: the one that it is on now, open or not."""

    ticket: int | None
    tickets: Sequence[Ticket]


class Tickets:
    """Every method may raise StoreUnavailable and Refusal."""

    def __init__(
        self,
        *,
        store: Store,
        admin: AdminStore,
        cw: ConnectWise,
        operations: Operations,
        plan: Planner,
        defaults: Mapping[str, Any],
    ) -> None:
        self._store = store
        self._admin = admin
        self._cw = cw
        self._operations = operations
        self._plan = plan
        self._defaults = defaults

    async def open_of(self, actor: Actor, customer: str) -> Sequence[Ticket]:
        """E6: the open tickets of a customer on the boards that may be chosen from, the newest
        first. The customer is named by its Commerce id, where a mapping or an order knows it, or
        by its ConnectWise identifier."""
        names = {**self._defaults, **await self._admin.settings(actor.tenant_id)}
        mapped = await self._admin.mapping_named(actor.tenant_id, "company", customer)
        with asked():
            owner = await self._company(mapped.connectwise_key if mapped else None, [customer])
            if owner is None:
                sentence = (
                    f"Customer {customer} has no ConnectWise company. Name its ConnectWise "
                    "identifier, or add a mapping of kind company for its Commerce id."
                )
                raise Refusal("NOT_FOUND", sentence)
            found = await self._cw.tickets_of_company(owner.id, only_open=True)
        return choosable(found, names)

    async def _company(self, mapped: str | None, named: Sequence[str | None]) -> psa.Company | None:
        """D-10: by the mapping, else by an exact identifier."""
        if mapped is not None and mapped.isdecimal():
            found = await self._cw.company_by_id(int(mapped))
            if found is not None:
                return found
        for text in [mapped] if mapped is not None else named:
            if text and (found := await self._cw.company(text)) is not None:
                return found
        return None

    async def offered(self, row: OrderRow) -> Offer:
        """E6: what `assign` would take for this order, at most 100. Raises Refusal where it would
        take nothing, before ConnectWise is asked."""
        view, order = await self._movable(row)
        self._refuse_frozen(view, None)
        with asked():
            owner = await self._owner(view, order)
            if owner is None:
                sentence = (
                    f"{order.customer.name} has no ConnectWise company: nothing maps its Commerce "
                    f"id {order.customer.id}, and no company has its identifier."
                )
                raise Refusal("NOT_FOUND", sentence, customer=str(order.customer.id))
            found = await self._cw.tickets_of_company(owner.id, only_open=True)
        return Offer(view.ref("ticket"), choosable(found, view.names))

    async def _movable(self, row: OrderRow) -> tuple[OrderView, SalesOrder]:
        """The order as it stands. Raises Refusal where it goes on no ticket."""
        view, _ = self._plan(await self._store.peek(row.id))
        if view.sales_order is None or view.sales_order.cancelled:
            state = "is cancelled" if view.sales_order is not None else "has not come in yet"
            raise Refusal("TICKET_REFUSED", f"{row.name} {state}: it goes on no ticket.")
        return view, view.sales_order

    async def _owner(self, view: OrderView, order: SalesOrder) -> psa.Company | None:
        mapped = view.mappings.get(("company", str(order.customer.id)))
        named = [order.connectwise.company_identifier, order.customer.account_number]
        return await self._company(mapped, named)

    async def assign(
        self,
        actor: Actor,
        number: str,
        ticket: int | None,
        reason: str,
        connection: str | None = None,
    ) -> Story:
        """Put an order on a ticket, or with None on a new one of its own (E7)."""
        why = reason_given(reason)
        row = await self._operations.find(actor, number, connection)
        view, order = await self._movable(row)
        picked = None if ticket is None else await self._fitting(view, order, ticket)
        self._refuse_frozen(view, picked)
        body = {"ticket": picked, "instead_of": told(view), "by": actor.name}
        where = f"ticket {picked}" if picked is not None else "a ticket of its own"
        entry = JournalEntry(
            "TICKET_ASSIGNED", f"{actor.name} put {row.name} on {where}: {why}", actor=actor.name
        )
        audit = Audit(actor.name, "order.ticket", str(row.id), {"ticket": picked, "reason": why})
        fact = Fact(CHOICE, "", body, view.now)
        await self._admin.keep_fact(row.id, fact, entry, audit)
        await self._operations.wake()
        return await self._operations.story(row)

    async def _fitting(self, view: OrderView, order: SalesOrder, number: int) -> int:
        """The ticket as it may be chosen: open, of the order's company, merges followed."""
        with asked():
            try:
                ticket = await followed(self._cw, number)
            except RemoteFailure as failure:
                if failure.kind is not FailureKind.GONE:
                    raise
                sentence = f"ConnectWise has no service ticket {number}."
                raise Refusal("NOT_FOUND", sentence) from failure
            owner = await self._owner(view, order)
            if owner is not None and owner.id == ticket.company_id and not ticket.closed:
                return ticket.id
            offered = await self._cw.tickets_of_company(owner.id, only_open=True) if owner else []
        if ticket.closed and owner is not None and owner.id == ticket.company_id:
            code, why = "TICKET_CLOSED", f"Ticket {ticket.id} is closed ({ticket.status})."
        else:
            code = "TICKET_OF_OTHER_COMPANY"
            why = f"Ticket {ticket.id} belongs to another company than {view.row.name}."
        raise Refusal(
            "TICKET_REFUSED",
            f"{why} Choose an open ticket of {order.customer.name}, or none for a new one.",
            reason=code,
            choices=[one.id for one in choosable(offered, view.names)][:MOST_OFFERED],
        )

    @staticmethod
    def _refuse_frozen(view: OrderView, picked: int | None) -> None:
        """E7: reassigned before goods came, not after."""
        frozen = frozen_lines(view) if view.by_ticket else {}
        if frozen and picked != view.ref("ticket"):
            by = next(iter(frozen.values())).by
            raise Refusal(
                "TICKET_REFUSED",
                f"{view.row.name} stays on ticket {view.ref('ticket')}: its products there are "
                f"behind {by}.",
                reason="CHANGED_AFTER_FREEZE",
                choices=[],
            )


@contextmanager
def asked() -> Iterator[None]:
    """Calls of a person's question belong to no order. A failed one is told as what it is."""
    bound = calling.set(Calling(None, None, "reference"))
    try:
        yield
    except RemoteFailure as failure:
        sentence = f"ConnectWise did not answer as asked: {failure.message}"
        raise Refusal("CONNECTWISE_UNAVAILABLE", sentence, kind=failure.kind.value) from failure
    finally:
        calling.reset(bound)
