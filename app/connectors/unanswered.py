"""What it means that a system gave no answer, or none that can be read: the same of every vendor.

Pure. What an answer that can be read means is each vendor's own table.
"""

from __future__ import annotations

import httpx

from app.connectors.recording import masked
from app.connectors.transport import not_sent
from app.domain.errors import FailureKind, RemoteFailure

LONGEST_MESSAGE = 500  # characters of what a system said


def in_doubt(method: str) -> FailureKind:
    """A write may have been carried out; a read is asked again."""
    return FailureKind.TRANSIENT if method == "GET" else FailureKind.OUTCOME_UNKNOWN


def no_answer(
    system: str, error: httpx.HTTPError | httpx.InvalidURL, method: str, endpoint: str
) -> RemoteFailure:
    """No answer came: what is known about the request's fate."""
    text = masked(str(error))[:LONGEST_MESSAGE] or type(error).__name__
    if not_sent(error):
        kind, message = FailureKind.NOT_SENT, f"{system} cannot be reached: {text}"
    elif method == "GET":
        kind, message = FailureKind.TRANSIENT, f"{system} did not answer: {text}"
    else:
        kind = FailureKind.OUTCOME_UNKNOWN
        message = f"{system} did not say whether it was done: {text}"
    return RemoteFailure(kind, message, endpoint=endpoint)


def unreadable(system: str, why: str, method: str, endpoint: str, status: int) -> RemoteFailure:
    """A good answer that is not what the vendor describes: a write may have been carried out."""
    whose = f"{system}'" if system.endswith("s") else f"{system}'s"
    message = f"{whose} answer cannot be read: {why}"[:LONGEST_MESSAGE]
    return RemoteFailure(in_doubt(method), message, endpoint=endpoint, status=status)
