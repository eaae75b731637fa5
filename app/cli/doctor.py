"""`doctor`: what the chosen scenarios need, and whether it is there.

Owns the layout only; what is looked at is `app/sync/doctor`'s.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame
from app.cli.frame import AsJson, ExitCode
from app.domain.checkup import Finding, Outcome

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.sync.doctor import Checkup
    from app.sync.operations import Actor

SIGNS = {
    Outcome.OK: "ok    ",
    Outcome.WARNING: "!     ",
    Outcome.FAILED: "FAILED",
    Outcome.UNPROVEN: "?     ",
    Outcome.SKIPPED: "-     ",
}


def register(parent: typer.Typer) -> None:
    parent.command("doctor")(doctor)


def doctor(
    every: Annotated[bool, typer.Option("--all", help="Show what is in order, too.")] = False,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Make records in ConnectWise for a moment and take them away again: a catalog item, "
            "a ticket or a sales order, a product, a purchase order. Needs --company.",
        ),
    ] = False,
    company: Annotated[
        str, typer.Option("--company", help="For which company, by its ConnectWise identifier.")
    ] = "",
    vendor: Annotated[
        str, typer.Option("--vendor", help="From which vendor; without one linking is not proven.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Prove one by one what the chosen scenarios need; reads only, without --write. Ends with 1 if
    anything fails."""
    if write is not bool(company):
        frame.usage("--write and --company go together: the probe's records need a company.")

    async def work(container: Container, actor: Actor) -> Checkup:
        if write:
            return await container.doctor.probe(actor, company, vendor)
        return await container.doctor.examine(actor)

    found = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        frame.print_json(shapes.checkup(found))
    else:
        _print(found, every=every or write)
    if found.outcome is Outcome.FAILED:
        raise typer.Exit(ExitCode.FAILED)


def _print(found: Checkup, *, every: bool) -> None:
    good = sum(one.outcome is Outcome.OK for one in found.findings)
    frame.say(f"{good} of {len(found.findings)} in order, for {', '.join(found.scenarios)}.")
    shown = [one for one in found.findings if every or one.outcome is not Outcome.OK]
    for area, findings in groupby(shown, key=lambda one: one.area):
        frame.say(f"\n{area}")
        for one in findings:
            _one(one)


def _one(one: Finding) -> None:
    written = " (by a write)" if one.wrote else ""
    frame.say(f"  {SIGNS[one.outcome]} {one.name}{written}: {one.sentence}")
    if one.cause:
        frame.say(f"         Why: {one.cause}")
    if one.fix:
        frame.say(f"         What to do: {one.fix}")
