"""Callbacks: which registrations hear of a change, what they are sent, and the vendor's retries.

`Notices` decides and is pure; `Sender` sends, with waiting and the HTTP call injected. Deliveries
run side by side, so their order is not that of the changes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sandbox.connectwise.model import ConnectWise
from sandbox.connectwise.model.resources import RESOURCES
from sandbox.connectwise.model.rules.setup import CALLBACK_LEVELS
from sandbox.connectwise.model.store import Row
from sandbox.connectwise.model.world import Change
from sandbox.kit.wire import to_json

TIMEOUT = 5.0
RETRIED = {404, 409, 419, 429}
WAITS = (2.0, 4.0)
DISABLED_AFTER = timedelta(days=3)
REMEMBERED = 20_000
SIDE_BY_SIDE = 64

Post = Callable[[str, bytes, dict[str, str]], Awaitable[int]]
"""Posts a body; gives the status, 0 for a timeout or no connection."""


@dataclass(slots=True)
class Delivery:
    """One callback on its way: where to, what, and how each try went."""

    callback: int
    url: str
    payload: dict[str, Any]
    tries: list[int] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {
            "callback": self.callback,
            "url": self.url,
            "payload": self.payload,
            "tries": self.tries,
        }


def sign(signing_key: str, body: bytes) -> str:
    """The signature header: HMAC-SHA256 under the key's SHA-256, as Base64."""
    key = hashlib.sha256(signing_key.encode()).digest()
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


class Notices:
    """Turns committed changes into deliveries."""

    def __init__(self, psa: ConnectWise, key_url: Callable[[], str]) -> None:
        self.psa = psa
        self.key_url = key_url
        self.product_instance = psa.world.new_guid()
        self.partner = psa.world.new_guid()

    def of(self, changes: list[Change]) -> list[Delivery]:
        return [
            self._delivery(entry, resource.callback, change)
            for change in changes
            for resource in (RESOURCES.get(change.table),)
            if resource is not None and resource.callback
            for entry in self.psa.world.store.rows("callback")
            if self._hears(entry, resource.callback, change)
        ]

    def _hears(self, entry: Row, kind: str, change: Change) -> bool:
        if entry.get("inactiveFlag") or entry["type"] != kind:
            return False
        if entry.get("isSelfSuppressedFlag"):
            owner = self.psa.world.get("member", entry.get("memberId")) or {}
            if owner.get("identifier") == change.member:
                return False
        if entry["level"] == "owner":
            return True
        watched = CALLBACK_LEVELS[kind].get(entry["level"], "")
        row = change.after or change.before or {}
        return bool(watched) and names(row.get(watched), entry["objectId"])

    def _delivery(self, entry: Row, kind: str, change: Change) -> Delivery:
        payload = {
            "Action": change.action,
            "CallbackObjectRecId": entry["id"],
            "CompanyId": self.psa.company,
            "Entity": self._entity(change),
            "FromUrl": urlsplit(self.psa.base_url).netloc,
            "ID": change.record_id,
            "MemberId": change.member,
            "MessageId": self.psa.world.new_guid(),
            "Metadata": {"key_url": self.key_url()},
            "PartnerId": self.partner,
            "ProductInstanceId": self.product_instance,
            "Type": kind,
        }
        return Delivery(entry["id"], appended(entry["url"], change), payload)

    def _entity(self, change: Change) -> str | None:
        """A summary as JSON text: the plain fields, without references and lists."""
        if change.after is None:
            return None
        record = self.psa.show(change.table, change.after)
        summary = {
            name: value for name, value in record.items() if not isinstance(value, dict | list)
        }
        stamps = record["_info"]
        summary["_info"] = {name: stamps[name] for name in ("lastUpdated", "updatedBy")}
        return to_json(summary).decode()


def names(value: Any, number: int) -> bool:
    """Whether a stored field refers to a record; a list does when any of its elements does."""
    if isinstance(value, list):
        return any(names(each, number) for each in value)
    return bool((value.get("id") if isinstance(value, Mapping) else value) == number)


def appended(url: str, change: Change) -> str:
    """The record's id and the action go raw behind the registered address."""
    mark = "&" if "?" in url else "?"
    return f"{url}{change.record_id}{mark}action={change.action}"


class Sender:
    """Sends deliveries by the vendor's rules: 5 seconds, and two retries for four statuses."""

    def __init__(
        self,
        psa: ConnectWise,
        notices: Notices,
        signing_key: str,
        *,
        post: Post,
        sleep: Callable[[float], Awaitable[None]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self.psa = psa
        self.notices = notices
        self.signing_key = signing_key
        self.post = post
        self.sleep = sleep
        self.spawn = spawn
        self.sent: deque[Delivery] = deque(maxlen=REMEMBERED)
        self._failing_since: dict[int, datetime] = {}
        self._gate = asyncio.Semaphore(SIDE_BY_SIDE)

    def hear(self, changes: list[Change]) -> None:
        """The world's listener. A registration that was changed, so also one that was switched off
        or on again, has not failed yet."""
        for change in changes:
            if change.table == "callback":
                self._failing_since.pop(change.record_id, None)
        for delivery in self.notices.of(changes):
            self.sent.append(delivery)
            self.spawn(self.deliver(delivery))

    async def deliver(self, delivery: Delivery) -> None:
        for wait in (*WAITS, None):
            status = await self._try(delivery)
            delivery.tries.append(status)
            if 200 <= status < 300:
                self._failing_since.pop(delivery.callback, None)
                return
            if status not in RETRIED or wait is None:
                break
            await self.sleep(wait)
            if self.psa.world.switches.message_id_on_retry == "new":
                delivery.payload["MessageId"] = self.psa.world.new_guid()
        self._failed(delivery.callback)

    async def _try(self, delivery: Delivery) -> int:
        body = to_json(delivery.payload)
        headers = {
            "content-type": "application/json",
            "x-content-signature": sign(self.signing_key, body),
        }
        async with self._gate:
            return await self.post(delivery.url, body, headers)

    def _failed(self, callback: int) -> None:
        """Three days of failures without one success between switch a registration off."""
        now = self.psa.world.now()
        since = self._failing_since.setdefault(callback, now)
        if now - since >= DISABLED_AFTER and self.psa.world.get("callback", callback):
            with self.psa.world.write("system"):
                self.psa.world.change("callback", callback, inactiveFlag=True)

    def deliveries(self) -> list[dict[str, Any]]:
        return [delivery.shown() for delivery in self.sent]
