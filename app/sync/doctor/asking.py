"""A question to a remote system as a finding: what its refusal means, and what to do about it.

Owns the words for failures, so that every check says the same of the same, and how long all questions
of one examination may take.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from logging import ERROR
from typing import TypeVar

from app.domain.checkup import Finding, Outcome
from app.domain.commerce import BudgetSpent
from app.domain.errors import FailureKind, RemoteFailure, StoreUnavailable
from app.telemetry import wide

Answer = TypeVar("Answer")

# For all questions together: what stands before the API gives up after 60 seconds, as a rule.
SECONDS = 45.0
LATE = "no answer in time"
_until: ContextVar[float | None] = ContextVar("asked until", default=None)

CAUSES: dict[FailureKind, str] = {
    FailureKind.UNAUTHENTICATED: "The keys are wrong, were revoked or are of another company, or the "
    "address is another system's.",
    FailureKind.FORBIDDEN: "The security role of the API member does not have it at level All.",
    FailureKind.NOT_SENT: "The address is wrong, its name is not resolved, a firewall or proxy stands "
    "between, or the system is away.",
    FailureKind.TRANSIENT: "It failed or did not answer in time: an outage, an upgrade, or too much at "
    "once.",
    FailureKind.RATE_LIMITED: "The calls that it allows are used up, by this or by another program.",
    FailureKind.GONE: "Nothing is at that address: another version or company, or the record is deleted.",
}
# Where nobody has a security role: by area, or by the name of one check.
OF_OTHERS: dict[tuple[str, FailureKind], tuple[str, str]] = {
    ("ledger", FailureKind.UNAUTHENTICATED): (
        "The consent ended, was taken back there, or its tokens were lost.",
        "Sign in again: `demandlink connections list` says to which, `demandlink connections sign-in` how.",
    ),
    ("ledger", FailureKind.FORBIDDEN): (
        "The consent does not cover it, or who gave it has lost access to the company.",
        "Sign in again as somebody who may see accounts, contacts, bills and invoices.",
    ),
    ("commerce_polling", FailureKind.UNAUTHENTICATED): (
        "The key is wrong, or was made anew in Commerce.",
        "Set COMMERCE_API_KEY to the key of Commerce's account menu, Developer API, and start again.",
    ),
    ("commerce_polling", FailureKind.FORBIDDEN): (
        "The key is of a user who may not read documents, or the interface is not part of the plan.",
        "Make the key as an administrator of Commerce.",
    ),
}
FIXES: dict[FailureKind, str] = {
    FailureKind.UNAUTHENTICATED: "Give the right credentials and start the service again.",
    FailureKind.FORBIDDEN: "Set that permission to All in the security role of the API member.",
    FailureKind.NOT_SENT: "See whether the address is right and reached from this host.",
    FailureKind.TRANSIENT: "Ask again in a minute; see the vendor's status page.",
    FailureKind.RATE_LIMITED: "Ask again when the limit is over.",
}


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is asked in here, by however many tasks, has so many seconds in all."""
    token = _until.set(asyncio.get_running_loop().time() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


async def asked(
    name: str, area: str, proven_by: str, question: Callable[[], Awaitable[Answer]]
) -> Finding | tuple[Answer]:
    """The answer, in a tuple of one; or the finding that there was none."""
    until = _until.get()
    left = None if until is None else until - asyncio.get_running_loop().time()
    if left is not None and left <= 0:
        told = "Not asked, because the answers to what was asked before took too long."
        return Finding(name, area, Outcome.SKIPPED, told, LATE, proven_by=proven_by)
    bound = asyncio.timeout(left)
    try:
        async with bound:
            return (await question(),)
    except TimeoutError:
        if not bound.expired():
            raise
        told = "There was no answer before the time for all questions was over."
        return Finding(name, area, Outcome.UNPROVEN, told, LATE, proven_by=proven_by)
    except (BudgetSpent, StoreUnavailable):
        raise
    except RemoteFailure as failure:
        kind = failure.kind
        limited = kind is FailureKind.RATE_LIMITED
        others = OF_OTHERS.get((area, kind)) or OF_OTHERS.get((name, kind))
        cause, fix = others or (
            CAUSES.get(kind, "It answered with something that the service does not expect there."),
            FIXES.get(kind, "See what it says; ask the vendor if it stays so."),
        )
        return Finding(
            name,
            area,
            Outcome.UNPROVEN if limited else Outcome.FAILED,
            failure.message,
            cause=cause,
            fix=fix,
            proven_by=failure.endpoint or proven_by,
        )
    except Exception as error:  # noqa: BLE001 - one check that breaks hides no other
        wide("check_failed", level=ERROR, check=name, error=type(error).__name__, exc_info=error)
        return Finding(
            name,
            area,
            Outcome.UNPROVEN,
            f"This check ended by an error of its own, {type(error).__name__}.",
            "It met something that nobody foresaw.",
            "See the log for check_failed, and report it with the version.",
            proven_by,
        )


def late(findings: Collection[Finding], seconds: float) -> list[Finding]:
    """What was not answered in time, for each area in one finding; the checks themselves say less."""
    found = []
    for area in dict.fromkeys(one.area for one in findings):
        names = [one.name for one in findings if one.area == area and one.cause == LATE]
        if names:
            found.append(
                Finding(
                    f"{area}_answers",
                    area,
                    Outcome.FAILED,
                    f"{len(names)} checks had no answer within {seconds:g} seconds, "
                    f"{names[0]} as the first.",
                    "The system answers slowly or not at all, or what stands before it does.",
                    "See the vendor's status page and `demandlink connections list`; ask again when it "
                    "answers.",
                    "the time that the answers took",
                )
            )
    return found
