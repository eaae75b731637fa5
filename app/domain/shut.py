"""The answer of a gate: shut, for this reason.

Owns the shapes that gates give and that decide, steps and explanation read. No gate is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.codes import Code, State, Who
from app.domain.order import OrderView


@dataclass(frozen=True, slots=True)
class Shut:
    """Why a gate is shut. `until`: when it opens by itself or has to be asked again.
    `looks`: what has to be read in ConnectWise meanwhile (conversion, shipping)."""

    code: Code
    sentence: str
    who: Who | None = None
    until: datetime | None = None
    looks: tuple[str, ...] = ()
    next_look: str | None = None
    never_held: bool = False
    about: Mapping[str, Any] | None = None  # what a decision is about; None: the want
    opened_by: tuple[str, ...] = ()  # choices that open it, for just the want that stood then
    choices: tuple[str, ...] = ()  # what a person may choose from; empty: the code's own


@dataclass(frozen=True, slots=True)
class Ended:
    """Why nothing more is done for an order as a whole, as it stands."""

    state: State
    code: Code
    sentence: str
    who: Who = Who.NOBODY


Gate = Callable[[OrderView, str, datetime], Shut | None]
"""(order, subject, since when this gate's step stands at its present code) -> shut or None."""
