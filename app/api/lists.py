"""Lists by cursor, and the refusals that every admin endpoint may answer.

Owns the form of lists (`{"items","next"}` with `Link: rel=next`) and the problems' place in OpenAPI.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel

from app.api.models import ProblemBody
from app.api.problems import MEDIA_TYPE

T = TypeVar("T")

Cursor = Annotated[
    str | None,
    Query(max_length=500, description="The `next` of the answer before; else the start."),
]
Limit = Annotated[int, Query(ge=1, le=200, description="Entries in one answer.")]


class Listed(BaseModel, Generic[T]):
    """A part of a list. `next` is null at its end."""

    items: list[T]
    next: str | None = None


def refusal(description: str) -> dict[str, Any]:
    """A problem answer, for an endpoint's `responses`."""
    schema = {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


REFUSALS: dict[int | str, dict[str, Any]] = {
    401: refusal("No valid key (UNAUTHENTICATED)."),
    403: refusal("The key's scopes do not allow it (FORBIDDEN)."),
    404: refusal("There is no such thing (NOT_FOUND)."),
    409: refusal(
        "NUMBER_AMBIGUOUS with `connections`, SUBJECT_AMBIGUOUS with `subjects`, PLAN_STALE with "
        "`orders`, DECISION_NOT_OPEN, WRITE_IN_DOUBT, REPIN_REFUSED, CONNECTION_NOT_PAUSED, "
        "EVENT_NOT_REPLAYABLE, CALL_NOT_SEALED, SEALING_KEY_GONE, LEDGER_NOT_SET_UP, "
        "ALERTS_NOT_SET_UP, SIGN_IN_REFUSED, PROBE_UNDER_WAY, REPLAY_ENDED or IDEMPOTENCY_KEY_IN_USE."
    ),
    422: refusal(
        "REQUEST_NOT_VALID, CHOICE_NOT_KNOWN with `choices`, SETTING_READ_ONLY or "
        "IDEMPOTENCY_KEY_REUSED."
    ),
    503: refusal("The database is away (DATABASE_UNAVAILABLE); see Retry-After."),
}

# Of what asks ConnectWise while the request waits.
ASKS_CONNECTWISE: dict[int | str, dict[str, Any]] = {
    502: refusal("ConnectWise did not answer as asked (CONNECTWISE_UNAVAILABLE).")
}


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Point to the following part. Relative: a Host header is nothing to build addresses from."""
    if cursor is None:
        return
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    query = urlencode([*kept, ("cursor", cursor)])
    response.headers["link"] = f'<{request.url.path}?{query}>; rel="next"'
