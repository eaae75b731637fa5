"""`issues list`, `issues plan`, `audit`, `orders calls` and `replay list`: what the console's pages of the
same names show.

Owns the layout only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import frame, orders, replays
from app.cli.frame import AsJson, Connection, Cursor, Limit
from app.cli.orders import Number, clock
from app.domain.codes import Code

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.desk import AuditRow, Issue
    from app.domain.records import OrderRow
    from app.domain.views import CallRow, Page, Replay
    from app.sync.operations import Actor
    from app.sync.progress import Progress

app = typer.Typer(help="Failures by their cause.", no_args_is_help=True)
SHOWN = 3  # orders of an issue that a line names


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="issues")
    parent.command("audit")(audit)
    orders.app.command("calls")(calls)
    replays.app.command("list")(list_replays)


@app.command("list")
def list_issues(as_json: AsJson = False) -> None:
    """List what stands held or parked, by code, step and endpoint."""

    async def work(container: Container, actor: Actor) -> Sequence[Issue]:
        return await container.desk.issues(actor)

    found = frame.with_service(work)
    if as_json:
        from app.cli import desk_shapes  # loads what --help does not need

        frame.print_json({"items": [desk_shapes.issue(one) for one in found], "next": None})
        return
    if not found:
        frame.say("Nothing stands held or parked.")
        return
    frame.print_table(
        ("code", "step", "endpoint", "orders#", "since", "such as", "sentence"),
        (
            (
                one.fingerprint.code,
                one.fingerprint.step,
                one.fingerprint.endpoint,
                one.count,
                clock(one.since),
                ", ".join(one.orders[:SHOWN]),
                one.sentence,
            )
            for one in found
        ),
    )


@app.command("plan")
def plan_issue(
    code: Annotated[Code, typer.Argument(help="As the list says.")],
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")],
    step: Annotated[
        str, typer.Option(help="As the list says.", autocompletion=orders.step_names)
    ] = "",
    endpoint: Annotated[str, typer.Option(help="As the list says.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what a replay of every order of an issue would do. Nothing is executed."""

    async def work(container: Container, actor: Actor) -> Progress:
        from app.domain.desk import Fingerprint

        wanted = Fingerprint(code, step, endpoint)
        replay = await container.desk.plan_issue(actor, wanted, reason)
        return await container.replays.preview(actor, replay)

    replays.planned(frame.with_service(work), as_json=as_json)


def audit(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """List who changed what, the newest first."""

    async def work(
        container: Container, actor: Actor
    ) -> tuple[Page[AuditRow], Mapping[int, OrderRow]]:
        page = await container.desk.audits(actor, cursor, limit)
        return page, await container.desk.orders_of(actor, page.items)

    page, named = frame.with_service(work)
    from app.cli import desk_shapes

    items = [desk_shapes.audit(row, named.get(row.id)) for row in page.items]
    if as_json:
        frame.print_json({"items": items, "next": page.next})
        return
    if not items:
        frame.say("Nobody has changed anything yet.")
        return
    frame.print_table(
        ("at", "what", "of", "by", "with"),
        (
            (
                clock(row.at),
                row.audit.action,
                one["order"] or row.audit.target,
                row.audit.actor,
                _pairs(row.audit.data),
            )
            for row, one in zip(page.items, items, strict=True)
        ),
    )
    frame.tell_more(page.next)


def _pairs(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in data.items())


def calls(
    number: Number,
    connection: Connection = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List every remote request for an order with its answer, redacted; with --json whole."""

    async def work(container: Container, actor: Actor) -> Page[CallRow]:
        order = await container.operations.find(actor, number, connection)
        return await container.operations.calls(order, cursor, limit)

    page = frame.with_service(work)
    if as_json:
        from app.cli import desk_shapes

        items = [desk_shapes.call(row) for row in page.items]
        frame.print_json({"items": items, "next": page.next})
        return
    if not page.items:
        frame.say("No system was called for it, or the calls are older than they are kept.")
        return
    frame.print_table(
        ("call#", "at", "system", "request", "status#", "ms#", "step", "failure"),
        (
            (
                row.id,
                clock(row.at),
                row.call.system,
                f"{row.call.method} {row.call.path}",
                row.call.status,
                f"{row.call.milliseconds:.0f}",
                row.call.step,
                row.call.failure,
            )
            for row in page.items
        ),
    )
    frame.tell_more(page.next)


def list_replays(limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False) -> None:
    """List plans, the newest first, and what became of them."""

    async def work(container: Container, actor: Actor) -> Page[Replay]:
        return await container.desk.replays(actor, cursor, limit)

    page = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        items = [shapes.replay_summary(row) for row in page.items]
        frame.print_json({"items": items, "next": page.next})
        return
    if not page.items:
        frame.say("No replay was planned yet.")
        return
    frame.print_table(
        ("replay", "state", "planned", "by", "reason"),
        ((row.id, row.state, clock(row.created_at), row.actor, row.reason) for row in page.items),
    )
    frame.tell_more(page.next)
