"""Pages of a list, and how an order is asked for.

Owns cursors: opaque, over the id, so that a page stays where it was while rows come in. Pure.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from app.domain.views import Page
from app.store.texts import text

T = TypeVar("T")
BY_SOURCE = "id:"  # how an order is addressed while only its source id is known
LAST = 2**63 - 1
MOMENTS = 250_000_000_000_000_000  # microseconds since 1970: the last years that PostgreSQL knows
LONGEST_ID = 100


def number_or_source(value: str | None) -> tuple[str | None, str | None]:
    """The number or the source id that is asked for."""
    if value is None:
        return None, None
    if value.startswith(BY_SOURCE):
        return None, text(value.removeprefix(BY_SOURCE))
    return text(value), None


def page(found: Sequence[Any], limit: int, read: Callable[[Any], T]) -> Page[T]:
    """One row more than asked for was fetched: it says that there is a next page."""
    kept = found[:limit]
    more = len(found) > limit
    return Page(tuple(read(row) for row in kept), _write(kept[-1]["id"]) if more else None)


def _write(last: int) -> str:
    return _encoded([last])


def _encoded(values: Sequence[int | str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def _decoded(cursor: str) -> Any:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return json.loads(raw)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise ValueError("the cursor cannot be read") from error


def after(cursor: str | None, default: int) -> int:
    """The id that the page before ended with. Raises ValueError."""
    if cursor is None:
        return default
    try:
        (last,) = _decoded(cursor)
    except (ValueError, TypeError) as error:
        raise ValueError("the cursor cannot be read") from error
    if not isinstance(last, int) or not 0 <= last <= LAST:
        raise ValueError("the cursor cannot be read")
    return last


def pair_page(found: Sequence[Any], limit: int, first: str, read: Callable[[Any], T]) -> Page[T]:
    """The same for a list that is ordered by a number before the id."""
    kept = found[:limit]
    more = len(found) > limit
    following = _encoded([kept[-1][first], kept[-1]["id"]]) if more else None
    return Page(tuple(read(row) for row in kept), following)


def after_pair(cursor: str | None) -> tuple[int, int]:
    """Where the page before ended, as the number and the id; (0, 0) is before all. Raises ValueError."""
    if cursor is None:
        return 0, 0
    match _decoded(cursor):
        case [int(first), int(last)] if 0 <= first <= LAST and 0 <= last <= LAST:
            return first, last
    raise ValueError("the cursor cannot be read")


def moment_page(found: Sequence[Any], limit: int, read: Callable[[Any], T]) -> Page[T]:
    """The same for a list by moments in microseconds, whose ids are texts."""
    kept = found[:limit]
    more = len(found) > limit
    following = _encoded([kept[-1]["moment"], kept[-1]["id"]]) if more else None
    return Page(tuple(read(row) for row in kept), following)


def after_moment(cursor: str | None) -> tuple[int | None, str | None]:
    """The moment and the id that the page before ended with, None where it is the first.
    Raises ValueError."""
    if cursor is None:
        return None, None
    match _decoded(cursor):
        case [int(moment), str(last)] if 0 <= moment <= MOMENTS and len(last) <= LONGEST_ID:
            return moment, text(last)
    raise ValueError("the cursor cannot be read")
