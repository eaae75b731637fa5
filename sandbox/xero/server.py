"""Runs the Xero simulator on a port of its own, inside this process.

For tests and demonstrations; `sandbox.server` does the same for ConnectWise.
"""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Self

import uvicorn

from sandbox.server import START_SECONDS, Server
from sandbox.xero.app import XeroApplication, create_app
from sandbox.xero.http.tokens import Credentials


class XeroServer:
    """A running Xero simulator: `async with XeroServer() as xero: ...`.

    `url` is its origin: consent, tokens and connections hang there. `base_url` reaches up to the
    accounting API's root, `control_url` up to `/_sandbox`, `headers` authenticate as a person.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, credentials: Credentials | None = None
    ) -> None:
        self.credentials = credentials or Credentials()
        self.app: XeroApplication = create_app(credentials=self.credentials)
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        return self.app.base_url

    @property
    def control_url(self) -> str:
        return f"{self.url}/_sandbox"

    @property
    def headers(self) -> dict[str, str]:
        return self.credentials.headers

    async def __aenter__(self) -> Self:
        listener = socket.create_server((self._host, self._port))
        # asyncio sets this only where it opened the socket; without it each answer waits 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        self.app.set_public_url(self.url)
        self._server = Server(server_config(self.app))
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        async with asyncio.timeout(START_SECONDS):
            while not self._server.started:
                if self._task.done():
                    self._task.result()
                    raise RuntimeError("the simulator ended while starting")
                await asyncio.sleep(0.005)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await self._task


def server_config(app: XeroApplication) -> uvicorn.Config:
    """One process, no access log: the simulator keeps its own."""
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ws="none",
    )
