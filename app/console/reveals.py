"""Forms that are answered with personal data: of a delivery, and of a call.

Owns these addresses. They answer with the page itself, which no cache keeps, and not with a way to
one: what was shown once is shown again only for another reason given.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from app.console import words
from app.console.guard import RevealRoute, actor_of, form_of, service
from app.console.pages import render
from app.console.work import EventId, Text, event_page

router = APIRouter(route_class=RevealRoute, include_in_schema=False)
NOTICE = "Personal data is shown; secrets are not. That you looked, and why, is in the audit log."
CallId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post("/inbox/{event_id}/reveal")
async def reveal_event(request: Request, event_id: EventId) -> Response:
    reason = form_of(request).get("reason", "")
    found = await service(request).reveals.event(actor_of(request), event_id, reason)
    return event_page(request, found.event, found.body, notice=NOTICE, revealed=True)


@router.post("/orders/{number:path}/calls/{call_id}/reveal")
async def reveal_call(
    request: Request, number: str, call_id: CallId, connection: Text = ""
) -> Response:
    found = await service(request).reveals.call(
        actor_of(request),
        number,
        call_id,
        form_of(request).get("reason", ""),
        connection or None,
    )
    address = words.order_address(found.order)
    return render(request, "call.html", found=found, address=address, notice=NOTICE, live=None)
