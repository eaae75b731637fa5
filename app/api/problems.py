"""Refusals as RFC 9457 problems: a stable type for each reason, and what to do about it.

Owns the closed table of the interface's own problems and how any failure becomes one. Must not
decide anything: callers raise `Problem`, the rest are FastAPI's and Starlette's own errors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app import telemetry
from app.domain.codes import Code
from app.domain.errors import StoreUnavailable
from app.domain.reasons import CODES

MEDIA_TYPE = "application/problem+json"
MAX_CAUSES = 8
RETRY_AFTER = "5"  # seconds: longer than a restart of the database, short for a sender
_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What the interface may answer beside the reasons of `app.domain.reasons`."""

    status: int
    title: str


KINDS: dict[str, ProblemKind] = {
    "UNAUTHENTICATED": ProblemKind(401, "No valid key came with the request."),
    "FORBIDDEN": ProblemKind(403, "The key's scopes do not allow this."),
    "NOT_FOUND": ProblemKind(404, "There is no such thing here."),
    "CONNECTION_UNKNOWN": ProblemKind(404, "There is no connection of this name."),
    "METHOD_NOT_ALLOWED": ProblemKind(405, "The address does not take this method."),
    "NUMBER_AMBIGUOUS": ProblemKind(409, "Several connections know this number."),
    "PLAN_STALE": ProblemKind(409, "Orders moved since the plan was made."),
    "DECISION_NOT_OPEN": ProblemKind(409, "The order does not stand at this reason."),
    "SUBJECT_AMBIGUOUS": ProblemKind(409, "Several subjects stand at this reason."),
    "WRITE_IN_DOUBT": ProblemKind(409, "What became of a write is not known yet."),
    "REPIN_REFUSED": ProblemKind(409, "The order cannot be pinned anew."),
    "CONNECTION_NOT_PAUSED": ProblemKind(409, "The connection is not paused."),
    "TICKET_REFUSED": ProblemKind(409, "The order cannot go on this ticket."),
    "EVENT_NOT_REPLAYABLE": ProblemKind(409, "The delivery cannot be merged now."),
    "CALL_NOT_SEALED": ProblemKind(409, "No personal values of the call are kept."),
    "SEALING_KEY_GONE": ProblemKind(409, "The key that opens them is gone."),
    "ALERTS_NOT_SET_UP": ProblemKind(409, "Alerts have nowhere to go."),
    "PROBE_UNDER_WAY": ProblemKind(409, "Another probe of the doctor is under way."),
    "LEDGER_NOT_SET_UP": ProblemKind(409, "The ledger is not set up here."),
    "SIGN_IN_REFUSED": ProblemKind(409, "The sign-in cannot be taken."),
    "BUDGET_TOO_SMALL": ProblemKind(409, "Too few calls are left for the day."),
    "REPLAY_ENDED": ProblemKind(409, "The replay has ended."),
    "IDEMPOTENCY_KEY_IN_USE": ProblemKind(409, "A request with this key is being worked on."),
    "BODY_TOO_LARGE": ProblemKind(413, "The body is larger than 1 MiB."),
    "REQUEST_NOT_VALID": ProblemKind(422, "The request is not as the contract says."),
    "CHOICE_NOT_KNOWN": ProblemKind(422, "The reason does not offer this choice."),
    "IDEMPOTENCY_KEY_REUSED": ProblemKind(422, "The key was used before for another request."),
    "SETTING_READ_ONLY": ProblemKind(422, "The setting comes from the environment."),
    "KEY_UNREACHABLE": ProblemKind(429, "The signing key cannot be fetched now."),
    "CONNECTWISE_UNAVAILABLE": ProblemKind(502, "ConnectWise did not answer as asked."),
    "COMMERCE_UNAVAILABLE": ProblemKind(502, "Commerce did not answer as asked."),
    "LEDGER_UNAVAILABLE": ProblemKind(502, "The ledger did not answer as asked."),
    "DATABASE_UNAVAILABLE": ProblemKind(503, "The database cannot take the request now."),
    "INTAKE_FULL": ProblemKind(503, "Too many deliveries wait to be kept."),
    "INTERNAL": ProblemKind(500, "The service failed."),
}


@dataclass(slots=True)
class Problem(Exception):
    """A refusal. `code` is a key of KINDS or a `Code`; `detail` says what was wrong and what to
    do; `more` holds further members of the answer.
    """

    code: str
    detail: str
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        Exception.__init__(self, self.detail)
        if not self.status:
            self.status = KINDS[self.code].status

    def body(self) -> dict[str, Any]:
        kind = KINDS.get(self.code)
        return {
            "type": type_of(self.code),
            "title": kind.title if kind else CODES[Code(self.code)].meaning,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **self.more,
        }

    def content(self) -> bytes:
        return json.dumps(self.body(), ensure_ascii=False, default=str).encode()


def type_of(code: str) -> str:
    """The problem's stable type."""
    return f"urn:demandlink:problem:{code}"


def unavailable(status: int = 503) -> Problem:
    """The database is away. ConnectWise retries 429 and not 503 (connectwise.md 2.4)."""
    return Problem(
        "DATABASE_UNAVAILABLE",
        "Nothing was kept. Send the same request again after Retry-After seconds.",
        status=status,
        headers={"retry-after": RETRY_AFTER},
    )


def crowded(status: int) -> Problem:
    """More deliveries came than are kept in time; each sender hears the status that it repeats on."""
    return Problem(
        "INTAKE_FULL",
        "Nothing was kept, because too many deliveries wait. Send it again after Retry-After seconds.",
        status=status,
        headers={"retry-after": RETRY_AFTER},
    )


def response(problem: Problem) -> Response:
    return Response(
        problem.content(),
        status_code=problem.status,
        headers=dict(problem.headers),
        media_type=MEDIA_TYPE,
    )


async def on_problem(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Problem):
        raise error
    return response(error)


async def on_store_unavailable(_request: Request, _error: Exception) -> Response:
    return response(unavailable())


async def on_http_error(_request: Request, error: Exception) -> Response:
    """What the frameworks refuse themselves: unknown addresses, methods, bodies."""
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}.get(error.status_code)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if code is None:
        ours = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        code = "INTERNAL" if ours else "REQUEST_NOT_VALID"
    detail = f"{error.detail}. See /openapi.json for what this service answers."
    return response(Problem(code, detail, status=error.status_code, headers=headers))


async def on_invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return response(Problem("REQUEST_NOT_VALID", causes(error.errors())))


async def on_failure(request: Request, error: Exception) -> Response:
    """The last resort. Starlette raises the error again for the server's log, redacted there."""
    correlation_id = getattr(request.state, "correlation_id", None)
    _log.error(
        "request_failed",
        path=request.url.path,
        error=type(error).__name__,
        correlation_id=correlation_id,
    )
    detail = "The service's log tells more under the correlation_id."
    return response(Problem("INTERNAL", detail, more={"correlation_id": correlation_id}))


def causes(errors: Sequence[Any]) -> str:
    """Wrong parts of a request as one sentence, without their values."""
    found = [f"{'/'.join(map(str, item['loc']))}: {item['msg']}" for item in errors]
    more = f" and {len(found) - MAX_CAUSES} more" if len(found) > MAX_CAUSES else ""
    return "; ".join(found[:MAX_CAUSES]) + more


HANDLERS: dict[int | type[Exception], Any] = {
    Problem: on_problem,
    StoreUnavailable: on_store_unavailable,
    HTTPException: on_http_error,
    RequestValidationError: on_invalid,
    Exception: on_failure,
}
