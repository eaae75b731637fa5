"""From a verified webhook of a ledger to inbox rows, one for each record that changed.

Owns what a row says. A delivery may tell of many records, mix companies and come again in other
company; so a record's change counts once by its own id, and its row holds the notice, not the
delivery. A notice is a hint: nothing it says about content is trusted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.connectors.body_signature import holds
from app.connectors.quickbooks import webhooks as quickbooks
from app.connectors.xero import webhooks as xero
from app.domain.codes import Code
from app.domain.grants import QUICKBOOKS, XERO
from app.domain.records import Delivery
from app.settings import Settings, listed
from app.sync.inbox import clean, kept_headers

MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Door:
    """Where a ledger's webhooks come in. No keys: the door is shut. `seconds`: the vendor gives
    up a little later."""

    system: str
    connection: str
    header: str
    keys: Sequence[str]
    seconds: float

    def holds(self, body: bytes, headers: Mapping[str, str]) -> bool:
        return holds(body, headers.get(self.header, ""), self.keys)

    def read(self, headers: Mapping[str, str], body: bytes) -> list[Delivery]:
        """The notices of a verified body; one rejected row where it cannot be read."""
        try:
            told = _quickbooks(body) if self.system == QUICKBOOKS else _xero(body)
        except (quickbooks.NotReadable, xero.NotReadable) as cause:
            return [self._rejected(headers, body, str(cause))]
        # One delivery may tell the same change twice.
        return list({one["id"]: self._delivery(headers, one) for one in told}.values())

    def _delivery(self, headers: Mapping[str, str], notice: Mapping[str, str]) -> Delivery:
        event_type = f"{notice['entity']}.{notice['operation']}"
        body = json.dumps(notice).encode()
        return Delivery(
            source=self.system,
            connection=self.connection,
            external_id=notice["id"],
            event_type=clean(event_type[:MAX_NAME]),
            body=body,
            headers=kept_headers(headers, f"{self.system}:{notice['id']}", body),
            routing=clean(f"{notice['entity']}:{notice['record']}"[: 2 * MAX_NAME]),
        )

    def _rejected(self, headers: Mapping[str, str], body: bytes, why: str) -> Delivery:
        return Delivery(
            source=self.system,
            connection=self.connection,
            external_id=hashlib.sha256(body).hexdigest(),
            event_type="",
            body=body,
            headers=kept_headers(headers, self.system, body),
            routing=None,
            status="rejected",
            code=Code.BODY_NOT_VALID,
            cause=clean(f"the body cannot be read: {why}"),
        )


def _quickbooks(body: bytes) -> list[dict[str, str]]:
    return [
        _notice(one.id, one.realm, one.entity, one.record_id, one.operation, one.at)
        for one in quickbooks.notices(body)
    ]


def _xero(body: bytes) -> list[dict[str, str]]:
    return [
        _notice(one.id, one.tenant, one.entity, one.record_id, one.operation, one.at)
        for one in xero.notices(body)
    ]


def _notice(
    key: str, company: str, entity: str, record: str, operation: str, at: str
) -> dict[str, str]:
    return {
        "id": key,
        "company": company,
        "entity": entity,
        "record": record,
        "operation": operation,
        "at": at,
    }


def doors_of(settings: Settings, configured: str | None, connection: str) -> tuple[Door, ...]:
    """Both doors; the one of a ledger that is not set up is shut."""
    quickbooks_keys = listed(settings.quickbooks_webhook_tokens)
    xero_keys = listed(settings.xero_webhook_keys)
    return (
        Door(
            QUICKBOOKS,
            connection,
            quickbooks.SIGNATURE_HEADER,
            quickbooks_keys if configured == QUICKBOOKS else (),
            2.5,  # of 3
        ),
        Door(
            XERO,
            connection,
            xero.SIGNATURE_HEADER,
            xero_keys if configured == XERO else (),
            4.5,  # of 5
        ),
    )
