"""What an answer or a failed call of ConnectWise means, as one of the failure kinds.

Owns the table of `design.md`, section 2, for this vendor, and its known messages. Pure: it sends
nothing and keeps nothing; what follows from a kind is the engine's part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from app.connectors import unanswered, wire_json
from app.connectors.recording import masked
from app.connectors.unanswered import LONGEST_MESSAGE
from app.domain.errors import FailureKind, RemoteFailure, clamp_retry_after

# Refusals that pass by themselves (connectwise.md 3.3 and 4.2: stock lags behind its receipt).
PASSING = re.compile(r"\b0 items on hand\b", re.IGNORECASE)
# connectwise.md 3.1: a won or lost opportunity is frozen, and so is what stands on it.
FROZEN = re.compile(r"\bis closed and cannot be (edited|changed|modified)\b", re.IGNORECASE)
ID_IN_PATH = re.compile(r"/\d+(?=/|$)")
AGAIN_IN = re.compile(r"try again in (\d{1,5}) seconds?", re.IGNORECASE)

PLAIN: Mapping[int, FailureKind] = {
    HTTPStatus.UNAUTHORIZED: FailureKind.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: FailureKind.FORBIDDEN,
    HTTPStatus.CONFLICT: FailureKind.CONFLICT,
}

# The role permission that an endpoint needs (connectwise.md 3.6), longest path first.
PERMISSIONS = (
    ("/system/reports", "System > API Reports"),
    ("/system/members", "System > Member Maintenance"),
    ("/system", "System > Table Setup"),
    # A set-up table as the others of /system are; no source names its permission [INFER].
    ("/procurement/settings", "System > Table Setup"),
    ("/procurement/purchasingDemands", "Procurement > Purchasing Demand"),
    ("/procurement/purchaseorders", "Procurement > Purchase Orders"),
    ("/procurement/products", "Procurement > Products"),
    ("/procurement", "Procurement > Product Catalog"),
    ("/sales/orders", "Sales > Sales Orders"),
    ("/sales", "Sales > Opportunity and Sales > Closed Opportunity"),
    ("/company/contacts", "Companies > Contacts"),
    ("/company", "Companies > Company Maintenance"),
    ("/finance", "Finance > Invoicing"),
    ("/service", "Service Desk > Service Tickets"),
)


def endpoint(method: str, path: str) -> str:
    """How an endpoint is named to people: its ids as {id}."""
    return f"{method} {ID_IN_PATH.sub('/{id}', path)}"


def names_a_record(path: str) -> bool:
    """Whether a path goes through a record's id, so that 404 can mean that it is gone."""
    return ID_IN_PATH.search(path) is not None


def of_transport(
    error: httpx.HTTPError | httpx.InvalidURL, method: str, path: str
) -> RemoteFailure:
    """No answer came: what is known about the request's fate."""
    return unanswered.no_answer("ConnectWise", error, method, endpoint(method, path))


def unreadable(method: str, path: str, status: int, why: str) -> RemoteFailure:
    """A 2xx answer that cannot be read: a write may have been carried out."""
    return unanswered.unreadable("ConnectWise", why, method, endpoint(method, path), status)


def invalid(method: str, path: str, why: str) -> RemoteFailure:
    """Our own check refused the request; nothing was sent."""
    return RemoteFailure(FailureKind.INVALID, why, endpoint=endpoint(method, path))


def unauthenticated(method: str, path: str, status: int) -> RemoteFailure:
    return RemoteFailure(
        FailureKind.UNAUTHENTICATED,
        "ConnectWise refuses the credentials: check company, keys, client id and address.",
        endpoint=endpoint(method, path),
        status=status,
    )


def of_answer(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> RemoteFailure:
    """An answer outside 2xx. A 404 is given as GONE or REJECTED; the client then asks
    /system/info whether it is the credentials that are wrong (connectwise.md 1.2)."""
    parsed = _parsed(body)
    message = _message(parsed, status)
    after = retry_after(headers, parsed)
    kind = _kind(method, path, status, after, message, _codes(parsed))
    if kind is FailureKind.UNAUTHENTICATED:
        return unauthenticated(method, path, status)
    if kind is FailureKind.FORBIDDEN:
        message = f"{message} The role of the API member needs {_permission(path)}."
    return RemoteFailure(
        kind,
        message,
        endpoint=endpoint(method, path),
        status=status,
        retry_after=after,
        frozen=kind is FailureKind.REJECTED and FROZEN.search(message) is not None,
    )


def _kind(
    method: str,
    path: str,
    status: int,
    after: float | None,
    message: str,
    codes: frozenset[str],
) -> FailureKind:
    read = method == "GET"
    asks_to_wait = status == HTTPStatus.SERVICE_UNAVAILABLE and after is not None
    if status == HTTPStatus.TOO_MANY_REQUESTS or (asks_to_wait and read):
        return FailureKind.RATE_LIMITED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return FailureKind.TRANSIENT if read else FailureKind.OUTCOME_UNKNOWN
    if status in PLAIN:
        return PLAIN[status]
    if status == HTTPStatus.NOT_FOUND and names_a_record(path):
        return FailureKind.GONE
    if "objectexists" in codes:
        return FailureKind.EXISTS
    if PASSING.search(message):
        return FailureKind.TRANSIENT
    return FailureKind.REJECTED


def _parsed(body: bytes) -> Any:
    try:
        return wire_json.loads(body)
    except wire_json.NotReadable:
        return None


def _details(parsed: Any) -> list[Mapping[str, Any]]:
    found = parsed.get("errors") if isinstance(parsed, Mapping) else None
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _codes(parsed: Any) -> frozenset[str]:
    own = [parsed] if isinstance(parsed, Mapping) else []
    return frozenset(str(item.get("code", "")).lower() for item in [*own, *_details(parsed)])


def _message(parsed: Any, status: int) -> str:
    """The vendor's own words, the general ones first, then those of each field."""
    if not isinstance(parsed, Mapping):
        return f"ConnectWise answered {status}."
    words = [str(parsed.get("message") or parsed.get("code") or "").strip()]
    for item in _details(parsed):
        text = str(item.get("message") or item.get("code") or "").strip()
        field = str(item.get("field") or "").strip()
        words.append(f"{field}: {text}" if field and field.lower() not in text.lower() else text)
    said = "; ".join(dict.fromkeys(word for word in words if word))
    return masked(said)[:LONGEST_MESSAGE] or f"ConnectWise answered {status}."


def _permission(path: str) -> str:
    for start, permission in PERMISSIONS:
        if path.startswith(start):
            return f"the permission {permission}"
    return "a further permission"


def retry_after(headers: Mapping[str, str], parsed: Any = None) -> float | None:
    """Seconds to wait as the answer asks for, clamped; None when it does not ask.

    A date is counted from the answer's own Date, so that clocks need not agree.
    """
    given = headers.get("retry-after", "").strip()
    seconds: float | None = None
    if given:
        seconds = _seconds(given, headers.get("date", ""))
    elif isinstance(parsed, Mapping):
        said = AGAIN_IN.search(str(parsed.get("message", "")))
        seconds = float(said.group(1)) if said else None
    return None if seconds is None else clamp_retry_after(seconds, 1.0)


def _seconds(given: str, date: str) -> float | None:
    try:
        return float(given)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(given) - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
