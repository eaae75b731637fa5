"""What each reason code means, which state it makes, who acts and what to do.

Owns the one table of reasons, in the order of `Code`; its parts are cut by what a reason is about.
Docs and the runbook are generated from it, so a code that is not here cannot be shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from app.domain.codes import Code
from app.domain.reasons import (
    buying,
    deliveries,
    drift,
    ends,
    failures,
    goods,
    invoicing,
    ledger,
    order,
    posting,
    selling,
)
from app.domain.reasons.reason import Reason

__all__ = ["CODES", "Reason"]

PARTS: tuple[Mapping[Code, Reason], ...] = (
    order.REASONS,
    selling.REASONS,
    buying.REASONS,
    goods.REASONS,
    invoicing.REASONS,
    ledger.REASONS,
    posting.REASONS,
    drift.REASONS,
    failures.REASONS,
    ends.REASONS,
    deliveries.REASONS,
)


def whole(parts: tuple[Mapping[Code, Reason], ...]) -> dict[Code, Reason]:
    """The parts as one closed table, in the order of `Code`. Raises ValueError, which is a fault of
    the source, where a code stands in two parts or in none."""
    standing = Counter(code for part in parts for code in part)
    if wrong := [code for code in Code if standing[code] != 1]:
        raise ValueError(f"not in exactly one part of the reasons: {', '.join(wrong)}")
    found = {code: reason for part in parts for code, reason in part.items()}
    return {code: found[code] for code in Code}


CODES: dict[Code, Reason] = whole(PARTS)
