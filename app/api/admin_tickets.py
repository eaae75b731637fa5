"""Admin REST: the tickets that may be chosen, and the one that an order goes on (D-16).

Owns the addresses and forms of `contracts/http.md` for tickets; what is refused and why is
`app/sync/tickets.py`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.admin_orders import Connection, Number
from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import ASKS_CONNECTWISE, REFUSALS, Listed
from app.api.models import Model, OrderOut, Reason
from app.domain.psa_tickets import Ticket

router = APIRouter(
    prefix="/admin",
    tags=["tickets"],
    route_class=AdminRoute,
    responses={**REFUSALS, **ASKS_CONNECTWISE},
)


class TicketOut(Model):
    """An open ticket of the customer."""

    id: int
    summary: str
    board: str
    status: str

    @classmethod
    def of(cls, ticket: Ticket) -> TicketOut:
        return cls(id=ticket.id, summary=ticket.summary, board=ticket.board, status=ticket.status)


class TicketIn(Model):
    """`ticket` is the id of an open ticket of the order's customer; null: a new one is made."""

    ticket: Annotated[int | None, Field(ge=1, le=2**31 - 1, examples=[21001])]
    reason: Reason


@router.get("/tickets", operation_id="list_tickets")
async def list_tickets(
    actor: Caller,
    service: Service,
    customer: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            description="Commerce customer id with a mapping, or the ConnectWise identifier.",
            examples=["CONTOSO"],
        ),
    ],
) -> Listed[TicketOut]:
    """Open tickets of a customer's company on the boards of CONNECTWISE_TICKET_BOARDS, the newest
    first, at most 100. ConnectWise is asked now."""
    found = await service.tickets.open_of(actor, customer)
    return Listed(items=[TicketOut.of(ticket) for ticket in found])


@router.post("/orders/{number:path}/ticket", operation_id="assign_ticket")
async def assign_ticket(
    number: Number, body: TicketIn, actor: Caller, service: Service, connection: Connection = None
) -> OrderOut:
    """Put an order on an open ticket, or on a new one. Products that stand on another ticket are
    moved; after goods came that is refused."""
    story = await service.tickets.assign(actor, number, body.ticket, body.reason, connection)
    return OrderOut.of(story)
