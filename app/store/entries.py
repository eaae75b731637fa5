"""A delivery at the door of a store: by what it counts once, and what becomes of a reused id.

Pure: every kind of store counts alike.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Self

from app.domain.codes import Code
from app.domain.records import Delivery
from app.store.texts import key

CONNECTWISE = "connectwise"
# Refused, unverified requests: how many are kept, and how many bytes of each.
RING = 500
RING_HEAD = 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """A delivery with what it counts by."""

    delivery: Delivery
    tenant_id: int
    connection_id: int
    seen_key: str
    body_hash: str

    @classmethod
    def of(cls, delivery: Delivery, tenant_id: int, connection_id: int) -> Self:
        body_hash = delivery.body_hash or hashlib.sha256(delivery.body).hexdigest()
        seen_key = key(delivery.external_id)
        if delivery.source == CONNECTWISE:
            # Its ids are never refused as reused: another body makes another key.
            seen_key = f"{seen_key}#{body_hash}"
        return cls(delivery, tenant_id, connection_id, seen_key, body_hash)


def as_reused(entry: Entry) -> Entry:
    """The entry as it is kept when its id came before with another body."""
    refused = replace(
        entry.delivery,
        status="rejected",
        code=Code.ID_REUSED,
        cause="The delivery's id was used before with another body.",
    )
    return replace(entry, delivery=refused)
