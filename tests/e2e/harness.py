"""The whole service in one process, against the sandbox over real HTTP.

Owns starting and stopping it, delivering events through the real intake, and stopping a worker
dead at a named point. Asserts nothing itself.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from app.bootstrap import Container, opened
from app.domain.books import Books
from app.domain.errors import StoreUnavailable
from app.main import create_app
from app.settings import Settings
from app.sync.worker import Worker
from sandbox.kit.serving import Server
from sandbox.observer import ROW_OF, Case, Finding, judge
from sandbox.server import SandboxServer

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ok!").decode()
ADMIN = "an-admin-key-for-tests"
# Requests of tests are a person's: the observer judges only the service's own.
PERSON = {"clientId": "00000000-0000-4000-8000-000000000000"}
CALLBACK_TOKEN = "an-unguessable-part"
# httpx reads the authorities' certificates anew for each client, 20 ms each time.
TLS = ssl.create_default_context()
Rest = dict[str, Any]
_WRITTEN = """
SELECT concat_ws(' ', (SELECT max(updated_at) FROM orders), (SELECT max(id) FROM journal_event),
    (SELECT max(id) FROM step_run), (SELECT max(seen_at) FROM fact))
"""


class Stopped(BaseException):
    """The worker died here. Nothing may catch it: a dead process records nothing."""


@dataclass
class Stops:
    """ports.Checkpoints that ends the worker at the first visit of a point of a step, or lets
    something happen meanwhile and goes on."""

    point: str | None = None
    step: str | None = None
    meanwhile: Callable[[], Awaitable[object]] | None = None
    happened: asyncio.Event = field(default_factory=asyncio.Event)
    visits: list[tuple[str, str]] = field(default_factory=list)

    async def reached(self, point: str, step: str, subject: str) -> None:
        self.visits.append((point, step))
        if self.happened.is_set() or (point, step) != (self.point, self.step):
            return
        self.happened.set()
        if self.meanwhile is None:
            raise Stopped
        await self.meanwhile()


class DyingWorker(Worker):
    """A worker whose process dies with the first Stopped: every other order stops as well."""

    died: asyncio.Event
    nudges: list[float]

    def nudge(self) -> None:
        self.nudges.append(self._clock.monotonic())
        super().nudge()

    async def _drive(self, drive: Any) -> None:
        try:
            await super()._drive(drive)
        except Stopped:
            self.died.set()


@dataclass
class Stack:
    """The running service. `client` speaks to its API, `cw` to the sandbox as the vendor's API."""

    container: Container
    sandbox: SandboxServer
    client: httpx.AsyncClient
    cw: httpx.AsyncClient
    stops: Stops
    worker: Worker | None = None
    task: asyncio.Task[None] | None = None
    ids: int = 0
    accepted: list[tuple[datetime, Mapping[str, Any]]] = field(default_factory=list)
    permitted: set[str] = field(default_factory=set)  # rules that a decision lifts: "D-7 1201"
    bound: dict[int, str] = field(default_factory=dict)  # row of the matrix by Commerce order
    ledger_log: Callable[[], Awaitable[list[Rest]]] | None = None
    nudges: list[float] = field(default_factory=list)

    async def start_worker(self) -> None:
        made = self.container.worker()
        worker = DyingWorker.__new__(DyingWorker)
        worker.__dict__.update(made.__dict__)
        worker.died = asyncio.Event()
        worker.nudges = self.nudges
        self.worker = worker
        self.task = asyncio.create_task(worker.run())

    async def kill_worker(self) -> None:
        """As kill -9: no release, no last commit; its database session ends."""
        assert self.task is not None
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Stopped):
            await self.task
        self.task = self.worker = None

    async def deliver(self, event: Mapping[str, Any], *, webhook_id: str | None = None) -> Rest:
        """Sign and post a Commerce event; the answer's body with its status."""
        self.ids += 1
        identity = webhook_id or f"msg_{os.getpid()}_{self.ids}"
        body = json.dumps(event).encode()
        sent = datetime.now(UTC)
        headers = signed(body, identity, int(self.container.wall().timestamp()))
        answer = await self.client.post("/webhooks/commerce", content=body, headers=headers)
        if answer.status_code == httpx.codes.ACCEPTED:
            self.accepted.append((sent, event))
        return {"status": answer.status_code, **answer.json()}

    async def order(self, number: str) -> Rest:
        answer = await self.client.get(f"/admin/orders/{number}", headers=bearer())
        found: Rest = answer.json()
        return found if answer.status_code == httpx.codes.OK else {"state": None, **found}

    async def until(
        self, number: str, wanted: Callable[[Rest], bool], seconds: float = 45.0
    ) -> Rest:
        """The order once it is as wanted; fails with its last state and journal."""
        last: Rest = {}
        written: object = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for look in itertools.count():
                    if self.task is not None and self.task.done():
                        self.task.result()  # a worker that ended by itself says why
                    # The whole answer only when there may be another, or time may have made one.
                    before, written = written, await self._written()
                    if written != before or look % 8 == 0:
                        last = await self.order(number)
                        if last.get("state") and wanted(last):
                            return last
                    await asyncio.sleep(0.04)
        journal = await self.client.get(f"/admin/orders/{number}/journal", headers=bearer())
        told = list(journal.json().get("items", []))[-15:]
        raise AssertionError(
            f"{number} never got there: {json.dumps(last, indent=1)[:4000]}\n"
            + "\n".join(json.dumps(entry)[:300] for entry in told)
        )

    async def _written(self) -> object:
        """Another value after each commit that could change an order's answer."""
        try:
            async with self.container.admin._db.session() as session:  # type: ignore[attr-defined]
                return await session.fetchval(_WRITTEN)
        except StoreUnavailable:
            return object()

    async def until_state(self, number: str, state: str, code: str | None = None) -> Rest:
        return await self.until(
            number,
            lambda o: o["state"] == state and (code is None or o["answer"]["code"] == code),
        )

    async def until_true(self, asked: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> None:
        """Wait until what is asked gives something true."""
        async with asyncio.timeout(seconds):
            while not await asked():
                await asyncio.sleep(0.05)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.cw.get(path, params={"pageSize": 1000, **params})
        answer.raise_for_status()
        return answer.json()

    async def requests(self) -> list[Rest]:
        """The sandbox's request log."""
        answer = await self.cw.get(f"{self.sandbox.control_url}/requests")
        return [json.loads(line) for line in answer.text.splitlines() if line]

    async def observed(self) -> list[Finding]:
        """What the outside observer finds wrong with all that the service did."""
        first = await self.cw.get(f"{self.sandbox.control_url}/first")
        log = await self.requests()
        service = self.sandbox.credentials.headers["clientId"]
        row = ROW_OF[self.container.settings.scenario]
        case = Case(self.accepted, log, first.json(), service, self.permitted, row, self.bound)
        if self.ledger_log is not None:
            case.books = await self.ledger_log()
        case.lost_on_decline = self.container.settings.lost_on_decline == "true"
        return judge(case)

    async def control(self, path: str, body: Any, method: str = "POST") -> Any:
        answer = await self.cw.request(method, f"{self.sandbox.control_url}/{path}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None


def signed(body: bytes, identity: str, timestamp: int, secret: str = SECRET) -> dict[str, str]:
    """Standard Webhooks headers."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{identity}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {ADMIN}"}


def settings(sandbox: SandboxServer, database_url: str, redis_url: str, **more: Any) -> Settings:
    """Settings of a service beside the sandbox, quick enough for tests."""
    credentials = sandbox.credentials
    values: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "demandlink_data_dir": Path(),
        "admin_api_key": ADMIN,
        "commerce_webhook_secrets": SECRET,
        "connectwise_url": sandbox.base_url,
        "connectwise_company": credentials.company,
        "connectwise_public_key": credentials.public_key,
        "connectwise_private_key": credentials.private_key,
        "connectwise_client_id": credentials.headers["clientId"],
        "connectwise_timeout": 2.0,
        "connectwise_sales_order_status_waiting": "Waiting for goods",
        "connectwise_sales_order_status_ready": "Ready to invoice",
        "connectwise_freight_item": "FREIGHT",
        "connectwise_surcharge_item": "SURCHARGE",
        "connectwise_coupon_item": "COUPON",
        "read_lag": 0.15,
        "poll_seconds": 0.3,
        "invoice_poll_seconds": 3600.0,
        "sweep_seconds": 0.2,
        "lease_seconds": 5.0,
        "quote_wait": 0.02,
        "receipt_gap": 0.02,
        "log_level": "WARNING",
    }
    return Settings(**{**values, **more})


@asynccontextmanager
async def _listening(port: socket.socket, app: FastAPI) -> AsyncIterator[None]:
    """The API on a port of its own, so that ConnectWise's callbacks reach it."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[port]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def running(
    database_url: str,
    redis_url: str,
    *,
    worker: bool = True,
    callbacks: bool = False,
    books: Books | None = None,
    **more: Any,
) -> AsyncIterator[Stack]:
    """The stack, with its worker unless told otherwise, with callbacks where asked for, and with
    a ledger where `books` is one."""
    stops = Stops()
    async with SandboxServer() as sandbox, AsyncExitStack() as exits:
        port = socket.create_server(("127.0.0.1", 0)) if callbacks else None
        if port is not None:
            more["public_url"] = f"http://127.0.0.1:{port.getsockname()[1]}"
            more["connectwise_callback_token"] = CALLBACK_TOKEN
        chosen = settings(sandbox, database_url, redis_url, **more)
        async with opened(chosen, checkpoints=stops, migrated=False) as container:
            if books is not None:
                engine = replace(container.engine, books=books)
                container = replace(container, engine=engine, books=books)  # noqa: PLW2901
                container.drift.comparison.books = books  # shared with `findings`
            app = create_app(container)
            if port is not None:
                await exits.enter_async_context(_listening(port, app))
                await container.keep_callbacks()
            transport = httpx.ASGITransport(app=app)
            async with (
                httpx.AsyncClient(transport=transport, base_url="http://service") as client,
                httpx.AsyncClient(
                    base_url=sandbox.base_url, headers={**sandbox.headers, **PERSON}, verify=TLS
                ) as cw,
            ):
                stack = Stack(container, sandbox, client, cw, stops)
                if worker:
                    await stack.start_worker()
                try:
                    yield stack
                    found = [str(finding) for finding in await stack.observed()]
                    assert not found, "the observer found:\n" + "\n".join(found)
                finally:
                    if stack.task is not None:
                        await stack.kill_worker()
