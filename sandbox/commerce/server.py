"""Runs the Commerce simulator on a port of its own, inside this process. For tests."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Self

from sandbox.commerce.app import API_KEY, CommerceApplication, create_app
from sandbox.server import START_SECONDS, Server, server_config


class CommerceServer:
    """A running simulator: `async with CommerceServer() as commerce: ...`."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, api_key: str = API_KEY) -> None:
        self.api_key = api_key
        self.app: CommerceApplication = create_app(api_key=api_key)
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The API's base address, below which `/v1` and `/_sandbox` stand."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        listener = socket.create_server((self._host, self._port))
        # asyncio sets this only where it opened the socket; without it each answer waits 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        self._server = Server(server_config(self.app, self._host, self._port))
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
