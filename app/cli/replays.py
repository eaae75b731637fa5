"""`replay plan`, `run`, `status` and `abort`: first what would be done, then doing it.

Owns the layout only; what a plan is and when it is stale is decided in `app/sync/replays.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame, offered, orders
from app.cli.frame import AsJson, Connection
from app.domain.codes import Code, State, Who

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.sync.operations import Actor
    from app.sync.progress import Progress

app = typer.Typer(help="Plan and run replays.", no_args_is_help=True)
ID_HELP = "The replay's id, as `replay plan` printed it."


RUNNING = "running"
LOOK_SECONDS = 0.5  # between two looks of `run --wait`


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="replay")


@app.command("plan")
def plan(
    reason: Annotated[str, typer.Option(help="Why; it is journalled.")],
    numbers: Annotated[
        list[str] | None,
        typer.Argument(help="Orders, by number.", autocompletion=offered.orders),
    ] = None,
    state: Annotated[State | None, typer.Option(help="All orders in this state.")] = None,
    code: Annotated[Code | None, typer.Option(help="All orders with this reason.")] = None,
    who: Annotated[Who | None, typer.Option(help="All orders for which these act.")] = None,
    from_step: Annotated[
        str | None,
        typer.Option(
            help="Only this step and what comes after it.",
            autocompletion=orders.step_names,
        ),
    ] = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Show what a replay would do. Nothing is executed."""
    filtered = any((state, code, who))
    if bool(numbers) == filtered:
        frame.usage("Name orders, or choose them by --state, --code or --who.")

    async def work(container: Container, actor: Actor) -> Progress:
        from app.domain.views import OrderFilter  # loads what --help does not need

        wanted = OrderFilter(None, state, code, who, connection) if filtered else None
        with frame.watched("Orders planned", as_json=as_json) as progressed:
            replay = await container.replays.plan(
                actor,
                orders=numbers or None,
                wanted=wanted,
                reason=reason,
                from_step=from_step,
                connection=connection,
                progressed=progressed,
            )
        return await container.replays.preview(actor, replay)

    planned(frame.with_service(work), as_json=as_json)


def planned(progress: Progress, *, as_json: bool) -> None:
    """Print a plan, and how it is run."""
    _print(progress, as_json=as_json, steps=True)
    if not as_json:
        frame.say(f"\nNothing is done yet. To run it: demandlink replay run {progress.replay.id}")


@app.command("run")
def run(
    replay: Annotated[str, typer.Argument(help=ID_HELP, autocompletion=offered.replays_to_run)],
    wait: Annotated[
        bool, typer.Option("--wait", help="Until every order is through; Ctrl-C stops no order.")
    ] = False,
    over_budget: Annotated[
        bool, typer.Option("--over-budget", help="Although too few calls are left for the day.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run a plan. Ends with 5 when an order moved since, or the plan expired."""

    async def work(container: Container, actor: Actor) -> Progress:
        progress = await container.replays.run(actor, replay, over_budget=over_budget)
        with frame.watched("Orders through", as_json=as_json) as progressed:
            while wait and progress.state == RUNNING:
                progressed(progress.settled, len(progress.items))
                await container.clock.sleep(LOOK_SECONDS)
                progress = await container.replays.status(actor, replay)
        return progress

    _print(frame.with_service(work), as_json=as_json)


@app.command("status")
def status(
    replay: Annotated[str, typer.Argument(help=ID_HELP, autocompletion=offered.replays)],
    as_json: AsJson = False,
) -> None:
    """Show how far a replay is, how the run of each of its orders ended, and where they stand now."""

    async def work(container: Container, actor: Actor) -> Progress:
        return await container.replays.status(actor, replay)

    _print(frame.with_service(work), as_json=as_json)


@app.command("abort")
def abort(
    replay: Annotated[str, typer.Argument(help=ID_HELP, autocompletion=offered.replays_to_abort)],
    as_json: AsJson = False,
) -> None:
    """Drop a plan. Orders that a run has woken go on, but not as a part of it."""

    async def work(container: Container, actor: Actor) -> Progress:
        return await container.replays.abort(actor, replay)

    _print(frame.with_service(work), as_json=as_json)


def _print(progress: Progress, *, as_json: bool, steps: bool = False) -> None:
    from app.cli import shapes  # loads what --help does not need

    shape = shapes.replay(progress)
    if as_json:
        frame.print_json(shape)
        return
    frame.say(
        f"Replay {shape['id']} is {shape['state']}: {shape['settled']} of {shape['orders']} orders "
        f"are through. Reason: {shape['reason']}"
    )
    for one in shape["results"]:
        frame.say(f"  {one['orders']} {one['state']}{' ' + one['code'] if one['code'] else ''}")
    for cost in shape["costs"]:
        frame.say(cost["sentence"])
    if shape["costs"]:
        frame.say(shape["beside"])
    if not steps:
        frame.print_table(
            ("order", "replay", "result", "how it ended", "now"),
            map(_result, shape["items"], (one.told for one in progress.items)),
        )
        return
    for item in shape["items"]:
        frame.say(f"\n{item['order']}: {item['state']}. {item['sentence']}", style="bold")
        frame.print_table(
            ("step", "for", "gate", "calls#", "what it would do, or why not"),
            map(_step, item["steps"]),
        )


def _result(item: frame.Row, told: str) -> tuple[object, ...]:
    result, now = item["result"] or {}, item["now"] or {}
    stands = " ".join(filter(None, (now.get("state"), now.get("code"))))
    return item["order"], item["state"], result.get("state"), told, stands


def _step(step: frame.Row) -> tuple[object, ...]:
    calls = [*step["reads"], *step["writes"], *(f"perhaps: {one}" for one in step["perhaps"])]
    done = "It needs nothing." if step["gate"] == "open" else step["sentence"]
    what = step["sentence"] if step["no_op"] else "; ".join(calls) or done
    return step["step"], step["subject"], step["gate"], step["calls"], what
