"""`orders needs` and `what-if`: what would make an order invoiceable, and what another
configuration would do.

Owns the layout only; what is played, and how, is `app/sync/foresight.py`'s.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame, offered, orders
from app.cli.frame import AsJson, Connection, ExitCode
from app.domain.codes import Code

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.course import Course
    from app.domain.records import OrderRow
    from app.sync.foresight import WhatIf
    from app.sync.operations import Actor


def register(parent: typer.Typer) -> None:
    orders.app.command("needs")(needs)
    parent.command("what-if")(what_if)


def scenario_names(incomplete: str) -> list[str]:
    """The shipped scenarios that begin so: the files are named like them."""
    files = resources.files("app.scenarios").iterdir()
    names = sorted(one.name.removesuffix(".toml") for one in files if one.name.endswith(".toml"))
    return [name for name in names if name.startswith(incomplete)]


def needs(number: orders.Number, connection: Connection = None, as_json: AsJson = False) -> None:
    """Say what would make an order invoiceable, and who does it. Ends with 3 if anything does."""

    async def work(container: Container, actor: Actor) -> tuple[OrderRow, Course]:
        return await container.foresight.needs(actor, number, connection)

    row, course = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        frame.print_json(shapes.needs(row, course))
    elif not course.needs:
        told = "may be invoiced now" if course.reached else "will not be invoiced"
        told = "is invoiced" if course.answer.code is Code.INVOICED else told
        frame.say(f"{row.name} {told}: {course.answer.sentence}")
    else:
        frame.say(
            f"{row.name} is invoiceable once" if course.reached else f"{row.name} first needs"
        )
        for need in course.needs:
            by_itself = f" (by itself at {need.at:%Y-%m-%d %H:%M} UTC)" if need.at else ""
            frame.say(f"  {need.code} · {need.who}: {need.sentence}{by_itself}")
            frame.say(f"    {need.remedy}")
    if course.needs or not course.reached:
        raise typer.Exit(ExitCode.BLOCKED)


def what_if(
    numbers: Annotated[
        list[str] | None,
        typer.Argument(help="Orders, by number.", autocompletion=offered.orders),
    ] = None,
    days: Annotated[int | None, typer.Option(help="All orders of the last days.")] = None,
    scenario: Annotated[
        str | None,
        typer.Option(help="Played through this scenario.", autocompletion=scenario_names),
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE of a behaviour setting.")
    ] = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Show what another scenario or setting would write, beside what is written now."""
    if bool(numbers) == (days is not None):
        frame.usage("Name orders, or choose them by --days.")
    changed: dict[str, str] = {}
    for one in setting or ():
        name, given, value = one.partition("=")
        if not given:
            frame.usage(f"--set {one}: must be NAME=VALUE.")
        changed[name] = value

    async def work(container: Container, actor: Actor) -> WhatIf:
        with frame.watched("Orders played", as_json=as_json) as progressed:
            return await container.foresight.what_if(
                actor,
                orders=numbers or None,
                days=days,
                scenario=scenario,
                settings=changed,
                connection=connection,
                progressed=progressed,
                whole=True,
            )

    found = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        frame.print_json(shapes.what_if(found))
        return
    _print(found)


def _print(found: WhatIf) -> None:
    different = [one for one in found.differences if one.differs]
    frame.say(f"{len(different)} of {len(found.differences)} orders would go another way.")
    if found.writes():
        frame.print_table(
            ("step", "only now", "only then"),
            ((step, str(here), str(there)) for step, (here, there) in found.writes().items()),
        )
    for one in different:
        frame.say(f"\n{one.order.name}: {one.here_scenario} → {one.there_scenario}")
        if one.refused:
            frame.say(f"  cannot be: {one.refused}")
            continue
        for sign, side in (("-", one.here), ("+", one.there)):
            for step, subject, write in side:
                frame.say(f"  {sign} {step} {subject}: {write}")
        frame.say(f"  now:  {one.here_answer.sentence}")
        frame.say(f"  then: {one.there_answer.sentence}")
