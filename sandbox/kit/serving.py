"""Runs a simulator on a port of its own, inside this process, over http or https.

Owns the uvicorn server's start and stop; for tests and demonstrations. Knows no vendor.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import uvicorn

from sandbox.kit.asgi import Receive, Scope, Send
from sandbox.kit.tls import Identity, identity

START_SECONDS = 10.0


class Servable(Protocol):
    """An ASGI application that shows its own address in what it answers."""

    def set_public_url(self, url: str) -> None: ...

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]: ...


App = TypeVar("App", bound=Servable)


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process belongs to somebody else."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Running(Generic[App]):
    """A running simulator: `async with Running(app) as site: ...`.

    `control_url` reaches up to `/_sandbox`. With `tls` it speaks https; a client has to trust
    `ca_file`, which is kept in `data_dir`, or lasts as long as the server where there is none.
    """

    def __init__(
        self,
        app: App,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        data_dir: Path | None = None,
    ) -> None:
        self.app = app
        self._host = host
        self._port = port
        self._server: Server | None = None
        self._task: asyncio.Task[None] | None = None
        self._tls = tls
        self._data_dir = data_dir
        self._identity: Identity | None = None
        self._kept = ExitStack()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    @property
    def ca_file(self) -> Path:
        """What a client has to trust. Only of a server with `tls` that runs."""
        if self._identity is None:
            raise RuntimeError("a server without tls has no certificate authority")
        return self._identity.ca_file

    @property
    def control_url(self) -> str:
        return f"{self.url}/_sandbox"

    async def __aenter__(self) -> Self:
        listener = socket.create_server((self._host, self._port))
        # asyncio sets this only where it opened the socket; without it each answer waits 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._port = listener.getsockname()[1]
        self.app.set_public_url(self.url)
        if self._tls:
            place = self._data_dir or Path(self._kept.enter_context(TemporaryDirectory()))
            self._identity = identity(place, datetime.now(UTC), (self._host,))
        self._server = Server(server_config(self.app, self._host, self._port, self._identity))
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
        self._kept.close()


def serve_together(served: Sequence[tuple[uvicorn.Config, socket.socket]]) -> None:
    """Serve each on its bound socket, in the foreground, until a signal ends all of them."""

    async def run() -> None:
        # The first one catches the signals; its end is the end of all.
        (config, listener), *others = served
        beside = [(Server(other), bound) for other, bound in others]
        tasks = [asyncio.create_task(server.serve(sockets=[bound])) for server, bound in beside]
        await uvicorn.Server(config).serve(sockets=[listener])
        for server, _ in beside:
            server.should_exit = True
        await asyncio.gather(*tasks)

    factory = served[0][0].get_loop_factory()
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=factory) as runner:
        runner.run(run())


def server_config(
    app: Servable, host: str, port: int, tls: Identity | None = None
) -> uvicorn.Config:
    """One process, no access log: the simulator keeps its own."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ws="none",
        ssl_certfile=tls.certificate if tls is not None else None,
        ssl_keyfile=tls.key if tls is not None else None,
    )
