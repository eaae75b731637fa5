"""Readings of an order's view that are worked out once for each view.

A view never changes, and gates, wants and steps ask the same of it again and again: the allocation
of purchase orders to lines was a tenth of all that a worker computed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from app.domain.order import OrderView

Read = TypeVar("Read")
_KEPT = "_kept"


def once(reading: Callable[[OrderView], Read]) -> Callable[[OrderView], Read]:
    """`reading`, kept with the view that it was asked of. Nobody may change what it gives."""

    @wraps(reading)
    def known(view: OrderView) -> Read:
        kept: dict[Callable[[OrderView], Read], Read] = vars(view).setdefault(_KEPT, {})
        if reading not in kept:
            kept[reading] = reading(view)
        return kept[reading]

    return known
