"""A real worker process that freezes (SIGSTOP) between its last look at the lease and one write.

Run as `python -m tests.e2e.freezer METHOD`, a method of the ConnectWise client, with the service's
settings in the environment. Thawed (SIGCONT) it sends that write, however late.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from app.bootstrap import opened
from workers import supervisor


async def main(method: str) -> None:
    async with opened(migrated=False) as container:
        real, frozen = getattr(container.cw, method), False

        async def late(*given: Any, **named: Any) -> Any:
            nonlocal frozen
            if not frozen:
                frozen = True
                os.kill(os.getpid(), signal.SIGSTOP)
            return await real(*given, **named)

        setattr(container.cw, method, late)
        await supervisor.run(container.worker(), container.redis_url, container.clock, "freezer")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
