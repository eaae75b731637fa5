"""Failures and interruptions that a step may raise, and the table that says what follows.

Owns the closed list of failure kinds (`design.md`, section 2) and the pure retry rule.
Must not know how a failure was caused: connectors classify, the engine acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.codes import Code

LONGEST_PAUSE = 86_400.0  # seconds


class FailureKind(StrEnum):
    """Why a remote call did not give the wanted answer. The kind alone decides what follows."""

    INVALID = "invalid"
    NOT_SENT = "not_sent"
    RATE_LIMITED = "rate_limited"
    OUTCOME_UNKNOWN = "outcome_unknown"
    CONFLICT = "conflict"
    EXISTS = "exists"
    TRANSIENT = "transient"
    REJECTED = "rejected"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"


class RemoteFailure(Exception):
    """A remote call failed, with its kind.

    `retry_after` is in seconds, as the remote side asked for it. `message` is the vendor's own
    text, already free of secrets. `frozen` marks a refusal because the record is closed.
    """

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        endpoint: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        frozen: bool = False,
    ) -> None:
        super().__init__(f"{kind.value}: {message}")
        self.kind = kind
        self.message = message
        self.endpoint = endpoint
        self.status = status
        self.retry_after = retry_after
        self.frozen = frozen

    @property
    def unsent(self) -> bool:
        """Whether it is a refusal of our own, by a budget or a pause: the vendor asked for nothing."""
        return self.kind is FailureKind.RATE_LIMITED and self.status is None


class Interruption(Exception):
    """Base of what a step raises to say that it cannot finish now. Not a fault."""


class Hold(Interruption):
    """A person has to decide or to correct a record before the step can go on."""

    def __init__(
        self,
        code: Code,
        sentence: str,
        *,
        who: str | None = None,
        choices: tuple[str, ...] = (),
    ) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.who = who
        self.choices = choices


class Wait(Interruption):
    """The step goes on by itself, at the latest look at `until`."""

    def __init__(self, code: Code, sentence: str, until: datetime) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.until = until


class LeaseLost(Exception):
    """Another worker owns the order now; nothing more may be written for it."""


class RecordTaken(Exception):
    """A commit would let two orders carry a remote record that only one may carry. Nothing of the
    commit is written; it is a fault of ours, never a state of the order."""


class StoreUnavailable(Exception):
    """The database cannot take the write now. Intake answers 503 (429 to ConnectWise)."""


# After these the write certainly did nothing, so its announcement is taken back.
DID_NOTHING = frozenset(
    {
        FailureKind.INVALID,
        FailureKind.NOT_SENT,
        FailureKind.RATE_LIMITED,
        FailureKind.CONFLICT,
        FailureKind.EXISTS,
        FailureKind.REJECTED,
        FailureKind.GONE,
        FailureKind.FORBIDDEN,
        FailureKind.UNAUTHENTICATED,
        FailureKind.TRANSIENT,
    }
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What follows a failure kind.

    `action`: retry (with backoff), look (the outcome of a write is unknown), adopt (look, take
    the record if it carries our marker), pause (the whole connection), hold (a person).
    `base` and `cap` are seconds of the backoff; `attempts` is how many times before `parked`.
    """

    action: str
    code: Code
    base: float = 0.0
    cap: float = 60.0
    attempts: int = 10


POLICIES: dict[FailureKind, Policy] = {
    FailureKind.INVALID: Policy("hold", Code.REQUEST_INVALID),
    FailureKind.NOT_SENT: Policy("retry", Code.CONNECTION_UNREACHABLE, base=0.5),
    FailureKind.RATE_LIMITED: Policy("pause", Code.RATE_LIMITED, base=5.0),
    FailureKind.OUTCOME_UNKNOWN: Policy("look", Code.OUTCOME_UNKNOWN),
    FailureKind.CONFLICT: Policy("retry", Code.REMOTE_CONFLICT, base=2.0),
    FailureKind.EXISTS: Policy("adopt", Code.REMOTE_EXISTS, base=1.0, attempts=3),
    FailureKind.TRANSIENT: Policy("retry", Code.REMOTE_UNWELL, base=0.5),
    FailureKind.REJECTED: Policy("hold", Code.REMOTE_REJECTED),
    FailureKind.GONE: Policy("hold", Code.REMOTE_GONE),
    FailureKind.FORBIDDEN: Policy("hold", Code.PERMISSION_MISSING),
    FailureKind.UNAUTHENTICATED: Policy("pause", Code.CREDENTIALS_REFUSED, base=60.0),
}


def backoff(policy: Policy, attempts: int, chance: float) -> float:
    """Seconds until the next try: doubled each time, capped, with full jitter above one half.

    `attempts` counts the tries already made (1 = the first just failed); `chance` is a random
    number in [0, 1) that the caller brings, so that this stays pure.
    """
    ceiling = min(policy.cap, policy.base * 2 ** min(attempts - 1, 16))
    return float(ceiling * (0.5 + chance / 2))


def clamp_retry_after(seconds: float | None, default: float) -> float:
    """Retry-After is honoured up to a day, the longest window of a vendor (accounting.md 3.3): what
    is longer is no limit but a mistake, and a person may end any pause before its time."""
    if seconds is None or not seconds >= 0:  # also a NaN
        return default
    return min(max(seconds, 0.1), LONGEST_PAUSE)
