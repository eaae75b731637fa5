"""What a run shows: figures, counts, and what the outside checker found. Owns their wording."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from sandbox.observer import Finding
from tests.chaos.recovery import percentile

TWICE = ("H1", "H2", "H9", "B1.9", "E3", "D-14")
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Of times, in seconds; None where there were none."""

    count: int
    half: float | None
    most: float | None  # the 99th percentile
    longest: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Figures:
        parts = (percentile(values, part) for part in (0.5, 0.99, 1.0))
        return cls(len(values), *parts)

    def __str__(self) -> str:
        if not self.count:
            return "none"
        return (
            f"{self.count}: 50 % {self.half:.2f}, 99 % {self.most:.2f}, longest {self.longest:.2f}"
        )


@dataclass
class Report:
    """Times in seconds. `recoveries`: from the kill of a worker, by what was waited for. `redis`:
    of the time that Redis was flushed and away, and of the calm after it."""

    seed: int
    seconds: float = 0.0
    disk: str = ""
    faults: dict[str, int] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    slow: list[str] = field(default_factory=list)  # recoveries that were waited for in vain
    unmeasured: int = 0
    revived: int = 0
    commits_unanswered: int = 0
    answers_spoiled: int = 0
    deliveries: int = 0
    accepted: int = 0
    orders: int = 0
    of_ledger: dict[str, int] = field(default_factory=dict)
    books: dict[str, dict[str, int]] = field(
        default_factory=dict
    )  # writes and documents, by ledger
    callbacks: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    writes_judged: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    acknowledged: Figures = field(default_factory=lambda: Figures.of(()))
    recoveries: dict[str, Figures] = field(default_factory=dict)
    redis: dict[str, Figures] = field(default_factory=dict)
    told_after: float = 0.0  # from the last fault until every event was acknowledged
    written_after: float = 0.0  # and until the service's last write, by the vendors' logs
    checked: float = 0.0  # the outside checker's own time
    waited: dict[str, int] = field(default_factory=dict)  # order-seconds after the last fault

    @property
    def kills(self) -> int:
        return sum(n for name, n in self.faults.items() if name.endswith("killed"))

    @property
    def well(self) -> bool:
        return not (self.refused or self.lost or self.duplicated or self.out_of_order)

    def sort(self, found: Sequence[Finding]) -> None:
        """Take in what the judge found."""
        for finding in found:
            kind = self.duplicated if finding.rule in TWICE else self.out_of_order
            kind.append(str(finding))

    def text(self) -> str:
        """For a reader; the last line is the contract's."""
        told = [
            f"Seed {self.seed}, {self.seconds:.0f} s of trouble",
            *(
                f"  {count:4} {name} ({self.took.get(name, 0):.0f} s)"
                for name, count in sorted(self.faults.items())
            ),
            f"PostgreSQL's full disk: {self.disk}",
            (
                f"Answers to a COMMIT lost: {self.commits_unanswered}; done, yet answered 502: "
                f"{self.answers_spoiled}; processes that ended by themselves: {self.revived}"
            ),
            f"{self.orders} orders, of them {_listed(self.of_ledger)}",
            f"Judged: {self.writes_judged} writes in ConnectWise",
            *(f"  {name}: {_listed(counts)}" for name, counts in self.books.items()),
            f"People in ConnectWise: {_listed(self.people)}",
            f"Callbacks: {_listed(self.callbacks)}",
            f"Acknowledged, seconds: {self.acknowledged}",
            f"After a worker's kill, seconds ({self.unmeasured} kills not measured):",
            *(f"  {name}: {figures}" for name, figures in self.recoveries.items()),
            "Redis flushed and away, seconds:",
            *(f"  {name}: {figures}" for name, figures in self.redis.items()),
            (
                f"After the last fault: every event acknowledged within {self.told_after:.1f} s, the "
                f"service's last write {self.written_after:.1f} s after it"
            ),
            f"  waited for meanwhile, order-seconds: {_listed(self.waited)}",
            f"  the outside checker's own time: {self.checked:.1f} s",
        ]
        for kind in ("slow", "refused", "lost", "duplicated", "out_of_order"):
            told += [f"  {kind}: {one}" for one in getattr(self, kind)[:SHOWN]]
        if self.refused:
            told.append(f"refused {len(self.refused)}")
        told.append(
            f"{self.kills} kills, {sum(self.faults.values())} faults, {self.accepted} events "
            f"accepted in {self.deliveries} deliveries"
        )
        told.append(
            f"lost {len(self.lost)}, duplicated {len(self.duplicated)}, "
            f"out of order {len(self.out_of_order)}"
        )
        return "\n".join(told)

    def json(self) -> str:
        return json.dumps({**asdict(self), "kills": self.kills}, indent=1)


def _listed(counts: Mapping[str, int]) -> str:
    """`3 bills, 4 invoices`, or `none`."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
