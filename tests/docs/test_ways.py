"""Whatever one of REST, command line and console does, the table of the three ways knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from app import cli
from app.console import (
    alerts,
    consents,
    drift,
    live,
    mappings,
    orders,
    retention,
    reveals,
    settings,
    setup,
    tickets,
    what_if,
    work,
)
from tests.docs import rest, ways
from tests.docs.reading import ROOT

CONSOLE = (
    alerts, consents, drift, live, mappings, orders, retention, reveals, settings, setup, tickets,
    what_if, work,
)  # fmt: skip
# Of pages themselves: what they load, who they let in, and what they show of themselves.
OF_PAGES = {"GET /live", "GET /live/orders/{number:path}", "GET /live/replay/{replay_id}"}


def commands() -> dict[str, Any]:
    def leaves(name: str, one: Any) -> Iterator[tuple[str, Any]]:
        children = getattr(one, "commands", None)
        if children is None:
            yield name, one
            return
        for child in children:
            yield from leaves(f"{name} {child}".strip(), children[child])

    return dict(leaves("", typer.main.get_command(cli.build())))


def operations() -> set[str]:
    paths = rest.document()["paths"].values()
    return {one["operationId"] for path in paths for one in path.values()}


def addresses() -> set[str]:
    return {
        f"{method} {route.path}"
        for module in CONSOLE
        for route in module.router.routes
        for method in route.methods - {"HEAD"}
    }


def test_every_operation_of_rest_is_told() -> None:
    assert set(ways.named("rest")) == operations()


def test_every_command_is_told() -> None:
    assert set(ways.named("cli")) == set(commands())


def test_every_page_and_form_of_the_console_is_told() -> None:
    assert set(ways.named("console")) == addresses() - OF_PAGES


def test_every_module_of_pages_is_looked_at() -> None:
    source = (ROOT / "app/console/routes.py").read_text()
    listed = re.search(r"for _module in \(([^)]*)\)", source)
    assert listed is not None
    looked_at = {module.__name__.rpartition(".")[2] for module in CONSOLE}
    told = re.sub(r"#.*", "", listed[1])
    assert {one.strip() for one in told.split(",") if one.strip()} == looked_at | {
        "door"
    }  # signing in


@pytest.mark.parametrize("way", ways.WAYS, ids=lambda way: way.what)
def test_what_a_way_cannot_is_said_with_a_reason(way: ways.Way) -> None:
    for given in (way.rest, way.cli, way.console):
        assert given


def mentions() -> Iterator[tuple[str, str]]:
    """Commands in the texts of the program and of the pages, with where they stand."""
    for folder in ("app", "sandbox", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    for found in re.findall(r"`demandlink ([^`]+)`", node.value):
                        yield found, f"{path.relative_to(ROOT)}:{node.lineno}"
    for path in [*(ROOT / "app/console/templates").glob("*.html"), *(ROOT / "docs").rglob("*.md"),
                 ROOT / "README.md", ROOT / "CHANGELOG.md"]:  # fmt: skip
        for found in re.findall(r"`demandlink ([^`]+)`", path.read_text()):
            yield found, str(path.relative_to(ROOT))


def test_commands_that_texts_tell_are_there_with_their_options() -> None:
    known = commands()
    wrong = []
    for told, where in mentions():
        words = told.split()
        if words[0].startswith("-") or "|" in told:  # of all commands, or of several
            continue
        name = next((" ".join(words[:n]) for n in (2, 1) if " ".join(words[:n]) in known), None)
        if name is None:
            group = any(one.startswith(f"{words[0]} ") for one in known) and len(words) == 1
            wrong += [] if group else [f"{where}: {told}"]
            continue
        options = {option for one in known[name].params for option in one.opts} | {"--help"}
        wrong += [
            f"{where}: {told}"
            for word in words
            if word.startswith("--") and word.rstrip(".,;:").partition("=")[0] not in options
        ]
    assert not wrong
