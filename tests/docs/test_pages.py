"""The pages are true: generated ones are fresh, links lead somewhere, names exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.domain import json_values
from app.domain.alerts import AlertCode
from app.domain.codes import Code
from app.domain.reasons import CODES
from app.settings import Settings
from app.steps import STEPS
from app.sync import contract
from tests.docs import command_line, generate, reasons, rest
from tests.docs.reading import ROOT, Page, pages
from tests.ideal import scenario

# On one worker, because the sources are read once a process.
pytestmark = pytest.mark.xdist_group("docs-pages")
PAGES = pages()
NAMES = [page.name for page in PAGES]
# Words in capitals that are neither settings nor codes: other programs' own, and parts of examples.
OTHER_WORDS = {
    "POSTGRES_PASSWORD",  # docker-compose.yml
    "PAYLOAD_TOO_LARGE",
    "NO_COLOR",  # what programs at a terminal agree on
}


def page_named(name: str) -> Page:
    return next(page for page in PAGES if page.name == name)


@pytest.mark.parametrize("name", list(generate.PAGES))
def test_a_generated_page_is_what_the_code_says(name: str):
    path = generate.DOCS / name
    assert path.exists(), "run: make docs"
    assert path.read_text() == generate.render(name), f"docs/{name} is stale; run: make docs"


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_pages_and_headings_that_exist(name: str):
    page = page_named(name)
    broken = [link for link in page.links if not leads_somewhere(page, link)]
    assert not broken


def leads_somewhere(page: Page, link: str) -> bool:
    if link.startswith("https://"):
        return True
    place, _, anchor = link.partition("#")
    target = (page.path.parent / place).resolve() if place else page.path
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    if not anchor:
        return True
    known = next((one for one in PAGES if one.path == target), None)
    return known is not None and anchor in known.anchors


@pytest.mark.parametrize("name", NAMES)
def test_no_page_names_a_setting_or_code_that_does_not_exist(name: str):
    from app.api.problems import KINDS  # loads the web framework

    known = {setting.upper() for setting in Settings.model_fields}
    known |= {code.value for code in AlertCode}
    known |= {code.value for code in Code} | KINDS.keys() | OTHER_WORDS | journal_codes()
    known |= {
        parameter.name.upper() for command in commands().values() for parameter in command.params
    }
    words = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
    text = "\n".join([*page_named(name).prose, *page_named(name).code])
    assert not sorted(set(words.findall(text)) - known)


@cache
def journal_codes() -> set[str]:
    """Names under which steps and engine write to the journal, and constants that pages name."""
    found: set[str] = {"POLICIES"}
    for path in (ROOT / "app").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
                called = node.func.id if isinstance(node.func, ast.Name) else called
                first = node.args[0]
                if (
                    called in ("journal", "JournalEntry")
                    and isinstance(first, ast.Constant)
                    and isinstance(first.value, str)
                ):
                    found.add(first.value)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_page_names_an_address_that_is_not_served(name: str):
    served = [
        re.compile(re.sub(r"\{[^}]+\}", r"[^/\\s]+", path) + "$")
        for path in rest.document()["paths"]
    ]
    served += [re.compile(r"/(admin|webhooks)/…$"), re.compile(r"/openapi\.json$")]
    address = re.compile(
        r"(?:^|[\s`(\[])(/(?:admin|webhooks|healthz|readyz|metrics|openapi)[^\s`\])?,;'\"]*)"
    )
    page = page_named(name)
    text = "\n".join([*(line for line in page.prose), *(f"`{code}`" for code in page.code)])
    named = {found.rstrip(".") for found in address.findall(text)}
    assert not [one for one in sorted(named) if not any(path.match(one) for path in served)]


@pytest.mark.parametrize("name", NAMES)
def test_no_page_names_a_command_or_option_that_does_not_exist(name: str):
    known = commands()
    wrong = []
    for code in page_named(name).code:
        for call in re.findall(r"(?:^|\$ |bin/)demandlink((?: [^\s`|;&]+)*)", code):
            wrong += [f"{call}: {what}" for what in misused(known, call.split())]
    assert not wrong


@cache
def commands() -> dict[str, Any]:
    return dict(command_line.commands())


def options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in getattr(parameter, "opts", ())}


def misused(known: dict[str, Any], words: list[str]) -> list[str]:
    of_every_command = options_of(known["demandlink"])
    command, rest_ = "demandlink", [word for word in words if word not in of_every_command]
    while rest_ and f"{command} {rest_[0]}" in known:
        command = f"{command} {rest_.pop(0)}"
    if command_line.children_of(known[command]):
        # `demandlink` alone, or a group, may be spoken of; a word that is no command may not.
        return [f"there is no {command} {rest_[0]}"] if rest_ and rest_[0].islower() else []
    options = options_of(known[command])
    given = {word.partition("=")[0] for word in rest_ if word.startswith("--")}
    return sorted(given - options)


@pytest.mark.parametrize("name", NAMES)
def test_no_page_names_a_make_target_that_does_not_exist(name: str):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set()
    for code in page_named(name).code:
        named |= set(re.findall(r"(?:^|\$ )make ([a-z-]+)", code))
    assert named <= targets


@pytest.mark.parametrize("name", NAMES)
def test_files_that_a_page_names_exist(name: str):
    place = re.compile(r"^(?:app|workers|sandbox|tests|docs|deploy)/[\w./-]+$")
    named = [code for code in page_named(name).code if place.match(code)]
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("name", NAMES)
def test_pages_name_no_place_of_the_machine_they_were_written_on(name: str):
    text = (ROOT / name).read_text()
    assert not re.findall(r"(?<![\w.])/(?:work|root|home|tmp)/\S*", text)
    assert not re.findall(r"(?i)\b(?:files\.pythonhosted|pypi)\.org\S*", text)


def test_every_rule_that_a_reason_names_has_its_heading():
    rules = page_named("docs/rules.md").anchors
    missing = {
        reason.rule
        for reason in CODES.values()
        if re.sub(r"[^a-z0-9-]", "", reason.rule.lower()) not in rules
    }
    assert not missing


def test_tables_that_only_tell_of_codes_are_no_place_that_a_code_comes_from():
    """Under a new name each would stand at every code as a place where it is raised."""
    assert not [name for name in reasons.TABLES if not (reasons.APP / name).exists()]
    rows = page_named("docs/runbook.md").path.read_text().splitlines()
    places = [row for row in rows if row.startswith("| comes from |")]
    assert len(places) == len(Code)
    assert not [row for row in places if any(f"`app/{name}" in row for name in reasons.TABLES)]


def test_the_picture_shows_the_steps_in_their_order():
    drawn = (ROOT / "docs/pictures/flow.svg").read_text()
    shown = [name for name in re.findall(r">([a-z_]+)</text>", drawn) if name in STEPS]
    assert shown == [use.name for use in scenario().steps]


def test_every_kind_of_intent_has_its_natural_key():
    kinds = set()
    for path in (ROOT / "app/steps").glob("*.py"):
        tree = ast.parse(path.read_text())
        named = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "once"
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    kinds.add(first.value)
                elif isinstance(first, ast.Name) and first.id in named:
                    kinds.add(named[first.id])
    rows = "\n".join(page_named("docs/exactly-once.md").prose)
    assert kinds == set(re.findall(r"^\| `(\w+)` \|", rows, flags=re.MULTILINE))


def test_the_layers_told_are_the_layers_checked():
    told = "\n".join(page_named("docs/architecture.md").prose)
    packages = {
        path.name if path.is_dir() else path.stem
        for path in (ROOT / "app").iterdir()
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py"
    }
    packages -= {"__init__", "scenarios"}
    assert not [name for name in sorted(packages) if f"`app.{name}`" not in told]


def test_the_example_events_keep_the_contract():
    events = json_values.loads(Path(ROOT / "docs/examples/first-order.json").read_bytes())
    assert [contract.violations(event["type"], event) for event in events.values()] == [None] * 5


def test_every_decision_stands_in_the_list():
    folder = ROOT / "docs/decisions"
    listed = set(page_named("docs/decisions/README.md").links)
    assert listed == {path.name for path in folder.glob("0*.md")}


def test_every_page_can_be_reached_from_the_readme():
    reached: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        path = todo.pop()
        page = next((one for one in PAGES if one.path == path), None)
        if path in reached or page is None:
            continue
        reached.add(path)
        todo += [(path.parent / link.partition("#")[0]).resolve() for link in page.links]
    assert {page.path for page in PAGES} == reached
