"""`mappings list`, `set` and `remove`: what Commerce records are called in ConnectWise (D-10).

Owns the layout only. A change wakes the orders that wait for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame, offered
from app.cli.frame import AsJson, Cursor, Limit
from app.cli.orders import clock

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.views import MappingRow, Page
    from app.sync.operations import Actor
    from app.sync.setup import Mapped, Missing

app = typer.Typer(help="What Commerce records are called in ConnectWise.", no_args_is_help=True)
KINDS_HELP = (
    "company, vendor, contact, member, scenario, product, ledger_vendor or ledger_customer."
)


def _kinds(incomplete: str) -> list[str]:
    from app.sync.setup import MAPPING_KINDS  # loads what --help does not need

    return [kind for kind in MAPPING_KINDS if kind.startswith(incomplete)]


Reason = Annotated[str, typer.Option(help="Why, for the audit.")]
Kind = Annotated[str, typer.Argument(help=KINDS_HELP, autocompletion=_kinds)]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="mappings")


@app.command("list")
def list_mappings(
    kind: Annotated[
        str | None, typer.Option(help=f"Only {KINDS_HELP}", autocompletion=_kinds)
    ] = None,
    holds: Annotated[
        str | None,
        typer.Option(
            help="Only those with this text in one of their keys; one or two characters: at its "
            "beginning."
        ),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List mappings, the newest first."""

    async def work(container: Container, actor: Actor) -> Page[MappingRow]:
        return await container.operations.mapping_page(actor, kind, holds, cursor, limit)

    page = frame.with_service(work)
    _print(page, as_json=as_json, chosen=bool(kind or holds or cursor))


@app.command("set")
def set_mapping(
    kind: Kind,
    commerce_key: Annotated[
        str, typer.Argument(help="The Commerce id, or the e-mail address of a contact or member.")
    ],
    connectwise_key: Annotated[
        str, typer.Argument(help="The ConnectWise identifier or id; of a contact or member its id.")
    ],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Add or change a mapping; orders that wait for it go on."""

    async def work(container: Container, actor: Actor) -> Mapped:
        return await container.operations.put_mapping(
            actor, kind, commerce_key, connectwise_key, reason=reason
        )

    kept = frame.with_service(work)
    row = kept.row
    if as_json:
        from app.cli import setup_shapes  # loads what --help does not need

        frame.print_json(setup_shapes.mapped(kept))
        return
    where = "" if row.kind == "scenario" else " in ConnectWise"
    frame.say(f"{row.kind} {row.commerce_key} is {row.connectwise_key}{where}.")
    for told, orders in (("On its way again", kept.resumed), ("Looking again", kept.looking)):
        if orders:
            frame.say(f"{told}: {', '.join(one.order for one in orders)}.")


@app.command("missing")
def missing(as_json: AsJson = False) -> None:
    """List the mappings that orders wait for."""

    async def work(container: Container, actor: Actor) -> Sequence[Missing]:
        return await container.operations.missing_mappings(actor)

    found = frame.with_service(work)
    if as_json:
        from app.cli import setup_shapes  # loads what --help does not need

        items = [setup_shapes.missing_mapping(one) for one in found]
        frame.print_json({"items": items, "next": None})
    elif not found:
        frame.say("No order waits for a mapping.")
    else:
        frame.print_table(
            ("kind", "in Commerce", "orders", "what one says"),
            (
                (
                    one.wanted.kind,
                    one.wanted.key or "an e-mail address",
                    ", ".join(order.order for order in one.orders),
                    one.sentence,
                )
                for one in found
            ),
        )


@app.command("remove")
def remove(
    mapping: Annotated[
        int,
        typer.Argument(
            help="The mapping's number, as `mappings list` shows.", autocompletion=offered.mappings
        ),
    ],
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Remove a mapping."""

    async def work(container: Container, actor: Actor) -> None:
        await container.operations.drop_mapping(actor, mapping, reason=reason)

    frame.with_service(work)
    if as_json:
        frame.print_json({"removed": mapping})
    else:
        frame.say(f"Mapping {mapping} is removed.")


def _print(page: Page[MappingRow], *, as_json: bool, chosen: bool) -> None:
    from app.cli import shapes  # loads what --help does not need

    items = [shapes.mapping(row) for row in page.items]
    if as_json:
        frame.print_json({"items": items, "next": page.next})
    elif not page.items and chosen:
        frame.say("No mapping fits.")
    elif not page.items:
        frame.say("There is no mapping. Records are found by identifier, number and e-mail.")
    else:
        frame.print_table(
            ("mapping#", "kind", "in Commerce", "in ConnectWise", "changed", "by"),
            (
                (
                    row.id,
                    row.kind,
                    shown["commerce_key"],
                    row.connectwise_key,
                    clock(row.updated_at),
                    row.updated_by,
                )
                for row, shown in zip(page.items, items, strict=True)
            ),
        )
    if not as_json:
        frame.tell_more(page.next)
