"""A real worker process that kills itself with -9 at a named point of a step.

Run as `python -m tests.e2e.killer STEP POINT` with the service's settings in the environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from app.bootstrap import opened
from workers import supervisor


class Kill:
    """ports.Checkpoints: nothing survives the point, no handler, no flush."""

    def __init__(self, step: str, point: str) -> None:
        self.wanted = (point, step)

    async def reached(self, point: str, step: str, subject: str) -> None:
        if (point, step) == self.wanted:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(step: str, point: str) -> None:
    async with opened(checkpoints=Kill(step, point), migrated=False) as container:
        await supervisor.run(container.worker(), container.redis_url, container.clock, "killer")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
