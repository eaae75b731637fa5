"""Which ticket an order belongs to, and how that ticket stands (rules E, B2.4, D-16).

Owns the one reading of the choice, of Commerce's and of a person's, and of the fact that the
ticket is closed or merged. Pure; what is done about it is the steps' part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.choices import GO_ON
from app.domain.codes import Code
from app.domain.cuts import cut
from app.domain.order import OrderView
from app.domain.psa_tickets import Ticket
from app.domain.records import ORDER
from app.domain.shut import Shut

STEP = "raise_ticket"
CHOICE = "ticket_choice"  # the fact of a person's choice, kept until Commerce says another thing
FACT = "ticket"
LOOK = ("invoicing",)
SUMMARY = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """`ticket`: that one; None: a ticket of the order's own. `made`: somebody chose."""

    ticket: int | None = None
    made: bool = False


def told(view: OrderView) -> list[Any]:
    """What Commerce says of the ticket: of the order, else of its quote (E1, E2)."""
    for document in (view.sales_order, view.quote):
        hints = document.connectwise if document is not None else None
        if hints is not None and hints.ticket_choice == "new":
            return [None, "new"]
        if hints is not None and hints.ticket_id is not None:
            return [hints.ticket_id, "existing"]
    return [None, None]


def chosen(view: OrderView) -> Choice:
    """E3, D-16: what a person chose here rules until Commerce names another ticket than it did
    then: whoever chose last is right, without comparing two clocks."""
    ticket, choice = told(view)
    fact = view.facts.get((CHOICE, ""))
    if fact is not None and list(fact.body["instead_of"]) == [ticket, choice]:
        return Choice(fact.body["ticket"], made=True)
    return Choice(ticket, made=choice is not None)


def wanted(view: OrderView) -> Mapping[str, Any] | None:
    """The want of raise_ticket; None where no ticket is to be made by itself. What is not known or
    not approved has none yet: the steps that sell it say so."""
    order = view.sales_order
    if order is None or order.draft:
        return None
    choice = chosen(view)
    if not choice.made and view.behaviour.raise_ticket == "chosen" and not view.by_ticket:
        return None
    return {"ticket": choice.ticket, "customer": order.customer.id}


def summary(view: OrderView) -> str:
    """The summary of a new ticket by its template, as long as ConnectWise takes it."""
    order = view.sales_order
    assert order is not None  # noqa: S101 - gate sales_order_known
    title = view.quote.title if view.quote is not None else None
    values = {
        "number": order.order_number,
        "customer": order.customer.name,
        "reference": order.reference or "",
        "title": title or order.customer.name,
    }
    text = view.behaviour.ticket_summary
    for mark, value in values.items():
        text = text.replace(f"{{{mark}}}", value)
    return cut(" ".join(text.split()), SUMMARY).strip() or order.order_number


# How it stands -----------------------------------------------------------------------------------


def noted(view: OrderView, ticket: Ticket, *, moved: bool = False) -> dict[str, Any]:
    """The reading of the order's ticket. `moved`: it was merged, and our products went along.

    Since when it is closed is kept: what a person accepts is a closing that was known.
    """
    before = read(view)
    shut = ticket.closed and not moved
    same = before.get("id") == ticket.id and before.get("closed")
    return {
        "id": ticket.id,
        "status": ticket.status_id,
        "named": ticket.status,
        "closed": shut,
        "merged_into": ticket.merged_into,
        "since": (before.get("since") if same else view.now.isoformat()) if shut else None,
    }


def read(view: OrderView) -> Mapping[str, Any]:
    """What was read last of the order's present ticket, empty before the first reading."""
    fact = view.facts.get((FACT, ""))
    if fact is None or fact.body.get("id") != view.ref("ticket"):
        return {}
    return fact.body


def closed(view: OrderView, state: Mapping[str, Any]) -> Shut | None:
    """B2.4: a closed or merged ticket is named, and left to a person; None where it is open, or
    the person said that it goes on so."""
    if not state.get("closed"):
        return None
    merged = state.get("merged_into")
    code = Code.TICKET_MERGED if merged else Code.TICKET_CLOSED
    since = datetime.fromisoformat(str(state["since"]))
    if any(
        one.code in (Code.TICKET_CLOSED, Code.TICKET_MERGED)
        and one.choice == GO_ON.name
        and one.at >= since
        for one in view.every_decision
    ):
        return None
    number = state["id"]
    sentence = (
        f"Ticket {number} was merged into ticket {merged}, and the products of {view.row.name} "
        f"were left on {number}. Move them to {merged} in ConnectWise."
        if merged
        else f"Ticket {number} of {view.row.name} was closed in ConnectWise "
        f"({state.get('named') or 'closed'}) before its goods were complete."
    )
    return Shut(
        code,
        sentence,
        looks=LOOK,
        next_look="when ConnectWise shows it open again",
        about={"ticket": number, "since": state["since"]},
    )


def ticket_open(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B2.4: nothing is ordered, linked, received or released for a ticket that a person closed or
    merged meanwhile, unless a person says so."""
    return None if view.stock else closed(view, read(view))


def ticket_products_stand(view: OrderView, subject: str, since: datetime) -> Shut | None:
    """B2.2: nothing is ordered, linked or received before the products stand on the ticket. The
    demand is theirs, so no sales order is needed."""
    if view.stock or view.finished("create_products", ORDER):
        return None
    return Shut(
        Code.TICKET_PRODUCTS_MISSING,
        f"The products of {view.row.name} do not stand on its ticket yet, so nothing can be "
        "linked to them or received for them.",
        next_look="when the products stand on the ticket",
    )
