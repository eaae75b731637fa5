"""The command line: the same operations as the admin REST, for people and scripts at a terminal.

Owns the list of commands; further ones come in by the entry-point group `demandlink.commands`.
Must hold no rule: rules are in `app/sync`.
"""

from __future__ import annotations

from importlib import metadata

import typer

from app.cli import (
    alerts,
    connections,
    doctor,
    drift,
    events,
    foresight,
    keys,
    mappings,
    orders,
    replays,
    restored,
    server,
    setting,
    tickets,
    trigger,
)
from app.cli.frame import Commands

GROUP = "demandlink.commands"


def build() -> typer.Typer:
    """The application with every command that is installed."""
    app = typer.Typer(
        name="demandlink",
        cls=Commands,
        help="Keeps Datto Commerce, ConnectWise PSA and the ledger in step, exactly once.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    modules = (
        server, orders, tickets, events, replays, foresight, drift, trigger, mappings, setting, connections, keys, doctor, alerts, restored,
    )  # fmt: skip
    for module in modules:
        module.register(app)
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        entry.load()(app)
    return app


def main() -> None:
    """The program `demandlink`."""
    build()()
