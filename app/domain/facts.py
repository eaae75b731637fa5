"""Kinds of facts that have a meaning of their own, and how old a fact may be.

Owns the names; `records.Fact` is what is kept under them.
"""

from __future__ import annotations

INTERRUPTED = "interrupted"  # by step: when the claim found that a worker had ended over it
STALE_BEFORE = 2000  # a year: callbacks set the time of what was read to the epoch

# Facts that no read renews: a callback does not make them stale, and no poll asks for them.
LEDGER_HINT = "ledger_hint"
LEDGER_SEEN = "ledger_seen"
KEPT_FACTS: frozenset[str] = frozenset(
    {
        LEDGER_HINT,
        LEDGER_SEEN,
        "sales_order_seen",
        "purchase_order_moved",
        "status_written",
        "opportunity_left",
        "ticket_choice",
        "catalog identifier",
    }
)
