"""What makes an order's trouble the same thing, or another: for how long it stands, and whether it is news.

Owns which answers leave a trouble as it is because nobody could look, which words of a sentence are only
a count, and when one that comes back never went away. Pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.codes import Code, State
from app.domain.reasons import CODES
from app.domain.records import Answer
from app.domain.results import GOES_ON

# What is back within this, and nobody decided anything, is one trouble and not two.
EPISODE = timedelta(minutes=30)
# Says nothing of the trouble itself: it is being looked at, or cannot be looked at now.
PASSING = GOES_ON | {Code.CREDENTIALS_REFUSED, Code.DECIDE_FAILED}
STOPPED = frozenset({State.HELD, State.PARKED})

# A vendor's own words may hold a moment or the id of a request: another one each time.
_EACH_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)?|(?<!\d)\d\d:\d\d:\d\d(?!\d)"
    r"|(?<!\w)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\w)"
    r"|(?<!\w)(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12,}(?!\w)",
    re.IGNORECASE,
)
# A number by itself is a count or an amount; after the word for a record, in quotes or brackets, or with
# many digits it names one.
_NUMBER = re.compile(
    r"(?P<before>[A-Za-z]+ )?(?<![\w.,#/('\"-])(\d{1,4}|\d+[.,]\d+)([.,]\d+)*(?![\w/'\"-]|[.,:]\d)"
)
_NAMING = frozenset(
    (
        "account",
        "bill",
        "board",
        "company",
        "document",
        "id",
        "invoice",
        "item",
        "line",
        "lines",
        "number",
        "opportunity",
        "order",
        "orders",
        "product",
        "products",
        "quote",
        "receipt",
        "record",
        "status",
        "ticket",
        "type",
        "version",
        "warehouse",
    )
)


@dataclass(frozen=True, slots=True)
class Stood:
    """What an order was stopped by last: as what, since when, and when it first was otherwise (None: it
    stands). `of` None: nothing, or a person acted since."""

    of: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def trouble_of(code: str, sentence: str) -> str:
    """What is the same for the same trouble: its code, and its sentence without counts. A wait that
    lasted too long is one trouble, whatever is still missing of it."""
    known = Code.__members__.get(code)
    if known is not None and CODES[known].state is State.WAITING:
        return f"{code} "
    told = _NUMBER.sub(_counted, _EACH_TIME.sub("~", sentence))
    return f"{code} {hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _counted(found: re.Match[str]) -> str:
    before = found["before"] or ""
    return found[0] if before.strip().lower() in _NAMING else f"{before}~"


def stopped_by(answer: Answer) -> str | None:
    """The trouble that an answer tells; None where it stops nothing."""
    if answer.state not in STOPPED or answer.code is None:
        return None
    return trouble_of(answer.code.value, answer.sentence)


def passes(answer: Answer) -> bool:
    """Whether an answer leaves open how a trouble stands that it does not tell."""
    if answer.state is State.RUNNING:
        return True
    return answer.state is State.WAITING and answer.code in PASSING


def goes_on(stood: Stood, trouble: str | None, now: datetime) -> bool:
    """Whether a trouble is the one that stood, which never really went away."""
    lately = stood.until is None or stood.until > now - EPISODE
    return trouble is not None and trouble == stood.of and lately


def after(stood: Stood, answer: Answer, since: datetime, now: datetime) -> Stood:
    """What stands after an answer; `since`: as the answer itself says."""
    trouble = stopped_by(answer)
    if trouble is None:
        if passes(answer) or stood.of is None:
            return stood
        return Stood(stood.of, stood.since, stood.until or now)
    if goes_on(stood, trouble, now):
        return Stood(trouble, stood.since)
    # The first one began when it says. Every later one is news, though its code may be an old one's.
    return Stood(trouble, since if stood.since is None else now)


def since_of(stood: Stood, answer: Answer, since: datetime, now: datetime) -> datetime:
    """Since when an order stands as an answer says, what it stood by before known."""
    if stood.since is not None and goes_on(stood, stopped_by(answer), now):
        return min(since, stood.since)
    return since
