"""The ticket's part of release_invoice: its ready status, and back (D-5, D-6, B2.3).

Owns nothing but the status. A ticket has no flag by which ConnectWise bills only what is shipped,
so a ticket is released for all its goods, never for a part.
"""

from __future__ import annotations

from app.domain import psa
from app.steps import tickets
from app.steps.effects import Effects
from app.steps.ticket_products import refuse_converted


async def mark_ready(fx: Effects, ours: list[psa.Product]) -> None:
    """Set the ready status, unless a person closed the ticket and said to go on. Raises Hold."""
    await tickets.refuse_shut(fx, ours)
    opportunity = fx.ref("opportunity")
    if opportunity is not None:
        await refuse_converted(fx, opportunity)
    ticket = await tickets.now(fx)
    if ticket.closed:
        fx.journal("RELEASED", f"Ticket {ticket.id} is complete; it stays {ticket.status}.")
        return
    ready = await tickets.ready_status(fx, ticket.board_id)
    written = {"id": ready.id, "name": ready.name}
    if ticket.status_id != ready.id:
        await fx.guard()
        tickets.keep(fx, await fx.cw.set_ticket_status(ticket.id, ready.id))
        written |= {"was": ticket.status_id}
    fx.see("status_written", written)
    fx.journal("RELEASED", f"Ticket {ticket.id} is {ready.name}.")


async def mark_waiting(fx: Effects, reason: str) -> None:
    """D-6: back to where it stood before it was released."""
    ticket = await tickets.now(fx)
    written = fx.view.facts.get(("status_written", ""))
    was = written.body.get("was") if written is not None else None
    waiting = await tickets.waiting_status(fx, ticket.board_id, was)
    if waiting is not None:
        await fx.guard()
        tickets.keep(fx, await fx.cw.set_ticket_status(ticket.id, waiting.id))
        fx.see("status_written", {"id": waiting.id, "name": waiting.name})
    named = waiting.name if waiting is not None else ticket.status
    fx.journal("RELEASE_TAKEN_BACK", f"Ticket {ticket.id} is {named} again: {reason}")
