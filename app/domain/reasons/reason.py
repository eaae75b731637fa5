"""What is said of each reason code, and short names of the states that most make."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.codes import State, Who


@dataclass(frozen=True, slots=True)
class Reason:
    """What a code means. `state` is what it makes of the step; `remedy` says what to do."""

    state: State
    who: Who
    rule: str
    meaning: str
    remedy: str
    # Answer to the same cause again is pointless before something changed: recheck seldom.
    recheck_seconds: int = 900


W, H, P = State.WAITING, State.HELD, State.PARKED
