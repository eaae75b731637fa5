"""Posts the events of changes, signed by Standard Webhooks, to the address that the switches name.

Owns signing and trying again: on no answer, 429 and 5xx, with the same id. The vendor has no
webhooks of its own; this stands for whoever posts them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from sandbox.commerce.shop import Shop
from sandbox.kit.wire import to_json

TIMEOUT = 5.0  # seconds that one try may take
WAITS = (0.5, 2.0, 8.0)
REMEMBERED = 20_000
Post = Callable[[str, bytes, dict[str, str]], Awaitable[int]]


@dataclass(slots=True)
class Told:
    """An event and how telling it went. No tries: it was never posted."""

    at: str
    event: dict[str, Any]
    id: str = ""
    tries: list[int] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {"t": self.at, "id": self.id, "event": self.event, "tries": self.tries}


def signed(secret: str, identity: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Webhooks:
    """Remembers every event, and posts it where an address is set."""

    def __init__(
        self,
        shop: Shop,
        *,
        new_id: Callable[[], str],
        post: Post,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self.shop = shop
        self.told: deque[Told] = deque(maxlen=REMEMBERED)
        self._new_id = new_id
        self._post = post
        self._sleep = sleep
        self._spawn = spawn

    def tell(self, events: list[dict[str, Any]]) -> None:
        switches = self.shop.switches
        for event in events:
            told = Told(self.shop.now().isoformat(), event, f"msg_{self._new_id()}")
            self.told.append(told)
            if switches.webhook_url and switches.post_webhooks:
                self._spawn(self.deliver(told, switches.webhook_url, switches.webhook_secret))

    async def deliver(self, told: Told, url: str, secret: str) -> None:
        body = to_json(told.event)
        for wait in (*WAITS, None):
            timestamp = int(self.shop.now().timestamp())
            status = await self._post(url, body, signed(secret, told.id, timestamp, body))
            told.tries.append(status)
            if wait is None or (status and status != 429 and status < 500):
                return
            await self._sleep(wait)
