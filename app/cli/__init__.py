"""The command line: the same operations as the admin REST, for people and scripts at a terminal.

Owns the list of commands; further ones come in by the entry-point group `demandlink.commands`.
Must hold no rule: rules are in `app/sync`.
"""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, TextIO, cast

import typer

from app.cli import (
    alerts,
    backups,
    connections,
    desk,
    doctor,
    drift,
    events,
    foresight,
    frame,
    keys,
    mappings,
    orders,
    replays,
    restored,
    retention,
    reveals,
    server,
    setting,
    tickets,
    trigger,
)
from app.cli.frame import Commands
from app.cli.troubles import Output, OutputRefused

GROUP = "demandlink.commands"


def build() -> typer.Typer:
    """The application with every command that is installed."""
    app = typer.Typer(
        name="demandlink",
        cls=Commands,
        help="Keeps Datto Commerce, ConnectWise PSA and the ledger in step, exactly once.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_of_every_command)
    modules = (
        server, orders, tickets, events, reveals, replays, desk, foresight, drift, trigger, mappings, setting, connections, keys, doctor, alerts,
        retention, backups, restored,
    )  # fmt: skip
    for module in modules:
        module.register(app)
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        entry.load()(app)
    return app


def _of_every_command(
    plain: Annotated[
        bool, typer.Option("--no-color", help="No colours and no progress bars, as with NO_COLOR.")
    ] = False,
) -> None:
    """Keeps Datto Commerce, ConnectWise PSA and the ledger in step, exactly once."""
    frame.plain.set(plain)


def main() -> None:
    """The program `demandlink`."""
    # Closed by who started it (`>&-`): what is said goes nowhere, and is no fault.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115 - as that one
    output = Output(sys.stdout)
    sys.stdout = cast(TextIO, output)
    try:
        try:
            build()()
        finally:  # what is still in the buffer, while it can be told that nobody takes it
            sys.stdout.flush()
    except BrokenPipeError:
        output.drop()
        sys.exit(frame.ExitCode.FAILED)
    except OutputRefused as error:
        typer.echo(error.strerror, err=True)
        sys.exit(frame.ExitCode.FAILED)
