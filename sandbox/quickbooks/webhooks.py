"""Webhooks: one delivery for each write, signed, with the vendor's retries (accounting.md 2.10).

`payload_of` is pure; `Sender` sends, with waiting and the HTTP call injected.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from sandbox.kit.wire import to_json
from sandbox.quickbooks.model import QuickBooks
from sandbox.quickbooks.model.world import Change

TIMEOUT = 3.0
WAITS = (20 * 60.0, 30 * 60.0, 50 * 60.0)
REMEMBERED = 20_000
WORDS = {"Create": "created", "Update": "updated", "Delete": "deleted", "Void": "voided"}
# The entities of this simulator that the vendor tells of.
TOLD = frozenset(
    [
        "Vendor",
        "Customer",
        "Item",
        "Account",
        "Term",
        "PurchaseOrder",
        "Bill",
        "VendorCredit",
        "Invoice",
        "Estimate",
        "BillPayment",
        "Payment",
    ]
)

Post = Callable[[str, bytes, dict[str, str]], Awaitable[int]]
"""Posts a body; gives the status, 0 for a timeout or no connection."""


@dataclass(slots=True)
class Delivery:
    """One body on its way, and how each try went."""

    url: str
    payload: Any
    tries: list[int] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {"url": self.url, "payload": self.payload, "tries": self.tries}


def sign(verifier_token: str, body: bytes) -> str:
    """The header `intuit-signature`: HMAC-SHA256 of the raw body, as Base64."""
    return base64.b64encode(
        hmac.new(verifier_token.encode(), body, hashlib.sha256).digest()
    ).decode()


def cloud_events(changes: list[Change], realm: str, new_guid: Callable[[], str]) -> Any:
    return [
        {
            "specversion": "1.0",
            "id": new_guid(),
            "source": "intuit.quickbooks",
            "type": f"qbo.{each.entity.lower()}.{WORDS[each.operation]}.v1",
            "datacontenttype": "application/json",
            "time": each.moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "intuitentityid": each.record_id,
            "intuitaccountid": realm,
            "data": {},
        }
        for each in changes
    ]


def legacy(changes: list[Change], realm: str) -> Any:
    """The envelope from before 2026-07-31."""
    entities = [
        {
            "name": each.entity,
            "id": each.record_id,
            "operation": each.operation,
            "lastUpdated": each.moment.astimezone(UTC).isoformat(timespec="milliseconds"),
        }
        for each in changes
    ]
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": entities}}]}


class Sender:
    """Sends to the one address of the app; after the last retry it sends no more."""

    def __init__(
        self,
        books: QuickBooks,
        verifier_token: str,
        *,
        post: Post,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self.books = books
        self.verifier_token = verifier_token
        self.post = post
        self.sleep = sleep
        self.spawn = spawn
        self.sent: deque[Delivery] = deque(maxlen=REMEMBERED)

    def hear(self, changes: list[Change]) -> None:
        """The world's listener."""
        switches = self.books.switches
        told = [each for each in changes if each.entity in TOLD]
        if switches.webhook_url is None or not told:
            return
        if switches.webhook_format == "legacy":
            payload = legacy(told, self.books.realm)
        else:
            payload = cloud_events(told, self.books.realm, self.books.world.new_guid)
        delivery = Delivery(switches.webhook_url, payload)
        self.sent.append(delivery)
        self.spawn(self.deliver(delivery))

    async def deliver(self, delivery: Delivery) -> None:
        body = to_json(delivery.payload)
        headers = {
            "content-type": "application/json",
            "intuit-signature": sign(self.verifier_token, body),
        }
        for wait in (*WAITS, None):
            status = await self.post(delivery.url, body, headers)
            delivery.tries.append(status)
            if 200 <= status < 300:
                return
            if wait is not None:
                await self.sleep(wait)
        if self.books.switches.webhook_url == delivery.url:
            self.books.configure({"webhook_url": None})

    def deliveries(self) -> list[dict[str, Any]]:
        return [delivery.shown() for delivery in self.sent]
