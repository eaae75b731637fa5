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
    assert named
    assert named <= known().keys()
    for name, matchers in MATCHER.findall(expression):
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|=)", matchers))
        assert labels <= known()[name]


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
