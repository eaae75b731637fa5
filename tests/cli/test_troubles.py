"""What is wrong with the machine ends a command with one sentence: what it is, and what to do."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import troubles
from app.cli.frame import ExitCode
from app.embedded import EmbeddedError, unusable
from tests.cli.conftest import Command, Ended

ROOT = Path(__file__).parents[2]
COMMANDS = ("serve", "worker", "migrate", "up", "demo", "orders list")
# `demo` takes no address: it must reach nothing but its own servers.
ON_A_DATABASE = ("serve", "worker", "migrate", "up", "orders list")
SECRET = "a-password-of-somebody"


@pytest.fixture(autouse=True)
def any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "0")


def one_sentence(ended: Ended, *said: str) -> None:
    """No traceback, no secret, a nonzero exit, and the last line says it all."""
    assert ended.code != ExitCode.OK
    assert "Traceback" not in ended.err
    assert SECRET not in ended.err + ended.out
    last = ended.err.strip().splitlines()[-1]
    for one in said:
        assert one in last, ended.err
    assert last.endswith(".")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    monkeypatch.setenv("DATABASE_WAIT_SECONDS", "0")
    monkeypatch.setenv("REDIS_URL", redis_url)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("command", ON_A_DATABASE)
def test_a_database_that_does_not_run_is_named_with_its_address(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@127.0.0.1:1/x")
    ended = demandlink(*command.split())
    one_sentence(ended, "PostgreSQL at 127.0.0.1 port 1 does not run", "DATABASE_URL")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("command", ON_A_DATABASE)
def test_a_wrong_password_and_a_database_that_is_not_there_are_told_apart(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, empty_database_url: str, command: str
) -> None:
    wrong = re.sub(r"(//[^:]+:)[^@]+@", rf"\g<1>{SECRET}@", empty_database_url)
    monkeypatch.setenv("DATABASE_URL", wrong)
    one_sentence(demandlink(*command.split()), "refuses the user and password", "DATABASE_URL")
    monkeypatch.setenv("DATABASE_URL", re.sub(r"/[^/]+$", "/nothing_here", empty_database_url))
    one_sentence(demandlink(*command.split()), "no such database", "createdb")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("command", ["serve", "up"])
def test_a_host_that_nobody_knows_is_told_as_that(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@no-such-host.invalid/x")
    one_sentence(demandlink(command), "no-such-host.invalid port 5432", "nobody knows")


def test_a_database_without_tables_ends_the_api_and_a_worker(
    demandlink: Command,
    monkeypatch: pytest.MonkeyPatch,
    empty_database_url: str,
    impatient: None,
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    for command in ("serve", "worker"):
        one_sentence(demandlink(command), "demandlink migrate")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_made_is_named(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setenv("DEMANDLINK_DATA_DIR", str(tmp_path / "a-file" / "data"))
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("REDIS_URL", "")
    ended = demandlink(*command.split())
    one_sentence(ended, "a-file/data", "a part of it is a file", "DEMANDLINK_DATA_DIR")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, where mounting is allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_told_as_that(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, small_disk: Path, command: str
) -> None:
    monkeypatch.setenv("DEMANDLINK_DATA_DIR", str(small_disk / "data"))
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("REDIS_URL", "")
    one_sentence(demandlink(*command.split()), str(small_disk), "the disk is full", "Free some")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC])
def test_what_is_wrong_with_a_folder_is_told_only_of_that_folder(number: int) -> None:
    folder = Path("/srv/demandlink")
    for place in ("/srv", "/srv/demandlink", "/srv/demandlink/logs/api.log"):
        told = unusable(OSError(number, os.strerror(number), place), folder)
        assert isinstance(told, EmbeddedError)
        assert str(folder) in str(told)
    elsewhere = unusable(OSError(number, os.strerror(number), "/etc/hosts"), folder)
    assert (elsewhere is None) is (number in (errno.EACCES, errno.EPERM))
    assert unusable(OSError(errno.ECONNRESET, "reset", None), folder) is None
    assert unusable(FileNotFoundError(errno.ENOENT, "none", "/usr/bin/initdb"), folder) is None


def test_a_port_that_is_taken_ends_every_command_that_listens(
    demandlink: Command,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    redis_url: str,
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("PORT", str(port))
        one_sentence(demandlink("serve"), f"port {port}", "PORT")
        one_sentence(demandlink("up"), f"Port {port}", "--port")
        monkeypatch.setenv("METRICS_PORT", str(port))
        one_sentence(demandlink("worker"), f"METRICS_PORT {port}", "free")


def test_up_ends_where_the_redis_that_is_named_is_away(
    demandlink: Command, monkeypatch: pytest.MonkeyPatch, redis_url: str, empty_database_url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("REDIS_URL", f"redis://:{SECRET}@127.0.0.1:1/0")
    one_sentence(demandlink("up"), "Redis cannot be reached", "REDIS_URL")
    wrong = re.sub(r"//[^@]*@", f"//:{SECRET}@", redis_url)
    monkeypatch.setenv("REDIS_URL", wrong)
    one_sentence(demandlink("up"), "Redis refuses the password", "REDIS_URL")


def test_an_error_that_is_no_trouble_of_the_machine_stays_a_bug() -> None:
    assert troubles.of_database(ZeroDivisionError("a bug")) is None
    assert troubles.of_database(OSError("something else")) is None
    with pytest.raises(ZeroDivisionError), troubles.told(RuntimeError, ""):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("pythons", "said"),
    [
        ({"python3": "3.9"}, "needs Python 3.11 or newer"),
        ({}, "needs Python 3.11 or newer"),
        ({"python3.12": "no venv"}, "no venv module"),
    ],
)
def test_an_old_python_ends_make_with_a_sentence(
    tmp_path: Path, pythons: dict[str, str], said: str
) -> None:
    """The script under every target, on a machine with just these Pythons."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for tool in ("bash", "dirname", "rm", "touch"):
        (bin_ / tool).symlink_to(str(shutil.which(tool)))
    for name, kind in pythons.items():
        # Asked for its version first, then for its modules.
        works = 'case "$2" in *version_info*) exit 0;; *) exit 1;; esac'
        body = works if kind == "no venv" else "exit 1"
        (bin_ / name).write_text(f"#!{bin_ / 'bash'}\n{body}\n")
        (bin_ / name).chmod(0o755)
    place = tmp_path / "checkout"
    (place / "deploy").mkdir(parents=True)
    shutil.copy(ROOT / "deploy/make-venv.sh", place / "deploy")
    ended = subprocess.run(
        [bin_ / "bash", "deploy/make-venv.sh"],
        cwd=place,
        env={"PATH": str(bin_)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (place / ".venv").exists()
