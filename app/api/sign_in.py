"""Signing in to a ledger: where an admin begins it, and where the vendor sends a person back.

Owns the addresses and the page. The way back has no key: its state is one, good once and for ten
minutes. Rules are those of `app/sync/ledgers.py`; neither code nor token is shown or logged.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from app.api.auth import AdminRoute, Caller, Service
from app.api.lists import REFUSALS, refusal
from app.api.models import Model, ReasonIn
from app.api.problems import KINDS
from app.api.setup_models import ConnectionOut
from app.sync.operations import Refusal

router = APIRouter(prefix="/admin", tags=["set-up"], route_class=AdminRoute, responses=REFUSALS)
back = APIRouter(prefix="/oauth", tags=["set-up"])

Ledger = Literal["quickbooks", "xero"]
Word = Annotated[str, Query(max_length=4096)]
NAMES = {"quickbooks": "QuickBooks Online", "xero": "Xero"}
# The address holds a code: it must stay out of caches and of what other hosts are told.
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'",
}


class SignInOut(Model):
    address: str
    expires_at: datetime


@router.post("/connections/{ledger}/sign-in", operation_id="sign_in_to_ledger")
async def sign_in(ledger: Ledger, actor: Caller, service: Service) -> SignInOut:
    """The page that a person opens to let the service into the ledger. It works once."""
    begun = await service.ledgers.begin(actor, ledger)
    return SignInOut(address=begun.address, expires_at=begun.expires_at)


@router.post(
    "/connections/{ledger}/disconnect",
    operation_id="disconnect_ledger",
    responses={
        502: refusal("The ledger cannot be asked now; nothing changed (LEDGER_UNAVAILABLE).")
    },
)
async def disconnect(
    ledger: Ledger, body: ReasonIn, actor: Caller, service: Service
) -> ConnectionOut:
    """Give the consent back to the vendor and forget the tokens."""
    return ConnectionOut.of(await service.ledgers.disconnect(actor, ledger, body.reason))


@back.get(
    "/{ledger}/callback",
    operation_id="ledger_sign_in_callback",
    response_class=HTMLResponse,
    responses={
        409: {"description": "A page that says why nobody was signed in."},
        422: refusal("The address is not one that a ledger sends people to (REQUEST_NOT_VALID)."),
        502: {"description": "A page: the ledger did not answer as asked."},
        503: refusal("The database is away (DATABASE_UNAVAILABLE); begin again."),
    },
)
async def callback(
    ledger: Ledger,
    service: Service,
    state: Word = "",
    code: Word = "",
    realm: Annotated[str, Query(alias="realmId", max_length=64)] = "",
    error: Word = "",
) -> HTMLResponse:
    """Where the vendor sends a person back. Says in a page what came of it."""
    name = NAMES[ledger]
    try:
        company = await service.ledgers.finish(ledger, state, code=code, named=realm, error=error)
    except Refusal as refusal:
        title = f"{name} is not connected"
        return _page(KINDS[refusal.code].status, title, refusal.sentence)
    return _page(200, f"{name} is connected", f"{company.name}. You may close this page.")


def _page(status: int, title: str, sentence: str) -> HTMLResponse:
    content = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<h1>{escape(title)}</h1><p>{escape(sentence)}</p></html>"
    )
    return HTMLResponse(content, status, _HEADERS)
