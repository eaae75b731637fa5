"""How commands end: every expected failure is one sentence with its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli.frame import AsJson, Commands, ExitCode, Told
from app.domain.errors import StoreUnavailable
from app.domain.scenario import ScenarioInvalid
from app.embedded import EmbeddedError
from app.sync.operations import Refusal
from tests.cli.conftest import Command


def ending(error: Exception, *arguments: str) -> tuple[int, str]:
    """Exit code and what was told by a command that fails in this way."""
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @app.command("one")
    def one(as_json: AsJson = False) -> None:
        raise error

    @app.command("other")
    def other() -> None:
        """A second command makes it a group."""

    result = CliRunner().invoke(app, ["one", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stderr.strip()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Told("It failed."), ExitCode.FAILED),
        (Refusal("PLAN_STALE", "It failed."), ExitCode.STALE),
        (Refusal("REQUEST_NOT_VALID", "It failed."), ExitCode.USAGE),
        (Refusal("NOT_FOUND", "It failed."), ExitCode.FAILED),
        (EmbeddedError("It failed."), ExitCode.FAILED),
        (ScenarioInvalid("It failed."), ExitCode.USAGE),
    ],
)
def test_an_expected_failure_is_its_sentence(error: Exception, code: ExitCode):
    assert ending(error) == (code, "It failed.")


def test_a_database_that_is_away_says_which_setting_names_it():
    code, told = ending(StoreUnavailable("connection refused"))
    assert code == ExitCode.UPSTREAM
    assert "connection refused." in told
    assert "DATABASE_URL" in told


def test_with_json_the_failure_is_json_too():
    code, told = ending(Refusal("NOT_FOUND", "There is none."), "--json")
    assert code == ExitCode.FAILED
    assert json.loads(told) == {"error": {"code": "NOT_FOUND", "sentence": "There is none."}}


def test_what_nobody_foresaw_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        ending(ZeroDivisionError("a bug"))


def test_refusals_worded_for_rest_name_what_the_command_line_has():
    _, told = ending(Refusal("NUMBER_AMBIGUOUS", "Choose one with ?connection=."))
    assert told == "Choose one with --connection."


def test_a_wrong_setting_is_named(demandlink: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("READ_LAG", "soon")
    ended = demandlink("orders", "list")
    assert ended.code == ExitCode.USAGE
    assert ended.err.startswith("READ_LAG: ")


def test_a_scenario_that_does_not_exist_is_named(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SCENARIO", "none-such")
    ended = demandlink("orders", "list")
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert "none-such" in ended.err


def test_a_database_without_tables_says_how_to_make_them(
    demandlink: Command,
    monkeypatch: pytest.MonkeyPatch,
    empty_database_url: str,
    redis_url: str,
):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    ended = demandlink("orders", "list")
    assert ended.code == ExitCode.FAILED
    assert "demandlink migrate" in ended.err
    first = demandlink("migrate", "--json").json
    assert (first["before"], first["after"]) == (None, first["head"])
    assert demandlink("migrate").out == f"The database is at {first['head']} already.\n"
    assert demandlink("orders", "list").out == "No order fits.\n"


def test_a_schema_goes_back_where_nothing_is_lost_by_it(
    demandlink: Command,
    monkeypatch: pytest.MonkeyPatch,
    empty_database_url: str,
    redis_url: str,
):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    head = demandlink("migrate", "--json").json["head"]
    back = demandlink("migrate", "--back-to", "0013")
    assert back.out == f"The database went from {head} to 0013.\n"
    wrong = demandlink("migrate", "--back-to", "0099", "--json")
    assert wrong.code == ExitCode.USAGE
    assert "stands at 0013" in wrong.err
    demandlink("migrate")
    assert demandlink("restored", "--reason", "of Tuesday").code == ExitCode.OK
    refused = demandlink("migrate", "--back-to", "0013", "--json")
    assert refused.code == ExitCode.BLOCKED
    assert "the rows of restoration would be lost" in refused.err


def test_a_database_that_cannot_be_reached_ends_with_upstream(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, redis_url: str
):
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", redis_url)
    for arguments in (("orders", "list"), ("migrate",)):
        ended = demandlink(*arguments)
        assert ended.code == ExitCode.UPSTREAM
        assert "DATABASE_URL" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("orders", "list", "--state", "asleep"),
        ("settings", "set", "READ_LAG"),
        ("replay", "plan", "--reason", "x"),
        ("replay", "plan", "ON1", "--state", "held", "--reason", "x"),
        ("trigger",),
    ],
)
def test_a_wrong_call_ends_with_usage(demandlink: Command, arguments: tuple[str, ...]):
    ended = demandlink(*arguments)
    assert ended.code == ExitCode.USAGE
    assert ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("orders", "list", "--json", "--limit", "0"),
        ("orders", "list", "--limit", "0", "--json"),
        ("orders", "list", "--json", "--state", "asleep"),
        ("orders", "explain", "--json"),
        ("events", "show", "abc", "--json"),
        ("trigger", "-", "--json"),
    ],
)
def test_a_wrong_call_is_told_as_json_where_json_is_wanted(
    demandlink: Command, arguments: tuple[str, ...]
):
    ended = demandlink(*arguments, given="tea")
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    told = json.loads(ended.err)["error"]
    assert told["code"] == "USAGE"
    assert told["sentence"].endswith(".")


def test_a_command_whose_stdout_is_closed_is_no_fault(tmp_path: Path):
    program = Path(sys.prefix) / "bin" / "demandlink"
    ended = subprocess.run(
        ["sh", "-c", f"{program} settings show >&-"],
        env={**os.environ, "DATABASE_URL": "postgresql://x@127.0.0.1:1/x"},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in ended.stderr
    assert ended.returncode == ExitCode.UPSTREAM


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    "command", ["--help", "orders list", "settings show", "settings show --json", "orders --help"]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_takes_nothing_is_told_as_that_and_not_as_the_data_folder(
    tmp_path: Path, database_url: str, command: str, unbuffered: str
):
    program = Path(sys.prefix) / "bin" / "demandlink"
    ended = subprocess.run(
        ["sh", "-c", f"{program} {command} >/dev/full"],
        env={**os.environ, "DATABASE_URL": database_url, "PYTHONUNBUFFERED": unbuffered},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert ended.stderr.count("The output cannot be written where it was sent to: no space") == 1
    assert "DEMANDLINK_DATA_DIR" not in ended.stderr
    assert ended.returncode == ExitCode.FAILED


@pytest.mark.parametrize("command", ["--help", "settings show", "settings show --json"])
def test_a_reader_that_goes_away_is_no_trouble_to_tell(
    tmp_path: Path, database_url: str, command: str
):
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [str(Path(sys.prefix) / "bin" / "demandlink"), *command.split()],
        env={**os.environ, "DATABASE_URL": database_url},
        cwd=tmp_path,
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert ended.stderr == ""
    assert ended.returncode == ExitCode.FAILED


def test_every_command_takes_json():
    from app import cli

    silent = []

    def look(name: str, command: object) -> None:
        children = getattr(command, "commands", None)
        if children is not None:
            for child in children:
                look(f"{name} {child}", children[child])
            return
        options = [option for one in command.params for option in one.opts]  # type: ignore[attr-defined]
        if "--json" not in options:
            silent.append(name)

    look("demandlink", typer.main.get_command(cli.build()))
    assert not silent


def test_a_port_that_is_taken_is_named(demandlink: Command, monkeypatch: pytest.MonkeyPatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        ended = demandlink("serve")
    assert ended.code == ExitCode.FAILED
    assert f"port {port}" in ended.err
