"""Admin REST: every delivery that came in, rejected ones with their cause.

Owns the addresses and forms of `contracts/http.md` for events. Bodies are shown redacted.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS, Cursor, Limit, Listed, link_next
from app.api.models import EventOut, EventSummary, ReasonIn
from app.domain.reasons import CODES
from app.domain.records import InboxEvent
from app.domain.views import Unverified
from app.sync.operations import shown

UNVERIFIED = "unverified"
EventId = Annotated[int, Path(ge=1, le=2**63 - 1)]

router = APIRouter(
    prefix="/admin/events", tags=["events"], route_class=AdminRoute, responses=REFUSALS
)


@router.get("", operation_id="list_events")
async def list_events(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    source: Annotated[str | None, Query(max_length=50, examples=["commerce"])] = None,
    status: Annotated[
        str | None,
        Query(
            max_length=50,
            examples=["rejected"],
            description="As in the answers; `unverified` lists the ring of refused requests.",
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[EventSummary]:
    """Deliveries, newest first."""
    if status == UNVERIFIED:
        ring = await service.operations.unverified(source, cursor, limit)
        link_next(request, response, ring.next)
        return Listed(items=[_unverified(entry) for entry in ring.items], next=ring.next)
    page = await service.operations.events(actor, source, status, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[EventSummary.of(event) for event in page.items], next=page.next)


@router.get("/{event_id}", operation_id="get_event")
async def get_event(event_id: EventId, actor: Caller, service: Service) -> EventOut:
    """One delivery with its body, redacted."""
    return _whole(await service.operations.event(actor, event_id))


@router.post("/{event_id}/replay", operation_id="replay_event")
async def replay_event(
    event_id: EventId, body: ReasonIn, actor: Caller, service: Service
) -> EventOut:
    """Merge a delivery that was rejected, unhandled, deferred or dropped, if it can be merged by
    the present rules. One that was merged is not merged again: replay its order."""
    return _whole(await service.upkeep.replay_event(actor, event_id, body.reason))


def _whole(event: InboxEvent) -> EventOut:
    summary = EventSummary.of(event).model_dump()
    return EventOut(**summary, size=len(event.body), body=shown(event.body))


def _unverified(entry: Unverified) -> EventSummary:
    return EventSummary(
        id=None,
        source=entry.source,
        connection=None,
        external_id=None,
        type=None,
        status=UNVERIFIED,
        code=entry.code,
        cause=entry.cause,
        remedy=CODES[entry.code].remedy,
        received_at=entry.at,
    )
