"""`retention show`, `plan` and `run`: for how long journal, calls, inbox and alerts are kept.

Owns the layout only. A worker does the same by itself, once an hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from app.cli import frame
from app.cli.frame import AsJson

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.retention import Holding, Pruned
    from app.sync.operations import Actor

app = typer.Typer(
    help="For how long journal, calls, inbox and alerts are kept.", no_args_is_help=True
)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="retention")


@app.command("show")
def show(as_json: AsJson = False) -> None:
    """Show for how long each kind of rows is kept, and since when there are any."""
    held = _holdings()
    if as_json:
        frame.print_json({"items": [_shape(one) for one in held]})
        return
    rows = [(one.period.kept, _days(one), _day(one.oldest)) for one in held]
    frame.print_table(("what", "kept", "oldest"), rows)


@app.command("plan")
def plan(as_json: AsJson = False) -> None:
    """Show what would go now, and what stays because its order is open. Changes nothing."""
    held = _holdings()
    if as_json:
        frame.print_json({"items": [_shape(one) for one in held]})
        return
    rows = [
        (one.period.kept, _days(one), _day(one.until), one.outlived - one.of_open, one.of_open)
        for one in held
    ]
    frame.print_table(("what", "kept", "before", "rows that go", "of open orders"), rows)


@app.command("run")
def run(as_json: AsJson = False) -> None:
    """Take away now what `plan` shows, as a worker does once an hour."""

    async def work(container: Container, _: Actor) -> list[Pruned]:
        return await container.retention.prune()

    done = frame.with_service(work)
    if as_json:
        items = [{"what": one.kept, "rows": one.rows, "busy": one.busy} for one in done]
        frame.print_json({"items": items})
        return
    for one in done:
        frame.say(f"{one.kept}: {one.rows} rows went.{' More next time.' if one.busy else ''}")


def _holdings() -> list[Holding]:
    async def work(container: Container, _: Actor) -> list[Holding]:
        return await container.retention.holdings()

    return frame.with_service(work)


def _days(one: Holding) -> str:
    return f"{one.period.days} days" if one.period.days else "for ever"


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}" if moment is not None else "-"


def _shape(one: Holding) -> dict[str, Any]:
    return {
        "what": one.period.kept,
        "days": one.period.days,
        "before": one.until.isoformat() if one.until else None,
        "oldest": one.oldest.isoformat() if one.oldest else None,
        "goes": one.outlived - one.of_open,
        "of_open_orders": one.of_open,
    }
