"""A real worker process that freezes (SIGSTOP) between its last look at the lease and one write.

Run as `python -m tests.e2e.freezer METHOD`, a method of the ConnectWise client, or of the ledger's
as `METHOD:KIND` of document, with the service's settings in the environment. Thawed (SIGCONT) it
sends that write, however late.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

import httpx

from app.bootstrap import opened
from app.connectors.transport import READS, AiohttpTransport
from workers import supervisor


async def main(named_so: str) -> None:
    method, _, kind = named_so.partition(":")
    async with opened(migrated=False) as container:
        client: Any = container.books if kind else container.cw
        real, sends = getattr(client, method), AiohttpTransport.handle_async_request
        begun, frozen = False, False

        async def begin(*given: Any, **named: Any) -> Any:
            nonlocal begun
            begun = begun or not kind or given[0].kind.value == kind
            return await real(*given, **named)

        async def late(transport: AiohttpTransport, request: httpx.Request) -> httpx.Response:
            nonlocal frozen
            if begun and not frozen and request.method not in READS:
                frozen = True
                os.kill(os.getpid(), signal.SIGSTOP)
            return await sends(transport, request)

        setattr(client, method, begin)
        setattr(AiohttpTransport, "handle_async_request", late)  # noqa: B010 - mypy refuses the other
        await supervisor.run(container.worker(), container.redis_url, container.clock, "freezer")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
