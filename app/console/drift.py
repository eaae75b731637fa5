"""The page of what differs between the systems, each finding with its ways out.

Owns its addresses and forms; what is compared, settled and refused is the core's.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import PageRoute, Refused, actor_of, form_of, service
from app.console.pages import moved, render
from app.domain.drift import Standing, Way
from app.sync.findings import DOES

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=200)]
FindingId = Annotated[int, Path(ge=1, le=2**63 - 1)]
PAGE = 50
NOTICES = {
    "adopt": "Adopted: what stands there is taken as right.",
    "fix": "It is being mended; the next comparison says whether it was.",
    "ignore": "Ignored, while it is just this difference.",
    "sweep": "A worker compares from now on.",
}


@router.get("/drift")
async def drift(
    request: Request,
    standing: Text = "open",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    notice: Text = "",
) -> Response:
    """What differs, the newest first."""
    parts, actor = service(request), actor_of(request)
    wanted = next((one for one in Standing if one.value == standing), None)
    page = await parts.findings.listed(actor, standing=wanted, cursor=cursor, limit=PAGE)
    more = urlencode({"standing": standing, "cursor": page.next}) if page.next else None
    return render(
        request,
        "drift.html",
        page=page,
        view=await parts.findings.sweep(actor),
        standing=standing,
        standings=list(Standing),
        does=DOES,
        following=f"/drift?{more}" if more else None,
        now=await parts.store.now(),
        notice=NOTICES.get(notice),
        live="/live" if cursor is None else None,
    )


@router.post("/drift/sweep")
async def sweep(request: Request) -> Response:
    """Let a worker compare now."""
    await service(request).findings.ask(actor_of(request))
    return moved("/drift?notice=sweep")


@router.post("/drift/{finding_id}/settle")
async def settle(request: Request, finding_id: FindingId) -> Response:
    """Adopt, fix or ignore a finding."""
    form = form_of(request)
    way = next((one for one in Way if one.value == form.get("way")), None)
    if way is None:
        raise Refused(422, "That is no way out", "Load the page anew and take one of its buttons.")
    await service(request).findings.settle(
        actor_of(request), finding_id, way, form.get("reason", "")
    )
    return moved(f"/drift?notice={way.value}")
