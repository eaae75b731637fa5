"""The reads that a step would make, told before it is done (decision 0064).

Owns what a worker remembers while it keeps an order, so that a read is told once where it is made
once. Pure values; which step reads what is `app/steps/foretelling.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.domain.order import OrderView


@dataclass(frozen=True, slots=True)
class Read:
    """A read of what is the order's own. `record`: under what a worker remembers it while it keeps
    the order (decision 0008); None: it is read each time, but where `unless` is remembered."""

    told: str
    record: str | None = None
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a step asks beside its writes. `knows`: records that it leaves behind without a read, and
    `forgets` those that its writes make old. `perhaps`: calls that depend on what is found there, so nobody can count them before."""

    reads: tuple[Read, ...] = ()
    knows: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    forgets: tuple[str, ...] = ()


Foretelling = Callable[[str, OrderView, Mapping[str, Any]], Foretold]
"""By step, view and want, as the view stands when the step comes."""


def nothing_told(_: str, __: OrderView, ___: Mapping[str, Any]) -> Foretold:
    """For those who count no reads."""
    return Foretold()


@dataclass(slots=True)
class Remembered:
    """What a worker would remember on its way through an order."""

    records: set[str] = field(default_factory=set)

    def asked(self, told: Foretold) -> tuple[str, ...]:
        """The reads that are made, with what is remembered after them."""
        spared = self.records
        made = tuple(
            read.told
            for read in told.reads
            if read.record not in spared and read.unless not in spared
        )
        told_of = {read.record for read in told.reads if read.record is not None}
        self.records = (spared | told_of | set(told.knows)) - set(told.forgets)
        return made
