"""The page of alerts: what people were told, what waits to be told, and a test of where it goes.

Owns its addresses and form; what an alert is, and when it goes, is the core's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import PageRoute, actor_of, service
from app.console.pages import render
from app.sync.alerts import Tried
from app.sync.operations import Refusal

router = APIRouter(route_class=PageRoute, include_in_schema=False)

PAGE = 50
MEANS = {
    "waiting": "still to be sent",
    "over": "settled before every address had it",
}


@router.get("/alerts")
async def alerts(
    request: Request, cursor: Annotated[str | None, Query(max_length=500)] = None
) -> Response:
    """What was told, the newest first."""
    return await _page(request, cursor)


@router.post("/alerts/test")
async def test(request: Request) -> Response:
    """Send a test message to every address now, and say who took it."""
    try:
        tried = await service(request).alerts.test(actor_of(request))
    except Refusal as refusal:
        return await _page(request, status=409, refused=refusal.sentence)
    return await _page(request, tried=tried)


async def _page(
    request: Request,
    cursor: str | None = None,
    *,
    status: int = 200,
    tried: Sequence[Tried] = (),
    refused: str | None = None,
) -> Response:
    parts = service(request)
    page = await parts.alerts.list(actor_of(request), cursor, PAGE)
    return render(
        request,
        "alerts.html",
        status,
        page=page,
        means=MEANS,
        set_up=parts.alerts.set_up,
        quiet=parts.settings.alert_quiet_hours,
        zone=parts.settings.alert_time_zone,
        tried=tried,
        refused=refused,
        following=f"/alerts?cursor={page.next}" if page.next else None,
        now=await parts.store.now(),
        live=None,
    )
