"""`tickets list` and `assign`: which open ticket an order goes on (D-16).

Owns the layout only; what is refused and why is `app/sync/tickets.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame
from app.cli.frame import AsJson, Connection
from app.cli.orders import Number, Reason, decided

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.psa_tickets import Ticket
    from app.sync.operations import Actor, Story

app = typer.Typer(help="Which ticket of ConnectWise an order goes on.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="tickets")


@app.command("list")
def list_tickets(
    customer: Annotated[
        str,
        typer.Argument(help="Commerce customer id with a mapping, or the ConnectWise identifier."),
    ],
    as_json: AsJson = False,
) -> None:
    """List a customer's open tickets on the boards of CONNECTWISE_TICKET_BOARDS."""

    async def work(container: Container, actor: Actor) -> Sequence[Ticket]:
        return await container.tickets.open_of(actor, customer)

    rows = frame.with_service(work)
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        frame.print_json({"items": [shapes.ticket(row) for row in rows], "next": None})
    elif not rows:
        frame.say(f"{customer} has no open ticket on these boards.")
    else:
        frame.print_table(
            ("ticket#", "summary", "board", "status"),
            ((row.id, row.summary, row.board, row.status) for row in rows),
        )


@app.command("assign")
def assign(
    number: Number,
    reason: Reason,
    ticket: Annotated[
        int | None,
        typer.Argument(min=1, help="The ticket, as `tickets list` shows; none: a new one is made."),
    ] = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Put an order on an open ticket, or on a new one. Its products are moved."""

    async def work(container: Container, actor: Actor) -> Story:
        return await container.tickets.assign(actor, number, ticket, reason, connection)

    where = f"put on ticket {ticket}" if ticket is not None else "put on a ticket of its own"
    decided(frame.with_service(work), where, as_json=as_json)
