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
    return base64.urlsafe_b64encode(json.dumps([last]).encode()).decode().rstrip("=")


def after(cursor: str | None, default: int) -> int:
    """The id that the page before ended with. Raises ValueError."""
    if cursor is None:
        return default
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        (last,) = json.loads(raw)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise ValueError("the cursor cannot be read") from error
    if not isinstance(last, int) or not 0 <= last <= LAST:
        raise ValueError("the cursor cannot be read")
    return last
