"""Webhooks: the intent to receive, thin events, their signature, and the vendor's retries.

Owns accounting.md 3.7. Waiting and the HTTP call are injected. Events say only what changed; the
receiver reads the record.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from sandbox.kit.wire import to_json
from sandbox.xero.model.books import Books, Change

TIMEOUT = 5.0
# At least once, for 24 hours; how often is not documented.
WAITS = (5.0, 30.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 54_000.0)
REMEMBERED = 20_000
CATEGORIES = {
    "contact": ("CONTACT", "Contacts"),
    "invoice": ("INVOICE", "Invoices"),
    "creditNote": ("CREDITNOTE", "CreditNotes"),
}
# Of these, the wrongly signed ones must be refused.
INTENTS = (True, False, False, True)

Post = Callable[[str, bytes, dict[str, str]], Awaitable[int]]
"""Posts a body; gives the status, 0 for a timeout or no connection."""


def sign(key: str, body: bytes) -> str:
    """The signature header: HMAC-SHA256 of the raw body, as Base64."""
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


@dataclass(slots=True)
class Delivery:
    """One post on its way: where to, what, and how each try went."""

    url: str
    payload: dict[str, Any]
    tries: list[int] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {"url": self.url, "payload": self.payload, "tries": self.tries}


class Webhook:
    """The webhook of the app, and what it was sent."""

    def __init__(
        self,
        books: Books,
        tenant_id: str,
        *,
        post: Post,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self.books = books
        self.tenant_id = tenant_id
        self.base_url = ""
        self.post = post
        self.sleep = sleep
        self.spawn = spawn
        self.url = ""
        self.key = ""
        self.status = "none"
        self.sequence = 0
        self.sent: deque[Delivery] = deque(maxlen=REMEMBERED)

    def shown(self) -> dict[str, Any]:
        """`status`: none, checking, ok, failed (the intent to receive) or disabled."""
        return {"url": self.url, "status": self.status, "last_event_sequence": self.sequence}

    def deliveries(self) -> list[dict[str, Any]]:
        return [delivery.shown() for delivery in self.sent]

    def subscribe(self, url: str, key: str) -> None:
        self.url, self.key, self.status = url, key, "checking"
        self.spawn(self._ask_intent(url, key))

    async def _ask_intent(self, url: str, key: str) -> None:
        """Several posts without events, some of them wrongly signed: 200 and 401 are expected."""
        right = True
        for good in INTENTS:
            payload = {
                "events": [],
                "firstEventSequence": 0,
                "lastEventSequence": 0,
                "entropy": self._entropy(),
            }
            body = to_json(payload)
            delivery = Delivery(url, payload)
            self.sent.append(delivery)
            status = await self._post(delivery, body, key if good else f"{key} but not quite")
            right = right and status == (200 if good else 401)
        if (url, key) == (self.url, self.key):
            self.status = "ok" if right else "failed"

    def hear(self, changes: list[Change]) -> None:
        """Committed changes become one delivery."""
        if self.status != "ok":
            return
        events = [event for change in changes for event in self._events(change)]
        if not events:
            return
        first = self.sequence + 1
        self.sequence += len(events)
        payload = {
            "events": events,
            "firstEventSequence": first,
            "lastEventSequence": self.sequence,
            "entropy": self._entropy(),
        }
        delivery = Delivery(self.url, payload)
        self.sent.append(delivery)
        self.spawn(self._deliver(delivery, self.key))

    def _events(self, change: Change) -> list[dict[str, Any]]:
        found = CATEGORIES.get(change.table)
        if found is None or change.after is None or self._is_payment(change):
            return []
        category, path = found
        return [
            {
                "resourceUrl": f"{self.base_url}/{path}/{change.record_id}",
                "resourceId": change.record_id,
                "tenantId": self.tenant_id,
                "tenantType": "ORGANISATION",
                "eventCategory": category,
                "eventType": "CREATE" if change.before is None else "UPDATE",
                "eventDateUtc": f"{self.books.moment():%Y-%m-%dT%H:%M:%S.%f}"[:-3],
            }
        ]

    def _is_payment(self, change: Change) -> bool:
        """A document that only payments touched, where those are not told."""
        if self.books.switches.payment_fires_webhook or change.before is None:
            return False
        after = change.after or {}
        quiet = {"Status", "FullyPaidOnDate", "UpdatedDateUTC"}
        return {after.get("Status"), change.before["Status"]} <= {"PAID", "AUTHORISED"} and all(
            after.get(name) == value for name, value in change.before.items() if name not in quiet
        )

    def _entropy(self) -> str:
        return self.books.new_guid().replace("-", "").upper()[:20]

    async def _deliver(self, delivery: Delivery, key: str) -> None:
        body = to_json(delivery.payload)
        if await self._post(delivery, body, key) == 200:
            return
        for seconds in WAITS:
            await self.sleep(seconds)
            if self.status != "ok":
                return
            if await self._post(delivery, body, key) == 200:
                return
        self.status = "disabled"

    async def _post(self, delivery: Delivery, body: bytes, key: str) -> int:
        headers = {"content-type": "application/json", "x-xero-signature": sign(key, body)}
        status = await self.post(delivery.url, body, headers)
        delivery.tries.append(status)
        return status
