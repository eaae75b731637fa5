"""The reference of metrics, from `app/telemetry/metrics.py`, with the alerts that use each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from app.telemetry import metrics
from tests.docs.markdown import table

ROOT = Path(__file__).parents[2]

INTRO = """# Metrics

The API answers Prometheus at `/metrics`, without a key: numbers only, no order, no customer. A worker
answers at its own `METRICS_PORT` with what it counted itself. [How to watch it](../how-to/observe.md).
"""


def alerts() -> list[dict[str, Any]]:
    """The alert rules that are shipped."""
    text = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def page() -> str:
    counted: list[tuple[str, str, Sequence[str]]] = [
        (_shown(one), one._documentation, one._labelnames) for one in metrics.COUNTED
    ]
    read: list[tuple[str, str, Sequence[str]]] = [
        (one.name, one.told, one.labels) for one in metrics.GAUGES
    ]
    parts = [INTRO]
    for title, listed in (
        ("Of the process that is asked", counted),
        ("Of the whole installation, from the API only", read),
    ):
        cells = [
            (f"`{name}`", told, ", ".join(f"`{label}`" for label in labels), _used_by(name))
            for name, told, labels in listed
        ]
        parts += [f"## {title}", table(("metric", "what it is", "labels", "alerts"), cells)]
    rows = [
        (
            f"`{rule['alert']}`",
            rule["labels"]["severity"],
            rule["for"],
            rule["annotations"]["action"],
        )
        for rule in alerts()
    ]
    parts += [
        "## Alerts",
        "In `deploy/prometheus/alerts.yml`.",
        table(("alert", "severity", "after", "what to do"), rows),
    ]
    return "\n\n".join(parts)


def _shown(metric: Any) -> str:
    """Counters are shown with the ending that Prometheus sees."""
    name: str = metric._name
    return f"{name}_total" if metric._type == "counter" else name


def _used_by(name: str) -> str:
    return ", ".join(f"`{rule['alert']}`" for rule in alerts() if name in rule["expr"])
