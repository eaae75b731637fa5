"""What a shell and a terminal get: completion, bars while something takes long, colours or none."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import frame
from app.cli.frame import ExitCode
from app.domain.codes import Code
from app.settings import Settings
from app.steps import STEPS
from app.sync.setup import MAPPING_KINDS
from tests.cli.conftest import Command
from tests.cli.program import called
from tests.docs.command_line import ENDINGS, page

BIN = Path(sys.prefix) / "bin" / "demandlink"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Stdout and stderr are a terminal with colours from here on."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setattr(sys, "stdout", made)
    return made


def offered(*words: str) -> list[str]:
    """What the shell offers for the last word, as bash asks for it."""
    asked = {
        **os.environ,
        "_DEMANDLINK_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("demandlink", *words)),
        "COMP_CWORD": str(len(words)),
    }
    result = called(env=asked, prog_name="demandlink")
    return result.stdout.split()


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("",), {"orders", "replay", "drift", "what-if", "worker"}),
        (("orders", "e"), {"explain"}),
        (("orders", "list", "--st"), {"--state"}),
        (("orders", "list", "--state", "h"), {"held"}),
        (("orders", "list", "--code", "RECEIPT_"), {"RECEIPT_GAP", "RECEIPT_REDUCED"}),
        (("orders", "decide", "ON1", "RECEIPT_REDUCED", ""), {"keep_connectwise"}),
        (("orders", "retry", "ON1", "win"), {"win_opportunity"}),
        (("replay", "plan", "--from-step", "link"), {"link_demand"}),
        (("what-if", "--scenario", "connectwise-p"), {"connectwise-procurement-ticket"}),
        (("events", "list", "--source", ""), {"commerce", "connectwise", "quickbooks", "xero"}),
        (("events", "list", "--status", "re"), {"rejected"}),
        (("mappings", "list", "--kind", ""), set(MAPPING_KINDS)),
        (("settings", "show", "READ"), {"READ_LAG"}),
        (("settings", "set", "READ_L"), {"READ_LAG="}),
        (("settings", "set", "INVOICE_POLICY="), {"INVOICE_POLICY=shipped_only"}),
    ],
)
def test_the_shell_offers_commands_options_and_closed_values(
    words: tuple[str, ...], some: set[str]
) -> None:
    found = offered(*words)
    assert some <= set(found), found
    assert all(one.lower().startswith(words[-1].lower()) for one in found)


def test_everything_closed_is_offered_whole() -> None:
    assert set(offered("orders", "list", "--code", "")) == {code.value for code in Code}
    assert set(offered("orders", "skip", "ON1", "")) == set(STEPS)
    assert set(offered("settings", "show", "")) == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_for_each_shell(shell: str) -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(
        [BIN, "--show-completion", shell],
        check=False,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == ExitCode.OK
    assert "_DEMANDLINK_COMPLETE" in shown.stdout


def test_a_bar_is_shown_to_who_watches_and_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = at_a_terminal(monkeypatch)
    with frame.watched("Orders played", as_json=False) as progressed:
        progressed(3, 7)
    told = terminal.getvalue()
    assert "Orders played" in told
    assert "7" in told
    assert "\x1b[2K" in told.rpartition("7")[2]  # the line is wiped in the end


@pytest.mark.parametrize("why", ["json", "NO_COLOR", "TERM=dumb", "no terminal"])
def test_nothing_is_shown_to_who_does_not(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    if why == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")
    if why == "TERM=dumb":
        monkeypatch.setenv("TERM", "dumb")
    if why == "no terminal":
        monkeypatch.setattr(terminal, "isatty", lambda: False)
    with frame.watched("Orders played", as_json=why == "json") as progressed:
        progressed(3, 7)
    assert terminal.getvalue() == ""


def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = at_a_terminal(monkeypatch)
    frame.say("loud", style="bold red")
    assert "\x1b[" in terminal.getvalue()
    for name, value in (("NO_COLOR", "1"), ("TERM", "dumb")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            terminal.truncate(0)
            frame.say("loud", style="bold red")
            assert "\x1b[" not in terminal.getvalue()


def test_no_color_is_an_option_of_every_command(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("orders", "decide", "ON1", "NO_CODE", "x")
    for given, loud in (((), True), (("--no-color",), False), ((), True)):
        assert demandlink(*given, *asked).code == ExitCode.USAGE
        with monkeypatch.context() as patch:
            terminal = at_a_terminal(patch)
            frame.say("loud", style="bold red")
            with frame.watched("Orders played", as_json=False):
                pass
        assert ("\x1b[" in terminal.getvalue()) is loud


def test_every_exit_code_is_told_on_the_page() -> None:
    assert set(ENDINGS) == set(ExitCode)
    told = page()
    assert all(f"| {int(code)} | {ENDINGS[code]} |" in told for code in ExitCode)
    assert all(word in told for word in ("--install-completion", "--no-color", "NO_COLOR"))
