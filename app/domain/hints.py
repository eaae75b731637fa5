"""A callback about a record that no order is known to carry, as it is handed out to be read.

Owns the shape only: whose turn it is to be read is the store's, where it leads `app/sync/hints.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hint:
    """`id` is that of its inbox event; `body` says which record changed, and is not trusted."""

    id: int
    tenant_id: int
    event_type: str
    body: bytes
