"""`alerts list` and `test`: what people were told, and whether they can be.

Owns the layout only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from app.cli import frame
from app.cli.frame import AsJson, ExitCode, Limit
from app.cli.orders import clock

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.alerts import AlertRow
    from app.sync.alerts import Tried
    from app.sync.operations import Actor

app = typer.Typer(help="Alerts to Slack, Teams and e-mail.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="alerts")


@app.command("list")
def list_(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List the newest alerts, with those that are still to be sent."""

    async def work(container: Container, actor: Actor) -> Sequence[AlertRow]:
        return (await container.alerts.list(actor, limit=limit)).items

    rows = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        frame.print_json({"items": [shapes.alert(row) for row in rows]})
        return
    frame.print_table(
        ("since", "state", "about", "code", "who", "sentence", "trouble"),
        (
            (
                clock(row.alert.since),
                row.state,
                row.alert.order or row.alert.subject,
                row.alert.code,
                row.alert.who,
                row.alert.sentence,
                row.trouble,
            )
            for row in rows
        ),
    )


@app.command("test")
def send_test(as_json: AsJson = False) -> None:
    """Send a test message to every address of ALERT_URLS. Ends with 4 if one is not taken."""

    async def work(container: Container, actor: Actor) -> list[Tried]:
        return await container.alerts.test(actor)

    tried = frame.with_service(work)
    if as_json:
        frame.print_json({"items": [{"place": one.place, "taken": one.taken} for one in tried]})
    else:
        for one in tried:
            frame.say(f"{one.place}: {'taken' if one.taken else 'not taken'}")
    if not all(one.taken for one in tried):
        raise typer.Exit(ExitCode.UPSTREAM)
