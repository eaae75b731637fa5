"""The page of the command line, from the commands themselves.

Commands and their parameters are read by what they carry, not by class: typer brings a click of
its own, which no type names in public.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum
from typing import Any

import typer

from app import cli
from app.cli.frame import ExitCode
from app.domain.codes import Code
from tests.docs.markdown import code, sentence, table

PROGRAM = "demandlink"
INTRODUCTION = """\
# Command line

Commands read the same settings as the service: run them where it runs, or with the same `.env`.
From a checkout the command is `.venv/bin/demandlink`. Every command takes `--json`.

`demandlink --install-completion` teaches the shell (bash, zsh, fish, PowerShell) commands, options
and closed values: states, reason codes and their choices, steps, scenarios, settings. Where the
database answers within a second it also teaches the newest numbers of orders and ids of replays,
mappings, findings and connections; where it does not, nothing is said.
`--show-completion` prints what it would add.

What takes long (`what-if`, `replay plan`, `replay run --wait`, `drift sweep` of given orders) shows a
bar on stderr while somebody watches: never in a pipe or a log, nor with `--json`. Colours and bars
are left out with `demandlink --no-color ...`, where `NO_COLOR` is set, and with `TERM=dumb`.
"""
ENDINGS = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "failed, with a sentence that says what to do",
    ExitCode.USAGE: "called in a wrong way, or a setting is wrong",
    ExitCode.BLOCKED: "the order waits, is held or is parked (`orders explain`)",
    ExitCode.UPSTREAM: "the database or the API cannot be reached",
    ExitCode.STALE: "the plan of a replay is stale: make a new one",
}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its whole name, groups first."""
    yield from _below(PROGRAM, typer.main.get_command(cli.build()))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    children = children_of(command)
    for child in sorted(children):
        yield from _below(f"{name} {child}", children[child])


def children_of(command: Any) -> dict[str, Any]:
    """The commands of a group, none of a command; hidden ones left out."""
    found: dict[str, Any] = getattr(command, "commands", {})
    return {name: child for name, child in found.items() if not child.hidden}


def page() -> str:
    endings = table(["exit code", ""], [[str(int(one)), ENDINGS[one]] for one in ExitCode])
    parts = [INTRODUCTION, endings]
    for name, command in commands():
        if not children_of(command):
            parts.append(_command(name, command))
        elif name != PROGRAM:
            parts.append(f"## {name}\n\n{_help(command)}")
    return "\n\n".join(parts)


def _help(command: Any) -> str:
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return "\n\n".join(sentence(part) for part in text.split("\n\n"))


def _command(name: str, command: Any) -> str:
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    options = [one for one in shown if one.param_type_name == "option"]
    words = [name, *("[OPTIONS]" for _ in options[:1]), *(_usage(one) for one in arguments)]
    depth = "##" if name.count(" ") == 1 else "###"
    parts = [f"{depth} {name}", code(" ".join(words)), _help(command)]
    rows = [[code(_usage(one)), _told(one)] for one in arguments]
    rows += [[code(", ".join([*one.opts, *one.secondary_opts])), _told(one)] for one in options]
    if rows:
        parts.append(table(["", ""], rows))
    return "\n\n".join(part for part in parts if part)


def _usage(argument: Any) -> str:
    name = str(argument.metavar or argument.name or "").upper().strip("[]").removesuffix("...")
    name = f"{name}..." if argument.nargs != 1 else name
    return name if argument.required else f"[{name}]"


def _told(parameter: Any) -> str:
    told = [sentence(parameter.help or "")]
    kind = parameter.type_descriptor.annotation
    if kind is Code:
        told.append("One of the codes of [the runbook](../runbook.md).")
    elif inspect.isclass(kind) and issubclass(kind, Enum):
        told.append(f"One of {', '.join(code(str(value.value)) for value in kind)}.")
    if parameter.param_type_name == "option" and parameter.required:
        told.append("Required.")
    default = parameter.default
    if isinstance(default, (str, int, float)) and not isinstance(default, bool) and default != "":
        told.append(f"Default: {code(str(default))}.")
    return " ".join(part for part in told if part)
