"""Who may see a page and send a form: sessions, scopes, and forms that only our pages can send.

Owns the route class under every page, so that none can be added without them, and how refusals and
failures look. Must not know what a page does.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app import telemetry
from app.console.pages import moved, render
from app.console.parts import Parts, parts_of
from app.domain.errors import StoreUnavailable
from app.sync.keys import ADMIN, READ, REVEAL, Person, may, may_not
from app.sync.operations import Actor, Refusal

COOKIE = "demandlink_session"
FORM = "form"  # the field that proves that a form is ours
MAX_FORM = 64 * 1024
Handler = Callable[[Request], Coroutine[Any, Any, Response]]
Answer = Callable[[Request, Any], Coroutine[Any, Any, Response]]


class Refused(Exception):
    """A page that says no: a title, and what to do."""

    def __init__(self, status: int, title: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.title = title
        self.sentence = sentence


class PageRoute(APIRoute):
    """A route that asks who it is before anything of the request is read."""

    needs = ADMIN  # the scope that a form needs; a page needs none but the sign-in's

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await _guarded(request, handle, self.needs)
            except Exception as error:  # noqa: BLE001 - what is no refusal is raised again
                return failed(request, error)

        return guarded


class OwnRoute(PageRoute):
    """A route for forms of whoever is signed in."""

    needs = READ


class RevealRoute(PageRoute):
    """A route for forms that are answered with personal data."""

    needs = REVEAL


class OpenRoute(APIRoute):
    """A route of the sign-in: a form is still taken from our own pages only."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                if request.method == "POST":
                    _same_site(request)
                    request.state.form = await read_form(request)
                return await handle(request)
            except Exception as error:  # noqa: BLE001 - what is no refusal is raised again
                return failed(request, error)

        return told


async def _guarded(request: Request, handle: Handler, needs: str) -> Response:
    person = await known(request)
    if person is None:
        if request.method == "GET" and "text/event-stream" in request.headers.get("accept", ""):
            return Response(status_code=204)  # tells the browser not to ask again
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        back = f"?to={quote(target, safe='')}" if request.method == "GET" and target != "/" else ""
        return moved(f"/sign-in{back}")
    request.state.person = person
    if request.method == "POST":
        _same_site(request)
        request.state.form = form = await read_form(request)
        if not hmac.compare_digest(form.get(FORM, "").encode(), person.form.encode()):
            raise Refused(
                403, "This form is too old", "Go back, load the page anew, and try again."
            )
        if not may(person.key, needs):
            raise Refused(403, "Not with this key", may_not(person.key, needs))
    request.state.correlation_id = token = parts_of(request).ids.token()
    with telemetry.correlated(token, actor=person.key.name):
        return await handle(request)


async def known(request: Request) -> Person | None:
    """Who is signed in."""
    return await parts_of(request).sessions.person(request.cookies.get(COOKIE, ""))


def _same_site(request: Request) -> None:
    """What a browser says of where a form comes from. One that says nothing needs the field."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "")
    elsewhere = origin not in ("", "null") and urlsplit(origin).netloc != request.headers.get(
        "host"
    )
    if site not in ("same-origin", "none") or elsewhere:
        raise Refused(403, "Not from here", "This form came from another site; nothing was done.")


async def read_form(request: Request) -> dict[str, str]:
    """Fields of a form, each once."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            raise Refused(413, "Too much", "The form is larger than 64 KiB.")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise Refused(422, "Not readable", "The form cannot be read.") from error
    return {name: values[-1] for name, values in fields.items()}


STATUS = {"NOT_FOUND": 404, "REQUEST_NOT_VALID": 422, "CHOICE_NOT_KNOWN": 422}


def failed(request: Request, error: Exception) -> Response:
    """The page of a refusal or a failure. Raises what is neither."""
    match error:
        case Refused():
            status, title, sentence = error.status, error.title, error.sentence
        case Refusal(code=code):
            status = STATUS.get(code, 409)
            title = "There is no such thing here" if status == 404 else "That cannot be done now"
            sentence = error.sentence
        case StoreUnavailable():
            status, title = 503, "The database is away"
            sentence = "Nothing was lost and nothing was done. Try again in a few seconds."
        case RequestValidationError():
            status, title = 422, "That address is not right"
            sentence = "A part of the address cannot be read. Take the link from a page."
        case HTTPException(status_code=404 | 405):
            status, title = error.status_code, "There is no such page"
            sentence = "The address leads nowhere. Search for an order, or start at the front page."
        case _:
            raise error
    missing = status == 404 and request.method == "GET"
    return render(request, "refused.html", status, title=title, sentence=sentence, missing=missing)


def or_page(otherwise: Answer) -> Answer:
    """An address that nobody serves, or what failed: a page for a browser, the interface's own answer
    for others."""

    async def answer(request: Request, error: Any) -> Response:
        wanted = "text/html" in request.headers.get("accept", "")
        if wanted and not isinstance(error, HTTPException):
            told = await otherwise(request, error)  # it writes the log
            name = getattr(request.state, "correlation_id", None) or request.url.path
            sentence = f"It stands in the service's log under {name}. Load the page anew."
            title = "This page failed"
            return render(request, "refused.html", told.status_code, title=title, sentence=sentence)
        # An address that only takes forms is asked for where somebody loads it anew.
        missing = isinstance(error, HTTPException) and error.status_code in (404, 405)
        if wanted and missing and request.method == "GET":
            try:
                request.state.person = await known(request)
            except StoreUnavailable as away:
                return failed(request, away)
            return failed(request, error)
        return await otherwise(request, error)

    return answer


def actor_of(request: Request) -> Actor:
    person: Person = request.state.person
    return Actor(person.key.tenant_id, person.key.name)


def service(request: Request) -> Parts:
    return parts_of(request)


def form_of(request: Request) -> dict[str, str]:
    fields: dict[str, str] = request.state.form
    return fields


def wrong_of(refusal: Refusal | None) -> Mapping[str, str]:
    """What a refusal says of single fields, by their name; of the others nothing."""
    fields = refusal.more.get("fields", {}) if refusal is not None else {}
    return defaultdict(str, fields)


def given_reason(form: Mapping[str, str]) -> str:
    """Why a person does it. Raises Refusal: a form of ours asks for it."""
    if not (reason := form.get("reason", "").strip()):
        said = "say why, in a few words"
        raise Refusal("REQUEST_NOT_VALID", f"reason: {said}.", fields={"reason": said})
    return reason


def inside(target: str) -> str:
    """An address of ours to go on to; anything else is the front page."""
    parsed = urlsplit(target)
    ours = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if ours and not parsed.netloc and "\\" not in target else "/"
