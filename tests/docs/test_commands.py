"""Every command that a page shows in a `console` block works and says what the page says.

A block's lines that begin with `$ ` are commands, the others what they print; `...` stands for any
text. `exit=3` behind the fence is the last command's exit code. Commands run against a real stack,
beside which no .env of the developer's is read.
"""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docs.desk import BIN, Desk
from tests.docs.reading import ROOT, Block, Page, pages

pytestmark = [
    pytest.mark.processes,
    pytest.mark.xdist_group("docs-commands"),
    # A page has up to a dozen commands, each a process of its own.
    pytest.mark.timeout(240),
]

PATIENCE_SECONDS = 40.0
EXAMPLE = ROOT / "docs/examples/first-order.json"
# Commands that are proven elsewhere, by whom. What stands here is not run by this file.
PROVEN = {
    "make demo": "tests/e2e/test_demo.py",
    "make test": ".ci/run",
    "make test-ops": ".ci/run",
    "make up": "this file runs `demandlink up`, which is all that the target does",
    "docker compose exec -T postgres pg_dump --username=demandlink --format=custom --no-owner"
    " demandlink > demandlink.dump": "tests/unit/test_deploy.py",
    "docker compose exec -T postgres pg_restore --username=demandlink --no-owner --exit-on-error"
    " --single-transaction --dbname=demandlink < demandlink.dump": "tests/unit/test_deploy.py",
    "docker compose up --build --detach": "tests/unit/test_deploy.py",
    "docker compose up --detach --scale worker=3": "tests/unit/test_deploy.py",
}


@dataclass(frozen=True)
class Command:
    """One command of a page with what it must print."""

    block: Block
    line: str
    expected: tuple[str, ...]
    exit_code: int


def commands_of(page: Page) -> list[Command]:
    found: list[Command] = []
    for block in page.blocks:
        if block.info.split(" ")[0] != "console":
            continue
        assert block.text, f"{page.name}:{block.line}: an empty block"
        assert block.text[0].startswith("$ "), f"{page.name}:{block.line}: no command"
        exits = re.search(r"\bexit=(\d+)", block.info)
        starts = [n for n, line in enumerate(block.text) if line.startswith("$ ")]
        for start, end in zip(starts, [*starts[1:], len(block.text)], strict=True):
            last = end == len(block.text)
            code = int(exits[1]) if exits and last else 0
            lines = block.text[start + 1 : end]
            found.append(Command(block, block.text[start][2:], lines, code))
    return found


PAGES = [page for page in pages() if commands_of(page)]


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data directory of a stack that `demandlink up` runs."""
    base = tmp_path_factory.mktemp("docs")
    place = base / "data"
    desk = Desk(base / "up", place)
    with (base / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [BIN / "demandlink", "up", "--port", "0"],
            cwd=desk.directory,
            env=desk.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_for(
            lambda: (place / "up.json").exists() or process.poll() is not None,
            f"the stack to be up: {(base / 'up.log').read_text()}",
        )
        assert process.poll() is None, (base / "up.log").read_text()
        yield place
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=50)


def wait_for(true, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS * 2
    while not true():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.1)


@pytest.mark.breadth
@pytest.mark.parametrize("name", [page.name for page in PAGES])
def test_what_a_page_shows_works(name: str, data_dir: Path, tmp_path: Path):
    desk = Desk(tmp_path / "checkout", data_dir)
    commands = commands_of(next(page for page in PAGES if page.name == name))
    # README tells the example's story itself.
    if name != "README.md" and any("ON10001301" in command.line for command in commands):
        play_the_example(desk)
    for command in commands:
        if command.line not in PROVEN:
            check(desk, name, command)


def play_the_example(desk: Desk) -> None:
    """Unless it was played on this stack before."""
    if desk.run("demandlink orders explain ON10001301").returncode == 0:
        return
    for event in json.loads(EXAMPLE.read_text()):
        answer = desk.run(f"demandlink trigger docs/examples/first-order.json --event {event}")
        assert answer.returncode == 0, answer.stderr
    wait_for(lambda: desk.run("demandlink orders explain ON10001301").returncode == 0, "the order")


def check(desk: Desk, name: str, command: Command) -> None:
    """Run it until it prints what the page says: orders take a moment to get there."""
    wanted = pattern(command.expected)
    deadline = time.monotonic() + PATIENCE_SECONDS
    for tries in itertools.count():
        answer = desk.run(command.line)
        fits = answer.returncode == command.exit_code and wanted.fullmatch(plain(answer.stdout))
        if fits:
            return
        if time.monotonic() > deadline or not command.expected:
            pytest.fail(
                f"{name}:{command.block.line}: $ {command.line}\nended with {answer.returncode}, "
                f"not {command.exit_code}\n{answer.stdout}\n{answer.stderr}"
            )
        time.sleep(min(2.0, 0.3 * 1.6**tries))  # each try is a process


def plain(text: str) -> str:
    """Runs of blanks as one, no blank lines: columns are as wide as what stands in them."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def pattern(expected: tuple[str, ...]) -> re.Pattern[str]:
    if not expected:
        return re.compile(r"[\s\S]*")
    parts = []
    for line in plain("\n".join(expected)).splitlines():
        inside = ".*".join(re.escape(part) for part in line.split("..."))
        parts.append(r"[\s\S]*" if line == "..." else inside)
    return re.compile(r"\n?".join(parts))


def test_commands_said_to_be_proven_elsewhere_are_shown_and_proven():
    shown = {command.line for page in PAGES for command in commands_of(page)}
    assert PROVEN.keys() <= shown
    targets = (ROOT / "Makefile").read_text()
    for name in ("demo", "up"):
        recipe = re.search(rf"^{name}:.*\n\t@?(.*)$", targets, flags=re.MULTILINE)
        assert recipe is not None
        assert recipe[1] == f"$(DEMANDLINK) {name}"
    assert "tested test\n" in (ROOT / ".ci/run").read_text()
    for place in PROVEN.values():
        if " " not in place:
            assert (ROOT / place).exists(), place


def test_what_a_page_shows_is_compared_and_not_only_run():
    assert pattern(("6 of 10 ...", "...", "end")).fullmatch("6 of 10 pieces\nmore\nlines\nend")
    assert not pattern(("6 of 10 ...",)).fullmatch("4 of 10 pieces")
    assert pattern(("a  b",)).fullmatch(plain("a     b\n"))
