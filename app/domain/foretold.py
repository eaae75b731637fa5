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
    """A read of what is the order's own. `records`: what a worker remembers of it while it keeps
    the order (decision 0008); it is read where not all of them are remembered, and not `unless`.
    `alone`: it takes the place of what was remembered under the same first word."""

    told: str
    records: tuple[str, ...] = ()
    unless: str | None = None
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a step asks beside its writes. `knows`: records that it leaves behind without a read, and
    `forgets` those that its writes make old. `perhaps`: calls that depend on what is found there, so
    that nobody can count them before."""

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
        known = frozenset(self.records)
        made = [read for read in told.reads if not _spared(read, known)]
        for read in made:
            if read.alone:
                kinds = {one.split()[0] for one in read.records}
                self.records = {one for one in self.records if one.split()[0] not in kinds}
        self.records.update(*(read.records for read in made), told.knows)
        self.records.difference_update(told.forgets)
        return tuple(read.told for read in made)


def _spared(read: Read, known: frozenset[str]) -> bool:
    return read.unless in known or (bool(read.records) and known.issuperset(read.records))
