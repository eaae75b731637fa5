"""Signing in to a ledger from the page of connections, and giving the consent back.

Owns these addresses; rules are those of `app/sync/ledgers.py`. The way back from the vendor is the API's.
"""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import PageRoute, actor_of, form_of, service
from app.console.pages import moved, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)

Ledger = Literal["quickbooks", "xero"]


@router.post("/connections/{ledger}/sign-in")
async def sign_in(request: Request, ledger: Ledger) -> Response:
    """The vendor's page to go to. A link and no redirect: forms of the console lead nowhere else."""
    parts = service(request)
    begun = await parts.ledgers.begin(actor_of(request), ledger)
    now = await parts.store.now()
    return render(request, "consent.html", ledger=ledger, begun=begun, now=now, live=None)


@router.post("/connections/{ledger}/disconnect")
async def disconnect(request: Request, ledger: Ledger) -> Response:
    """Give the consent back to the vendor and forget the tokens."""
    reason = form_of(request).get("reason", "")
    await service(request).ledgers.disconnect(actor_of(request), ledger, reason)
    return moved("/connections?notice=disconnected")
