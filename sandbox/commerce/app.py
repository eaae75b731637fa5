"""The Commerce simulator as an ASGI application: clock, ids and network for the pure parts."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from sandbox.commerce.api import Api
from sandbox.commerce.seed import first_records
from sandbox.commerce.shop import Shop
from sandbox.commerce.webhooks import TIMEOUT, Webhooks
from sandbox.kit.asgi import Application
from sandbox.kit.background import Background

API_KEY = "sandbox-commerce-key"


class CommerceApplication(Application):
    """The ASGI application, with its parts in reach for tests that run it in process."""

    def __init__(self, api: Api, webhooks: Webhooks, background: Background) -> None:
        super().__init__(api, start=background.start, stop=background.stop)
        self.api = api
        self.shop = api.shop
        self.webhooks = webhooks

    def set_public_url(self, url: str) -> None:
        """As for any simulator; no answer of this one carries an address."""


def wall_clock() -> datetime:
    return datetime.now(UTC)


def create_app(
    *,
    api_key: str = API_KEY,
    now: Callable[[], datetime] = wall_clock,
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> CommerceApplication:
    """A simulator with its first records."""
    shop = Shop(now)
    first_records(shop)
    background = Background(TIMEOUT)
    api = Api(shop, api_key)
    webhooks = Webhooks(
        shop, new_id=new_id, post=background.post, sleep=sleep, spawn=background.spawn
    )
    api.control.webhooks = webhooks
    return CommerceApplication(api, webhooks, background)
