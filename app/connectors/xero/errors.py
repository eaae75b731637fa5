"""What an answer or a failed call of Xero means, as one of the failure kinds.

Owns the table of `design.md`, section 2, for this vendor: statuses, its known sentences, and the
errors that hide in an answer of 200 (accounting.md 3.6). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from app.connectors import unanswered, wire_json
from app.connectors.recording import masked
from app.connectors.unanswered import LONGEST_MESSAGE
from app.domain.errors import FailureKind, RemoteFailure, clamp_retry_after

GUID_IN_PATH = re.compile(r"/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=/|$)", re.IGNORECASE)

# Xero's sentences, as far as something follows from them. The first that fits decides.
SENTENCES: tuple[tuple[re.Pattern[str], FailureKind, bool], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, frozen)
    for pattern, kind, frozen in (
        (r"must be unique|already assigned to another contact", FailureKind.EXISTS, False),
        (r"\balready exists\b", FailureKind.EXISTS, False),
        (r"not of valid status for modification", FailureKind.REJECTED, True),
        (r"payment or credit note allocated", FailureKind.REJECTED, True),
        (r"lock date", FailureKind.REJECTED, True),
        (r"not subscribed to currency|plan allows no", FailureKind.FORBIDDEN, False),
        # Ours: a key belongs to one body (accounting.md 3.2).
        (r"used with a different request", FailureKind.INVALID, False),
    )
)
# Seconds of a pause that the answer does not name, by what X-Rate-Limit-Problem says. Its exact
# words are not documented, so a part of one is enough.
PAUSES = (("concurrent", 1.0), ("day", 900.0), ("daily", 900.0), ("minute", 60.0))
PAUSE_UNSAID = 5.0
# accounting.md 3.6: an organisation that is offline comes back in about five minutes.
OFFLINE_SECONDS = 300.0
NO_SCOPE = "authorizationunsuccessful"
NO_TENANT = "authenticationunsuccessful"

# Scopes by path (accounting.md 3.4), for the sentence that asks for one.
SCOPES = (
    ("/Contacts", "accounting.contacts"),
    ("/Organisation", "accounting.settings.read"),
    ("/Accounts", "accounting.settings.read"),
    ("/TaxRates", "accounting.settings.read"),
    ("/", "accounting.invoices"),
)


def endpoint(method: str, path: str) -> str:
    """How an endpoint is named to people: its ids as {id}."""
    return f"{method} {GUID_IN_PATH.sub('/{id}', path)}"


def of_transport(
    error: httpx.HTTPError | httpx.InvalidURL, method: str, path: str
) -> RemoteFailure:
    """No answer came: what is known about the request's fate."""
    return unanswered.no_answer("Xero", error, method, endpoint(method, path))


def unreadable(method: str, path: str, status: int, why: str) -> RemoteFailure:
    """A 2xx answer that cannot be read: a write may have been carried out."""
    return unanswered.unreadable("Xero", why, method, endpoint(method, path), status)


def invalid(method: str, path: str, why: str) -> RemoteFailure:
    """Our own check refused the request; nothing was sent."""
    return RemoteFailure(FailureKind.INVALID, why, endpoint=endpoint(method, path))


def moved_on(method: str, path: str) -> RemoteFailure:
    """The record is not as it was when the change was decided. Nothing was sent."""
    return RemoteFailure(
        FailureKind.CONFLICT,
        "Somebody changed the record in Xero meanwhile.",
        endpoint=endpoint(method, path),
    )


def gone(method: str, path: str) -> RemoteFailure:
    return RemoteFailure(
        FailureKind.GONE,
        "Xero does not have the record any more.",
        endpoint=endpoint(method, path),
        status=HTTPStatus.NOT_FOUND,
    )


def of_answer(
    method: str, path: str, status: int, headers: Mapping[str, str], body: bytes
) -> RemoteFailure:
    """An answer outside 2xx."""
    parsed = _parsed(body)
    message = _message(parsed, body, status)
    kind, frozen = _kind(method, path, status, parsed, message, headers)
    if kind is FailureKind.FORBIDDEN and status in {401, 403}:
        message = f"{message} The connection needs the scope {_scope(path)}."
    elif kind is FailureKind.UNAUTHENTICATED:
        message = "Xero does not let the connection in: a person has to connect it again."
    correlation = headers.get("xero-correlation-id", "")
    if status >= 500 and correlation:
        # What the vendor's support asks for.
        message = f"{message} (Xero-Correlation-Id {correlation[:64]})"
    return RemoteFailure(
        kind,
        message,
        endpoint=endpoint(method, path),
        status=status,
        retry_after=_pause(kind, status, headers, message),
        frozen=frozen,
    )


def _kind(
    method: str, path: str, status: int, parsed: Any, message: str, headers: Mapping[str, str]
) -> tuple[FailureKind, bool]:
    read = method == "GET"
    asks_to_wait = "retry-after" in headers or "offline" in message.lower()
    if status == 429 or (status == 503 and read and asks_to_wait):
        return FailureKind.RATE_LIMITED, False
    if status >= 500 or status == 408:
        return (FailureKind.TRANSIENT if read else FailureKind.OUTCOME_UNKNOWN), False
    if status in {401, 403}:
        return _access(status, parsed), False
    if status == 404 and GUID_IN_PATH.search(path):
        return FailureKind.GONE, False
    return of_sentence(message)


def _access(status: int, parsed: Any) -> FailureKind:
    """Which of token, tenant and scope is missing. Xero says it in `Detail`; where it does not,
    401 is the token and 403 is what it may do."""
    detail = str(parsed.get("Detail") or "").lower() if isinstance(parsed, Mapping) else ""
    if NO_SCOPE in detail:
        return FailureKind.FORBIDDEN
    if status == 401 or NO_TENANT in detail:
        return FailureKind.UNAUTHENTICATED
    return FailureKind.FORBIDDEN


def of_sentence(message: str) -> tuple[FailureKind, bool]:
    """The kind of a refusal, and whether it is because the record or its period is closed."""
    for pattern, kind, frozen in SENTENCES:
        if pattern.search(message):
            return kind, frozen
    return FailureKind.REJECTED, False


def of_element(method: str, path: str, status: int, element: Any) -> RemoteFailure | None:
    """The failure that an element of a 2xx answer tells of, None where it tells of none."""
    if not isinstance(element, Mapping):
        return None
    said = _sentences([element])
    bad = element.get("StatusAttributeString") == "ERROR" or element.get("HasErrors") is True
    if not said and not bad and element.get("HasValidationErrors") is not True:
        return None
    message = masked("; ".join(said))[:LONGEST_MESSAGE] or "Xero refused it and did not say why."
    kind, frozen = of_sentence(message)
    return RemoteFailure(
        kind, message, endpoint=endpoint(method, path), status=status, frozen=frozen
    )


def _sentences(elements: Any) -> list[str]:
    """Validation errors, whose key is Message, or Description in one of Xero's examples."""
    found = [
        str(error.get("Message") or error.get("Description") or "").strip()
        for element in _mappings(elements)
        for error in _mappings(element.get("ValidationErrors"))
    ]
    return [text for text in dict.fromkeys(found) if text]


def _mappings(listed: Any) -> list[Mapping[str, Any]]:
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _message(parsed: Any, body: bytes, status: int) -> str:
    """The vendor's own words, those of the elements first, because the general ones say nothing."""
    if isinstance(parsed, Mapping):
        said = _sentences(parsed.get("Elements"))
        general = (parsed.get(name) for name in ("Detail", "Message", "Title"))
        text = "; ".join(said) or next((str(one) for one in general if one), "")
    else:
        text = body.decode("utf-8", "replace").strip() if len(body) <= LONGEST_MESSAGE else ""
    return masked(text)[:LONGEST_MESSAGE] or f"Xero answered {status}."


def _pause(
    kind: FailureKind, status: int, headers: Mapping[str, str], message: str
) -> float | None:
    """Seconds to leave Xero alone; None where nothing asks for it."""
    given = headers.get("retry-after", "").strip()
    if given:
        try:
            return clamp_retry_after(float(given), PAUSE_UNSAID)
        except ValueError:
            return PAUSE_UNSAID
    if status == 503 and "offline" in message.lower():
        return OFFLINE_SECONDS
    if kind is not FailureKind.RATE_LIMITED:
        return None
    problem = headers.get("x-rate-limit-problem", "").lower()
    return next((seconds for word, seconds in PAUSES if word in problem), PAUSE_UNSAID)


def _scope(path: str) -> str:
    return next(scope for start, scope in SCOPES if path.startswith(start))


def _parsed(body: bytes) -> Any:
    try:
        return wire_json.loads(body)
    except wire_json.NotReadable:
        return None
