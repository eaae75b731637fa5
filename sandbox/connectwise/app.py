"""The ConnectWise simulator as an ASGI application: clock, ids and network for the pure parts.

Owns nothing else: state and rules are in `model`, the wire in `http`, callbacks in `callbacks`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from sandbox.connectwise.callbacks import TIMEOUT, Notices, Sender
from sandbox.connectwise.http.api import Api, Credentials
from sandbox.connectwise.model import ConnectWise
from sandbox.kit.asgi import Application
from sandbox.kit.background import Background

CODEBASE = "v4_6_release"


class ConnectWiseApplication(Application):
    """The ASGI application, with its parts in reach for tests that run it in process."""

    def __init__(self, api: Api, sender: Sender, background: Background) -> None:
        super().__init__(api, start=background.start, stop=background.stop)
        self.api = api
        self.psa = api.psa
        self.sender = sender

    def set_public_url(self, url: str) -> None:
        """The address under which clients reach this server, without a path."""
        self.psa.base_url = f"{url.rstrip('/')}/{CODEBASE}/apis/3.0"


def wall_clock() -> datetime:
    return datetime.now(UTC)


def create_app(
    *,
    credentials: Credentials | None = None,
    public_url: str = "http://127.0.0.1:8080",
    now: Callable[[], datetime] = wall_clock,
    new_guid: Callable[[], str] = lambda: str(uuid.uuid4()),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> ConnectWiseApplication:
    """A simulator with its first records. `public_url` shows in links and key addresses."""
    login = credentials or Credentials()
    psa = ConnectWise(now=now, new_guid=new_guid, company=login.company)
    key_id, signing_key = new_guid(), new_guid()
    background = Background(TIMEOUT)
    api = Api(psa, login, signing_key=lambda given: signing_key if given == key_id else None)
    sender = Sender(
        psa,
        Notices(psa, lambda: api.key_url(key_id)),
        signing_key,
        post=background.post,
        sleep=sleep,
        spawn=background.spawn,
    )
    psa.world.listeners.append(sender.hear)
    api.control.deliveries = sender.deliveries
    application = ConnectWiseApplication(api, sender, background)
    application.set_public_url(public_url)
    return application
