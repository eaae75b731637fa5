"""The manifests of deploy/kubernetes agree with the code, the image and the compose file.

No cluster is at hand where the tests run: what can be read is checked, and `kubectl kustomize` builds
them where that command exists.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from app.api import health
from app.bootstrap.chosen import CLOSED_SECONDS, longest_end_of_worker
from app.cli.server import GRACE_SECONDS
from app.settings import Settings

ROOT = Path(__file__).parents[2]
HERE = ROOT / "deploy/kubernetes"
PLAIN = Settings(_env_file=None)
KNOWN = {name.upper() for name in Settings.model_fields}
PODS = {"api": "Deployment", "worker": "Deployment", "migrate": "Job"}
Rest = dict[str, Any]


def documents(path: Path) -> list[Rest]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one is not None]


def every() -> list[Rest]:
    return [
        one
        for path in sorted(HERE.rglob("*.yaml"))
        if path.name != "kustomization.yaml"
        for one in documents(path)
    ]


def the(kind: str, name: str) -> Rest:
    (found,) = (one for one in every() if (one["kind"], one["metadata"]["name"]) == (kind, name))
    return found


def pod(name: str) -> Rest:
    found: Rest = the(PODS[name], f"demandlink-{name}")["spec"]["template"]["spec"]
    return found


def container(name: str) -> Rest:
    (found,) = pod(name)["containers"]
    return dict(found)


def variables() -> Iterator[tuple[str, str]]:
    """Every setting that a manifest names, with its value."""
    yield from the("ConfigMap", "demandlink")["data"].items()
    yield from the("Secret", "demandlink")["stringData"].items()
    for name in PODS:
        for one in container(name).get("env", ()):
            yield one["name"], one["value"]


def test_every_manifest_is_built_but_the_example() -> None:
    for folder in (HERE, HERE / "migrate"):
        (built,) = documents(folder / "kustomization.yaml")
        there = {path.name for path in folder.glob("*.yaml")}
        assert set(built["resources"]) == there - {"kustomization.yaml", "secret.example.yaml"}
        assert [one["name"] for one in built["images"]] == ["demandlink"]
    assert {container(name)["image"] for name in PODS} == {"demandlink"}


def test_every_variable_is_a_setting_and_the_values_are_taken() -> None:
    given = dict(variables())
    assert set(given) <= KNOWN
    Settings(_env_file=None, **{name.lower(): value for name, value in given.items()})  # type: ignore[arg-type]


def test_secrets_stand_in_the_secret_and_nothing_else_does() -> None:
    secret = {
        name.upper() for name, one in Settings.model_fields.items() if one.annotation is SecretStr
    } | {"DATABASE_URL", "REDIS_URL"}  # they hold passwords
    assert secret.isdisjoint(the("ConfigMap", "demandlink")["data"])
    example = the("Secret", "demandlink")["stringData"]
    assert set(example) <= secret
    assert all(not value or "PASSWORD" in value or "@" not in value for value in example.values())
    for name in PODS:
        named = {next(iter(one.values()))["name"] for one in container(name)["envFrom"]}
        assert named == {"demandlink"}
        assert any("secretRef" in one for one in container(name)["envFrom"])


def test_what_runs_is_what_compose_runs() -> None:
    compose: Rest = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for name in PODS:
        assert container(name)["args"] == compose["services"][name]["command"]


def test_ports_lead_from_the_service_to_the_process() -> None:
    given = dict(variables())
    (http,) = container("api")["ports"]
    (metrics,) = container("worker")["ports"]
    assert str(http["containerPort"]) == given["PORT"]
    assert str(metrics["containerPort"]) == given["METRICS_PORT"]
    (port,) = the("Service", "demandlink")["spec"]["ports"]
    assert port["targetPort"] == http["name"]
    labels = the("Deployment", "demandlink-api")["spec"]["template"]["metadata"]["labels"]
    assert the("Service", "demandlink")["spec"]["selector"] == labels


def test_probes_ask_what_the_api_answers() -> None:
    routes = {str(getattr(one, "path", "")) for one in health.router.routes}
    api = container("api")
    asked = {name: api[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {one["path"].partition("?")[0] for one in asked.values()} <= routes
    assert asked["readiness"]["path"] == "/readyz?of=intake"
    assert asked["liveness"]["path"] == asked["startup"]["path"] == "/healthz"
    assert {one["port"] for one in asked.values()} == {api["ports"][0]["name"]}
    assert api["readinessProbe"]["timeoutSeconds"] > health.CHECK_SECONDS
    startup = api["startupProbe"]
    # A pod that waits for its database is not killed for it.
    assert startup["periodSeconds"] * startup["failureThreshold"] > PLAIN.database_wait_seconds + 15


def test_nothing_is_killed_before_it_can_have_ended() -> None:
    api = container("api")
    (_, before) = api["lifecycle"]["preStop"]["exec"]["command"]
    wanted = int(before) + GRACE_SECONDS + CLOSED_SECONDS
    assert pod("api")["terminationGracePeriodSeconds"] >= wanted
    assert pod("worker")["terminationGracePeriodSeconds"] >= longest_end_of_worker(PLAIN)


@pytest.mark.parametrize("name", PODS)
def test_pods_may_nothing_that_they_need_not(name: str) -> None:
    user = re.search(r"useradd .*--uid (\d+)", (ROOT / "Dockerfile").read_text())
    assert user is not None
    of_pod = pod(name)["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert str(of_pod["runAsUser"]) == user[1]
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(name)["automountServiceAccountToken"] is False
    # A Service named `port` or `host` would else be taken for a setting.
    assert pod(name)["enableServiceLinks"] is False
    assert {one["name"]: one["mountPath"] for one in container(name)["volumeMounts"]} == {
        "tmp": "/tmp"  # noqa: S108 - inside the container
    }


@pytest.mark.parametrize("name", ["api", "worker"])
def test_one_stays_whatever_is_moved(name: str) -> None:
    spec = the("Deployment", f"demandlink-{name}")["spec"]
    assert spec["replicas"] >= 2
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    budget = the("PodDisruptionBudget", f"demandlink-{name}")["spec"]
    assert budget["selector"]["matchLabels"] == spec["selector"]["matchLabels"]
    left = budget.get("minAvailable") or spec["replicas"] - budget["maxUnavailable"]
    assert left >= 1


def test_the_parts_of_the_budget_are_as_many_as_the_pods() -> None:
    pods = sum(
        the("Deployment", f"demandlink-{one}")["spec"]["replicas"] for one in ("api", "worker")
    )
    assert dict(variables())["BUDGET_PARTS"] == str(pods)


def test_the_page_names_files_and_objects_that_are_there() -> None:
    page = (ROOT / "docs/how-to/kubernetes.md").read_text()
    names = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in every()}
    assert set(re.findall(r"\b(?:job|deployment)/[\w-]+", page)) <= names
    for path in re.findall(r"deploy/kubernetes[/\w.]*", page):
        assert (ROOT / path).exists() or path.endswith("/secret.yaml"), path
    ignored = (ROOT / ".gitignore").read_text().split()
    assert "deploy/kubernetes/secret.yaml" in ignored  # a copy with secrets is never committed


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl command here")
@pytest.mark.parametrize("folder", ["", "migrate"])
def test_kustomize_itself_builds_them(folder: str) -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", HERE / folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    images = re.findall(r"image: (\S+)", done.stdout)
    assert images
    assert all(one.startswith("demandlink:") for one in images)
