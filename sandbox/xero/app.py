"""The Xero simulator as an ASGI application: clock, ids and network for the pure parts.

Owns nothing else: state and rules are in `model`, the wire in `http`, webhooks in `webhooks`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from sandbox.kit.asgi import Application
from sandbox.kit.background import Background
from sandbox.xero.http.api import ROOT, Api
from sandbox.xero.http.tokens import Credentials
from sandbox.xero.model import Books
from sandbox.xero.webhooks import TIMEOUT, Webhook


class XeroApplication(Application):
    """The ASGI application, with its parts in reach for tests that run it in process."""

    def __init__(self, api: Api, webhook: Webhook, background: Background) -> None:
        super().__init__(api, start=background.start, stop=background.stop)
        self.api = api
        self.books = api.books
        self.webhook = webhook

    def set_public_url(self, url: str) -> None:
        """The address under which clients reach this server, without a path."""
        self.webhook.base_url = f"{url.rstrip('/')}{ROOT}"

    @property
    def base_url(self) -> str:
        """Up to the accounting API's root."""
        return self.webhook.base_url


def wall_clock() -> datetime:
    return datetime.now(UTC)


def create_app(
    *,
    credentials: Credentials | None = None,
    public_url: str = "http://127.0.0.1:8080",
    now: Callable[[], datetime] = wall_clock,
    new_guid: Callable[[], str] = lambda: str(uuid.uuid4()),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> XeroApplication:
    """A simulator with its first records. `public_url` shows in the addresses of events."""
    app = credentials or Credentials()
    api = Api(Books(now=now, new_guid=new_guid), app)
    background = Background(TIMEOUT)
    webhook = Webhook(
        api.books, app.tenant_id, post=background.post, sleep=sleep, spawn=background.spawn
    )
    api.books.listeners.append(webhook.hear)
    api.control.subscribe = webhook.subscribe
    api.control.webhook = webhook.shown
    api.control.deliveries = webhook.deliveries
    application = XeroApplication(api, webhook, background)
    application.set_public_url(public_url)
    return application
