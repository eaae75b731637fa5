"""Whether a page is still right: one stream of server-sent events for each page that is open.

Owns the pace. A stream asks one indexed question every two seconds and holds no connection of the
database between; it says only that something changed, and the page asks for itself anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from app.console.guard import PageRoute, actor_of, service
from app.console.pages import HEADERS
from app.domain.errors import StoreUnavailable
from app.domain.ports import Clock

router = APIRouter(route_class=PageRoute, include_in_schema=False)
SECONDS = 2.0
ALIVE_EVERY = 5  # looks between two signs of life, by which a browser that went away is noticed
MOST_LOOKS = 150  # then the browser asks anew, and has to be signed in still
Mark = Callable[[], Awaitable[str]]


@router.get("/live")
async def lists(request: Request) -> Response:
    parts, actor = service(request), actor_of(request)
    return _stream(request, lambda: parts.desk.mark(actor))


@router.get("/live/orders/{number:path}")
async def order(
    request: Request, number: str, connection: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    parts, actor = service(request), actor_of(request)
    row = await parts.operations.find(actor, number, connection or None)
    return _stream(request, lambda: parts.desk.mark(actor, row))


@router.get("/live/replay/{replay_id}")
async def replay(request: Request, replay_id: Annotated[str, Path(max_length=100)]) -> Response:
    parts, actor = service(request), actor_of(request)

    async def mark() -> str:
        progress = await parts.replays.status(actor, replay_id)
        return f"{progress.state}/{progress.settled}"

    return _stream(request, mark)


def _stream(request: Request, mark: Mark) -> Response:
    def over() -> bool:
        return bool(getattr(request.app.state, "stopping", False))

    headers = {**HEADERS, "x-accel-buffering": "no"}
    told = changes(mark, service(request).clock, over)
    return StreamingResponse(told, 200, headers, "text/event-stream")


async def changes(mark: Mark, clock: Clock, over: Callable[[], bool]) -> AsyncIterator[str]:
    """An event `changed` after each change. Ends when the database is away or the process stops: the
    browser comes back."""
    try:
        last = await mark()
        yield "retry: 3000\n\n"
        for look in range(1, MOST_LOOKS + 1):
            await clock.sleep(SECONDS)
            if over():
                return
            now = await mark()
            if now != last:
                last = now
                yield "event: changed\ndata: \n\n"
            elif look % ALIVE_EVERY == 0:
                yield ": alive\n\n"
    except StoreUnavailable:
        return
