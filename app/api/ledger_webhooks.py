"""The doors for what the ledgers tell: raw ASGI endpoints that answer with a status alone.

Owns the order of checks and the answers of accounting.md 2.10 and 3.7. The same handler serves
Xero's intent to receive: rightly signed is 200, wrongly signed is 401, with or without events.
What a body says is read by `app/sync/ledger_events.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial

from starlette.routing import Route
from starlette.types import Receive, Scope

from app import telemetry
from app.api.problems import Problem, unavailable
from app.api.room import Room
from app.api.webhooks import (
    HEAD_BYTES,
    Background,
    Endpoint,
    InboxStore,
    accepted_span,
    body_of,
    headers_of,
)
from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.sync.ledger_events import Door

_log = telemetry.logger(__name__)


class LedgerDoors:
    """The endpoints."""

    def __init__(
        self, store: InboxStore, background: Background, doors: Iterable[Door], room: Room
    ) -> None:
        self._room = room
        self._store = store
        self._background = background
        self._doors = tuple(doors)

    def routes(self) -> list[Route]:
        return [
            Route(
                f"/webhooks/{door.system}",
                Endpoint(
                    partial(self.receive, door), source=door.system, room=self._room, bare=True
                ),
                name=f"receive_{door.system}",
            )
            for door in self._doors
        ]

    async def receive(self, door: Door, scope: Scope, receive: Receive) -> tuple[int, bytes]:
        headers = headers_of(scope)
        body = await body_of(headers, receive)
        if not door.holds(body, headers):
            cause = f"the signature in {door.header} does not fit the body"
            if not door.keys:
                cause = "no key is set for this webhook, so nothing is accepted"
            self._refuse(door, cause, body)
        deliveries = door.read(headers, body)
        try:
            async with asyncio.timeout(door.seconds):
                kept = await asyncio.gather(*(self._store.accept(one) for one in deliveries))
        except (StoreUnavailable, TimeoutError) as cause:
            # Both vendors come again; what was kept of the delivery counts once.
            raise unavailable() from cause
        for one, accepted in zip(deliveries, kept, strict=True):
            accepted_span(scope, one, accepted)
            if one.status == "rejected":
                # Answered with success: the same bytes would come again, and then no more at all.
                _log.warning("delivery_rejected", source=one.source, cause=one.cause)
        return 200, b""

    def _refuse(self, door: Door, cause: str, body: bytes) -> None:
        source, head = door.system, body[:HEAD_BYTES]
        self._background.note(
            lambda: self._store.note_unverified(source, Code.SIGNATURE_REFUSED, cause, head)
        )
        raise Problem(Code.SIGNATURE_REFUSED, cause, status=401)
