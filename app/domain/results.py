"""How a replay's run of an order ended, and when a run is through with an order.

Pure: both kinds of stores decide alike. A result is kept once and is not changed afterwards
(docs/decisions/0071).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.codes import State, Who

MOMENTS = timedelta(seconds=30)  # a wait that ends sooner by itself is a part of the run
READING = timedelta(seconds=5)  # the same beside what somebody has to do: READ_LAG, twice
UNDER_WAY = "running"  # kept in the place of a result from the start until there is one
ABORTED = "aborted"
NOT_STARTED = "not_started"
ABORTED_SENTENCE = "The run was aborted before this order was through."
NOT_STARTED_SENTENCE = "The plan was dropped before it was run."
UNKEPT_SENTENCE = "It ran before results were kept: how it ended is not known."
EXPIRED_SENTENCE = "The plan expired before it was run."


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """How it ended: `state` is the order's at that moment (`codes.State`), `aborted`, or
    `not_started`."""

    state: str
    code: str | None
    sentence: str | None
    at: datetime

    @property
    def came(self) -> bool:
        """Whether the order was replayed to its end."""
        return self.state not in (ABORTED, NOT_STARTED)


def rests(state: State, who: Who | None, due_at: datetime | None, now: datetime) -> bool:
    """Whether the worker is through with an order. Woken means due at once, and a worker that is
    through puts the next look ahead. Where that look is moments away it only waits for a reading to
    show, whatever else the answer tells."""
    within = MOMENTS if who in (None, Who.NOBODY) else READING
    return state is not State.RUNNING and (due_at is None or due_at > now + within)
