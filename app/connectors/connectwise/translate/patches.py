"""Changes of a record as ConnectWise takes them, and the check that they were really made.

Owns JSON Patch as ConnectWise means it (connectwise.md 1.5): always a list, whole reference objects,
no sub-paths, because a sub-path can be answered 200 and do nothing. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

# ConnectWise rounds amounts to the cent or finer; anything further away is another amount.
ROUNDING = Decimal("0.005")
# Dates come back cut to the day in the tenant's own time zone.
SAME_DATE = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Replace:
    """One field's new value, and how the answer proves that it was taken."""

    path: str
    value: Any
    proves: Callable[[Any, Any], bool]

    def operation(self) -> dict[str, Any]:
        return {"op": "replace", "path": self.path, "value": self.value}


def same_reference(asked: Any, found: Any) -> bool:
    return isinstance(found, Mapping) and found.get("id") == asked["id"]


def same_text(asked: Any, found: Any) -> bool:
    """Line breaks are stored as one blank (connectwise.md 1.4)."""
    return str(asked).split() == str("" if found is None else found).split()


def same_flag(asked: Any, found: Any) -> bool:
    return bool(found) is asked


def shown_later(asked: Any, found: Any) -> bool:
    """What shows in this field follows from other records, so no answer proves it: the caller reads
    again what it is about."""
    del asked, found
    return True


def same_quantity(asked: Any, found: Any) -> bool:
    return _number(found) == Decimal(asked)


def same_amount(asked: Any, found: Any) -> bool:
    return abs(_number(found) - Decimal(asked)) <= ROUNDING


def same_date(asked: Any, found: Any) -> bool:
    try:
        there = datetime.fromisoformat(str(found))
    except ValueError:
        return False
    wanted = datetime.fromisoformat(str(asked))
    if there.tzinfo is None:
        there = there.replace(tzinfo=wanted.tzinfo)
    return abs(there - wanted) <= SAME_DATE


def same_serials(asked: Any, found: Any) -> bool:
    """The separator of serial numbers is not documented, so only their set is compared."""
    return _serials(asked) == _serials(found)


def no_longer_waiting(asked: Any, found: Any) -> bool:
    """A received line may stand there as fully received, because its rest is a line of its own."""
    del asked
    return found is not None and str(found) != "Waiting"


def _serials(value: Any) -> set[str]:
    return {part for part in re.split(r"[,;\s]+", str(value or "")) if part}


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return Decimal(0)
    return Decimal(value)


def differences(changes: Sequence[Replace], answer: Any) -> list[str]:
    """The fields of the answered record that do not hold what was asked for."""
    found = answer if isinstance(answer, Mapping) else {}
    return [
        change.path for change in changes if not change.proves(change.value, found.get(change.path))
    ]
