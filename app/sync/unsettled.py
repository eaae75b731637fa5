"""Changes that a worker had sent when it ended, and that may still be carried out.

Owns the mark and the patience for it. A change of a record (no create: those have their intents)
is harmless when it is repeated, but not when it is carried out late, after another change of the
same record: a status that went on would go back. So nothing more is written for an order until the
dead worker's last call must have ended (docs/exactly-once.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.domain.facts import INTERRUPTED
from app.domain.order import OrderView
from app.domain.records import (
    Fact,
)

_SENDING = "sending"  # by step: whether its last attempt began to change records


def sending(step: str, at: datetime, *, begun: bool) -> Fact:
    return Fact(_SENDING, step, {"begun": begun}, at)


def until(view: OrderView, timeout: timedelta) -> datetime | None:
    """When what a dead worker sent has surely ended; None: it sent nothing. Its lease had ended
    when it was noticed, so no call of it is younger."""
    ended = [at for step, at in _interrupted(view) if begun(view, step)]
    return max(ended) + timeout if ended else None


def noticed(view: OrderView) -> datetime | None:
    """When it was last noticed that a worker had ended over the order, None: never. Whatever that
    one sent, also what it had stood still over for long, was sent before."""
    return max((at for _, at in _interrupted(view)), default=None)


def _interrupted(view: OrderView) -> Iterator[tuple[str, datetime]]:
    """Steps over which a worker had ended, and when that was noticed. The moment stands in the
    body: facts are made old when their record is told to have changed."""
    for (kind, step), fact in view.facts.items():
        if kind == INTERRUPTED:
            yield step, datetime.fromisoformat(fact.body["at"])


def begun(view: OrderView, step: str) -> bool:
    fact = view.facts.get((_SENDING, step))
    return fact is not None and bool(fact.body["begun"])
