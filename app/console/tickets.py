"""The page on which a person chooses the ticket of an order (D-16).

Owns its addresses and what is read of the form. ConnectWise is asked when the page is opened, and only
then; what is refused, and why, is `app/sync/tickets.py`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console import words
from app.console.doing import mapping_form
from app.console.guard import PageRoute, actor_of, form_of, given_reason, service, wrong_of
from app.console.pages import moved, render
from app.domain.records import OrderRow
from app.sync.operations import Refusal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=200)]
AWAY = "CONNECTWISE_UNAVAILABLE"
NEW, OTHER = "new", "other"  # what is chosen beside the tickets of the list
MOST = 2**31 - 1


@router.get("/orders/{number:path}/ticket")
async def choose(request: Request, number: str, connection: Text = "") -> Response:
    """The open tickets of the order's customer."""
    row = await service(request).operations.find(actor_of(request), number, connection or None)
    return await _page(request, row)


@router.post("/orders/{number:path}/ticket")
async def assign(request: Request, number: str, connection: Text = "") -> Response:
    """Put the order on the ticket that was chosen, or on one of its own."""
    parts, actor, form = service(request), actor_of(request), form_of(request)
    row = await parts.operations.find(actor, number, connection or None)
    try:
        ticket = _chosen(form.get("ticket", ""), form.get("number", ""))
        reason = given_reason(form)
        await parts.tickets.assign(actor, row.name, ticket, reason, row.connection)
    except Refusal as refusal:
        return await _page(request, row, refusal)
    notice = "own_ticket" if ticket is None else "ticket"
    return moved(f"{words.order_address(row)}&notice={notice}")


def _chosen(ticket: str, number: str) -> int | None:
    """None: one of its own. Raises Refusal."""
    if ticket == NEW:
        return None
    text = number.strip().removeprefix("#") if ticket == OTHER else ticket
    if (
        text.isascii()
        and text.isdecimal()
        and len(text) <= len(str(MOST))
        and 0 < int(text) <= MOST
    ):
        return int(text)
    field, said = ("number", "must be a number of a ticket") if ticket else ("ticket", "choose one")
    raise Refusal("REQUEST_NOT_VALID", f"{field}: {said}.", fields={field: said})


async def _page(request: Request, row: OrderRow, refusal: Refusal | None = None) -> Response:
    parts = service(request)
    offer, trouble = None, None
    if refusal is not None and refusal.code == AWAY:
        trouble, status = refusal, 409  # it was asked just now: nobody waits for it twice
    else:
        status = 200
        if refusal is not None:
            status = 422 if refusal.code == "REQUEST_NOT_VALID" else 409
        try:
            offer = await parts.tickets.offered(row)
        except Refusal as said:
            trouble = said
            refusal = refusal if refusal is None or refusal.sentence != said.sentence else None
    form = form_of(request) if request.method == "POST" else {}
    mapping = trouble.more.get("customer") if trouble is not None else None
    return render(
        request,
        "ticket.html",
        status,
        order=row,
        address=words.order_address(row),
        path_of=words.order_path(row.name),
        offer=offer,
        given=form.get("ticket", ""),
        number_given=form.get("number", ""),
        reason_given=form.get("reason", ""),
        trouble=trouble.sentence if trouble is not None else None,
        away=trouble is not None and trouble.code == AWAY,
        may=trouble is None or trouble.code != "TICKET_REFUSED",
        mapping=mapping_form("company", mapping) if mapping else None,
        wrong=wrong_of(refusal if trouble is not refusal else None),
        refused=refusal.sentence if refusal is not None and refusal is not trouble else None,
        live=None,
    )
