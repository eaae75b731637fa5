"""What a person filters orders by: the menus, and what addresses and forms chose from them.

Owns the reading: a value that is none of its list means any. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from app.console.words import titled
from app.domain.codes import Code, State, Who
from app.domain.reasons import CODES
from app.domain.views import OrderFilter

Groups = Sequence[tuple[str, Sequence[tuple[str, str]]]]
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


def reasons(standing: Mapping[Code, int]) -> Groups:
    """The menu of reasons: first those that open orders stand at, then the others by who acts.
    Each group has its name, and of each reason the value and what is shown."""
    groups = []
    if standing:
        groups.append(("Open orders", [(c.value, f"{c} ({n})") for c, n in standing.items()]))
    for who in (*(one for one in Who if one is not Who.NOBODY), Who.NOBODY):
        rest = [code for code, one in CODES.items() if one.who is who and code not in standing]
        if rest:
            name = "Nobody acts" if who is Who.NOBODY else f"{titled(who)} acts"
            groups.append((name, [(code.value, code.value) for code in sorted(rest)]))
    return groups


def _one_of(kind: type[E], given: str | None) -> E | None:
    return next((one for one in kind if one.value == given), None)
