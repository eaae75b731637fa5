"""What a Xero webhook says, once its signature holds: which records changed, in which organisation.

Pure. An event is a hint; what stands in the record is read there (accounting.md 3.7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.connectors import wire_json

SIGNATURE_HEADER = "x-xero-signature"
WORDS = {"CREATE": "created", "UPDATE": "updated"}


class NotReadable(ValueError):
    """The body is verified, and no delivery of events."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One record that changed. Events have no id: one is made of what makes an event the same."""

    id: str
    tenant: str
    entity: str
    record_id: str
    operation: str
    at: str


def notices(body: bytes) -> list[Notice]:
    """The records that a verified body tells of; none in an intent to receive. Events that say
    nothing we understand are left out. Raises NotReadable."""
    try:
        raw = wire_json.loads(body)
    except wire_json.NotReadable as cause:
        raise NotReadable(str(cause)) from cause
    told = raw.get("events") if isinstance(raw, Mapping) else None
    if not isinstance(told, list):
        raise NotReadable("it has no list of events")
    return [found for event in told if (found := _of(event)) is not None]


def _of(event: Any) -> Notice | None:
    if not isinstance(event, Mapping):
        return None
    names = ("tenantId", "eventCategory", "resourceId", "eventType")
    tenant, category, record_id, word = (event.get(name) for name in names)
    if not (tenant and category and record_id and word):
        return None
    at = str(event.get("eventDateUtc", ""))
    told = "\n".join(map(str, (tenant, category, record_id, word, at)))
    return Notice(
        id=hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        tenant=str(tenant),
        entity=str(category).lower(),
        record_id=str(record_id),
        operation=WORDS.get(str(word), str(word).lower()),
        at=at,
    )
