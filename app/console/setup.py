"""Pages of the installation: connections, the doctor's findings, the audit log.

Owns these addresses and forms; what is paused, looked at and kept is the core's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import STATUS, PageRoute, actor_of, form_of, service
from app.console.pages import moved, render
from app.console.parts import Parts
from app.domain.grants import LEDGERS, advice
from app.settings import Settings
from app.sync.operations import Actor, Refusal
from app.sync.registration import WANTED

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Text = Annotated[str, Query(max_length=200)]
Cursor = Annotated[str | None, Query(max_length=500)]
ConnectionId = Annotated[int, Path(ge=1, le=2**63 - 1)]
NOTICES = {
    "paused": "Paused. Nothing is called through it until it is resumed.",
    "disconnected": "The consent is given back and its tokens are forgotten.",
    "resumed": "Resumed. The orders that waited for it go on.",
}


@router.get("/connections")
async def connections(request: Request, notice: Text = "") -> Response:
    """Every connection: open or paused, and until when somebody is signed in."""
    parts, actor = service(request), actor_of(request)
    rows = await parts.operations.connections(actor)
    settings = parts.settings
    return render(
        request,
        "connections.html",
        rows=rows,
        advice={row.id: advice(row.system, row.grant) for row in rows if row.system in LEDGERS},
        called="connectwise",
        ledgers=LEDGERS,
        budget=settings.commerce_calls_a_day if settings.polls_commerce else None,
        callbacks=_callbacks(settings),
        heard=await _newest(parts, actor, "connectwise"),
        taken=await _newest(parts, actor, "commerce"),
        now=await parts.store.now(),
        notice=NOTICES.get(notice),
        live="/live",
    )


def _callbacks(settings: Settings) -> Sequence[str]:
    """What ConnectWise is asked to tell; empty where nothing is registered and all is polled."""
    token = settings.connectwise_callback_token.get_secret_value()
    return WANTED if token and settings.public_url else ()


async def _newest(parts: Parts, actor: Actor, source: str) -> datetime | None:
    """When the newest delivery came in."""
    page = await parts.operations.events(actor, source, None, None, 1)
    return page.items[0].received_at if page.items else None


@router.post("/connections/{connection_id}/pause")
async def pause(request: Request, connection_id: ConnectionId) -> Response:
    reason = form_of(request).get("reason", "")
    await service(request).upkeep.pause(actor_of(request), connection_id, reason)
    return moved("/connections?notice=paused")


@router.post("/connections/{connection_id}/resume")
async def resume(request: Request, connection_id: ConnectionId) -> Response:
    reason = form_of(request).get("reason", "")
    await service(request).upkeep.resume(actor_of(request), connection_id, reason)
    return moved("/connections?notice=resumed")


@router.get("/doctor")
async def doctor(request: Request, run: Text = "") -> Response:
    """What the scenarios need, proven one by one. It asks the live systems only when told to."""
    checkup = await service(request).doctor.examine(actor_of(request)) if run else None
    return _doctor(request, checkup=checkup)


@router.post("/doctor/probe")
async def probe(request: Request) -> Response:
    """What only a write proves: made in ConnectWise and taken away again, then told."""
    form = form_of(request)
    company, vendor = form.get("company", "").strip(), form.get("vendor", "").strip()
    told = {"company": company, "vendor": vendor}
    try:
        checkup = await service(request).doctor.probe(actor_of(request), company, vendor)
    except Refusal as refusal:
        status = STATUS.get(refusal.code, 409)
        return _doctor(request, status, refused=refusal.sentence, **told)
    return _doctor(request, checkup=checkup, probed=True, **told)


def _doctor(request: Request, status: int = 200, /, **values: Any) -> Response:
    nothing = {"checkup": None, "probed": False, "refused": None, "company": "", "vendor": ""}
    return render(request, "doctor.html", status, live=None, **{**nothing, **values})


@router.get("/audit")
async def audit(request: Request, cursor: Cursor = None) -> Response:
    """Who changed what, the newest first."""
    parts, actor = service(request), actor_of(request)
    page = await parts.desk.audits(actor, cursor)
    return render(
        request,
        "audit.html",
        page=page,
        orders=await parts.desk.orders_of(actor, page.items),
        following=f"/audit?cursor={page.next}" if page.next else None,
        now=await parts.store.now(),
        live="/live" if cursor is None else None,
    )
