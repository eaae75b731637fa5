"""`drift list`, `sweep`, `fix`, `adopt` and `ignore`: where the systems say different things.

Owns the layout only; what is compared is `app/sync/drift.py`, what may be done `findings.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import frame, offered
from app.cli.frame import CURSOR_HELP, AsJson, Connection
from app.domain.codes import Code
from app.domain.drift import Standing, Way

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.drift import Finding, SweepView
    from app.domain.views import Page
    from app.sync.findings import ComparedNow
    from app.sync.operations import Actor

app = typer.Typer(help="Compare the systems, and settle what differs.", no_args_is_help=True)
FindingId = Annotated[
    int,
    typer.Argument(min=1, help="As `drift list` shows it.", autocompletion=offered.findings),
]
Why = Annotated[str, typer.Option("--reason", help="Why; it is journalled.")]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="drift")


@app.command("list")
def listed(
    number: Annotated[
        str | None,
        typer.Option("--order", help="Only this order's.", autocompletion=offered.orders),
    ] = None,
    standing: Annotated[
        Standing | None, typer.Option(help="Default: those that are not closed.")
    ] = None,
    code: Annotated[Code | None, typer.Option(help="Only with this code.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
    cursor: Annotated[str | None, typer.Option(help=CURSOR_HELP)] = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """List what differs between the systems, newest first."""

    async def work(container: Container, actor: Actor) -> Page[Finding]:
        return await container.findings.listed(
            actor,
            number=number,
            standing=standing,
            code=code,
            connection=connection,
            cursor=cursor,
            limit=limit,
        )

    page = frame.with_service(work)
    shown = [one for one in page.items if standing or one.standing is not Standing.CLOSED]
    from app.cli import shapes  # loads what --help does not need

    if as_json:
        frame.print_json({"items": [shapes.finding(one) for one in shown], "next": page.next})
        return
    _print(shown)
    if page.next:
        frame.say(f"More: --cursor {page.next}")


@app.command("sweep")
def sweep(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(help="Compare just these orders, now.", autocompletion=offered.orders),
    ] = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Let a worker compare all open and lately closed orders; with orders: compare these now."""

    async def work(container: Container, actor: Actor) -> tuple[SweepView, ComparedNow | None]:
        if not numbers:
            return await container.findings.ask(actor), None
        with frame.watched("Orders compared", as_json=as_json) as progressed:
            now = await container.findings.compare(actor, numbers, connection, progressed)
        return await container.findings.sweep(actor), now

    state, now = frame.with_service(work)
    found = now.found if now is not None else []
    not_read = now.not_read if now is not None else []
    from app.cli import shapes  # loads what --help does not need

    if as_json:
        items = [shapes.finding(one) for one in found]
        told = {"sweep": shapes.sweep(state), "items": items, "not_read": not_read}
        frame.print_json(told)
    elif numbers:
        _print(found)
        for sentence in not_read:
            frame.say(sentence)
    else:
        frame.say("A worker sweeps now. See `demandlink drift list`.")


@app.command("fix")
def fix(finding: FindingId, reason: Why, as_json: AsJson = False) -> None:
    """Let the step that made the record make it true again."""
    _settle(finding, Way.FIX, reason, as_json=as_json)


@app.command("adopt")
def adopt(finding: FindingId, reason: Why, as_json: AsJson = False) -> None:
    """Take what stands there as right."""
    _settle(finding, Way.ADOPT, reason, as_json=as_json)


@app.command("ignore")
def ignore(finding: FindingId, reason: Why, as_json: AsJson = False) -> None:
    """Leave the difference alone, as long as it is just this one."""
    _settle(finding, Way.IGNORE, reason, as_json=as_json)


def _settle(finding: int, way: Way, reason: str, *, as_json: bool) -> None:
    async def work(container: Container, actor: Actor) -> Finding:
        return await container.findings.settle(actor, finding, way, reason)

    settled = frame.with_service(work)
    from app.cli import shapes  # loads what --help does not need

    if as_json:
        frame.print_json(shapes.finding(settled))
    else:
        named = f" of {settled.order}" if settled.order is not None else ""
        frame.say(f"Finding {settled.id}{named} is {settled.standing} now.")


def _print(found: list[Finding]) -> None:
    if not found:
        frame.say("Nothing differs.")
        return
    frame.print_table(("#", "order", "code", "how it stands", "what", "ways"), map(_row, found))


def _row(one: Finding) -> tuple[Any, ...]:
    drift = one.drift
    ways = ", ".join(drift.ways)
    return one.id, one.order or "-", drift.code, one.standing, drift.sentence, ways
