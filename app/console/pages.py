"""How a page is made: templates with everything escaped, and the headers that fence it in.

Owns the Content-Security-Policy: own style and script files only, nothing inline, no other host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app.console import words
from app.sync.keys import Person

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "sse.min.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
    # Named by the style sheet, without the hash of their content: another font gets another name.
    "inter.woff2": "font/woff2",
    "inter-ext.woff2": "font/woff2",
}


@cache
def static(name: str) -> bytes:
    """A file that pages load. Raises KeyError."""
    if name not in STATIC:
        raise KeyError(name)
    return resources.files("app.console").joinpath("static", name).read_bytes()


def asset(name: str) -> str:
    """Its address, another one for each content, so that it may be kept for ever."""
    return f"/static/{name}?{hashlib.sha256(static(name)).hexdigest()[:12]}"


@cache
def templates() -> jinja2.Environment:
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("app.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["asset"] = asset
    found.globals["state_word"] = words.state_word
    found.globals["titled"] = words.titled
    for name in (
        "ago",
        "clock",
        "coded",
        "dated",
        "day",
        "days_until",
        "found_word",
        "grouped",
        "iso",
        "lately",
        "moment",
        "order_address",
        "order_path",
        "plain",
        "pretty",
        "scenario_word",
        "shape",
        "short",
        "size",
        "span",
        "state_word",
        "system_word",
        "titled",
        "who_word",
    ):
        found.filters[name] = getattr(words, name)
    return found


def render(request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
    """A page. `person` is who reads it, None before the sign-in."""
    person: Person | None = getattr(request.state, "person", None)
    text = (
        templates()
        .get_template(template)
        .render(
            person=person,
            path=request.url.path,
            notice=values.pop("notice", None),
            **values,
        )
    )
    # Other people's texts may hold half characters, which no encoding has.
    return HTMLResponse(text.encode(errors="replace"), status, HEADERS)


def moved(to: str) -> Response:
    """After a form: the browser asks anew, and going back sends nothing twice."""
    return RedirectResponse(to, 303, HEADERS)
