"""`connections`: whether the systems of record may be called, and signing in to a ledger.

Owns the layout only. Credentials are never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame, offered
from app.cli.frame import AsJson
from app.cli.orders import clock

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.views import ConnectionRow
    from app.sync.ledgers import Begun
    from app.sync.operations import Actor

app = typer.Typer(help="The systems of record that are called.", no_args_is_help=True)
Number = Annotated[
    int,
    typer.Argument(
        help="The connection's number, as `connections list` shows.",
        autocompletion=offered.connections,
    ),
]
Reason = Annotated[str, typer.Option(help="Why; it is kept with your name.")]


_WINDOWS = {1.0: "a second", 60.0: "a minute", 86_400.0: "a day"}


class Ledger(StrEnum):
    """Ledgers that a person signs in to."""

    QUICKBOOKS = "quickbooks"
    XERO = "xero"


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
        ("connection#", "system", "name", "state", "until", "by", "calls left", "why"),
        map(_row, rows),
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


@app.command("sign-in")
def sign_in(ledger: Ledger, as_json: AsJson = False) -> None:
    """Print the page on which a person lets the service into a ledger. It works once."""

    async def work(container: Container, actor: Actor) -> Begun:
        return await container.ledgers.begin(actor, ledger.value)

    begun = frame.with_service(work)
    if as_json:
        frame.print_json({"address": begun.address, "expires_at": begun.expires_at.isoformat()})
        return
    frame.say(f"Open this page until {clock(begun.expires_at)}; it works once:")
    # Not folded: people copy it.
    typer.echo(begun.address)


@app.command("disconnect")
def disconnect(ledger: Ledger, reason: Reason, as_json: AsJson = False) -> None:
    """Give the consent back to the ledger and forget its tokens."""

    async def work(container: Container, actor: Actor) -> ConnectionRow:
        return await container.ledgers.disconnect(actor, ledger.value, reason)

    _changed(frame.with_service(work), "is disconnected", as_json=as_json)


def _changed(row: ConnectionRow, done: str, *, as_json: bool) -> None:
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        frame.print_json(shapes.connection(row))
        return
    frame.say(f"The connection {row.name} of {row.system} {done}.")


def _row(row: ConnectionRow) -> tuple[object, ...]:
    *standing, why = _standing(row)
    left = ", ".join(
        f"{one.left} {_WINDOWS.get(one.seconds, f'in {one.seconds:g} s')}" for one in row.use.spent
    )
    return *standing, left or None, why


def _standing(row: ConnectionRow) -> tuple[object, ...]:
    from app.domain.grants import LEDGERS, advice

    named, paused, grant = (row.id, row.system, row.name), row.paused, row.grant
    # What only a person can mend goes before a pause, which is often its consequence.
    to_do = advice(row.system, grant) if row.system in LEDGERS else None
    if to_do is not None:
        return *named, "sign in", None, None, to_do
    if paused is not None:
        until = clock(paused.until) if paused.until is not None else "resumed"
        return *named, "paused", until, paused.by, paused.sentence
    if grant is None:
        return *named, "open", None, None, row.use.trouble or None
    ends = clock(grant.until) if grant.until is not None else None
    return *named, "open", ends, grant.consented_by, f"signed in to {grant.company.name}"
