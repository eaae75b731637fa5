"""Admin REST: alerts that were sent or are still to be, and a test of where they go.

Owns addresses and forms; what an alert is, and when it goes, is `app/sync/alerts.py`'s.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS, Cursor, Limit, Listed, link_next
from app.api.models import Model
from app.domain.alerts import AlertRow

router = APIRouter(prefix="/admin", tags=["alerts"], route_class=AdminRoute, responses=REFUSALS)


class AlertOut(Model):
    """A change of state that somebody had to hear of."""

    id: int
    order: Annotated[str | None, Field(examples=["ON10001201"])]
    subject: Annotated[str, Field(examples=["order:17"])]
    code: Annotated[str, Field(examples=["MAPPING_MISSING"])]
    sentence: str
    who: Annotated[str, Field(examples=["purchasing"])]
    since: datetime
    state: Annotated[
        Literal["waiting", "sent", "over"],
        Field(description="`over`: it was no longer so before it was sent."),
    ]
    sent_at: datetime | None
    attempts: int
    trouble: Annotated[str | None, Field(description="Why it could not be sent when last tried.")]

    @classmethod
    def of(cls, row: AlertRow) -> AlertOut:
        one = row.alert
        return cls(
            id=row.id,
            order=one.order,
            subject=one.subject,
            code=one.code,
            sentence=one.sentence,
            who=one.who,
            since=one.since,
            state=row.state,
            sent_at=row.sent_at,
            attempts=row.attempts,
            trouble=row.trouble,
        )


class TriedOut(Model):
    """A place that a test message was sent to."""

    place: Annotated[str, Field(examples=["Slack"])]
    taken: bool


@router.get("/alerts", operation_id="list_alerts")
async def list_alerts(
    request: Request,
    response: Response,
    actor: Caller,
    service: Service,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Listed[AlertOut]:
    """The newest alerts, with those that are still to be sent."""
    page = await service.alerts.list(actor, cursor, limit)
    link_next(request, response, page.next)
    return Listed(items=[AlertOut.of(row) for row in page.items], next=page.next)


@router.post("/alerts/test", operation_id="test_alerts")
async def test_alerts(actor: Caller, service: Service) -> Listed[TriedOut]:
    """Send a test message to every address of ALERT_URLS now, quiet hours or not."""
    tried = await service.alerts.test(actor)
    return Listed(items=[TriedOut(place=one.place, taken=one.taken) for one in tried])
