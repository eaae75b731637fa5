"""What a person filters orders by, from addresses and forms.

Owns the reading: a value that is none of its list means any. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from app.domain.codes import Code, State, Who
from app.domain.views import OrderFilter

E = TypeVar("E", bound=StrEnum)
NAMES = ("number", "state", "code", "who")


def wanted(given: Mapping[str, str]) -> OrderFilter:
    """The filter that these fields make."""
    return OrderFilter(
        number=given.get("number", "").strip() or None,
        state=_one_of(State, given.get("state")),
        code=_one_of(Code, given.get("code")),
        who=_one_of(Who, given.get("who")),
    )


def _one_of(kind: type[E], given: str | None) -> E | None:
    return next((one for one in kind if one.value == given), None)
