"""What a QuickBooks webhook says, once its signature holds: which records changed, in which company.

Pure: the body is one of its two envelopes (accounting.md 2.10), signed as `body_signature` says. A notice is a hint; what stands in the record is read there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.connectors import wire_json
from app.connectors.quickbooks.translate.wire_names import ENTITIES
from app.domain.books import DocumentKind

SIGNATURE_HEADER = "intuit-signature"
TYPE = re.compile(r"qbo\.([a-z]+)\.([a-z]+)\.v\d+", re.IGNORECASE)
KINDS = {name.lower(): kind for kind, name in ENTITIES.items()}
# The words of the older envelope, as those of the newer say it.
WORDS = {"create": "created", "update": "updated", "delete": "deleted", "void": "voided"}


class NotReadable(ValueError):
    """The body is verified, and neither of the two envelopes."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One record that changed. `id` is the same when the vendor tells it again; `kind` None: a
    record that is no document of ours, named by `entity` in lower case."""

    id: str
    realm: str
    entity: str
    kind: DocumentKind | None
    record_id: str
    operation: str
    at: str


def notices(body: bytes) -> list[Notice]:
    """The records that a verified body tells of; one delivery may mix companies. Entries that say
    nothing we understand are left out. Raises NotReadable."""
    try:
        raw = wire_json.loads(body)
    except wire_json.NotReadable as cause:
        raise NotReadable(str(cause)) from cause
    if isinstance(raw, list):
        return [found for event in raw if (found := _of_event(event)) is not None]
    told = raw.get("eventNotifications") if isinstance(raw, Mapping) else None
    if not isinstance(told, list):
        raise NotReadable("it is neither a list of events nor one of notifications")
    return [found for each in told for found in _of_notification(each)]


def _of_event(event: Any) -> Notice | None:
    if not isinstance(event, Mapping):
        return None
    match = TYPE.fullmatch(str(event.get("type", "")))
    record_id, realm = event.get("intuitentityid"), event.get("intuitaccountid")
    if match is None or not record_id or not realm or not event.get("id"):
        return None
    entity = match.group(1).lower()
    return Notice(
        id=str(event["id"]),
        realm=str(realm),
        entity=entity,
        kind=KINDS.get(entity),
        record_id=str(record_id),
        operation=match.group(2).lower(),
        at=str(event.get("time", "")),
    )


def _of_notification(told: Any) -> list[Notice]:
    """The envelope from before 2026-07-31, whose entries have no id: one is made of what makes an
    entry the same."""
    change = told.get("dataChangeEvent") if isinstance(told, Mapping) else None
    entities = change.get("entities") if isinstance(change, Mapping) else None
    found = []
    for each in entities if isinstance(entities, list) else []:
        if not isinstance(each, Mapping) or not each.get("id") or not told.get("realmId"):
            continue
        entity, operation = (
            str(each.get("name", "")).lower(),
            str(each.get("operation", "")).lower(),
        )
        parts = (told["realmId"], entity, each["id"], operation, each.get("lastUpdated", ""))
        digest = hashlib.sha256(
            "\n".join(map(str, parts)).encode("utf-8", "surrogatepass")
        ).hexdigest()
        found.append(
            Notice(
                id=digest[:32],
                realm=str(told["realmId"]),
                entity=entity,
                kind=KINDS.get(entity),
                record_id=str(each["id"]),
                operation=WORDS.get(operation, operation),
                at=str(each.get("lastUpdated", "")),
            )
        )
    return found
