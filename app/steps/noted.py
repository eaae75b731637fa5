"""Since when something is known that a person may accept.

Owns the memory behind decisions that cover what was known when they were made, and nothing that came
later: a fact with the moment at which each entry was seen first (docs/decisions/0009).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from app.domain.records import Decision
from app.steps.effects import Effects


def since(
    fx: Effects, kind: str, key: str, entries: Iterable[str], **more: Any
) -> dict[str, datetime]:
    """When each entry was seen first; those that are new are seen now. `more` is kept beside."""
    fact = fx.view.facts.get((kind, key))
    body = fx.recent(kind, key) or (fact.body if fact is not None else {})
    seen: dict[str, str] = dict(body.get("seen", {}))
    wanted = list(entries)
    for entry in wanted:
        seen.setdefault(entry, fx.view.now.isoformat())
    fx.see(kind, {**body, **more, "seen": seen}, key)
    return {entry: datetime.fromisoformat(seen[entry]) for entry in wanted}


def covers(decision: Decision | None, choice: str, moments: Iterable[datetime]) -> bool:
    """Whether a decision of this choice was made when all of it was known."""
    if decision is None or decision.choice != choice:
        return False
    return all(moment <= decision.at for moment in moments)
