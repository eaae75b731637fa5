"""The QuickBooks simulator as an ASGI application: clock, ids and network for the pure parts.

Owns nothing else: state and rules are in `model`, the wire in `http`, notices in `webhooks`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from sandbox.kit.asgi import Application
from sandbox.kit.background import Background
from sandbox.quickbooks.http.api import Api
from sandbox.quickbooks.http.oauth import Registration
from sandbox.quickbooks.model import QuickBooks
from sandbox.quickbooks.webhooks import TIMEOUT, Sender


class QuickBooksApplication(Application):
    """The ASGI application, with its parts in reach for tests that run it in process."""

    def __init__(self, api: Api, sender: Sender, background: Background) -> None:
        super().__init__(api, start=background.start, stop=background.stop)
        self.api = api
        self.books = api.books
        self.sender = sender

    def set_public_url(self, url: str) -> None:
        """The address under which clients reach this server, without a path."""
        self.api.public_url = url.rstrip("/")


def wall_clock() -> datetime:
    return datetime.now(UTC)


def create_app(
    *,
    registration: Registration | None = None,
    now: Callable[[], datetime] = wall_clock,
    new_guid: Callable[[], str] = lambda: str(uuid.uuid4()),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> QuickBooksApplication:
    """A simulator with its first records."""
    registered = registration or Registration()
    books = QuickBooks(now=now, new_guid=new_guid, realm=registered.realm)
    api = Api(books, registered)
    background = Background(TIMEOUT)
    sender = Sender(
        books,
        registered.verifier_token,
        post=background.post,
        sleep=sleep,
        spawn=background.spawn,
    )
    books.world.listeners.append(sender.hear)
    api.control.deliveries = sender.deliveries
    return QuickBooksApplication(api, sender, background)
