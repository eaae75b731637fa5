"""`keys create`, `list` and `revoke`: keys of the admin REST.

Owns the layout only. A key is printed once, when it is made: what is kept is its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import frame
from app.cli.frame import AsJson
from app.cli.orders import clock

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.upkeep import KeyRow
    from app.domain.views import ApiKey
    from app.sync.operations import Actor

app = typer.Typer(help="Keys of the admin REST.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The key's name, as journal and audit tell it.")]


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    ADMIN = "admin"
    REVEAL = "reveal"


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="keys")


@app.command("create")
def create(
    name: Name,
    scope: Annotated[
        list[Scope],
        typer.Option(
            help="What it may do; `admin` includes `read`, and neither includes `reveal`, which shows "
            "personal data. May be repeated."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown this once and can never be read again."""

    async def work(container: Container, actor: Actor) -> tuple[ApiKey, str]:
        return await container.upkeep.create_key(actor, name, [one.value for one in scope])

    key, secret = frame.with_service(work)
    if as_json:
        frame.print_json({"name": key.name, "scopes": sorted(key.scopes), "key": secret})
        return
    frame.say(
        f"The key {key.name} may {' and '.join(sorted(key.scopes))}. Keep it: it is not shown again."
    )
    frame.say(secret)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List keys, withdrawn ones too. The first key, ADMIN_API_KEY, is a setting."""

    async def work(container: Container, actor: Actor) -> Sequence[KeyRow]:
        return await container.upkeep.keys(actor)

    rows = frame.with_service(work)
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        frame.print_json({"items": [shapes.key(row) for row in rows], "next": None})
    elif not rows:
        frame.say("No key was made yet; the first one is the setting ADMIN_API_KEY.")
    else:
        frame.print_table(
            ("key", "scopes", "made", "withdrawn"),
            (
                (
                    row.name,
                    ", ".join(sorted(row.scopes)),
                    clock(row.created_at),
                    clock(row.revoked_at) if row.revoked_at is not None else None,
                )
                for row in rows
            ),
        )


@app.command("revoke")
def revoke(name: Name, as_json: AsJson = False) -> None:
    """Withdraw a key: it counts no more, from the next request on."""

    async def work(container: Container, actor: Actor) -> None:
        await container.upkeep.revoke_key(actor, name)

    frame.with_service(work)
    if as_json:
        frame.print_json({"revoked": name})
    else:
        frame.say(f"The key {name} is withdrawn.")
