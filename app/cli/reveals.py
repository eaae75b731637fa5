"""`events reveal` and `orders reveal`: personal data of a delivery, or of a call, with a reason.

Owns the layout only. Whoever may run this reads the database and holds its keys: no scope is asked
for, and who looked and why is recorded all the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import events, frame, orders
from app.cli.frame import AsJson, Connection
from app.cli.orders import Number

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.sync.operations import Actor
    from app.sync.reveals import RevealedCall, RevealedEvent

Reason = Annotated[str, typer.Option(help="Why; it is kept with your name before it is shown.")]


def register(parent: typer.Typer) -> None:
    """Two commands of groups that others made; `parent` has those already."""
    events.app.command("reveal")(reveal_event)
    orders.app.command("reveal")(reveal_call)


def reveal_event(
    event: Annotated[int, typer.Argument(help="The event's number.", min=1)],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Show a delivery's body with personal data, never secrets."""

    async def work(container: Container, actor: Actor) -> RevealedEvent:
        return await container.reveals.event(actor, event, reason)

    found = frame.with_service(work)
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        described = shapes.event(found.event)
        frame.print_json({**described, "size": len(found.event.body), "body": found.body})
        return
    frame.say(json.dumps(found.body, indent=2, ensure_ascii=False))


def reveal_call(
    number: Number,
    call: Annotated[int, typer.Argument(help="The call's number among the order's calls.", min=1)],
    reason: Reason,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Show a call with its personal values, where CALLS_SEALED kept them; never secrets."""

    async def work(container: Container, actor: Actor) -> RevealedCall:
        return await container.reveals.call(actor, number, call, reason, connection)

    found = frame.with_service(work)
    if as_json:
        from app.cli import desk_shapes

        frame.print_json(desk_shapes.revealed(found))
        return
    told = found.row.call
    frame.say(f"{told.method} {told.path} · {told.status or 'no answer'}")
    frame.print_table(
        ("field", "of the", "value"),
        (
            (
                one.field,
                "answer" if one.side == "response" else one.side,
                one.value if isinstance(one.value, str) else json.dumps(one.value),
            )
            for one in found.values
        ),
    )
