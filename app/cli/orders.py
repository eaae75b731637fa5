"""`orders`: where an order stands, why it is not further along, and what a person decides.

Owns the layout of the explanation on a terminal. The answer is that of the worker's own gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame, offered
from app.cli.frame import AsJson, Connection, Cursor, ExitCode, Limit
from app.domain import traces
from app.domain.choices import does
from app.domain.codes import Code, State, Who
from app.domain.reasons import CODES

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.desk import Found
    from app.domain.records import OrderRow
    from app.domain.views import JournalRow, LineView, Page, StepView
    from app.sync.operations import Actor, Story

TAIL = 12
BLOCKED = (State.WAITING, State.HELD, State.PARKED)
COLOURS = {State.DONE: "green", State.WAITING: "yellow", State.HELD: "red", State.PARKED: "red"}
QUANTITIES = (
    "ordered", "on_purchase_orders", "received", "linked", "shipped", "invoiceable", "invoiced",
)  # fmt: skip

Number = Annotated[
    str,
    typer.Argument(help="The order's number, or id:1201.", autocompletion=offered.orders),
]

app = typer.Typer(help="Where orders stand, and why.", no_args_is_help=True)


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="orders")


@app.command("list")
def list_orders(
    state: Annotated[State | None, typer.Option(help="Only orders in this state.")] = None,
    code: Annotated[Code | None, typer.Option(help="Only orders with this reason.")] = None,
    who: Annotated[Who | None, typer.Option(help="Only orders for which these act.")] = None,
    number: Annotated[
        str | None, typer.Option(help="Number, or id:1201.", autocompletion=offered.orders)
    ] = None,
    connection: Connection = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List orders, the most recently touched first."""

    async def work(container: Container, actor: Actor) -> Page[OrderRow]:
        from app.domain.views import OrderFilter  # what is not needed for --help is loaded late

        wanted = OrderFilter(number, state, code, who, connection)
        return await container.operations.orders(actor, wanted, cursor, limit)

    page = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        items = [shapes.summary(row) for row in page.items]
        frame.print_json({"items": items, "next": page.next})
        return
    if not page.items:
        frame.say("No order fits.")
        return
    frame.print_table(
        ("order", "customer", "state", "who", "why"),
        ((row.name, row.customer, row.state, row.who, row.sentence) for row in page.items),
    )
    frame.tell_more(page.next)


@app.command("find")
def find(
    text: Annotated[str, typer.Argument(help="A part of a number or name, or a whole id.")],
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """Find orders by a part of what they, their customers or their papers are called."""

    async def work(container: Container, actor: Actor) -> Page[Found]:
        return await container.desk.search(actor, text, cursor, limit)

    page = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        items = [
            {"order": shapes.summary(one.order), "what": one.what, "text": one.text}
            for one in page.items
        ]
        frame.print_json({"items": items, "next": page.next})
        return
    if not page.items:
        frame.say("Nothing is called like that.")
        return
    frame.print_table(
        ("order", "customer", "state", "found by", "text"),
        (
            (one.order.name, one.order.customer, one.order.state, one.what, one.text)
            for one in page.items
        ),
    )
    frame.tell_more(page.next)


@app.command("explain")
def explain(
    number: Number,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Say why an order is not further along. Ends with 3 when it waits or is held."""

    async def work(container: Container, actor: Actor) -> tuple[Story, list[JournalRow]]:
        story = await container.operations.order(actor, number, connection)
        return story, await _tail(container, story)

    story, told = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        frame.print_json(shapes.order(story, told))
    else:
        _print(story, told)
    if story.explained.answer.state in BLOCKED:
        raise typer.Exit(ExitCode.BLOCKED)


STEP_HELP = "The step, as `orders explain` names it."
Reason = Annotated[str, typer.Option(help="Why; it is journalled.")]


def step_names(incomplete: str) -> list[str]:
    """The steps that begin so, for the shell."""
    from app.steps import STEPS  # loads what --help does not need

    return [name for name in sorted(STEPS) if name.startswith(incomplete)]


def choice_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """The choices of the code that stands before, for the shell."""
    from app.domain.choices import names_of

    code = ctx.params.get("code")
    known = [Code(code)] if isinstance(code, str) and code in Code.__members__ else list(Code)
    names = dict.fromkeys(name for one in known for name in names_of(one))
    return [name for name in names if name.startswith(incomplete)]


Subject = Annotated[
    str | None, typer.Option(help="The purchase order or receipt, where several stand there.")
]


@app.command("decide")
def decide(
    number: Number,
    code: Annotated[Code, typer.Argument(help="The reason at which the order stands.")],
    choice: Annotated[
        str,
        typer.Argument(
            help="One of its choices: see `orders explain`.", autocompletion=choice_names
        ),
    ],
    reason: Reason,
    subject: Subject = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Decide what only a person may decide. The order goes on from there."""

    async def work(container: Container, actor: Actor) -> Story:
        return await container.decisions.decide(
            actor,
            number,
            code=code,
            choice=choice,
            reason=reason,
            subject=subject,
            connection=connection,
        )

    decided(frame.with_service(work), f"{choice} is kept", as_json=as_json)


@app.command("hold")
def hold(
    number: Number, reason: Reason, connection: Connection = None, as_json: AsJson = False
) -> None:
    """Do nothing more for an order until it is released."""

    async def work(container: Container, actor: Actor) -> Story:
        return await container.decisions.hold(actor, number, reason, connection)

    decided(frame.with_service(work), "held", as_json=as_json)


@app.command("release")
def release(
    number: Number, reason: Reason, connection: Connection = None, as_json: AsJson = False
) -> None:
    """End a person's hold."""

    async def work(container: Container, actor: Actor) -> Story:
        return await container.decisions.release(actor, number, reason, connection)

    decided(frame.with_service(work), "released", as_json=as_json)


@app.command("readiness")
def readiness(number: Number, connection: Connection = None, as_json: AsJson = False) -> None:
    """Check whether the tool of INVOICE_SYNC_TOOL can post the order's records, now."""

    async def work(container: Container, actor: Actor) -> Story:
        return await container.readiness.check(actor, number, connection)

    story = frame.with_service(work)
    if as_json:
        from app.cli import shapes

        frame.print_json(shapes.order(story, ()))
        return
    checked = story.explained.readiness
    frame.say(checked.sentence if checked is not None else "")
    for defect in checked.defects if checked is not None else ():
        frame.say(f"{defect.code} ({defect.who}): {defect.sentence} {defect.fix}")


@app.command("repin")
def repin(
    number: Number, reason: Reason, connection: Connection = None, as_json: AsJson = False
) -> None:
    """Let an order follow the present scenario and behaviour settings."""

    async def work(container: Container, actor: Actor) -> Story:
        return await container.decisions.repin(actor, number, reason, connection)

    decided(frame.with_service(work), "pinned anew", as_json=as_json)


@app.command("retry")
def retry(
    number: Number,
    step: Annotated[str, typer.Argument(help=STEP_HELP, autocompletion=step_names)],
    reason: Reason,
    subject: Subject = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Try a step again at once. One that is applied stays as it is."""
    decided(
        _step_of(number, step, reason, subject, connection, skip=False),
        f"{step} is tried again",
        as_json=as_json,
    )


@app.command("skip")
def skip(
    number: Number,
    step: Annotated[str, typer.Argument(help=STEP_HELP, autocompletion=step_names)],
    reason: Reason,
    subject: Subject = None,
    connection: Connection = None,
    as_json: AsJson = False,
) -> None:
    """Leave a step out for good: what it would have done is done by hand."""
    decided(
        _step_of(number, step, reason, subject, connection, skip=True),
        f"{step} is left out",
        as_json=as_json,
    )


def _step_of(
    number: str, step: str, reason: str, subject: str | None, connection: str | None, *, skip: bool
) -> Story:
    async def work(container: Container, actor: Actor) -> Story:
        return await container.decisions.step(
            actor, number, step, skip=skip, reason=reason, subject=subject, connection=connection
        )

    story: Story = frame.with_service(work)
    return story


def decided(story: Story, done: str, *, as_json: bool) -> None:
    if as_json:
        from app.cli import shapes

        frame.print_json(shapes.order(story, ()))
        return
    frame.say(f"{story.order.name}: {done}. `demandlink orders explain` says how it goes on.")


async def _tail(container: Container, story: Story) -> list[JournalRow]:
    """The newest lines of the journal, which is read from its beginning."""
    told: list[JournalRow] = []
    cursor: str | None = None
    while True:
        page = await container.operations.journal(story.order, cursor, 200)
        told = [*told, *page.items][-TAIL:]
        if page.next is None:
            return told
        cursor = page.next


def _print(story: Story, told: Sequence[JournalRow]) -> None:
    row, answer = story.order, story.explained.answer
    frame.say(answer.sentence, style=f"bold {COLOURS.get(answer.state, '')}".strip())
    parts = [row.name, row.customer or "", str(answer.state), str(answer.code or "")]
    frame.say(" · ".join(part for part in parts if part))
    if answer.who is not Who.NOBODY:
        frame.say(f"Who acts: {answer.who}, since {clock(answer.since)}.")
    if answer.code is not None and answer.state in BLOCKED:
        frame.say(f"What to do: {CODES[answer.code].remedy}")
    if answer.state is not State.DONE and answer.next_look:
        frame.say(f"Next look: {answer.next_look}.")
    if trace := traces.trace_id(story.order.trace):
        frame.say(f"Trace: {trace}")
    if answer.choices and answer.code is not None:
        frame.say("Choices, with `demandlink orders decide`:")
        for name in answer.choices:
            frame.say(f"  {name}: {does(answer.code, name)}")
    for flag in story.explained.flags:
        frame.say(f"{flag.code} ({flag.who}): {flag.sentence}")
    if (readiness := story.explained.readiness) is not None:
        frame.say(readiness.sentence)
    if story.explained.steps:
        frame.say()
        frame.print_table(
            ("step", "for", "state", "ConnectWise", "why"), map(_step, story.explained.steps)
        )
    if story.explained.lines:
        frame.say()
        headings = tuple(f"{name.replace('_', ' ')}#" for name in QUANTITIES)
        frame.print_table(("line#", "title", *headings), map(_line, story.explained.lines))
    if told:
        frame.say()
        frame.print_table(
            ("at", "who", "journal"),
            ((clock(line.at), line.entry.actor, line.entry.sentence) for line in told),
        )


def _step(step: StepView) -> tuple[object, ...]:
    return step.step, step.subject, step.state, records(step), step.sentence


def records(step: StepView) -> str:
    """The ConnectWise records behind a step, by kind: opportunity 88, product 1, 2."""
    kinds: dict[str, list[str]] = {}
    for link in step.remote:
        kinds.setdefault(link.kind.replace("_", " "), []).append(link.id)
    return ", ".join(f"{kind} {', '.join(ids)}" for kind, ids in kinds.items())


def _line(line: LineView) -> tuple[object, ...]:
    return line.line, line.title, *(getattr(line, name) for name in QUANTITIES)


def clock(value: datetime | None) -> str:
    """A moment for a person, in UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if value is not None else "-"
