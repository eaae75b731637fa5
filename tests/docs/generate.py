"""Writes the pages of docs/ that are made from code: `python -m tests.docs.generate` (`make docs`).

Owns the list of those pages and how the tables become Markdown. `test_pages.py` compares each page
with what is written here. What code cannot tell stands in pages written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.docs import (
    command_line,
    commerce,
    metric_pages,
    reasons,
    rest,
    rules,
    scenarios,
    setting_pages,
    switch_pages,
    ways,
)

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NOTE = "<!-- Made from code by `make docs`. Change the code, not this page. -->"

PAGES: dict[str, Callable[[], str]] = {
    "runbook.md": reasons.runbook,
    "rules.md": rules.page,
    "reference/failure-kinds.md": reasons.failure_kinds,
    "reference/scenarios.md": scenarios.page,
    "reference/settings.md": setting_pages.page,
    "reference/commerce-events.md": commerce.page,
    "reference/rest.md": rest.page,
    "reference/metrics.md": metric_pages.page,
    "reference/cli.md": command_line.page,
    "reference/switches.md": switch_pages.page,
    "reference/ways.md": ways.page,
}


def render(name: str) -> str:
    """A generated page, whole."""
    body = re.sub(r"\n{3,}", "\n\n", PAGES[name]().strip())
    return f"{NOTE}\n\n{body}\n"


def write(names: Iterable[str] = PAGES) -> Sequence[Path]:
    """Write the pages; the ones that changed."""
    changed = []
    for name in names:
        path, text = DOCS / name, render(name)
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            changed.append(path)
    return changed


if __name__ == "__main__":
    write()
