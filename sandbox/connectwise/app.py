"""The ConnectWise simulator as an ASGI application: clock, ids and network for the pure parts.

Owns nothing else: state and rules are in `model`, the wire in `http`, callbacks in `callbacks`.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import aiohttp

from sandbox.connectwise.callbacks import TIMEOUT, Notices, Sender
from sandbox.connectwise.http.api import Api, Credentials
from sandbox.connectwise.model import ConnectWise
from sandbox.kit.asgi import Application

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


class Background:
    """The tasks and the HTTP client of the callback sender, living as long as the server."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))

    async def stop(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        if self._client is None:
            return 0
        try:
            async with self._client.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0


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
    background = Background()
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
