"""What every command shares: how it ends, how it prints, and how it gets at the service's parts.

Owns the exit codes of `contracts/http.md` and the sentence for each failure that is expected. What
is not expected keeps its traceback: that is a bug.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from app.cli import beside, troubles

if TYPE_CHECKING:
    from app.bootstrap import Container
    from app.domain.views import Progressed
    from app.sync.operations import Actor

T = TypeVar("T")
Row = dict[str, Any]
WIDE = 500  # columns where nobody looks: tables are not folded in a pipe
# Whether this call of the program asked for no colours (--no-color), whatever the environment says.
plain: ContextVar[bool] = ContextVar("plain", default=False)
CURSOR_HELP = "Go on where the list before ended."


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    BLOCKED = 3
    UPSTREAM = 4
    STALE = 5


class Told(Exception):
    """An expected failure: one sentence that says what to do, and how the command ends."""

    def __init__(
        self, sentence: str, exit_code: ExitCode = ExitCode.FAILED, code: str = "FAILED"
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.exit_code = exit_code
        self.code = code


class Commands(TyperGroup):
    """The group of all commands. Expected failures end as a sentence, never as a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, BrokenPipeError):
            raise
        except Exception as error:
            as_json = bool(ctx.meta.get("json"))
            told = (_wrong_call(error) if as_json else None) or expected(error)
            if told is None:
                raise
            _tell(told, as_json=as_json)
            raise typer.Exit(int(told.exit_code)) from error


def _wrong_call(error: Exception) -> Told | None:
    """What the reader of the command line found wrong, which it would tell as a text. By what it carries:
    typer brings a click of its own, which no type names in public."""
    said = getattr(error, "format_message", None)
    if said is None or getattr(error, "exit_code", None) != ExitCode.USAGE:
        return None
    return Told(_ended(str(said())), ExitCode.USAGE, "USAGE")


def _tell(told: Told, *, as_json: bool) -> None:
    if as_json:
        body = {"error": {"code": told.code, "sentence": told.sentence}}
        typer.echo(json.dumps(body, ensure_ascii=False), err=True)
    else:
        typer.echo(told.sentence, err=True)


# Refusals are worded for REST; at the command line the same things have other names.
IN_REST = {
    "?connection=": "--connection",
    "Name one as subject": "Name one with --subject",
    "See /admin/events": "See `demandlink events list`",
    "See /admin/connections": "See `demandlink connections list`",
    "See /admin/mappings": "See `demandlink mappings list`",
}
REFUSALS: dict[str, ExitCode] = {
    "PLAN_STALE": ExitCode.STALE,
    "REQUEST_NOT_VALID": ExitCode.USAGE,
    "NUMBER_AMBIGUOUS": ExitCode.USAGE,
    "SUBJECT_AMBIGUOUS": ExitCode.USAGE,
    "CHOICE_NOT_KNOWN": ExitCode.USAGE,
    "KEY_EXISTS": ExitCode.USAGE,
    "LEDGER_NOT_SET_UP": ExitCode.USAGE,
    "ALERTS_NOT_SET_UP": ExitCode.USAGE,
    "PROBE_UNDER_WAY": ExitCode.BLOCKED,
    "COMMERCE_UNAVAILABLE": ExitCode.UPSTREAM,
    "LEDGER_UNAVAILABLE": ExitCode.UPSTREAM,
    "CONNECTWISE_UNAVAILABLE": ExitCode.UPSTREAM,
}


def expected(error: Exception) -> Told | None:
    """The failure as a sentence, None for what nobody foresaw."""
    # Here, because most of these modules take longer to load than most commands to run; when one
    # of their failures came up, they are loaded.
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from app.domain.errors import StoreUnavailable
    from app.domain.scenario import ScenarioInvalid
    from app.embedded.errors import EmbeddedError

    if isinstance(error, Told):
        return error
    if isinstance(error, StoreUnavailable):
        sentence = troubles.of_database(error.__cause__ or error, _database_url())
        away = f"The database cannot be used: {_ended(str(error))} See DATABASE_URL."
        return Told(sentence or away, ExitCode.UPSTREAM, "DATABASE_UNAVAILABLE")
    if type(error).__name__ == "UndefinedTableError":  # asyncpg's, which need not be loaded
        return Told(
            "The database has no tables of this version yet: run `demandlink migrate`.",
            ExitCode.FAILED,
            "NOT_MIGRATED",
        )
    if type(error).__module__.startswith("asyncpg."):  # refused, which is no absence
        sentence = troubles.of_database(error, _database_url())
        if sentence is not None:
            return Told(sentence, ExitCode.UPSTREAM, "DATABASE_UNAVAILABLE")
    if isinstance(error, troubles.OutputRefused):
        return Told(str(error.strerror), ExitCode.FAILED, "OUTPUT_REFUSED")
    if isinstance(error, OSError):
        error = _of_data_folder(error) or error
    if isinstance(error, EmbeddedError):
        return Told(str(error), ExitCode.FAILED, "EMBEDDED")
    if isinstance(error, ScenarioInvalid):
        return Told(_ended(str(error)), ExitCode.USAGE, "NOT_CONFIGURED")
    if isinstance(error, ValidationError) and error.title == "Settings":
        return Told(_settings_sentence(error), ExitCode.USAGE, "NOT_CONFIGURED")
    if isinstance(error, SettingsError):
        return Told(_ended(str(error)), ExitCode.USAGE, "NOT_CONFIGURED")
    return _refused(error)


def _database_url() -> str:
    from app.settings import Settings

    return Settings().database_url


def _of_data_folder(error: OSError) -> Exception | None:
    """What is wrong with the folder of data, None where it is none of that."""
    from app.embedded.errors import unusable
    from app.settings import Settings

    return unusable(error, Settings().demandlink_data_dir.absolute())


def _refused(error: Exception) -> Told | None:
    from app.sync.operations import Refusal

    if isinstance(error, Refusal):
        sentence = error.sentence
        for there, here in IN_REST.items():
            sentence = sentence.replace(there, here)
        return Told(sentence, REFUSALS.get(error.code, ExitCode.FAILED), error.code)
    if "app.bootstrap" in sys.modules:
        from app.bootstrap import NotConfigured

        if isinstance(error, NotConfigured):
            return Told(str(error), ExitCode.USAGE, "NOT_CONFIGURED")
    return None


def _settings_sentence(error: Any) -> str:
    from app.sync.asking import wrong_fields

    found = (f"{name}: {said}" if name else said for name, said in wrong_fields(error))
    return f"{_ended('; '.join(found))} See .env.example."


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


# --- options ------------------------------------------------------------------------------------


def _as_json(ctx: typer.Context, value: bool) -> bool:
    # Kept for the failure, which is told after the command's own parameters are gone.
    ctx.meta["json"] = value
    return value


AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON.", callback=_as_json, is_eager=True)
]
Connection = Annotated[
    str | None,
    typer.Option("--connection", help="Chooses where several connections know a number."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help=CURSOR_HELP)]


def one_of(*values: str) -> Callable[[str], list[str]]:
    """What the shell offers for an option or argument of these values, where others may be given
    too, so that the service says what is wrong with them."""

    def offered(incomplete: str) -> list[str]:
        return [value for value in values if value.startswith(incomplete)]

    return offered


def usage(sentence: str) -> NoReturn:
    """End with a sentence about how the command was called."""
    raise Told(sentence, ExitCode.USAGE, "USAGE")


# --- printing -----------------------------------------------------------------------------------


def console() -> Console:
    """Where people read. Rich leaves colours out where nobody looks."""
    width = None if sys.stdout.isatty() else WIDE
    console = Console(highlight=False, width=width, no_color=plain.get() or None)
    # With NO_COLOR it would keep bold; plain is plain here.
    return Console(highlight=False, color_system=None) if console.no_color else console


@contextmanager
def watched(what: str, *, as_json: bool) -> Iterator[Progressed]:
    """A bar on stderr for what takes long, gone when it is through. None with --json, without
    colours, and where stderr is no terminal: what nobody watches must not fill a log."""
    shown = Console(stderr=True, no_color=plain.get() or None)
    if as_json or shown.no_color or shown.is_dumb_terminal or not shown.is_terminal:
        yield lambda done, of: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=shown, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def say(text: str = "", style: str | None = None) -> None:
    """A line for a person, folded at words on a terminal. Nothing in it is markup."""
    console().print(text, style=style, markup=False)


def tell_more(cursor: str | None) -> None:
    """Under a part of a list: how the next one is asked for."""
    if cursor:
        say(f"There are more: --cursor {cursor}")


def print_json(value: Any) -> None:
    """A value for a program, on one line for each document."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns for a person; numbers stand right, nothing is markup."""
    shown = console()
    with shown.capture() as captured:
        shown.print(make_table(headings, rows))
    # Columns are filled up with blanks, the last one as well.
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def make_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table. A heading that ends with # is a column of numbers."""
    from rich.text import Text

    style = box.SIMPLE_HEAD if sys.stdout.isatty() else None
    table = Table(box=style, show_edge=False, pad_edge=False, header_style="bold")
    for heading in headings:
        right = heading.endswith("#")
        table.add_column(heading.rstrip("#"), justify="right" if right else "left")
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return table


# --- the service's parts -------------------------------------------------------------------------


@asynccontextmanager
async def service() -> AsyncIterator[Container]:
    """Every part, open, quiet but for warnings. Embedded servers are joined or started."""
    # Here, because it loads everything there is.
    from app import telemetry
    from app.bootstrap import opened

    telemetry.configure("WARNING")
    async with opened(beside.settings(), log=False) as container:
        yield container


def with_service(work: Callable[[Container, Actor], Awaitable[T]]) -> T:
    """Run a piece of work as the person at this terminal."""
    return asyncio.run(_with_service(work))


async def _with_service(work: Callable[[Container, Actor], Awaitable[T]]) -> T:
    async with service() as container:
        return await work(container, actor(container))


def actor(container: Container) -> Actor:
    """Who is at the terminal, for journal and audit."""
    from app.sync.operations import Actor as Person

    name = "command line"
    with contextlib.suppress(OSError, KeyError, ImportError):  # a user without a name
        name = f"{getpass.getuser()} at the command line"
    return Person(container.default_tenant, name)
