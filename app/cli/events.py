"""`events list`, `show` and `replay`: every delivery, the refused ones with their cause.

Owns the layout only. Bodies are shown as the admin REST shows them: without personal data.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame
from app.cli.frame import AsJson, Cursor, Limit
from app.cli.orders import clock

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.records import InboxEvent
    from app.domain.views import Page, Unverified
    from app.sync.operations import Actor

UNVERIFIED = "unverified"
app = typer.Typer(help="What came in.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="events")


@app.command("list")
def list_events(
    source: Annotated[
        str | None,
        typer.Option(
            help="commerce, connectwise, quickbooks or xero.",
            autocompletion=frame.one_of("commerce", "connectwise", "quickbooks", "xero"),
        ),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(
            help="new, merged, hint, unhandled, dropped, deferred or rejected; unverified: requests "
            "whose signature or time was refused.",
            autocompletion=frame.one_of(
                "new", "merged", "hint", "unhandled", "dropped", "deferred", "rejected", UNVERIFIED
            ),
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List deliveries, the newest first."""
    if status == UNVERIFIED:
        _refused(source, cursor, limit, as_json=as_json)
        return

    async def work(container: Container, actor: Actor) -> Page[InboxEvent]:
        return await container.operations.events(actor, source, status, cursor, limit)

    page = frame.with_service(work)
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        items = [shapes.event(row) for row in page.items]
        frame.print_json({"items": items, "next": page.next})
        return
    if not page.items:
        frame.say("No event fits.")
        return
    frame.print_table(
        ("event#", "received", "source", "type", "status", "orders", "cause"),
        (
            (
                row.id,
                clock(row.received_at),
                row.source,
                row.event_type,
                row.status,
                ", ".join(row.orders),
                row.cause,
            )
            for row in page.items
        ),
    )
    frame.tell_more(page.next)


def _refused(source: str | None, cursor: str | None, limit: int, *, as_json: bool) -> None:
    """The ring of requests that were let in nowhere: they have no number and no body."""

    async def work(container: Container, actor: Actor) -> Page[Unverified]:
        return await container.operations.unverified(source, cursor, limit)

    page = frame.with_service(work)
    if as_json:
        from app.cli import desk_shapes  # loads what --help does not need

        items = [desk_shapes.unverified(one) for one in page.items]
        frame.print_json({"items": items, "next": page.next})
        return
    if not page.items:
        frame.say("No request was refused.")
        return
    frame.print_table(
        ("received", "source", "code", "cause"),
        ((clock(one.at), one.source, one.code, one.cause) for one in page.items),
    )
    frame.tell_more(page.next)


@app.command("show")
def show(
    event: Annotated[int, typer.Argument(help="The event's number.", min=1)],
    as_json: AsJson = False,
) -> None:
    """Show a delivery with its body."""

    async def work(container: Container, actor: Actor) -> InboxEvent:
        return await container.operations.event(actor, event)

    found = frame.with_service(work)
    from app.cli import shapes  # loads what --help does not need
    from app.sync.operations import shown

    described = shapes.event(found)
    body = shown(found.body)
    if as_json:
        frame.print_json({**described, "size": len(found.body), "body": body})
        return
    for name, value in described.items():
        if value not in (None, []):
            text = ", ".join(value) if isinstance(value, list) else value
            frame.say(f"{name.replace('_', ' ')}: {text}")
    frame.say()
    frame.say(json.dumps(body, indent=2, ensure_ascii=False))


@app.command("replay")
def replay(
    event: Annotated[int, typer.Argument(help="The event's number.", min=1)],
    reason: Annotated[str, typer.Option(help="Why; it is kept with your name.")],
    as_json: AsJson = False,
) -> None:
    """Merge a delivery that was rejected, unhandled, deferred or dropped, if it can be now."""

    async def work(container: Container, actor: Actor) -> InboxEvent:
        return await container.upkeep.replay_event(actor, event, reason)

    found = frame.with_service(work)
    if as_json:
        from app.cli import shapes  # loads what --help does not need
        from app.sync.operations import shown

        body = shown(found.body)
        frame.print_json({**shapes.event(found), "size": len(found.body), "body": body})
        return
    frame.say(f"Event {found.id} is merged by the next free worker.")
