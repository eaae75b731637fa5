"""`settings show` and `settings set`: every setting as it rules now, and where it comes from.

Owns the layout only. Secrets are never shown, only whether one is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from app.cli import frame
from app.cli.frame import AsJson, ExitCode, Told

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.sync.operations import Actor
    from app.sync.setup import SettingView

app = typer.Typer(help="Settings as they rule now.", no_args_is_help=True)


def names_of_settings(incomplete: str) -> list[str]:
    """The settings that begin so, for the shell."""
    from app.settings import Settings  # loads what --help does not need

    names = sorted(name.upper() for name in Settings.model_fields)
    return [name for name in names if name.startswith(incomplete)]


def names_to_set(incomplete: str) -> list[str]:
    """The same with the sign that follows; behind it the values, where a setting has a few."""
    from app.settings import Settings

    given, sign, value = incomplete.partition("=")
    if not sign:
        return [f"{name}=" for name in names_of_settings(given)]
    field = Settings.model_fields.get(given.lower())
    values = get_args(field.annotation) if field is not None else ()
    return [f"{given}={one}" for one in values if isinstance(one, str) and one.startswith(value)]


def register(parent: typer.Typer) -> None:
    parent.add_typer(app, name="settings")


@app.command("show")
def show(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these.", autocompletion=names_of_settings)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show settings, their values and where these come from."""

    async def work(container: Container, actor: Actor) -> list[SettingView]:
        return await container.operations.settings(actor)

    every = frame.with_service(work)
    wanted = {name.upper() for name in names or ()}
    if unknown := sorted(wanted - {view.name for view in every}):
        raise Told(f"There is no setting {', '.join(unknown)}.", ExitCode.USAGE, "USAGE")
    _print([view for view in every if not wanted or view.name in wanted], as_json=as_json)


@app.command("set")
def change(
    values: Annotated[
        list[str], typer.Argument(help="NAME=VALUE, one or more.", autocompletion=names_to_set)
    ],
    reason: Annotated[str, typer.Option(help="Why, for the audit.")] = "",
    as_json: AsJson = False,
) -> None:
    """Change settings that the database rules. Orders under way keep their behaviour settings."""
    wanted: dict[str, str] = {}
    for given in values:
        name, sign, value = given.partition("=")
        if not sign or not name:
            frame.usage(f"{given!r} is not of the form NAME=VALUE.")
        wanted[name.strip().upper()] = value.strip()

    async def work(container: Container, actor: Actor) -> list[SettingView]:
        return await container.operations.change_settings(actor, wanted, reason=reason)

    changed = frame.with_service(work)
    _print([view for view in changed if view.name in wanted], as_json=as_json)


def _print(views: list[SettingView], *, as_json: bool) -> None:
    if as_json:
        from app.cli import shapes  # loads what --help does not need

        frame.print_json({"items": [shapes.setting(view) for view in views], "next": None})
        return
    frame.print_table(("setting", "value", "from", "group", "meaning"), map(_row, views))


def _row(view: SettingView) -> tuple[object, ...]:
    source = view.source
    if view.environment is not None:
        source = f"{source} (environment says {view.environment})"
    return view.name, view.value, source, view.group, view.description
