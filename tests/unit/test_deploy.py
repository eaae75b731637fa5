"""Dockerfile, compose file and CI script say what they must.

No image is built here: an engine is not at hand where the tests run. What can be read is checked,
and `docker compose config` judges the file where that command exists.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.bootstrap.chosen import CLOSED_SECONDS, longest_end_of_worker
from app.cli.server import GRACE_SECONDS
from app.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return read


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_compose_runs_api_worker_migration_postgres_and_redis(compose: dict[str, Any]):
    assert set(compose["services"]) == {"postgres", "valkey", "migrate", "api", "worker"}
    commands = {name: compose["services"][name].get("command") for name in compose["services"]}
    assert commands["migrate"] == ["demandlink", "migrate"]
    assert commands["api"] == ["demandlink", "serve"]
    assert commands["worker"] == ["demandlink", "worker"]


@pytest.mark.parametrize("name", ["api", "worker"])
def test_api_and_worker_wait_for_tables_database_and_redis(compose: dict[str, Any], name: str):
    waits = {on: how["condition"] for on, how in compose["services"][name]["depends_on"].items()}
    assert waits == {
        "postgres": "service_healthy",
        "valkey": "service_healthy",
        "migrate": "service_completed_successfully",
    }


def test_the_migration_runs_once_and_only_on_a_healthy_database(compose: dict[str, Any]):
    migrate = compose["services"]["migrate"]
    assert migrate["restart"] == "no"
    assert migrate["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_every_long_running_service_has_a_health_check_or_says_why_not(compose: dict[str, Any]):
    for name in ("postgres", "valkey"):
        assert compose["services"][name]["healthcheck"]["test"]
    assert "healthcheck" not in compose["services"]["api"]  # the image's own, on /healthz
    assert compose["services"]["worker"]["healthcheck"] == {"disable": True}


def test_nothing_is_killed_before_it_can_have_ended(compose: dict[str, Any]):
    given = {
        name: float(service["stop_grace_period"].removesuffix("s"))
        for name, service in compose["services"].items()
        if "stop_grace_period" in service
    }
    assert given["worker"] >= longest_end_of_worker(Settings(_env_file=None))
    assert given["api"] >= GRACE_SECONDS + CLOSED_SECONDS
    assert given["postgres"] >= 60


def test_only_the_api_is_reachable_from_outside(compose: dict[str, Any]):
    assert [name for name, service in compose["services"].items() if "ports" in service] == ["api"]


def test_no_secret_stands_in_the_compose_file(compose: dict[str, Any]):
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|TOKEN", key):
                assert str(value).startswith("${"), f"{name}: {key}"
        for address in re.findall(r"://[^@/ ]*@", str(service)):
            assert "${" in address
    assert compose["services"]["api"]["env_file"] == ".env"


def test_compose_and_image_set_only_settings_that_exist(compose: dict[str, Any], dockerfile: str):
    known = {name.upper() for name in Settings.model_fields}
    assert set(compose["services"]["api"]["environment"]) <= known
    given = dict(re.findall(r"^\s+([A-Z_]+)=(\S+)", dockerfile, flags=re.MULTILINE))
    assert {name for name in given if not name.startswith("PYTHON")} <= known
    Settings(**{name.lower(): value for name, value in given.items() if name in known})


def test_the_image_installs_by_hash_without_embedded_servers_and_runs_without_root(dockerfile: str):
    build, _, final = dockerfile.rpartition("\nFROM ")
    assert "--require-hashes -r requirements-runtime.txt" in build
    assert "requirements.txt" not in build
    assert "\nUSER demandlink\n" in final
    assert "\nHEALTHCHECK " in final
    assert "/healthz" in final
    assert final.rstrip().endswith('CMD ["demandlink", "serve"]')


def test_everything_that_the_image_copies_is_let_through(dockerfile: str):
    let_through = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), flags=re.MULTILINE)
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, flags=re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sorted(copied) == sorted(let_through)
    assert all((ROOT / source).exists() for source in copied)


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command here")
def test_docker_itself_understands_the_compose_file(tmp_path: Path):
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / ".env.example", tmp_path / ".env")
    with (tmp_path / ".env").open("a") as file:
        file.write("POSTGRES_PASSWORD=made-up-for-this-test\n")
    version = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if version.returncode != 0:
        pytest.skip("docker without compose")
    done = subprocess.run(
        ["docker", "compose", "config", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ci_runs_lint_and_tests_and_stops_at_the_first_failure(tmp_path: Path):
    script = tmp_path / ".ci" / "run"
    script.parent.mkdir()
    shutil.copy(ROOT / ".ci" / "run", script)
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text('#!/bin/sh\necho "$1" >> called\n[ "$1" != "$FAILS" ]\n')
    make.chmod(0o755)

    def run(fails: str) -> tuple[int, list[str]]:
        (tmp_path / "called").unlink(missing_ok=True)
        done = subprocess.run(
            ["bash", script],
            env={**os.environ, "PATH": f"{make.parent}:{os.environ['PATH']}", "FAILS": fails},
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode, (tmp_path / "called").read_text().split()

    all_of_it = ["lint", "test", "test-breadth", "test-ops", "chaos", "site", "test-browser"]
    assert run("nothing") == (0, all_of_it)
    assert run("lint") == (1, ["lint"])
    # Tests that fail are asked once more, alone; here they fail again.
    assert run("test") == (1, ["lint", "test", "test"])
    assert run("test-breadth") == (1, ["lint", "test", "test-breadth", "test-breadth"])
    assert run("test-ops") == (1, all_of_it[:-3])
    # What chaos found is not asked away.
    assert run("chaos") == (1, all_of_it[:-2])
    assert run("site") == (1, all_of_it[:-1])
    assert run("test-browser") == (1, [*all_of_it, "test-browser"])


def test_the_commands_of_backup_and_restore_name_what_compose_makes(compose: dict[str, Any]):
    page = (ROOT / "docs/how-to/backup-and-restore.md").read_text()
    commands = re.findall(r"docker compose exec -T (\w+) (pg_dump|pg_restore) (.*)", page)
    assert [program for _, program, _ in commands] == ["pg_dump", "pg_restore"]
    for service, _, rest in commands:
        made = compose["services"][service]["environment"]
        assert f"--username={made['POSTGRES_USER']}" in rest
        assert re.search(rf"(--dbname=| ){made['POSTGRES_DB']} [<>] ", rest)
