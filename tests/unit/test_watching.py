"""Dashboard and alert rules name metrics that there are, with labels that these have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.telemetry import metrics
from tests.docs.metric_pages import alerts

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = re.compile(r"\bdemandlink_[a-z_]+")
MATCHER = re.compile(r"(demandlink_[a-z_]+)\{([^}]*)\}")


def known() -> dict[str, set[str]]:
    """Names as Prometheus sees them, with their labels."""
    found: dict[str, set[str]] = {one.name: set(one.labels) for one in metrics.GAUGES}
    for one in metrics.COUNTED:
        for family in one.describe():
            ends = {
                "counter": ("_total",),
                "histogram": ("_bucket", "_sum", "_count"),
                "gauge": ("",),
            }
            for end in ends[family.type]:
                found[family.name + end] = set(one._labelnames) | {"le"}
    return found


def expressions() -> list[str]:
    board = json.loads((DEPLOY / "grafana/demandlink.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [*shown, *(rule["expr"] for rule in alerts())]


@pytest.mark.parametrize("expression", expressions())
def test_what_is_watched_is_counted(expression: str):
    named = set(NAME.findall(expression))
    assert named or expression.startswith("up{")
    assert named <= known().keys()
    for name, matchers in MATCHER.findall(expression):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers))
        assert labels <= known()[name]


@pytest.mark.parametrize("expression", [one for one in expressions() if NAME.findall(one)])
def test_what_every_api_tells_of_the_installation_is_never_added_up(expression: str):
    """Two instances tell of the same orders: a sum over them would be twice as many."""
    for one in metrics.GAUGES:
        for found in re.finditer(rf"\b{one.name}\b", expression):
            before = expression[: found.start()]
            assert re.search(r"(max( by \([^)]*\))? ?|absent)\($", before), expression


def test_an_installation_that_nobody_sees_is_an_alert():
    """A database that is away takes every number of the installation along, and no rule on one fires."""
    told = {rule["expr"] for rule in alerts()}
    assert any(one.startswith("absent(") for one in told)
    assert any(one.startswith("up{") for one in told)


def test_every_alert_says_what_to_do_and_is_tested():
    tested = (DEPLOY / "prometheus/alerts.test.yml").read_text()
    for rule in alerts():
        assert rule["annotations"]["action"]
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert f"alertname: {rule['alert']}" in tested


@pytest.mark.breadth  # `make test-ops` asks the same, and is part of CI
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not here: make test-ops")
def test_the_rules_fire_when_they_should():
    ran = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
