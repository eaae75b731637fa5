"""`connections list`, `pause` and `resume`: whether the systems of record may be called.

Owns the layout only. Credentials are never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame
from app.cli.frame import AsJson
from app.cli.orders import clock

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.views import ConnectionRow
    from app.sync.operations import Actor

app = typer.Typer(help="The systems of record that are called.", no_args_is_help=True)
Number = Annotated[
    int, typer.Argument(help="The connection's number, as `connections list` shows.")
]
Reason = Annotated[str, typer.Option(help="Why; it is kept with your name.")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="connections")


@app.command("list")
def list_connections(as_json: AsJson = False) -> None:
    """List connections, and whether they may be called now."""

    async def work(container: Container, actor: Actor) -> Sequence[ConnectionRow]:
        return await container.operations.connections(actor)

    rows = frame.with_service(work)
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        frame.print_json({"items": [shapes.connection(row) for row in rows], "next": None})
        return
    frame.print_table(
        ("connection#", "system", "name", "state", "until", "by", "why"), map(_row, rows)
    )


@app.command("pause")
def pause(number: Number, reason: Reason, as_json: AsJson = False) -> None:
    """Call nothing through a connection until it is resumed. Deliveries are still taken."""

    async def work(container: Container, actor: Actor) -> ConnectionRow:
        return await container.upkeep.pause(actor, number, reason)

    _changed(frame.with_service(work), "is paused until it is resumed", as_json=as_json)


@app.command("resume")
def resume(number: Number, reason: Reason, as_json: AsJson = False) -> None:
    """End a pause; the orders that wait for it go on."""

    async def work(container: Container, actor: Actor) -> ConnectionRow:
        return await container.upkeep.resume(actor, number, reason)

    _changed(frame.with_service(work), "may be called again", as_json=as_json)


def _changed(row: ConnectionRow, done: str, *, as_json: bool) -> None:
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        frame.print_json(shapes.connection(row))
        return
    frame.say(f"The connection {row.name} of {row.system} {done}.")


def _row(row: ConnectionRow) -> tuple[object, ...]:
    paused = row.paused
    if paused is None:
        return row.id, row.system, row.name, "open", None, None, None
    until = clock(paused.until) if paused.until is not None else "resumed"
    return row.id, row.system, row.name, "paused", until, paused.by, paused.sentence
