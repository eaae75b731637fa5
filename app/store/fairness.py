"""Whose turn it is when several tenants have work: who has least under way goes first.

Owns the rule and its two forms, SQL over an index by tenant and Python over rows. One tenant's flood
so takes only what the others leave (docs/decisions/0038). Knows no kind of work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar

Work = TypeVar("Work")


def skip_scan(table: str, condition: str) -> str:
    """Recursive SQL: the tenants that have rows, one probe of an index (tenant_id, ...) for each."""
    first = f"SELECT min(tenant_id) AS tenant_id FROM {table} WHERE {condition}"  # noqa: S608 - no value
    following = f"({first} AND tenant_id > tenants.tenant_id)"
    return f"{first} UNION ALL SELECT {following} FROM tenants WHERE tenant_id IS NOT NULL"  # noqa: S608 - no value


def in_turn(
    works: Iterable[Work],
    tenant: Callable[[Work], int],
    moment: Callable[[Work], tuple[datetime | int, int]],
    under_way: Mapping[int, int],
    limit: int,
) -> list[Work]:
    """The first `limit` in turn. A work's turn is how many its tenant has under way and before it;
    of equal turns the earlier moment goes first."""
    before = Counter(under_way)
    queue: list[tuple[int, tuple[datetime | int, int], Work]] = []
    for work in sorted(works, key=moment):
        queue.append((before[tenant(work)], moment(work), work))
        before[tenant(work)] += 1
    queue.sort(key=lambda one: one[:2])
    return [work for _, _, work in queue[:limit]]
