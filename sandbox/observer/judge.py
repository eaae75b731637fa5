"""Judges a whole log: every write of the service by every rule, then what stands in the end.

Owns the walk over the log and whose writes are judged. The rules are in `rules` and `ending`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.observer import ending, lost, of_ledgers, of_suggestions, of_tickets, posters, rules
from sandbox.observer.matrix import Rows
from sandbox.observer.mirror import Mirror
from sandbox.observer.probes import Probes
from sandbox.observer.told import Told
from sandbox.observer.whose import Broken

Json = Mapping[str, Any]
READS = ("GET", "HEAD")
SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that was broken. `entry` is the number of the log's entry, None for the end."""

    rule: str
    entry: int | None
    sentence: str

    def __str__(self) -> str:
        where = f"entry {self.entry}" if self.entry is not None else "in the end"
        return f"{self.rule} ({where}): {self.sentence}"


@dataclass
class Case:
    """What is to be judged.

    `accepted`: Commerce events with when they were taken. `first`: ConnectWise's rows before the
    log. `service`: the client id of the service; writes of others only change the state.
    `permitted`: rules that a person's decision lifted, as "D-7" for all, or "D-7 1201" for one
    Commerce order. `scenario` is the tenant's row of the matrix of who writes what (G9), `bound`
    the row of an order by its Commerce id, where a binding gave it another. `books`: the log of the
    ledger, where there is one. `lost_on_decline`: whether a declined quote may mark its opportunity lost (B1.4).
    """

    accepted: Sequence[tuple[datetime, Json]]
    log: Sequence[Json]
    first: Mapping[str, Sequence[Json]]
    service: str
    permitted: Collection[str] = ()
    scenario: str = "B1"
    bound: Mapping[int, str] = field(default_factory=dict)
    books: Sequence[Json] = ()
    ready: str = "Ready to invoice"
    lost_on_decline: bool = False
    writes: int = field(default=0, init=False)  # how many were judged


def judge(case: Case) -> list[Finding]:
    """Every rule that was broken, in the order of the log. Empty: all is well."""
    judging = Judge(case)
    found = [finding for entry in case.log for finding in judging.see(entry)]
    return [*found, *judging.end()]


class Judge:
    """Judges entry by entry, so that a run can be stopped at the write that broke a rule. The
    `log` of its case is not read; `accepted` may go on growing."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._told, self._heard = Told(()), 0
        self._mirror = Mirror(case.first)
        self._matrix = Rows(case.scenario, case.bound)
        self._probes = Probes()
        self._links: set[int] = set()  # made by writes of the service

    def see(self, entry: Json) -> list[Finding]:
        """What is wrong with the next entry of the log."""
        case, mirror = self._case, self._mirror
        changed = entry.get("changed") or ()
        mine = entry["method"] not in (*READS, "ACT") and entry.get("client") == case.service
        if not mine or not took_effect(entry) or self._probes.takes(entry, changed, mirror):
            self._probes.follow(changed)
            mirror.apply(changed)
            return []
        self._hear()
        write = rules.Write(
            entry=entry,
            before=rules.Before(mirror, changed),
            after=mirror,
            changed=changed,
            told=self._told,
            moment=datetime.fromisoformat(str(entry["t"])),
            matrix=self._matrix,
            ready=case.ready,
            lost_on_decline=case.lost_on_decline,
        )
        # Rules that need the state before are asked first: `apply` changes the mirror in place.
        sentences = [*_asked((*rules.BEFORE, lost.lost_alone, *of_tickets.BEFORE), write)]
        mirror.apply(changed)
        sentences += _asked(
            (posters.allowed_write, *rules.AFTER, *of_tickets.AFTER, *of_suggestions.AFTER), write
        )
        case.writes += 1
        self._links |= {int(new["id"]) for old, new in write.rows("link") if old is None}
        return _not_permitted(case.permitted, sentences, int(entry["n"]))

    def end(self) -> list[Finding]:
        """What is wrong with what stands after the last entry, and with the ledger's whole log."""
        self._hear()
        case, told, matrix = self._case, self._told, self._matrix
        left = ending.faults(self._mirror, told, case.ready, matrix, self._links)
        found = _not_permitted(case.permitted, [*left, *self._probes.left()], None)
        for number, broken in of_ledgers.faults(case.books, told, matrix):
            found += _not_permitted(case.permitted, [broken], number)
        return found

    def _hear(self) -> None:
        for when, event in self._case.accepted[self._heard :]:
            self._told.take(when, event)
        self._heard = len(self._case.accepted)


def took_effect(entry: Json) -> bool:
    """Answered with success, or done although the answer was lost."""
    return entry["status"] in SUCCESS or bool(entry.get("changed"))


def _asked(asked: Sequence[rules.Rule], write: rules.Write) -> list[Broken]:
    return [broken for rule in asked for broken in rule(write)]


def _not_permitted(
    permitted: Collection[str], sentences: Iterable[Broken], entry: int | None
) -> list[Finding]:
    return [
        Finding(rule, entry, text)
        for rule, order, text in sentences
        if rule not in permitted and f"{rule} {order}" not in permitted
    ]
