"""What an answer or a failed call of Commerce's API means, as one of the failure kinds.

Owns the vendor's table (commerce.md 1.1): an id that does not exist is 400, not 404. Pure. Every
call is a read, so nothing is ever in doubt.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

import httpx

from app.connectors import unanswered
from app.domain.errors import FailureKind, RemoteFailure, clamp_retry_after

BY_ID = re.compile(r"/\d+$")
KEY_REFUSED = "Commerce refuses the API key: check COMMERCE_API_KEY and COMMERCE_API_URL."


def endpoint(path: str) -> str:
    """How an endpoint is named to people."""
    return f"GET {BY_ID.sub('/{id}', path)}"


def of_transport(error: httpx.HTTPError | httpx.InvalidURL, path: str) -> RemoteFailure:
    """No answer came."""
    return unanswered.no_answer("Commerce", error, "GET", endpoint(path))


def unreadable(path: str, why: str) -> RemoteFailure:
    """A good answer that is not what the API describes."""
    return unanswered.unreadable("Commerce", why, "GET", endpoint(path), HTTPStatus.OK)


def of_answer(path: str, status: int, headers: Mapping[str, str]) -> RemoteFailure:
    """An answer outside 2xx. Its text is not kept: nothing documents what stands in it."""
    after = retry_after(headers)
    kind = _kind(path, status, after)
    message = KEY_REFUSED if kind is FailureKind.UNAUTHENTICATED else f"Commerce answered {status}."
    return RemoteFailure(kind, message, endpoint=endpoint(path), status=status, retry_after=after)


def _kind(path: str, status: int, after: float | None) -> FailureKind:
    if status == HTTPStatus.UNAUTHORIZED:
        return FailureKind.UNAUTHENTICATED
    if status == HTTPStatus.FORBIDDEN:
        return FailureKind.FORBIDDEN
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and after is not None
    ):
        return FailureKind.RATE_LIMITED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return FailureKind.TRANSIENT
    if status == HTTPStatus.BAD_REQUEST and BY_ID.search(path):
        return FailureKind.GONE
    return FailureKind.REJECTED


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, where the answer says them. The API's description does not promise the header."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return clamp_retry_after(seconds, 1.0)
