"""Orders that end their workers: when one is claimed alone, when it is parked, what is told of it.

Pure: every kind of store counts alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.codes import Code
from app.domain.records import ALONE_AFTER
from app.domain.troubles import trouble_of

POISON_AFTER = 5
POISON_SENTENCE = "The order ended its worker several times."
POISONED = trouble_of(Code.POISON.value, POISON_SENTENCE)
NEXT_LOOK = "when a person replays it"


def batch(free: Sequence[Any]) -> list[int]:
    """The orders to take. One that ended two workers is taken alone, so that it cannot take others
    along; those after it come with the next claim (docs/decisions/0048)."""
    if free and free[0]["claims"] >= ALONE_AFTER:
        return [free[0]["id"]]
    return [row["id"] for row in free if row["claims"] < ALONE_AFTER]
