"""A question to a remote system as a finding: what its refusal means, and what to do about it.

Owns the words for failures, so that every check says the same of the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.domain.checkup import Finding, Outcome
from app.domain.errors import FailureKind, RemoteFailure

Answer = TypeVar("Answer")

FIXES: dict[FailureKind, str] = {
    FailureKind.UNAUTHENTICATED: "Give the right credentials and start the service again.",
    FailureKind.FORBIDDEN: "Set that permission to All in the security role of the API member.",
    FailureKind.NOT_SENT: "See whether the address is right and reached from this host.",
    FailureKind.TRANSIENT: "Ask again in a minute; see the vendor's status page.",
    FailureKind.RATE_LIMITED: "Ask again when the limit is over.",
}


async def asked(
    name: str, area: str, proven_by: str, question: Callable[[], Awaitable[Answer]]
) -> Finding | tuple[Answer]:
    """The answer, in a tuple of one; or the finding that there was none."""
    try:
        return (await question(),)
    except RemoteFailure as failure:
        limited = failure.kind is FailureKind.RATE_LIMITED
        return Finding(
            name,
            area,
            Outcome.UNPROVEN if limited else Outcome.FAILED,
            failure.message,
            cause=failure.kind.value.replace("_", " "),
            fix=FIXES.get(failure.kind, "See what the vendor says."),
            proven_by=failure.endpoint or proven_by,
        )
