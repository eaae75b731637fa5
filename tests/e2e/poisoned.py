"""A real worker process that something it reads kills with -9: a delivery, or an order.

Run as `python -m tests.e2e.poisoned WHERE TEXT` with the service's settings in the environment;
WHERE is `merging` (a delivery whose body has TEXT) or `deciding` (the order of that number).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime
from typing import Any

from app.bootstrap import opened
from app.domain import decide as deciding
from app.domain.records import InboxEvent, Merge
from app.sync import engine, inbox
from workers import supervisor


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def main(where: str, text: str) -> None:
    plan, decide = inbox.plan, deciding.decide

    def deadly_plan(event: InboxEvent, now: datetime) -> Merge:
        if where == "merging" and text.encode() in event.body:
            _die()
        return plan(event, now)

    def deadly_decide(scenario: Any, steps: Any, view: Any) -> Any:
        if where == "deciding" and view.row.number == text:
            _die()
        return decide(scenario, steps, view)

    inbox.plan = deadly_plan
    setattr(engine, "decide", deadly_decide)  # noqa: B010 - a name that the module only imports
    async with opened(migrated=False) as container:
        await supervisor.run(container.worker(), container.redis_url, container.clock, "poisoned")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
