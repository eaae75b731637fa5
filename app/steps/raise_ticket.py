"""raise_ticket: the order has its ticket: the chosen open one, else one of its own (E1 to E7).

Owns the making of a ticket exactly once, and which ticket the order's reference names. Products
are put on it and moved by `create_products`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.domain import psa, tickets
from app.domain.choices import names_of
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.errors import Hold
from app.domain.freeze import frozen_lines
from app.domain.order import OrderView
from app.domain.psa_tickets import NewTicket, Ticket
from app.domain.records import ORDER, Ref
from app.domain.shut import Shut
from app.steps import catalog
from app.steps.effects import Effects, Outcome
from app.steps.resolve import company, contact, setting
from app.steps.tickets import followed, keep, new_status, open_ones

name = tickets.STEP
version = 1
MOST = 50
POINTS = (Code.TICKET_OF_OTHER_COMPANY, Code.TICKET_CLOSED)


def subjects(view: OrderView) -> Sequence[str]:
    return (ORDER,)


def want(view: OrderView, subject: str) -> Mapping[str, Any] | None:
    return tickets.wanted(view)


def outstanding(view: OrderView, subject: str) -> Shut | None:
    return None


def preview(view: OrderView, want: Mapping[str, Any]) -> list[str]:
    if want.get("ticket") is not None:
        return []
    return [] if view.ref("ticket") is not None else ["create a ticket"]


async def apply(want: Mapping[str, Any], fx: Effects) -> None:
    order = fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    before = fx.ref("ticket")
    if _stays(fx, want, before):
        return
    owner = await company(fx, order.customer, order.connectwise.company_identifier)
    target, why = _pointed(fx, want), ""
    ticket: Ticket | None = None
    if target is not None:
        ticket = await followed(fx.cw, target)
        await _refuse_other(fx, want, ticket, owner)
        if ticket.closed:
            why = f"Ticket {ticket.id}, which was chosen, is closed ({ticket.status})."
            await _refuse_closed(fx, why, owner)
            ticket = None
    if ticket is None:
        ticket = await _own(fx, owner, why)
    keep(fx, ticket)
    fx.learn(Ref("ticket", "", str(ticket.id)))
    if before is not None and before != ticket.id:
        fx.journal("TICKET_CHANGED", f"Ticket {ticket.id} follows ticket {before}.")
    else:
        fx.journal("TICKET_CHOSEN", f"{fx.view.row.name} belongs to ticket {ticket.id}.")


def _stays(fx: Effects, want: Mapping[str, Any], before: int | None) -> bool:
    """E7: a ticket is changed before goods come. Afterwards they stand behind its products, and a
    person says what holds (D-11)."""
    view = fx.view
    applied = view.applied(name, ORDER)
    if applied is None or before is None or applied["ticket"] == want["ticket"]:
        return False
    frozen = frozen_lines(view) if view.by_ticket else {}
    if not frozen:
        return False
    decided = view.decided(Code.CHANGED_AFTER_FREEZE, ORDER, want)
    if decided == "keep_connectwise":
        fx.journal("DIFFERENCE_ACCEPTED", f"{view.row.name} stays on ticket {before}.")
        return True
    if decided == "done_by_hand":
        return False
    by = next(iter(frozen.values())).by
    to = f"ticket {want['ticket']}" if want["ticket"] is not None else "a new ticket"
    raise Hold(
        Code.CHANGED_AFTER_FREEZE,
        f"{view.row.name} was moved from ticket {before} to {to} after {by}.",
    )


def _pointed(fx: Effects, want: Mapping[str, Any]) -> int | None:
    """The ticket that was chosen, or that a person named where the chosen one would not do."""
    found = [one for code in POINTS if (one := fx.view.decision(code, ORDER, want)) is not None]
    newest = max(found, key=lambda one: one.at, default=None)
    if newest is not None and newest.choice == "new_ticket":
        return None
    if newest is not None and newest.choice.startswith("use:"):
        return int(newest.choice.removeprefix("use:"))
    given = want["ticket"]
    return int(given) if given is not None else None


async def _refuse_other(
    fx: Effects, want: Mapping[str, Any], ticket: Ticket, owner: psa.Company
) -> None:
    """E6: a ticket of another company would show this customer's order to that one."""
    if ticket.company_id == owner.id:
        return
    offered = await open_ones(fx, owner.id)
    raise Hold(
        Code.TICKET_OF_OTHER_COMPANY,
        f"Ticket {ticket.id} belongs to ConnectWise company {ticket.company_id}, the order to "
        f"{owner.identifier} ({owner.id}).",
        choices=names_of(Code.TICKET_OF_OTHER_COMPANY, *offered),
    )


async def _refuse_closed(fx: Effects, sentence: str, owner: psa.Company) -> None:
    """E4: an order is added to a ticket while that is open. By CLOSED_TICKET a new one takes its
    place, or a person says which."""
    if fx.view.behaviour.closed_ticket == "new_ticket":
        return
    offered = await open_ones(fx, owner.id)
    ways = names_of(Code.TICKET_CLOSED, *offered)
    raise Hold(Code.TICKET_CLOSED, sentence, choices=tuple(one for one in ways if one != "go_on"))


# A ticket of the order's own -------------------------------------------------------------------


async def _own(fx: Effects, owner: psa.Company, why: str) -> Ticket:
    """The order's own open ticket: made once; where a person closed it, the next one."""
    for number in range(1, MOST):
        xref = fx.view.xref("ticket" if number == 1 else f"ticket-{number}")
        known = fx.view.outcomes.get((name, ORDER, xref))
        if known is None:
            return await _make(fx, owner, xref, why)
        ticket = await followed(fx.cw, int(known["id"]))
        if not ticket.closed:
            return ticket
        why = why or f"Ticket {ticket.id}, its own one before, is closed ({ticket.status})."
    raise Hold(Code.TICKET_CLOSED, why)


async def _make(fx: Effects, owner: psa.Company, xref: str, why: str) -> Ticket:
    view, order = fx.view, fx.view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    board = (await setting(fx, "connectwise_board")).id
    new = NewTicket(
        summary=tickets.summary(view),
        company_id=owner.id,
        board_id=board,
        xref=xref,
        description=_description(view),
        internal_note=f"{why} This ticket was made instead of it." if why else None,
        status_id=await new_status(fx, board),
        type_name=view.behaviour.ticket_type or None,
        contact_id=await _contact(fx, owner),
        # Only one that was checked: a wrong one would refuse the ticket and hide what is wrong.
        opportunity_id=fx.ref("opportunity"),
        po_number=cut(order.reference or order.order_number, 50),
    )
    await fx.claim("ticket", xref, catalog.claim_seconds(fx))

    async def send() -> Outcome:
        made = await fx.cw.create_ticket(new)
        fx.keep("ticket made", made)
        return {"id": made.id}

    async def look(known: Outcome) -> Outcome | None:
        every = await fx.cw.tickets_of_company(owner.id)
        found = [ticket.id for ticket in every if ticket.xref == xref]
        return {"id": found[0]} if found else None

    def learn(outcome: Outcome) -> list[Ref]:
        return [Ref("ticket", "", str(outcome["id"]))]

    evidence = {"xref": xref, "company": owner.id}
    outcome = await fx.once("ticket", xref, evidence, send, look, learn, shared=True)
    fx.drop_claim("ticket", xref)
    if why:
        fx.journal("TICKET_INSTEAD", f"{why} Ticket {outcome['id']} was made instead.")
    known: Ticket | None = fx.recent("ticket made")
    number = int(outcome["id"])
    return known if known is not None and known.id == number else await fx.cw.ticket(number)


async def _contact(fx: Effects, owner: psa.Company) -> int | None:
    """A ticket needs no contact: ConnectWise takes the company's default one."""
    try:
        return await contact(fx, owner.id)
    except Hold:
        return None


def _description(view: OrderView) -> str:
    """What the desk and the customer read first (C1, E3)."""
    order = view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    lines = "; ".join(f"{line.quantity} x {line.title}" for line in view.sold_lines)
    reference = f", reference {order.reference}" if order.reference else ""
    return f"Datto Commerce sales order {order.order_number}{reference}. {lines}"
