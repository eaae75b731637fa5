"""How a replay's run of an order ended, and when a run is through with an order.

Pure: both kinds of stores decide alike. A result is kept once and is not changed afterwards
(docs/decisions/0071).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.codes import Code, State, Who

MOMENTS = timedelta(seconds=30)  # a wait that ends sooner by itself is a part of the run
READING = timedelta(seconds=5)  # the same beside what somebody has to do: READ_LAG, twice
# What an order waits for in the middle of its steps, if nobody has to do anything: a call is made later
# or again, or another order is at the same record. A connection that a person paused is that person's.
GOES_ON = frozenset(
    {
        Code.CLAIMED_ELSEWHERE,
        Code.CONNECTION_PAUSED,
        Code.CONNECTION_UNREACHABLE,
        Code.OUTCOME_UNKNOWN,
        Code.PEER_SICK,
        Code.RATE_LIMITED,
        Code.READ_LAG,
        Code.REMOTE_CONFLICT,
        Code.REMOTE_UNWELL,
    }
)
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


def rests(
    state: State, code: Code | None, who: Who | None, due_at: datetime | None, now: datetime
) -> bool:
    """Whether the worker is through with an order. Woken means due at once, and a worker that is
    through puts the next look ahead. Where that look is moments away it only waits for a reading to
    show, whatever else the answer tells. Where a call is tried again by itself, the run goes on
    however long that takes."""
    nobody = who in (None, Who.NOBODY)
    tried_again = code is Code.DECIDE_FAILED or (code in GOES_ON and nobody)
    if state is State.RUNNING or (state is State.WAITING and tried_again):
        return False
    return due_at is None or due_at > now + (MOMENTS if nobody else READING)
