"""The doors for deliveries: Commerce events and ConnectWise callbacks, as raw ASGI endpoints.

Owns the order of checks and the answers of `contracts/http.md`, section In: nothing is answered
with success before it is committed, nothing unverified reaches the inbox. Must not interpret a
body (`app/sync/inbox.py` does) nor wait for the queue.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import ClientDisconnect
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from app import telemetry
from app.api import signatures
from app.api.problems import MEDIA_TYPE, RETRY_AFTER, Problem, crowded, unavailable
from app.api.room import Full, Room
from app.domain import traces
from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.ports import Wake
from app.domain.records import Accepted, Delivery
from app.sync import inbox
from app.telemetry import metrics, tracing

MAX_BODY = 1024 * 1024
HEAD_BYTES = 2048  # of an unverified request, at most what the ring is given
COMMIT_SECONDS = 10.0
CALLBACK_SECONDS = 4.5  # ConnectWise gives up after 5 and does not try again (2.4)
BACKGROUND_SECONDS = 5.0
MAX_NOTES = 32  # notes on their way to the ring; under a flood further ones are dropped
Work = Callable[[], Coroutine[Any, Any, None]]
_log = telemetry.logger(__name__)


class InboxStore(Protocol):
    """The part of the store that the doors need (see `ports.Store`)."""

    async def accept(self, delivery: Delivery) -> Accepted: ...

    async def note_unverified(self, source: str, code: Code, cause: str, head: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class CallbackDoor:
    """What the ConnectWise door needs. `verify` is told the body and its signature and answers
    the callback's id; an empty token means that the door is shut.
    """

    connection: str
    token: str
    verify: Callable[[bytes, str | None], Awaitable[inbox.CallbackCheck]]


@dataclass(frozen=True, slots=True)
class CommerceDoor:
    """Accepted secrets by connection; `default` is the one addressed without a name."""

    default: str
    secrets: Mapping[str, Sequence[str]]


class Background:
    """Work that no answer waits for: bounded, timed, and never the cause of a failure."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._waking: asyncio.Task[None] | None = None
        self._again = False
        self._notes: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Have the queue told. Many calls at once are told as one or two."""
        if self._waking is not None and not self._waking.done():
            self._again = True
            return
        self._waking = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while True:
            self._again = False
            await self._guarded("wake", self._wake.wake)
            if not self._again:
                return

    def note(self, work: Work) -> None:
        """Have something written down, or dropped when too much is waiting already."""
        if len(self._notes) >= MAX_NOTES:
            return
        task = asyncio.create_task(self._guarded("note_unverified", work))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _guarded(self, name: str, work: Work) -> None:
        try:
            async with asyncio.timeout(BACKGROUND_SECONDS):
                await work()
        except Exception as error:  # noqa: BLE001 - best effort: the answer is out already
            _log.warning("background_failed", work=name, error=type(error).__name__)

    async def drain(self) -> None:
        """Wait until nothing is left to do, at most one timeout."""
        waiting = {*self._notes, *([self._waking] if self._waking is not None else [])}
        if waiting:
            await asyncio.wait(waiting, timeout=BACKGROUND_SECONDS)


class Doors:
    """The endpoints. `wall` is the time by which a signature's age is measured."""

    def __init__(
        self,
        *,
        store: InboxStore,
        background: Background,
        wall: Callable[[], datetime],
        commerce: CommerceDoor,
        connectwise: CallbackDoor | None,
        room: Room,
    ) -> None:
        self._room = room
        self._store = store
        self._background = background
        self._wall = wall
        self._commerce = commerce
        self._connectwise = connectwise

    def routes(self) -> list[Route]:
        """Callables that are not functions are served by Starlette as raw ASGI endpoints."""
        room = self._room
        commerce = Endpoint(self.commerce, source=inbox.COMMERCE, room=room)
        connectwise = Endpoint(self.connectwise, source=inbox.CONNECTWISE, room=room)
        return [
            Route("/webhooks/commerce", commerce, name="receive_commerce"),
            Route("/webhooks/commerce/{connection}", commerce, name="receive_commerce_named"),
            Route("/webhooks/connectwise/{token}", connectwise, name="receive_connectwise"),
        ]

    async def commerce(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        connection = scope["path_params"].get("connection", self._commerce.default)
        secrets = self._commerce.secrets.get(connection)
        if secrets is None:
            detail = "Post to /webhooks/commerce, or to the name of a connection of this service."
            raise Problem("CONNECTION_UNKNOWN", detail)
        headers = headers_of(scope)
        body = await body_of(headers, receive)
        verified = signatures.verify(secrets, headers, body, self._wall())
        if isinstance(verified, signatures.Refused):
            raise self._unverified(inbox.COMMERCE, verified.code, verified.cause, body)
        delivery = inbox.read_commerce(connection, verified.id, headers, body)
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                accepted = await self._store.accept(delivery)
        except (StoreUnavailable, TimeoutError) as cause:
            raise unavailable() from cause
        accepted_span(scope, delivery, accepted)
        return self._answer(delivery, accepted)

    async def connectwise(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        door = self._connectwise
        headers = headers_of(scope)
        body = await body_of(headers, receive)
        given = str(scope["path_params"]["token"]).encode("utf-8", "replace")
        if door is None or not door.token:
            cause = "no callback token is set, so callbacks are refused"
            raise self._unverified(inbox.CONNECTWISE, Code.SIGNATURE_REFUSED, cause, body)
        if not hmac.compare_digest(door.token.encode(), given):
            cause = "the address does not end with the callback token"
            raise self._unverified(inbox.CONNECTWISE, Code.SIGNATURE_REFUSED, cause, body)
        try:
            async with asyncio.timeout(CALLBACK_SECONDS):
                checked = await door.verify(body, headers.get("x-content-signature"))
                delivery = self._checked(door, checked, headers, body)
                accepted = await self._store.accept(delivery)
        except Problem:
            raise
        except (StoreUnavailable, TimeoutError) as cause:
            raise unavailable(429) from cause
        except Exception as cause:
            # ConnectWise never repeats what was answered with a 5xx, so even our own fault
            # must not be one (connectwise.md 2.4).
            _log.exception("callback_failed")
            raise unavailable(429) from cause
        accepted_span(scope, delivery, accepted)
        return self._answer(delivery, accepted)

    def _checked(
        self,
        door: CallbackDoor,
        checked: inbox.CallbackCheck,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Delivery:
        if checked.refused is not None:
            cause = checked.refused
            raise self._unverified(inbox.CONNECTWISE, Code.SIGNATURE_REFUSED, cause, body)
        if checked.unreachable is not None:
            detail = f"{checked.unreachable}. Send the callback again."
            raise Problem("KEY_UNREACHABLE", detail, headers={"retry-after": RETRY_AFTER})
        return inbox.read_callback(door.connection, checked.id, headers, body)

    def _answer(self, delivery: Delivery, accepted: Accepted) -> tuple[int, bytes]:
        if accepted.reused:
            detail = (
                f"The id {delivery.external_id} came before with another body. "
                "Deliver again with a new id."
            )
            raise Problem("ID_REUSED", detail, status=409, more={"event_id": accepted.event_id})
        if delivery.status == "rejected":
            _log.warning(
                "delivery_rejected",
                source=delivery.source,
                event_id=accepted.event_id,
                code=delivery.code,
                cause=delivery.cause,
            )
            detail = f"{delivery.cause}. Deliver again, corrected; the id may stay the same."
            code = str(delivery.code)
            raise Problem(code, detail, status=422, more={"event_id": accepted.event_id})
        if not accepted.duplicate and delivery.status == "new":
            self._background.wake()
        telemetry.wide(
            "delivery",
            level=logging.DEBUG,
            source=delivery.source,
            event_type=delivery.event_type,
            event_id=accepted.event_id,
            duplicate=accepted.duplicate,
            status=delivery.status,
            trace_id=traces.trace_id(delivery.headers.get(traces.HEADER)),
        )
        answer = {"event_id": accepted.event_id, "duplicate": accepted.duplicate}
        return 202, json.dumps(answer).encode()

    def _unverified(self, source: str, code: Code, cause: str, body: bytes) -> Problem:
        """Note a request that nobody vouches for, and refuse it."""
        head = body[:HEAD_BYTES]
        self._background.note(lambda: self._store.note_unverified(source, code, cause, head))
        return Problem(code, f"{cause[:1].upper()}{cause[1:]}.", status=401)


class Endpoint:
    """An ASGI endpoint around a handler: POST only, refusals as problems; `bare`: as their status
    alone."""

    def __init__(
        self,
        handle: Callable[[Scope, Receive], Awaitable[tuple[int, bytes]]],
        *,
        source: str,
        room: Room,
        bare: bool = False,
    ) -> None:
        self._handle = handle
        self._room = room
        self._source = source
        self._bare = bare

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["began"] = tracing.now()
        with metrics.DELIVERY_SECONDS.labels(self._source).time():
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _posted(scope)
            status, content = await self._admitted(scope, receive)
        except Problem as problem:
            more = [(name.encode(), value.encode()) for name, value in problem.headers.items()]
            content = b"" if self._bare else problem.content()
            await _send(send, problem.status, content, MEDIA_TYPE, more)
            self._count(problem.status)
        except ClientDisconnect:
            # Nobody is left to answer, and nothing was kept.
            return
        else:
            await _send(send, status, content, "application/json", [])
            self._count(status)

    async def _admitted(self, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        sender = f"{self._source}/{scope['path_params'].get('connection', '')}"
        try:
            with self._room.place(sender) as place:

                async def within() -> Message:
                    message = await receive()
                    place.grow(len(message.get("body", b"")))
                    return message

                return await self._handle(scope, within)
        except Full as full:
            metrics.SHED.labels(self._source).inc()
            _log.warning("delivery_shed", source=self._source)
            raise crowded(429 if self._source == inbox.CONNECTWISE else 503) from full

    def _count(self, status: int) -> None:
        metrics.DELIVERIES.labels(self._source, str(status)).inc()


def accepted_span(scope: Scope, delivery: Delivery, accepted: Accepted) -> None:
    """The delivery's span, for one that counts: a repeated one has the same and would be another's."""
    if tracing.on() and not accepted.duplicate and not accepted.reused:
        told = headers_of(scope).get(traces.HEADER)
        tracing.note(
            f"delivery {delivery.source}",
            delivery.headers.get(traces.HEADER),
            told,
            scope["began"],
            "server",
            demandlink__event_id=accepted.event_id,
            demandlink__event_type=delivery.event_type,
            demandlink__status=delivery.status,
        )


def _posted(scope: Scope) -> None:
    if scope["method"] != "POST":
        raise Problem("METHOD_NOT_ALLOWED", "Deliveries are posted.", headers={"allow": "POST"})


async def _send(
    send: Send, status: int, content: bytes, media_type: str, more: list[tuple[bytes, bytes]]
) -> None:
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(content)).encode()),
        *more,
    ]
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": content})


def headers_of(scope: Scope) -> dict[str, str]:
    """Names are lower case already (ASGI); of doubled ones the last counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def body_of(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The whole body. Raises Problem beyond 1 MiB, whether or not a length was announced."""
    announced = headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > MAX_BODY:
        raise _too_large()
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large() -> Problem:
    return Problem("BODY_TOO_LARGE", f"Send at most {MAX_BODY} bytes in one delivery.")
