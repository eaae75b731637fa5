"""The way in and out: the sign-in, the sign-out, and the files that pages load.

Owns the cookie. The key is read once and never kept: what stays is a session (`app/sync/keys.py`).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.console.guard import COOKIE, OpenRoute, OwnRoute, form_of, inside, known, service
from app.console.pages import STATIC, moved, render, static
from app.sync.keys import SESSION_SECONDS, Person

router = APIRouter(include_in_schema=False)
_open = APIRouter(route_class=OpenRoute)
_own = APIRouter(route_class=OwnRoute)
WRONG = "That key is not known here, or was withdrawn. Keys are made by `demandlink keys create`."
To = Annotated[str, Query(max_length=2000)]


@_open.get("/sign-in")
async def sign_in_page(request: Request, to: To = "/") -> Response:
    if await known(request) is not None:
        return moved(inside(to))
    return render(request, "sign_in.html", to=inside(to), wrong=None)


@_open.post("/sign-in")
async def sign_in(request: Request) -> Response:
    form, parts = form_of(request), service(request)
    to = inside(form.get("to", "/"))
    cookie = await parts.sessions.sign_in(form.get("key", "").strip())
    if cookie is None:
        return render(request, "sign_in.html", 401, to=to, wrong=WRONG)
    answer = moved(to)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="lax",
        secure=_secure(request),
    )
    return answer


def _secure(request: Request) -> bool:
    """Behind a proxy that ends TLS the request itself is plain: PUBLIC_URL says what people use."""
    public = service(request).settings.public_url.startswith("https://")
    return public or request.url.scheme == "https"


@_own.post("/sign-out")
async def sign_out(request: Request) -> Response:
    person: Person = request.state.person
    await service(request).sessions.sign_out(person, request.cookies.get(COOKIE, ""))
    answer = moved("/sign-in")
    answer.delete_cookie(COOKIE)
    return answer


@_open.get("/static/{name}")
async def file(name: str) -> Response:
    """Kept for ever by the browser: its address changes with its content."""
    try:
        content = static(name)
    except KeyError:
        raise HTTPException(404) from None
    kept = {
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }
    return Response(content, 200, kept, STATIC[name])


router.include_router(_open)
router.include_router(_own)
