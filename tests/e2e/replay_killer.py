"""A real process of the service that kills itself with -9 at a named point of a replay's run.

Run as `python -m tests.e2e.replay_killer POINT[:NTH] serve --json` or `... worker`, with the service's
settings in the environment. Points: `starting`, all of a start written and not committed; `started`,
committed and not answered; `answering`, known what to answer and not kept for its Idempotency-Key;
`aborting`, all of an abort written and not committed; `releasing`, an order given back and the nth
result written, and not committed; `released`, the same committed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from app import cli
from app.domain.views import Audit
from app.store import auditing, operating
from app.store.access import Access
from app.store.database import Session
from app.store.operating import Operating
from app.store.recording import Recording

_RESULTS = "SELECT count(*) FROM replay_item WHERE result_at IS NOT NULL"


class Death:
    """Nothing survives the point, no handler, no flush."""

    def __init__(self, named_so: str) -> None:
        self.point, _, nth = named_so.partition(":")
        self.nth = int(nth or 1)

    def visit(self, times: int = 1) -> None:
        if times >= self.nth:
            os.kill(os.getpid(), signal.SIGKILL)


def _put(owner: Any, name: str, value: object) -> None:
    setattr(owner, name, value)


def _in_audit(death: Death, action: str) -> None:
    """The last that the transaction writes."""
    real = auditing.append

    async def append(session: Session, tenant_id: int, audit: Audit) -> None:
        await real(session, tenant_id, audit)
        if audit.action == action:
            death.visit()

    _put(operating, "append", append)


def _after_start(death: Death) -> None:
    real = Operating.start_replay

    async def start_replay(self: Operating, *given: Any) -> Any:
        await real(self, *given)
        death.visit()

    _put(Operating, "start_replay", start_replay)


def _before_answer(death: Death) -> None:
    async def answer_request(*_: Any) -> None:
        death.visit()

    _put(Access, "answer_request", answer_request)


def _in_release(death: Death) -> None:
    real = Recording._release

    async def release(session: Session, held: Any) -> set[int]:
        released = await real(session, held)
        death.visit(await session.fetchval(_RESULTS))
        return released

    _put(Recording, "_release", staticmethod(release))


def _after_release(death: Death) -> None:
    real = Recording._commit

    async def commit(self: Recording, entries: Any) -> Any:
        done = await real(self, entries)
        async with self._db.session() as session:
            death.visit(await session.fetchval(_RESULTS))
        return done

    _put(Recording, "_commit", commit)


POINTS: dict[str, Callable[[Death], None]] = {
    "starting": lambda death: _in_audit(death, "replay.run"),
    "aborting": lambda death: _in_audit(death, "replay.abort"),
    "started": _after_start,
    "answering": _before_answer,
    "releasing": _in_release,
    "released": _after_release,
}


if __name__ == "__main__":
    wanted = Death(sys.argv.pop(1))
    POINTS[wanted.point](wanted)
    cli.main()
