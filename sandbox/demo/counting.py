"""How many calls an order cost, by what they were for. Pure.

The number comes from the simulator's own log, what each call was for from the service's record of
its calls: the two must tell of the same calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

WRITES = ("POST", "PUT", "PATCH", "DELETE")
POLLS = ("poll", "hint")
# Read for a step, and kept for a day like the lists of the set-up.
CATALOG = "/procurement/catalog"


@dataclass(frozen=True)
class Count:
    """Calls to ConnectWise. `untold`: in its log, and in no record of the service."""

    writes: int
    reads: int
    reference: int
    polls: int
    untold: int

    @property
    def total(self) -> int:
        return self.writes + self.reads + self.reference + self.polls + self.untold


def count(requests: Sequence[dict[str, Any]], calls: Sequence[dict[str, Any]]) -> Count:
    """`requests` is the simulator's log, `calls` the service's record for the order."""
    purposes: dict[tuple[str, str, tuple[tuple[str, str], ...]], list[str]] = {}
    for call in calls:
        query = tuple(sorted(parse_qsl(call["query"], keep_blank_values=True)))
        purposes.setdefault((call["method"], call["path"], query), []).append(call["purpose"])
    found: Counter[str] = Counter()
    for request in requests:
        if request["method"] == "ACT" or "/callbackkey/" in request["path"]:
            continue  # a person's doing; the key that proves callbacks is no call of the API
        key = (request["method"], request["path"], tuple(sorted(request["query"].items())))
        found[_kind(request, purposes.get(key))] += 1
    return Count(
        found["writes"], found["reads"], found["reference"], found["polls"], found["untold"]
    )


def _kind(request: dict[str, Any], purposes: list[str] | None) -> str:
    write = request["method"] in WRITES
    if not purposes:
        # Reads about a record that no order is known to carry yet belong to no order's calls.
        return "untold" if write else "polls"
    purpose = purposes.pop(0)
    if purpose == "reference" or (request["path"] == CATALOG and not write):
        return "reference"
    if purpose in POLLS:
        return "polls"
    return "writes" if write else "reads"
