"""What an answer or a failed call of QuickBooks means, as one of the failure kinds.

Owns the table of accounting.md 2.9: faults by code, whichever case their keys have and whatever
status carries them. Pure: it sends nothing and keeps nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from app.connectors import unanswered
from app.connectors.recording import masked
from app.connectors.unanswered import LONGEST_MESSAGE, in_doubt
from app.domain.errors import FailureKind, RemoteFailure, clamp_retry_after

# The documented pause after a 429, which names none itself (accounting.md 2.3).
THROTTLE_SECONDS = 60.0
REALM_IN_PATH = re.compile(r"^/v3/company/[^/]+")
ID_IN_PATH = re.compile(r"/\d+(?=/|$)")

AMBIGUOUS = "ambiguous"  # a fault after which nobody knows whether a write was done

# Fault codes. Those that are not here are refusals of the business.
CODES: Mapping[str, FailureKind | str] = {
    "120": FailureKind.UNAUTHENTICATED,  # the person who connected lost access
    "500": FailureKind.INVALID,  # no such operation
    "610": FailureKind.GONE,
    "2010": FailureKind.INVALID,
    "2020": FailureKind.INVALID,
    "2050": FailureKind.INVALID,
    "2090": FailureKind.INVALID,
    "2170": FailureKind.INVALID,
    "2500": FailureKind.REJECTED,
    "3001": FailureKind.RATE_LIMITED,
    "3100": FailureKind.UNAUTHENTICATED,
    "3200": FailureKind.UNAUTHENTICATED,
    "4000": FailureKind.INVALID,
    "4001": FailureKind.INVALID,
    "5010": FailureKind.CONFLICT,
    "5020": FailureKind.FORBIDDEN,  # not in the company's plan
    "6000": FailureKind.REJECTED,
    "6070": FailureKind.INVALID,
    "6140": FailureKind.EXISTS,
    "6190": FailureKind.UNAUTHENTICATED,  # the subscription ended: nothing there can be called
    "6200": FailureKind.REJECTED,
    "6210": FailureKind.REJECTED,
    "6240": FailureKind.EXISTS,
    "6430": FailureKind.REJECTED,
    "6540": FailureKind.REJECTED,
    "10000": AMBIGUOUS,
}
# The books are closed for that date (which of the two is said is not settled), or the transaction
# is in a deposit.
FROZEN = frozenset({"6200", "6210", "6540"})
STATUSES: Mapping[int, FailureKind] = {
    HTTPStatus.UNAUTHORIZED: FailureKind.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: FailureKind.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS: FailureKind.RATE_LIMITED,
}


SAYS_NOTHING = "QuickBooks answered with a fault that says nothing."
LONGEST_CODE = 40


@dataclass(frozen=True, slots=True)
class Fault:
    code: str
    message: str


def endpoint(method: str, path: str) -> str:
    """How an endpoint is named to people: without the company, its ids as {id}."""
    return f"{method} {ID_IN_PATH.sub('/{id}', REALM_IN_PATH.sub('', path))}"


def fault_in(body: Any) -> Fault | None:
    """The first fault of an answer, of any status. The gateway writes its keys in lower case."""
    if not isinstance(body, Mapping):
        return None
    fault = _get(body, "fault")
    found = _get(fault, "error") if isinstance(fault, Mapping) else None
    errors = (
        [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
    )
    if fault is None:
        return None
    if not errors:
        return Fault("", SAYS_NOTHING)
    said = [str(_get(errors[0], name) or "").strip() for name in ("message", "detail")]
    text = ": ".join(dict.fromkeys(part for part in said if part))
    code = str(_get(errors[0], "code") or "").lstrip("0")[:LONGEST_CODE]
    return Fault(code, masked(text)[:LONGEST_MESSAGE] or SAYS_NOTHING)


def _get(record: Mapping[str, Any], name: str) -> Any:
    return next((value for key, value in record.items() if str(key).lower() == name), None)


def of_transport(
    error: httpx.HTTPError | httpx.InvalidURL, method: str, path: str
) -> RemoteFailure:
    """No answer came: what is known about the request's fate."""
    return unanswered.no_answer("QuickBooks", error, method, endpoint(method, path))


def unreadable(method: str, path: str, status: int, why: str) -> RemoteFailure:
    """A 2xx answer that cannot be read: a write may have been carried out."""
    return unanswered.unreadable("QuickBooks", why, method, endpoint(method, path), status)


def invalid(method: str, path: str, why: str) -> RemoteFailure:
    """Our own check refused the request; nothing was sent."""
    return RemoteFailure(FailureKind.INVALID, why, endpoint=endpoint(method, path))


def stale(method: str, path: str) -> RemoteFailure:
    return RemoteFailure(
        FailureKind.CONFLICT,
        "Somebody changed the record meanwhile.",
        endpoint=endpoint(method, path),
    )


def of_answer(
    method: str,
    path: str,
    status: int,
    headers: Mapping[str, str],
    body: Any,
    *,
    by_id: bool,
) -> RemoteFailure:
    """An answer outside 2xx, or with a fault inside. `by_id`: the request goes to one record, so
    that 610 says that this one is gone; else it is something that the request refers to."""
    fault = fault_in(body) or Fault("", f"QuickBooks answered {status}.")
    kind = _kind(method, status, headers, fault, by_id=by_id)
    after = _retry_after(headers)
    if kind is FailureKind.RATE_LIMITED and after is None:
        after = THROTTLE_SECONDS
    message = fault.message
    if kind is FailureKind.UNAUTHENTICATED and fault.code != "6190":
        message = f"QuickBooks refuses the connection, which has to be made again: {message}"
    return RemoteFailure(
        kind,
        f"{message} (fault {fault.code})" if fault.code else message,
        endpoint=endpoint(method, path),
        status=status,
        retry_after=after,
        frozen=fault.code in FROZEN,
    )


def _kind(
    method: str, status: int, headers: Mapping[str, str], fault: Fault, *, by_id: bool
) -> FailureKind:
    found = CODES.get(fault.code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return FailureKind.RATE_LIMITED
    if status == HTTPStatus.SERVICE_UNAVAILABLE and method == "GET" and "retry-after" in headers:
        return FailureKind.RATE_LIMITED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return in_doubt(method)
    if found == AMBIGUOUS:
        return in_doubt(method)
    if found is FailureKind.GONE or (found is None and status == HTTPStatus.NOT_FOUND):
        return FailureKind.GONE if by_id else FailureKind.REJECTED
    if isinstance(found, FailureKind):
        return found
    return STATUSES.get(status, FailureKind.REJECTED)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return clamp_retry_after(float(headers.get("retry-after", "")), THROTTLE_SECONDS)
    except ValueError:
        return None
